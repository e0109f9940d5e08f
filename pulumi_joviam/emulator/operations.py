"""The table of operations: every endpoint of the API reference and the function that implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from pulumi_joviam.emulator import (
    console_session,
    disk,
    disk_resize,
    ip_address,
    network,
    performance_tier,
    public_key,
    template,
    template_create,
)
from pulumi_joviam.emulator import instance_operations as instance
from pulumi_joviam.emulator.body import Nothing
from pulumi_joviam.emulator.console_session import ConsoleSession
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.store import Accepted, Object, Shown, Store


@dataclass(frozen=True)
class Operation:
    """One endpoint: its name in the API reference, its function, and its status on success."""

    name: str
    act: Callable[..., Any]
    status: int = 200

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.name.split()[0]

    @property
    def path(self) -> str:
        """Its path below the API's root, with parameters in braces."""
        return self.name.split()[1]

    @cached_property
    def body(self) -> type[BaseModel]:
        """The model of its body."""
        body: type[BaseModel] = get_type_hints(self.act).get("body", Nothing)
        return body

    @cached_property
    def answers(self) -> Mapping[int, Any]:
        """The types of its responses by status."""
        returned = get_type_hints(self.act)["return"]
        answers = {self.status: returned}
        for alternative in get_args(returned):
            if get_origin(alternative) is Accepted:
                answers = {self.status: get_args(returned)[0], 202: get_args(alternative)[0]}
        return answers


def show(noun: type[Object]) -> Callable[..., Any]:
    """Return the function that shows one object of a kind."""

    def act(store: Store, object_id: str) -> Any:
        return store.shown(store.find(noun, object_id))

    act.__doc__ = f"Show one of the {noun.kind}."
    act.__annotations__["return"] = get_type_hints(noun.show)["return"]
    return act


def index(noun: type[Object]) -> Callable[..., Any]:
    """Return the function that lists all objects of a kind."""

    def act(store: Store) -> list[Shown]:
        return [store.shown(obj) for obj in store.visible(noun)]

    act.__doc__ = f"List {noun.kind}."
    act.__annotations__["return"] = GenericAlias(list, get_type_hints(noun.show)["return"])
    return act


OPERATIONS = (
    Operation("GET /console_sessions/{console_session_id}", show(ConsoleSession)),
    Operation("GET /disks", index(disk.Disk)),
    Operation("POST /disks", disk.create, 201),
    Operation("GET /disks/{disk_id}", show(disk.Disk)),
    Operation("PUT /disks/{disk_id}", disk.update),
    Operation("DELETE /disks/{disk_id}", disk.delete),
    Operation("GET /disks/{disk_id}/state", disk.show_state),
    Operation("POST /disks/{disk_id}/resize", disk_resize.resize),
    Operation("POST /disks/{disk_id}/clone", disk.clone, 201),
    Operation("GET /instances", index(Instance)),
    Operation("POST /instances", instance.create, 201),
    Operation("POST /instances/assemble", instance.assemble),
    Operation("GET /instances/{instance_id}", show(Instance)),
    Operation("PUT /instances/{instance_id}", instance.update),
    Operation("DELETE /instances/{instance_id}", instance.delete, 202),
    Operation("GET /instances/{instance_id}/state", instance.show_state),
    Operation("GET /instances/{instance_id}/note", instance.show_note),
    Operation("POST /instances/{instance_id}/start", instance.start, 202),
    Operation("POST /instances/{instance_id}/stop", instance.stop, 202),
    Operation("POST /instances/{instance_id}/remote_access", console_session.create, 202),
    Operation("PUT /instances/{instance_id}/disks", instance.replace_disks),
    Operation("PUT /instances/{instance_id}/public_keys", instance.replace_public_keys),
    Operation("PUT /instances/{instance_id}/network_adapters", instance.replace_network_adapters),
    Operation("PUT /instances/{instance_id}/availability_group", instance.replace_availability_group),
    Operation("GET /instances/{instance_id}/context", instance.show_context),
    Operation("POST /instances/{instance_id}/context", instance.set_context),
    Operation("PUT /instances/{instance_id}/context", instance.update_context),
    Operation("DELETE /instances/{instance_id}/context/{instance_context_key}", instance.delete_context_variable),
    Operation("GET /ip_addresses", index(ip_address.IpAddress)),
    Operation("POST /ip_addresses", ip_address.create, 201),
    Operation("GET /ip_addresses/public", ip_address.list_public),
    Operation("GET /ip_addresses/private", ip_address.list_private),
    Operation("GET /ip_addresses/{ip_address_id}", show(ip_address.IpAddress)),
    Operation("PUT /ip_addresses/{ip_address_id}", ip_address.update),
    Operation("DELETE /ip_addresses/{ip_address_id}", ip_address.delete),
    Operation("GET /networks", index(network.Network)),
    Operation("POST /networks", network.create, 201),
    Operation("GET /networks/public", network.list_public),
    Operation("GET /networks/private", network.list_private),
    Operation("GET /networks/{network_id}", show(network.Network)),
    Operation("PUT /networks/{network_id}", network.update),
    Operation("DELETE /networks/{network_id}", network.delete),
    Operation("GET /performance_tiers/instances", performance_tier.list_instances),
    Operation("GET /performance_tiers/disks", performance_tier.list_disks),
    Operation("GET /public_keys", index(public_key.PublicKey)),
    Operation("POST /public_keys", public_key.create, 201),
    Operation("GET /public_keys/{public_key_id}", show(public_key.PublicKey)),
    Operation("PUT /public_keys/{public_key_id}", public_key.update),
    Operation("DELETE /public_keys/{public_key_id}", public_key.delete),
    Operation("GET /regions", index(Region)),
    Operation("GET /regions/{region_id}", show(Region)),
    Operation("GET /templates", index(template.Template)),
    Operation("POST /templates", template_create.create, 201),
    Operation("GET /templates/{template_id}", show(template.Template)),
)

READS = {operation.path: operation for operation in OPERATIONS if operation.method == "GET"}
"""The GET operations by path."""

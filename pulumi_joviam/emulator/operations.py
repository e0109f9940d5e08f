"""The API on one page: every endpoint of the reference, and the rule behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pulumi_joviam.emulator import disk, instance, ip_address, network, performance_tier, public_key, template
from pulumi_joviam.emulator.body import Nothing
from pulumi_joviam.emulator.console_session import ConsoleSession, RemoteAccess
from pulumi_joviam.emulator.console_session import create as create_console_session
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.store import Json, Object, Store


@dataclass(frozen=True)
class Operation:
    """One endpoint: its name in the API reference, the rule behind it, its parameters, and its status on success."""

    name: str
    act: Callable[..., Any]
    status: int = 200
    body: type[BaseModel] = Nothing

    @property
    def method(self) -> str:
        """Its HTTP verb."""
        return self.name.split()[0]

    @property
    def path(self) -> str:
        """Its path below the API's root, with parameters in braces."""
        return self.name.split()[1]


def show(noun: type[Object]) -> Callable[..., Any]:
    """The rule that shows one object of a kind."""

    def act(store: Store, object_id: str) -> Json:
        return store.find(noun, object_id).show(store)

    act.__doc__ = f"Show one of the {noun.kind}."
    return act


def index(noun: type[Object]) -> Callable[..., Any]:
    """The rule that lists all objects of a kind."""

    def act(store: Store) -> list[Json]:
        return [obj.show(store) for obj in store.visible(noun)]

    act.__doc__ = f"List {noun.kind}."
    return act


OPERATIONS = (
    Operation("GET /console_sessions/{console_session_id}", show(ConsoleSession)),
    Operation("GET /disks", index(disk.Disk)),
    Operation("POST /disks", disk.create, 201, disk.DiskCreate),
    Operation("GET /disks/{disk_id}", show(disk.Disk)),
    Operation("PUT /disks/{disk_id}", disk.update, 200, disk.DiskUpdate),
    Operation("DELETE /disks/{disk_id}", disk.delete),
    Operation("GET /disks/{disk_id}/state", disk.show_state),
    Operation("POST /disks/{disk_id}/resize", disk.resize, 200, disk.DiskResize),
    Operation("POST /disks/{disk_id}/clone", disk.clone, 201, disk.DiskClone),
    Operation("GET /instances", index(instance.Instance)),
    Operation("POST /instances", instance.create, 201, instance.InstanceCreate),
    Operation("POST /instances/assemble", instance.assemble, 200, instance.InstanceAssemble),
    Operation("GET /instances/{instance_id}", show(instance.Instance)),
    Operation("PUT /instances/{instance_id}", instance.update, 200, instance.InstanceUpdate),
    Operation("DELETE /instances/{instance_id}", instance.delete, 202),
    Operation("GET /instances/{instance_id}/state", instance.show_state),
    Operation("GET /instances/{instance_id}/note", instance.show_note),
    Operation("POST /instances/{instance_id}/start", instance.start, 202),
    Operation("POST /instances/{instance_id}/stop", instance.stop, 202),
    Operation("POST /instances/{instance_id}/remote_access", create_console_session, 202, RemoteAccess),
    Operation("PUT /instances/{instance_id}/disks", instance.replace_disks, 200, instance.InstanceDisks),
    Operation(
        "PUT /instances/{instance_id}/public_keys", instance.replace_public_keys, 200, instance.InstancePublicKeys
    ),
    Operation(
        "PUT /instances/{instance_id}/network_adapters",
        instance.replace_network_adapters,
        200,
        instance.InstanceNetworkAdapters,
    ),
    Operation(
        "PUT /instances/{instance_id}/availability_group",
        instance.replace_availability_group,
        200,
        instance.InstanceAvailabilityGroup,
    ),
    Operation("GET /instances/{instance_id}/context", instance.show_context),
    Operation("POST /instances/{instance_id}/context", instance.set_context, 200, instance.InstanceContext),
    Operation("PUT /instances/{instance_id}/context", instance.update_context, 200, instance.InstanceContext),
    Operation("DELETE /instances/{instance_id}/context/{instance_context_key}", instance.delete_context_variable),
    Operation("GET /ip_addresses", index(ip_address.IpAddress)),
    Operation("POST /ip_addresses", ip_address.create, 201, ip_address.IpAddressCreate),
    Operation("GET /ip_addresses/public", ip_address.list_public),
    Operation("GET /ip_addresses/private", ip_address.list_private),
    Operation("GET /ip_addresses/{ip_address_id}", show(ip_address.IpAddress)),
    Operation("PUT /ip_addresses/{ip_address_id}", ip_address.update, 200, ip_address.IpAddressUpdate),
    Operation("DELETE /ip_addresses/{ip_address_id}", ip_address.delete),
    Operation("GET /networks", index(network.Network)),
    Operation("POST /networks", network.create, 201, network.NetworkCreate),
    Operation("GET /networks/public", network.list_public),
    Operation("GET /networks/private", network.list_private),
    Operation("GET /networks/{network_id}", show(network.Network)),
    Operation("PUT /networks/{network_id}", network.update, 200, network.NetworkUpdate),
    Operation("DELETE /networks/{network_id}", network.delete),
    Operation("GET /performance_tiers/instances", performance_tier.list_instances),
    Operation("GET /performance_tiers/disks", performance_tier.list_disks),
    Operation("GET /public_keys", index(public_key.PublicKey)),
    Operation("POST /public_keys", public_key.create, 201, public_key.PublicKeyCreate),
    Operation("GET /public_keys/{public_key_id}", show(public_key.PublicKey)),
    Operation("PUT /public_keys/{public_key_id}", public_key.update, 200, public_key.PublicKeyUpdate),
    Operation("DELETE /public_keys/{public_key_id}", public_key.delete),
    Operation("GET /regions", index(Region)),
    Operation("GET /regions/{region_id}", show(Region)),
    Operation("GET /templates", index(template.Template)),
    Operation("POST /templates", template.create, 201, template.TemplateCreate),
    Operation("GET /templates/{template_id}", show(template.Template)),
)

"""Instances: virtual machines assembled from disks and addresses that exist.

Reference: "Instance", "Network Adapter". What surprises: disks, adapters, keys, note, context and power
each have an address of their own, so one change of a program may be several requests; and what needs a
stop is known only by asking, so it is tried live first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, Field
from typing_extensions import NotRequired, TypedDict

from pulumi_joviam import models
from pulumi_joviam.args import Alike, Args, MayStop, Region, Resets, Text, given
from pulumi_joviam.errors import NotFound, ValidationFail
from pulumi_joviam.provider import Provider, Resource
from pulumi_joviam.resources import power

if TYPE_CHECKING:
    from pulumi_joviam.operation import Operation


class NetworkAdapter(TypedDict):
    """One adapter of an instance, as the API takes it."""

    network: Text
    ip_addresses: NotRequired[list[Text] | Literal["dhcp"]]


def _adapters(adapters: Sequence[NetworkAdapter]) -> list[tuple[str, Any]]:
    """Return what adapters mean: networks in device order, the addresses of each in any order."""
    wanted = [(adapter["network"], adapter.get("ip_addresses", [])) for adapter in adapters]
    return [(network, on if on == "dhcp" else frozenset(on)) for network, on in wanted]


def _each_once(ids: list[str]) -> list[str]:
    for id in ids:
        if ids.count(id) > 1:
            raise ValueError(f"names {id} twice")
    return ids


def _context_keys(context: dict[str, str]) -> dict[str, str]:
    for key in context:
        if not key or "/" in key or key in (".", ".."):
            raise ValueError(f"cannot hold the variable {key!r}: names have one character or more and no slash")
    return context


SETTINGS = {"name", "memory", "boot_device", "virtualization", "start_on_crash", "start_on_reboot", "start_on_shutdown"}
"""What the API takes alike when an instance is assembled and when it is updated."""

Ids = Annotated[list[Text], AfterValidator(_each_once)]
STOPS = MayStop("may stop the instance and start it again (allow_stopping)")


class InstanceArgs(Args):
    memory: Annotated[int, Field(gt=0), STOPS]
    performance_tier: Annotated[Text, STOPS]
    region: Region
    disks: Annotated[Ids | None, Resets([])] = None
    ip_addresses: Annotated[Ids | None, Resets([])] = None
    network_adapters: Annotated[list[NetworkAdapter] | None, Resets([]), Alike(_adapters)] = None
    public_keys: Annotated[Ids | None, Resets([]), Alike(frozenset)] = None
    boot_device: Annotated[Literal["cdrom", "disk", "network"] | None, Resets("disk")] = None
    virtualization: Annotated[Literal["hvm", "pv"] | None, STOPS] = None
    start_on_crash: Annotated[bool | None, Resets(True)] = None
    start_on_reboot: Annotated[bool | None, Resets(True)] = None
    start_on_shutdown: Annotated[bool | None, Resets(False)] = None
    note: Annotated[str | None, Resets("")] = None
    context: Annotated[dict[str, str] | None, AfterValidator(lambda c: c and _context_keys(c)), Resets({})] = None
    power_state: Literal["running", "stopped", "unmanaged"] = "running"
    allow_stopping: bool | None = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.ip_addresses is not None and self.network_adapters is not None:
            yield "network_adapters", "give ip_addresses (one adapter for each network) or network_adapters, not both"


class Addresses(list[str]):
    """The ids of an instance's addresses, adapter by adapter."""

    def __init__(self, adapters: Sequence[models.NetworkAdapter]) -> None:
        super().__init__(address.id for adapter in adapters for address in adapter.ip_addresses)
        self._network = {address.id: a.network.id for a in adapters for address in a.ip_addresses}

    def means(self, said: Sequence[str]) -> bool:
        """Say whether attaching ``said`` gives these: the same addresses, their networks in the same order."""
        networks = [dict.fromkeys(self._network[id] for id in ids if id in self._network) for ids in (self, said)]
        return set(said) == set(self) and list(networks[0]) == list(networks[1])


class InstanceProvider(Provider[InstanceArgs, models.Instance]):
    args = InstanceArgs
    model = models.Instance
    outputs = ("hostname", "state", "boot_disk_id", "disk_ids", "adapters", "public_ip", "private_ip")
    nullable = ("boot_disk_id", "public_ip", "private_ip")

    def post(self, op: Operation, args: InstanceArgs) -> models.Instance:
        region = op.region(args.region)
        tier = op.performance_tier(args.performance_tier, "instances", region)
        body = args.model_dump(include={*SETTINGS, "disks", "ip_addresses", "public_keys"}, exclude_unset=True)
        body |= {"region": region.id, "performance_tier": tier.id}
        return op.api.create(models.Instance, body, "/instances/assemble")

    def converge(self, op: Operation, live: models.Instance, args: InstanceArgs) -> models.Instance:
        with op.turn(live.id):
            op.settled(live)
            live = self.look(op, live.id, args.model_fields_set)
            self._put(op, live, args)
            self._attach_disks(op, live, args)
            self._connect(op, live, args)
            if "public_keys" in (changes := self.differing(live, args)):
                self._replace(op, live, "public_keys", changes["public_keys"])
            if "context" in changes:
                self._set_context(op, live, changes["context"])
            if args.power_state == "running":
                power.start(op, live)
            elif args.power_state == "stopped":
                power.stop(op, live)
            return op.settled(self.look(op, live.id, args.model_fields_set))

    def look(self, op: Operation, id: str, fields: set[str]) -> models.Instance:
        live = op.api.get(models.Instance, id)
        # at addresses of their own, so asked for only where a program sets them
        if "note" in fields:
            live = live.with_details(note=op.api.call("GET", op.api.path(models.Instance, id, "note"))["note"] or "")
        if "context" in fields:
            live = live.with_details(context=op.api.call("GET", op.api.path(models.Instance, id, "context")))
        return live

    def remove(self, op: Operation, live: models.Instance) -> None:
        with op.turn(live.id):
            live = op.at_rest(live)
            if live.state == "running":
                power.stop(op, live)
            if live.disks:  # they are not ours to delete, whatever the API does with attached ones
                self._replace(op, live, "disks", [])
            op.delete(live)

    def said(self, live: models.Instance) -> dict[str, Any]:
        said = super().said(live) | {
            "disks": [disk.id for disk in live.disks],
            "ip_addresses": Addresses(live.network_adapters),
            "network_adapters": [_as_said(adapter) for adapter in live.network_adapters],
            "public_keys": [key.id for key in live.public_keys],
            "power_state": "stopped" if live.state in ("stopped", "stopping") else "running",
        }
        return {field: value for field, value in said.items() if value is not None}

    def computed(self, live: models.Instance) -> dict[str, Any]:
        adapters = live.network_adapters
        addresses = [(adapter.network.is_public, ip.address) for adapter in adapters for ip in adapter.ip_addresses]
        return {
            "hostname": live.hostname,
            "state": live.state,
            "boot_disk_id": live.disks[0].id if live.disks else None,
            "disk_ids": [disk.id for disk in live.disks],
            "adapters": [
                {
                    "id": adapter.id,
                    "index": adapter.index,
                    "dhcp": adapter.dhcp,
                    "network_id": adapter.network.id,
                    "addresses": [address.address for address in adapter.ip_addresses],
                }
                for adapter in adapters
            ],
            "public_ip": next((address for is_public, address in addresses if is_public), None),
            "private_ip": next((address for is_public, address in addresses if not is_public), None),
        }

    def compare(self, field: str, old: Any, new: Any, before: Any) -> Literal["same", "update", "replace"]:
        if field == "power_state" and new == "unmanaged":
            return "same"
        return super().compare(field, old, new, before)

    def delete_first(self, olds: Mapping[str, Any], news: Mapping[str, Any], _steps: Mapping[str, str]) -> bool:
        return bool(_held(olds) & _held(news))

    def _put(self, op: Operation, live: models.Instance, args: InstanceArgs) -> None:
        changes = self.differing(live, args)
        body = {field: changes[field] for field in changes.keys() & {*SETTINGS, "performance_tier", "note"}}
        if not body:
            return
        if "performance_tier" in body:
            tier = op.performance_tier(body["performance_tier"], "instances", op.region(live.region.id))
            body["performance_tier"] = tier.id

        def put() -> None:
            op.steadily(live, lambda now: op.api.update(models.Instance, now.id, body))

        try:
            put()
        except ValidationFail as refused:
            if not any(self.args.traits()[field].may_stop for field in body):
                raise
            with power.stopped_for(op, live.id, refused, allowed=bool(args.allow_stopping)):
                put()

    def _attach_disks(self, op: Operation, live: models.Instance, args: InstanceArgs) -> None:
        if "disks" in self.differing(live, args):
            self._replace(op, live, "disks", args.disks)

    def _connect(self, op: Operation, live: models.Instance, args: InstanceArgs) -> None:
        """Bring the adapters to what is said, in the one way or the other. One taken away leaves to the other."""
        changes = self.differing(live, args)
        if args.network_adapters and "network_adapters" in changes:
            self._replace(op, live, "network_adapters", [{"ip_addresses": [], **a} for a in args.network_adapters])
        elif not args.network_adapters and ("ip_addresses" in changes or "network_adapters" in changes):
            networks: dict[str, list[str]] = {}
            for id in args.ip_addresses or ():
                networks.setdefault(op.api.get(models.IpAddress, id).network_id, []).append(id)
            adapters = [{"network": network, "ip_addresses": ids} for network, ids in networks.items()]
            self._replace(op, live, "network_adapters", adapters)

    def _replace(self, op: Operation, live: models.Instance, what: str, wanted: Any) -> None:
        path = op.api.path(models.Instance, live.id, what)
        op.steadily(op.api.get(models.Instance, live.id), lambda _now: op.api.call("PUT", path, {what: wanted}))
        op.at_rest(op.api.get(models.Instance, live.id))

    def _set_context(self, op: Operation, live: models.Instance, wanted: Mapping[str, str]) -> None:
        path, there = op.api.path(models.Instance, live.id, "context"), live.context or {}
        changed = {key: value for key, value in wanted.items() if there.get(key) != value}
        if changed:
            op.api.call("PUT" if there else "POST", path, changed)
        for key in there.keys() - wanted.keys():
            op.api.call("DELETE", op.api.path(models.Instance, live.id, "context", key))


def detach_address(op: Operation, instance_id: str, address_id: str) -> None:
    """Take one address off an instance, with its adapter if that has no other; leave the rest as it is."""
    with op.turn(instance_id):
        try:
            live = op.at_rest(op.api.get(models.Instance, instance_id))
        except NotFound:
            return
        adapters = [_as_said(adapter) for adapter in live.network_adapters]
        adapters = [adapter for adapter in adapters if adapter["ip_addresses"] != [address_id]]
        for adapter in adapters:
            if address_id in adapter["ip_addresses"]:
                adapter["ip_addresses"].remove(address_id)
        path = op.api.path(models.Instance, instance_id, "network_adapters")
        op.steadily(live, lambda _now: op.api.call("PUT", path, {"network_adapters": adapters}))
        op.at_rest(op.api.get(models.Instance, instance_id))


def _as_said(adapter: models.NetworkAdapter) -> dict[str, Any]:
    addresses = "dhcp" if adapter.dhcp else [address.id for address in adapter.ip_addresses]
    return {"network": adapter.network.id, "ip_addresses": addresses}


def _held(said: Mapping[str, Any]) -> set[str]:
    """Return the ids of what only one instance at a time can have."""
    adapters = said.get("network_adapters") or []
    on_adapters = [a.get("ip_addresses", []) for a in adapters if given(a)] if given(adapters) else []
    lists = [said.get("disks"), said.get("ip_addresses"), *on_adapters]
    return {id for ids in lists if isinstance(ids, list) for id in ids if given(id)}


class NetworkAdapterDict(TypedDict):
    """One adapter, in device order. ``ip_addresses``: ids of addresses in the network, or "dhcp". Default: none."""

    network: pulumi.Input[str]
    ip_addresses: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]] | Literal["dhcp"]]]


class Instance(Resource, provider=InstanceProvider):
    """A virtual machine.

    Args:
        memory: RAM in MB. Updated in place; may stop the instance, see allow_stopping.
        performance_tier: Tier for instances, by id or name. Updated in place; may stop the instance.
        region: Region by id, code or name. Default: the stack config joviam:region. A change replaces.
        disks: Ids of disks, in device order; the first is the boot disk. Default: none. Updated in place.
        ip_addresses: Ids of addresses; each network among them gets an adapter, in this order. Updated in place.
        network_adapters: Adapters in device order, each {"network": id, "ip_addresses": [ids] or "dhcp"}. Not
            together with ip_addresses. Updated in place.
        public_keys: Ids of public keys, in any order. Updated in place.
        boot_device: "disk" (default), "cdrom" or "network". Updated in place.
        virtualization: "hvm" or "pv". Default: the API's choice. Updated in place; may stop the instance; taken
            away: nothing changes.
        start_on_crash: Start again after a crash. Default: true. Updated in place.
        start_on_reboot: Start again after a reboot. Default: true. Updated in place.
        start_on_shutdown: Start again after a shutdown. Default: false. Updated in place.
        note: Free text. Default: "". Updated in place.
        context: Variables that the machine can read, {name: text}. Default: {}. Updated in place.
        power_state: "running" (default), "stopped", or "unmanaged": then nobody is started or stopped for it.
        allow_stopping: Whether a change that the API refuses while the instance runs may stop it, change it and
            start it again; without it such an update fails and changes nothing. Default: false.
        name: Name of the instance. Default: the resource's Pulumi name. Updated in place.

    Raises, in preview: wrong types, unknown words, ids named twice, ip_addresses together with network_adapters.
    Source: reference, "Instance Create (advanced)", "Instance Update" and the pages after them.
    """

    memory: pulumi.Output[int]
    performance_tier: pulumi.Output[str]
    region: pulumi.Output[str]
    disks: pulumi.Output[list[str] | None]
    ip_addresses: pulumi.Output[list[str] | None]
    network_adapters: pulumi.Output[list[dict[str, Any]] | None]
    public_keys: pulumi.Output[list[str] | None]
    boot_device: pulumi.Output[str | None]
    virtualization: pulumi.Output[str | None]
    start_on_crash: pulumi.Output[bool | None]
    start_on_reboot: pulumi.Output[bool | None]
    start_on_shutdown: pulumi.Output[bool | None]
    note: pulumi.Output[str | None]
    context: pulumi.Output[dict[str, str] | None]
    power_state: pulumi.Output[str]
    allow_stopping: pulumi.Output[bool | None]
    name: pulumi.Output[str]
    hostname: pulumi.Output[str]
    state: pulumi.Output[str]
    """State of the instance, "running" or "stopped"."""
    boot_disk_id: pulumi.Output[str | None]
    """Id of its first disk."""
    disk_ids: pulumi.Output[list[str]]
    """Ids of all its disks, in device order."""
    adapters: pulumi.Output[list[dict[str, Any]]]
    """Its adapters in device order: id, index, dhcp, network_id, addresses."""
    public_ip: pulumi.Output[str | None]
    """Its first public address."""
    private_ip: pulumi.Output[str | None]
    """Its first private address."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        memory: pulumi.Input[int],
        performance_tier: pulumi.Input[str],
        region: pulumi.Input[str] | None = None,
        disks: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        ip_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        network_adapters: pulumi.Input[Sequence[pulumi.Input[NetworkAdapterDict]]] | None = None,
        public_keys: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        boot_device: pulumi.Input[Literal["cdrom", "disk", "network"]] | None = None,
        virtualization: pulumi.Input[Literal["hvm", "pv"]] | None = None,
        start_on_crash: pulumi.Input[bool] | None = None,
        start_on_reboot: pulumi.Input[bool] | None = None,
        start_on_shutdown: pulumi.Input[bool] | None = None,
        note: pulumi.Input[str] | None = None,
        context: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        power_state: pulumi.Input[Literal["running", "stopped", "unmanaged"]] = "running",
        allow_stopping: pulumi.Input[bool] | None = None,
        name: pulumi.Input[str] | None = None,
    ) -> None:
        super().__init__(
            resource_name,
            opts,
            memory=memory,
            performance_tier=performance_tier,
            region=region,
            disks=disks,
            ip_addresses=ip_addresses,
            network_adapters=network_adapters,
            public_keys=public_keys,
            boot_device=boot_device,
            virtualization=virtualization,
            start_on_crash=start_on_crash,
            start_on_reboot=start_on_reboot,
            start_on_shutdown=start_on_shutdown,
            note=note,
            context=context,
            power_state=power_state,
            allow_stopping=allow_stopping,
            name=name,
        )

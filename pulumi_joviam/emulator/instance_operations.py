"""Operations on instances: create, assemble, update, start, stop, delete, and replace their parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, RootModel
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body, Changes, Uuid
from pulumi_joviam.emulator.disk import Disk, DiskShown, check_size
from pulumi_joviam.emulator.instance import Instance, InstanceShown
from pulumi_joviam.emulator.ip_address import IpAddress, allocate
from pulumi_joviam.emulator.network import Network, first_network
from pulumi_joviam.emulator.network_adapter import (
    NetworkAdapterShown,
    NetworkAdapterWanted,
    adapters_on,
    check_adapters,
    described_adapters,
)
from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.performance_tier import refer_tier
from pulumi_joviam.emulator.public_key import PublicKey, PublicKeyShown
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.store import Accepted, Check, Invalid, NotFound, StateShown, Store
from pulumi_joviam.emulator.template import Template, refer_template

BOOT_DEVICES = ("cdrom", "disk", "network")
VIRTUALIZATIONS = ("hvm", "pv")
FIXED_WHILE_RUNNING = ("memory", "performance_tier", "virtualization")


class NoteShown(TypedDict):
    """The note, which has an endpoint of its own."""

    note: str


class InstanceCreate(Body):
    disk_performance_tier: Uuid
    instance_performance_tier: Uuid
    memory: int
    name: str
    region: Uuid
    size: int
    template: str
    allocate_private_ip: bool = False
    allocate_public_ip: bool = False
    availability_group: list[Uuid] = Field(default_factory=list)
    networks: list[Uuid] = Field(default_factory=list)
    public_keys: list[Uuid] = Field(default_factory=list)
    start_when_ready: bool = False


class InstanceAssemble(Body):
    memory: int
    name: str
    performance_tier: Uuid
    region: Uuid
    availability_group: list[Uuid] = Field(default_factory=list)
    boot_device: str = "disk"
    disks: list[Uuid] = Field(default_factory=list)
    ip_addresses: list[Uuid] = Field(default_factory=list)
    public_keys: list[Uuid] = Field(default_factory=list)
    start_on_crash: bool = True
    start_on_reboot: bool = True
    start_on_shutdown: bool = False
    virtualization: str = ""


class InstanceUpdate(Changes):
    boot_device: str = "disk"
    memory: int = 0
    name: str = ""
    note: str = ""
    performance_tier: Uuid = ""
    start_on_crash: bool = True
    start_on_reboot: bool = True
    start_on_shutdown: bool = False
    virtualization: str = ""


class InstanceDisks(Body):
    disks: list[Uuid]


class InstancePublicKeys(Body):
    public_keys: list[Uuid]


class InstanceNetworkAdapters(Body):
    network_adapters: list[NetworkAdapterWanted]


class InstanceAvailabilityGroup(Body):
    availability_group: list[Uuid]


def _variable(name: str) -> str:
    if not name or "/" in name:
        raise PydanticCustomError("variable", "must be a name without a slash, or no URL could delete it")
    return name


class InstanceContext(RootModel[dict[Annotated[str, AfterValidator(_variable)], str]]):
    """Variables by name."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)


def check_values(given: Mapping[str, Any]) -> None:
    """Reject values that no instance can have."""
    with Check() as check:
        if "name" in given:
            check.name(given["name"])
        if "memory" in given:
            check("memory", 512 <= given["memory"] <= 65536, "must be between 512MB and 64GB")
        for name, known in (("boot_device", BOOT_DEVICES), ("virtualization", VIRTUALIZATIONS)):
            if name in given:
                check(name, given[name] in known, f"must be one of {', '.join(known)}")


def new(store: Store, body: InstanceCreate | InstanceAssemble, tier_id: str, tier_field: str) -> Instance:
    """Return a new instance with the fields that create and assemble share. It is not in the store yet."""
    check_values(body.given())
    region = store.refer("region", Region, body.region)
    tier = refer_tier(store, tier_field, tier_id, "instances", region.id)
    store.refer_each("public_keys", PublicKey, body.public_keys)
    return Instance(
        name=body.name,
        hostname=re.sub(r"[^a-z0-9]+", "-", body.name.lower()).strip("-")[:63] or "instance",
        memory=body.memory,
        performance_tier=tier.id,
        region=region.id,
        public_keys=body.public_keys,
    )


def group_members(store: Store, instance: Instance, member_ids: list[str]) -> list[Instance]:
    """Return the instances that a request groups with this one. Raises Invalid."""
    members = store.refer_each("availability_group", Instance, member_ids)
    with Check() as check:
        for member in members:
            check("availability_group", member is not instance, "must not name the instance itself")
            check("availability_group", member.region == instance.region, f"{member.id} is not in the region")
    return members


def create(store: Store, body: InstanceCreate) -> InstanceShown:
    """Create a new instance with a new boot disk."""
    instance = new(store, body, body.instance_performance_tier, "instance_performance_tier")
    region_id = instance.region
    tier = refer_tier(store, "disk_performance_tier", body.disk_performance_tier, "disks", region_id)
    template = refer_template(store, body.template, region_id)
    members = group_members(store, instance, body.availability_group)
    networks = store.refer_each("networks", Network, body.networks)
    sources = [("networks", network) for network in networks]
    with Check() as check:
        check_size(check, body.size, template)
        for network in networks:
            check("networks", network.region == region_id, f"{network.id} is not in the region")
        for wanted, field_name, public in (
            (body.allocate_private_ip, "allocate_private_ip", False),
            (body.allocate_public_ip, "allocate_public_ip", True),
        ):
            found = first_network(store, region_id, public=public) if wanted else None
            check(field_name, not wanted or found is not None, "finds no such network in the region")
            if found:
                sources.insert(0, (field_name, found))

    allocated: list[IpAddress] = []
    try:
        for field_name, network in sources:
            allocated.append(allocate(store, network, field_name))
    except Invalid:
        for address in allocated:
            address.remove(store)
        raise

    instance.virtualization = template.recommended_virtualization
    store.add(instance)
    disk = Disk(
        name=f"{body.name} boot",
        size=body.size,
        performance_tier=tier.id,
        region=region_id,
        template=template.id,
        instance_id=instance.id,
        position=0,
    )
    fails = store.failing[Disk.kind] > 0
    store.provision(disk, then="attached")
    instance.disks = [disk.id]
    instance.place_adapters(store, adapters_on(store, allocated))
    instance.place_group(store, members)
    store.provision(instance, then=instance.failed if fails else "starting" if body.start_when_ready else "stopped")
    return instance.show(store)


def assemble(store: Store, body: InstanceAssemble) -> InstanceShown:
    """Create a new instance with existing disks and/or IP addresses."""
    instance = new(store, body, body.performance_tier, "performance_tier")
    members = group_members(store, instance, body.availability_group)
    wanted = attachable_disks(store, instance, body.disks)
    addresses = store.refer_each("ip_addresses", IpAddress, body.ip_addresses)
    wanted_adapters = adapters_on(store, addresses)
    check_adapters(store, "ip_addresses", wanted_adapters, instance.region)

    instance.boot_device = body.boot_device
    instance.start_on_crash = body.start_on_crash
    instance.start_on_reboot = body.start_on_reboot
    instance.start_on_shutdown = body.start_on_shutdown
    boot_template = wanted[0].template if wanted else None
    recommended = store.find(Template, boot_template).recommended_virtualization if boot_template else "hvm"
    instance.virtualization = body.virtualization or recommended
    store.add(instance)
    instance.place_disks(store, wanted, live=False)
    instance.place_adapters(store, wanted_adapters)
    instance.place_group(store, members)
    return store.provision(instance).show(store)


def attachable_disks(store: Store, instance: Instance, disk_ids: list[str]) -> list[Disk]:
    """Return the disks that a request attaches to the instance. Raises Invalid."""
    wanted = store.refer_each("disks", Disk, disk_ids)
    detached = [store.find(Disk, disk_id) for disk_id in instance.disks if disk_id not in disk_ids]
    with Check() as check:
        for disk in wanted:
            check("disks", disk.region == instance.region, f"{disk.id} is not in the region")
        for disk in [*wanted, *detached]:
            fit = "attached" if disk.id in instance.disks else "unattached"
            check("disks", disk.state == fit, f"{disk.id} is {disk.state}")
    return wanted


def show_state(store: Store, instance_id: str) -> StateShown:
    """Get the state of an instance."""
    return {"state": store.shown(store.find(Instance, instance_id))["state"]}


def show_note(store: Store, instance_id: str) -> NoteShown:
    """Get the note of an instance."""
    return {"note": store.find(Instance, instance_id).note}


def update(store: Store, instance_id: str, body: InstanceUpdate) -> InstanceShown:
    """Update an instance."""
    instance = store.find(Instance, instance_id)
    instance.require()
    given = body.given()
    check_values(given)
    if "performance_tier" in given:
        refer_tier(store, "performance_tier", body.performance_tier, "instances", instance.region)
    heavy = [name for name in FIXED_WHILE_RUNNING if name in given and given[name] != getattr(instance, name)]
    running = instance.state == "running"
    with Check() as check:
        for name in heavy:
            allowed = store.switches.live_memory or not running
            check(name, allowed, "cannot be changed while the instance is running")
    store.touch(instance, given)
    if running and heavy:
        store.enter(instance, "updating")
    return instance.show(store)


def start(store: Store, instance_id: str) -> InstanceShown:
    """Start an instance."""
    instance = store.find(Instance, instance_id)
    instance.require("stopped")
    check_settled_disks(store, instance)
    store.enter(instance, "starting", then="stopped" if store.fails("start") else None)
    return instance.show(store)


def check_settled_disks(store: Store, instance: Instance) -> None:
    """Reject the request while one of the instance's disks is busy."""
    with Check() as check:
        for disk_id in instance.disks:
            disk = store.find(Disk, disk_id)
            check("disks", disk.state in ("attached", disk.failed), f"{disk.id} is {disk.state}")


def stop(store: Store, instance_id: str) -> InstanceShown:
    """Stop an instance."""
    instance = store.find(Instance, instance_id)
    instance.require("running")
    store.enter(instance, "stopping", then="running" if store.fails("stop") else None)
    return instance.show(store)


def delete(store: Store, instance_id: str) -> InstanceShown:
    """Delete an instance. Switches decide what happens to its disks and addresses."""
    instance = store.find(Instance, instance_id)
    running = ("running",) if store.switches.delete_running else ()
    instance.require_deletable(store, "stopped", instance.failed, *running)
    if instance.state in (*instance.ready, instance.failed):
        check_settled_disks(store, instance)
    if store.switches.delete_takes_disks:
        for disk_id in list(instance.disks):
            store.find(Disk, disk_id).terminate(store)
    if store.switches.delete_takes_addresses:
        for address in list(store.all(IpAddress)):
            if address.instance_ids == [instance.id]:
                address.remove(store)
    instance.terminate(store)
    return instance.show(store)


def replace_disks(store: Store, instance_id: str, body: InstanceDisks) -> list[DiskShown] | Accepted[list[DiskShown]]:
    """Replace the list of disks attached to the instance."""
    instance = store.find(Instance, instance_id)
    instance.require(*instance.ready, instance.failed)  # a failed instance can still give up its parts
    wanted = attachable_disks(store, instance, body.disks)
    running = instance.state == "running"
    instance.place_disks(store, wanted, live=running)
    store.touch(instance)
    if running:
        store.enter(instance, "updating")
    shown = instance.show_disks(store)
    return Accepted(shown) if running else shown


def replace_public_keys(
    store: Store, instance_id: str, body: InstancePublicKeys
) -> list[PublicKeyShown] | Accepted[list[PublicKeyShown]]:
    """Replace the list of public keys associated with the instance."""
    instance = store.find(Instance, instance_id)
    instance.require()
    store.refer_each("public_keys", PublicKey, body.public_keys)
    store.touch(instance, body.given())
    shown = instance.show_public_keys(store)
    return Accepted(shown) if instance.state == "running" else shown


def replace_network_adapters(
    store: Store, instance_id: str, body: InstanceNetworkAdapters
) -> list[NetworkAdapterShown] | Accepted[list[NetworkAdapterShown]]:
    """Replace the list of network adapters connected to the instance."""
    instance = store.find(Instance, instance_id)
    instance.require(*instance.ready, instance.failed)  # a failed instance can still give up its parts
    wanted = described_adapters(store, body.network_adapters, instance.network_adapters)
    check_adapters(store, "network_adapters", wanted, instance.region, instance.id)
    running = instance.state == "running"
    instance.place_adapters(store, wanted)
    store.touch(instance)
    if running:
        store.enter(instance, "updating_network")
    shown = instance.show_network_adapters(store)
    return Accepted(shown) if running else shown


def replace_availability_group(store: Store, instance_id: str, body: InstanceAvailabilityGroup) -> list[str]:
    """Replace the list of instances with which the instance is grouped for high availability."""
    instance = store.find(Instance, instance_id)
    instance.require()
    instance.place_group(store, group_members(store, instance, body.availability_group))
    store.touch(instance)
    return list(instance.availability_group)


def show_context(store: Store, instance_id: str) -> dict[str, str]:
    """Get context variables."""
    return dict(store.find(Instance, instance_id).context)


def set_context(store: Store, instance_id: str, body: InstanceContext) -> dict[str, str]:
    """Set context variables. Existing variables are deleted first."""
    return _context(store, instance_id, keep=False, given=body.root)


def update_context(store: Store, instance_id: str, body: InstanceContext) -> dict[str, str]:
    """Update context variables. Values are merged with existing variables."""
    return _context(store, instance_id, keep=True, given=body.root)


def _context(store: Store, instance_id: str, *, keep: bool, given: dict[str, str]) -> dict[str, str]:
    instance = store.find(Instance, instance_id)
    instance.require()
    store.touch(instance, {"context": {**(instance.context if keep else {}), **given}})
    return dict(instance.context)


def delete_context_variable(store: Store, instance_id: str, key: str) -> dict[str, str]:
    """Delete a context variable."""
    instance = store.find(Instance, instance_id)
    if key not in instance.context:
        raise NotFound
    instance.require()
    store.touch(instance, {"context": {name: value for name, value in instance.context.items() if name != key}})
    return dict(instance.context)


OPERATIONS = (
    Operation("GET /instances", index(Instance)),
    Operation("POST /instances", create, 201),
    Operation("POST /instances/assemble", assemble),
    Operation("GET /instances/{instance_id}", show(Instance)),
    Operation("PUT /instances/{instance_id}", update),
    Operation("DELETE /instances/{instance_id}", delete, 202),
    Operation("GET /instances/{instance_id}/state", show_state),
    Operation("GET /instances/{instance_id}/note", show_note),
    Operation("POST /instances/{instance_id}/start", start, 202),
    Operation("POST /instances/{instance_id}/stop", stop, 202),
    Operation("PUT /instances/{instance_id}/disks", replace_disks),
    Operation("PUT /instances/{instance_id}/public_keys", replace_public_keys),
    Operation("PUT /instances/{instance_id}/network_adapters", replace_network_adapters),
    Operation("PUT /instances/{instance_id}/availability_group", replace_availability_group),
    Operation("GET /instances/{instance_id}/context", show_context),
    Operation("POST /instances/{instance_id}/context", set_context),
    Operation("PUT /instances/{instance_id}/context", update_context),
    Operation("DELETE /instances/{instance_id}/context/{instance_context_key}", delete_context_variable),
)

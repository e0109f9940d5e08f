"""Disks: provisioned blank, from a template or as a clone; attached through an instance; they can only grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body, Changes, Uuid
from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.performance_tier import PerformanceTier, PerformanceTierShown, refer_tier, tier_named
from pulumi_joviam.emulator.region import Region, RegionShown, region_named
from pulumi_joviam.emulator.store import Card, Check, Moving, Object, StateShown, Store
from pulumi_joviam.emulator.template import Template, TemplateShown, refer_template, template_named

MAXIMUM_SIZE = 10_000


class DiskShown(TypedDict):
    """A disk as the API shows it."""

    id: str
    name: str
    position: int | None
    size: int
    performance_tier: PerformanceTierShown
    template: TemplateShown | None
    state: str
    region: RegionShown
    instance_id: str | None
    cdrom: bool
    is_template: bool
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class Disk(Moving):
    """A block device."""

    kind = "disks"
    transitions: ClassVar[Mapping[str, str]] = {
        "provisioning": "unattached",
        "attaching": "attached",
        "detaching": "unattached",
        "terminating": "terminated",
    }  # and `resizing`, which ends in the state before it
    ready: ClassVar[frozenset[str]] = frozenset({"attached", "unattached"})

    name: str
    size: int
    performance_tier: str
    region: str
    template: str | None = None
    cdrom: bool = False
    is_template: bool = False
    instance_id: str | None = None
    position: int | None = None
    """Like instance_id, written only by the instance (see instance.py)."""
    growing_to: int | None = None

    def show(self, store: Store) -> DiskShown:
        return {
            "id": self.id,
            "name": self.name,
            "position": self.position,
            "size": self.size,
            "performance_tier": store.find(PerformanceTier, self.performance_tier).show(store),
            "template": store.find(Template, self.template).show(store) if self.template else None,
            "state": self.state,
            "region": store.find(Region, self.region).show(store),
            "instance_id": self.instance_id,
            "cdrom": self.cdrom,
            "is_template": self.is_template,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        return {
            **self._moves(),
            "name": self.name,
            "size": self.size,
            "tier": store.find(PerformanceTier, self.performance_tier).name,
            "template": store.find(Template, self.template).slug if self.template else None,
            "region": store.find(Region, self.region).code,
        }

    def entered(self, store: Store) -> None:
        if self.growing_to and self.state != "resizing":
            self.size, self.growing_to = self.growing_to, None
        if self.instance_id and self.state in ("unattached", "terminated"):
            self.instance_id = self.position = None
            store.drop_references(self)

    def drop_references(self, store: Store, gone: Object) -> None:
        if self.template == gone.id:
            self.template = None
        if self.instance_id == gone.id:
            self.instance_id = self.position = None
            if self.state != self.failed:
                store.enter(self, "unattached")

    def change(self, store: Store, name: str, value: Any) -> None:
        if name in ("instance_id", "position"):
            raise AttributeError("change the instance's disks instead")
        if name == "region":
            value = region_named(store, value).id
        if name == "performance_tier":
            value = tier_named(store, value, "disks", self.region).id
        if name == "template" and value is not None:
            value = template_named(store, value, self.region).id
        super().change(store, name, value)


class DiskCreate(Body):
    name: str
    performance_tier: Uuid
    region: Uuid
    size: int
    cdrom: bool = False
    is_template: bool = False
    template: str = ""


class DiskUpdate(Changes):
    cdrom: bool = False
    is_template: bool = False
    name: str = ""


class DiskClone(Body):
    is_template: bool = False
    name: str = ""
    performance_tier: Uuid = ""


def create(store: Store, body: DiskCreate) -> DiskShown:
    """Create a new disk."""
    region = store.refer("region", Region, body.region)
    tier = refer_tier(store, "performance_tier", body.performance_tier, "disks", region.id)
    given = "template" in body.model_fields_set
    template = refer_template(store, body.template, region.id) if given else None
    with Check() as check:
        check.name(body.name)
        check_size(check, body.size, template)
    disk = Disk(
        name=body.name,
        size=body.size,
        performance_tier=tier.id,
        region=region.id,
        template=template.id if template else None,
        cdrom=body.cdrom,
        is_template=body.is_template,
    )
    return store.provision(disk).show(store)


def check_size(check: Check, size: int, template: Template | None) -> None:
    """Reject a size (in GB) that a new disk cannot have."""
    minimum = (template and template.minimum_disk_size) or 1
    check("size", minimum <= size <= MAXIMUM_SIZE, f"must be between {minimum}GB and {MAXIMUM_SIZE}GB")


def show_state(store: Store, disk_id: str) -> StateShown:
    """Show the state of a disk."""
    return {"state": store.shown(store.find(Disk, disk_id))["state"]}


def update(store: Store, disk_id: str, body: DiskUpdate) -> DiskShown:
    """Update a disk."""
    disk = store.find(Disk, disk_id)
    disk.require()
    with Check() as check:
        if "name" in body.model_fields_set:
            check.name(body.name)
    store.touch(disk, body.given())
    return disk.show(store)


def clone(store: Store, disk_id: str, body: DiskClone) -> DiskShown:
    """Clone a disk."""
    source = store.find(Disk, disk_id)
    source.require()
    given = body.model_fields_set
    tier_id = source.performance_tier
    if "performance_tier" in given:
        tier_id = refer_tier(store, "performance_tier", body.performance_tier, "disks", source.region).id
    with Check() as check:
        if "name" in given:
            check.name(body.name)
        check("disk", source.is_template or store.switches.clone_any_disk, "is not a template")
    disk = Disk(
        name=body.name or source.name,
        size=source.size,
        performance_tier=tier_id,
        region=source.region,
        template=source.template,
        cdrom=source.cdrom,
        is_template=body.is_template,
    )
    return store.provision(disk).show(store)


def delete(store: Store, disk_id: str) -> DiskShown:
    """Delete a disk."""
    disk = store.find(Disk, disk_id)
    attached = ("attached",) if store.switches.delete_attached_disk else ()
    disk.require_deletable(store, "unattached", disk.failed, "failed_to_terminate", *attached)
    disk.terminate(store)
    return disk.show(store)


OPERATIONS = (
    Operation("GET /disks", index(Disk)),
    Operation("POST /disks", create, 201),
    Operation("GET /disks/{disk_id}", show(Disk)),
    Operation("PUT /disks/{disk_id}", update),
    Operation("DELETE /disks/{disk_id}", delete),
    Operation("GET /disks/{disk_id}/state", show_state),
    Operation("POST /disks/{disk_id}/clone", clone, 201),
)

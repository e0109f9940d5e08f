"""Instances: assembled from existing objects, or created with a new boot disk.

An instance holds the lists of its disks, keys, adapters and group. Only this file writes the back references of
disks and addresses (`instance_id`, `position`, `instance_ids`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from typing_extensions import TypedDict

from pulumi_joviam.emulator.disk import Disk, DiskShown
from pulumi_joviam.emulator.ip_address import IpAddress
from pulumi_joviam.emulator.network_adapter import (
    NetworkAdapter,
    NetworkAdapterShown,
    NetworkAdapterWanted,
    adapters_on,
    described_adapters,
)
from pulumi_joviam.emulator.performance_tier import PerformanceTier, PerformanceTierShown, tier_named
from pulumi_joviam.emulator.public_key import PublicKey, PublicKeyShown
from pulumi_joviam.emulator.region import Region, RegionShown, region_named
from pulumi_joviam.emulator.store import Card, Moving, Object, Store


class InstanceShown(TypedDict):
    """An instance as the API shows it."""

    id: str
    name: str
    memory: int
    virtualization: str
    hostname: str
    boot_device: str
    start_on_shutdown: bool
    start_on_reboot: bool
    start_on_crash: bool
    state: str
    performance_tier: PerformanceTierShown
    disks: list[DiskShown]
    public_keys: list[PublicKeyShown]
    network_adapters: list[NetworkAdapterShown]
    availability_group: list[str]
    region: RegionShown
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class Instance(Moving):
    """A virtual machine."""

    kind = "instances"
    transitions: ClassVar[Mapping[str, str]] = {
        "provisioning": "stopped",
        "starting": "running",
        "stopping": "stopped",
        "updating": "running",
        "updating_network": "running",
        "terminating": "terminated",
    }
    ready: ClassVar[frozenset[str]] = frozenset({"running", "stopped"})
    shown_by: ClassVar[frozenset[str]] = frozenset({"disks", "ip_addresses"})

    name: str
    hostname: str
    memory: int
    performance_tier: str
    region: str
    virtualization: str = "hvm"
    boot_device: str = "disk"
    start_on_crash: bool = True
    start_on_reboot: bool = True
    start_on_shutdown: bool = False
    disks: list[str] = field(default_factory=list)
    public_keys: list[str] = field(default_factory=list)
    network_adapters: list[NetworkAdapter] = field(default_factory=list)
    availability_group: list[str] = field(default_factory=list)
    note: str = ""
    context: dict[str, str] = field(default_factory=dict)

    def show(self, store: Store) -> InstanceShown:
        return {
            "id": self.id,
            "name": self.name,
            "memory": self.memory,
            "virtualization": self.virtualization,
            "hostname": self.hostname,
            "boot_device": self.boot_device,
            "start_on_shutdown": self.start_on_shutdown,
            "start_on_reboot": self.start_on_reboot,
            "start_on_crash": self.start_on_crash,
            "state": self.state,
            "performance_tier": store.find(PerformanceTier, self.performance_tier).show(store),
            "disks": self.show_disks(store),
            "public_keys": self.show_public_keys(store),
            "network_adapters": self.show_network_adapters(store),
            "availability_group": list(self.availability_group),
            "region": store.find(Region, self.region).show(store),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        return {
            **self._moves(),
            "name": self.name,
            "memory": self.memory,
            "tier": store.find(PerformanceTier, self.performance_tier).name,
            "region": store.find(Region, self.region).code,
            "disks": [store.find(Disk, disk).card(store) for disk in self.disks],
            "adapters": [adapter.card(store) for adapter in self.network_adapters],
            "public_keys": [store.find(PublicKey, key).name for key in self.public_keys],
            "availability_group": [store.find(Instance, member).name for member in self.availability_group],
            "variables": len(self.context),
        }

    def show_disks(self, store: Store) -> list[DiskShown]:
        """Its disks in device order."""
        return [store.find(Disk, disk).show(store) for disk in self.disks]

    def show_public_keys(self, store: Store) -> list[PublicKeyShown]:
        """Its public keys."""
        return [store.find(PublicKey, key).show(store) for key in self.public_keys]

    def show_network_adapters(self, store: Store) -> list[NetworkAdapterShown]:
        """Its network adapters in order."""
        return [adapter.show(store, index) for index, adapter in enumerate(self.network_adapters)]

    # Both sides of each relation

    def place_disks(self, store: Store, wanted: list[Disk], *, live: bool) -> None:
        """Set the disks, in this order. A disk detached while running is `detaching` for a while, but not listed."""
        before, self.disks = self.disks, [disk.id for disk in wanted]
        for disk_id in before:
            if disk_id not in self.disks:
                store.enter(store.find(Disk, disk_id), "detaching" if live else "unattached")
        for position, disk in enumerate(wanted):
            disk.position = position
            if disk.id not in before:
                disk.instance_id = self.id
                store.enter(disk, "attaching" if live else "attached")

    def place_adapters(self, store: Store, wanted: list[NetworkAdapter]) -> None:
        """Set the adapters, and with them the addresses."""
        before, after = (
            {address for adapter in listed for address in adapter.ip_addresses}
            for listed in (self.network_adapters, wanted)
        )
        self.network_adapters = wanted
        for address in before - after:
            store.find(IpAddress, address).instance_ids.remove(self.id)
        for address in after - before:
            store.find(IpAddress, address).instance_ids.append(self.id)

    def place_group(self, store: Store, members: list[Instance]) -> None:
        """Set the other members of the availability group."""
        if not store.switches.symmetric_groups:
            self.availability_group = [member.id for member in members]
            return
        group = [self, *members]
        ids = [member.id for member in group]
        for instance in store.all(Instance):
            instance.availability_group = [other for other in instance.availability_group if other not in ids]
        for member in group:
            member.availability_group = [other for other in ids if other != member.id]

    def entered(self, store: Store) -> None:
        if self.gone():
            self.disks, self.network_adapters, self.public_keys, self.availability_group = [], [], [], []

    def uses(self, object_id: str) -> bool:
        return any(adapter.network == object_id for adapter in self.network_adapters)

    def drop_references(self, store: Store, gone: Object) -> None:
        for listed in (
            self.public_keys,
            self.availability_group,
            *(each.ip_addresses for each in self.network_adapters),
        ):
            if gone.id in listed:
                listed.remove(gone.id)
        self.network_adapters = [adapter for adapter in self.network_adapters if adapter.network != gone.id]
        if gone.id in self.disks:
            self.disks.remove(gone.id)
            for position, disk in enumerate(self.disks):
                store.find(Disk, disk).position = position

    def change(self, store: Store, name: str, value: Any) -> None:
        match name:
            case "disks":
                wanted = [store.find(Disk, disk) for disk in value]
                for disk in wanted:
                    if disk.instance_id != self.id:
                        store.drop_references(disk)  # from its current instance
                self.place_disks(store, wanted, live=False)
            case "ip_addresses":
                addresses = [store.find(IpAddress, address) for address in value]
                self.place_adapters(store, adapters_on(store, addresses, self.network_adapters))
            case "network_adapters":
                described = [NetworkAdapterWanted(**each) for each in value]
                self.place_adapters(store, described_adapters(store, described, self.network_adapters))
            case "availability_group":
                self.place_group(store, [store.find(Instance, member) for member in value])
            case "region":
                self.region = region_named(store, value).id
            case "performance_tier":
                self.performance_tier = tier_named(store, value, "instances", self.region).id
            case _:
                super().change(store, name, value)

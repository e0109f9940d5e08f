"""Random operations in random order leave the account consistent, and none crashes."""

from __future__ import annotations

import random
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.emulator.body import Nothing
from pulumi_joviam.emulator.disk import Disk
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.ip_address import IpAddress
from pulumi_joviam.emulator.network import Network
from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.operations import NOUNS, OPERATIONS
from pulumi_joviam.emulator.performance_tier import PerformanceTier
from pulumi_joviam.emulator.public_key import PublicKey
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.store import Object, Refused, Store, Switches
from pulumi_joviam.emulator.template import Template
from tests.emulator.account import NEVER
from tests.emulator.reference import KEY

WRITES = [operation for operation in OPERATIONS if operation.method != "GET"]


class Monkey:
    """Calls random operations of the API, mostly with existing objects."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - it must be repeatable
        flags = [field.name for field in fields(Switches) if field.type == "bool"]
        switches: dict[str, Any] = {flag: self.random.random() < 0.5 for flag in flags}
        self.store: Store = Emulator(token="t", provision_seconds=NEVER, **switches)._store
        self.home = next(self.store.all(Region)).id

    def one(self, noun: type[Object]) -> str:
        """The id of a random object; an unknown id if there is none."""
        return self.random.choice(self.known(noun) or ["00000000-0000-4000-8000-000000000000"])

    def known(self, noun: type[Object]) -> list[str]:
        """The ids to choose from: mostly of existing objects, and mostly in one region."""
        here = self.home if self.random.random() < 0.95 else None
        return [
            obj.id
            for obj in self.store.table(noun).values()
            if (not obj.gone() or self.random.random() < 0.05) and here in (None, getattr(obj, "region", here))
        ]

    def some(self, noun: type[Object]) -> list[str]:
        """The ids of a few random objects."""
        ids = self.known(noun)
        return self.random.sample(ids, min(len(ids), self.random.randrange(3)))

    def value(self, field: str) -> Any:
        """A value for a parameter of this name."""
        pick = self.random.choice
        values: dict[str, Any] = {
            **{noun.kind.removesuffix("s"): self.one(noun) for noun in NOUNS},
            **{noun.kind: self.some(noun) for noun in NOUNS},
            "region": self.home,
            "template": pick([self.one(Template), "debian-9", "ubuntu-16-04"]),
            "supersedes": self.one(Template),
            "availability_group": self.some(Instance),
            "network_adapters": [
                {"network": network, "ip_addresses": pick(["dhcp", self.some(IpAddress)])}
                for network in self.some(Network)
            ],
            "size": self.random.randrange(1, 60),
            "memory": pick([1024, 2048, 100]),
            "specification": f"10.{self.random.randrange(3)}.0.0/30",
            "address": pick(["10.0.0.1", "203.0.113.9"]),
            "key": KEY,
            "gateway": None,
            "primary_nameserver": None,
            "secondary_nameserver": None,
            "boot_device": "disk",
            "virtualization": pick(["hvm", "pv"]),
            "type": pick(["vnc", "serial"]),
            "name": "name",
            "note": "note",
        }
        if field.endswith("performance_tier"):
            return self.one(PerformanceTier)
        return values[field] if field in values else pick([True, False])

    def body(self, operation: Operation) -> list[Any]:
        """The parameters of an operation: the required ones and some others."""
        if operation.body is Nothing:
            return []
        if "context" in operation.path:
            return [operation.body.model_validate({"A": "1"})]
        given = {
            name: self.value(name)
            for name, field in operation.body.model_fields.items()
            if field.is_required() or self.random.random() < 0.4
        }
        return [operation.body.model_validate(given)]

    def act(self) -> Operation | None:
        """Call a random operation, and return it unless it was rejected."""
        operation = self.random.choice(WRITES)
        nouns = {noun.kind: noun for noun in NOUNS}
        ids = [self.one(nouns[operation.path.split("/")[1]])] if "{" in operation.path else []
        if "{instance_context_key}" in operation.path:
            ids.append("A")
        try:
            operation.act(self.store, *ids, *self.body(operation))
        except Refused:
            return None
        return operation

    def wait(self) -> None:
        """Usually let all transitions end."""
        if self.random.random() < 0.7:
            for seconds in (0, NEVER):
                self.store.switches = replace(self.store.switches, provision_seconds=seconds)
                self.store.settle()


def everything(store: Store) -> dict[str, dict[str, Any]]:
    """Return all data of the store, after checking that each object can be shown."""
    for table in store.tables.values():
        for obj in table.values():
            assert obj.show(store)["id"] == obj.id
    return {kind: {key: asdict(obj) for key, obj in table.items()} for kind, table in store.tables.items() if table}


def inconsistencies(store: Store) -> list[str]:
    """Return the relations about which two objects disagree."""
    found: list[str] = []
    disks = {disk.id: disk for disk in store.all(Disk)}
    instances = {instance.id: instance for instance in store.all(Instance)}
    for instance in instances.values():
        for position, disk_id in enumerate(instance.disks):
            disk = disks.get(disk_id)
            if not disk or (disk.instance_id, disk.position) != (instance.id, position):
                found.append(f"instance lists {disk} at {position}")
        found.extend(f"no key {key}" for key in instance.public_keys if key not in store.table(PublicKey))
        found.extend(f"no member {member}" for member in instance.availability_group if member not in instances)
        found.extend(
            f"no network {adapter.network}"
            for adapter in instance.network_adapters
            if store.table(Network)[adapter.network].gone()
        )
    for disk in disks.values():
        if disk.instance_id and disk.state != "detaching" and disk.id not in instances[disk.instance_id].disks:
            found.append(f"{disk} is not listed")
        has_one = {"attached": True, "attaching": True, "detaching": True, "unattached": False}
        if has_one.get(disk.state, bool(disk.instance_id)) != bool(disk.instance_id):
            found.append(f"{disk} is {disk.state}")
    users: dict[str, set[str]] = {}
    for instance in instances.values():
        for adapter in instance.network_adapters:
            for address_id in adapter.ip_addresses:
                users.setdefault(address_id, set()).add(instance.id)
    addresses = list(store.all(IpAddress))
    for address in addresses:
        if set(address.instance_ids) != users.pop(address.id, set()):
            found.append(f"{address} has other users")
        if len(address.instance_ids) > 1 and not address.shareable:
            found.append(f"{address} is shared")
    found.extend(f"no address {left}" for left in users)
    if len({(address.network_id, address.address) for address in addresses}) < len(addresses):
        found.append("an address is allocated twice")
    if store.switches.symmetric_groups:
        found.extend(
            f"{instance.id} is in no group with {member}"
            for instance in instances.values()
            for member in instance.availability_group
            if instance.id not in instances[member].availability_group
        )
    return found


@pytest.mark.slow
def test_random_operations() -> None:
    """After any operation both sides of every relation agree; a rejected one has changed nothing."""
    succeeded: set[str] = set()
    for seed in range(12):
        monkey = Monkey(seed)
        for step in range(300):
            before = everything(monkey.store)
            operation = monkey.act()
            if operation:
                succeeded.add(operation.name)
            else:
                assert everything(monkey.store) == before, (seed, step)
            assert inconsistencies(monkey.store) == [], (seed, step)
            monkey.wait()
    assert succeeded == {operation.name for operation in WRITES}

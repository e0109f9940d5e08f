"""Sample arguments of each resource and component, for all tests that need one of each.

The tests of unknown values, ids, bad input and endpoints, the fault sweep and random programs use them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

import pulumi_joviam as joviam
from pulumi_joviam.cli.import_ import wanted
from pulumi_joviam.lifecycle.resource import Resource
from tests.emulator.account import Account
from tests.keys import key as public_key
from tests.stack import Spec

Json = dict[str, Any]


class World(Protocol):
    """The objects and numbers that a sample may use."""

    def one(self, kind: str) -> Any:
        """Return the id, or a reference to the id, of a resource of that kind."""

    def number(self) -> int:
        """Return a different number each time, for values that must be unique."""
        ...


@dataclass(frozen=True)
class Sample:
    """``arguments`` returns all arguments of a resource; if some exclude each other, it returns several variants."""

    arguments: Callable[[World], list[Json]]
    changed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """New values of arguments that are updated in place, for later programs and for drift."""


def _range(world: World) -> Json:
    """Return the arguments that Network and PrivateNetwork share."""
    number = world.number()
    net = f"10.{10 + number // 200}.{number % 200}"
    servers = {"primary_nameserver": "9.9.9.9", "secondary_nameserver": "8.8.8.8"}
    return {"specification": f"{net}.0/24", "gateway": f"{net}.1", "region": "SY3", **servers}


def _ip_address(world: World) -> list[Json]:
    args = {"region": "SY3", "shareable": True, "name": "sample"}
    number = world.number()
    address = f"10.1.{200 + number // 200}.{number % 200}"
    return [{"network": world.one("Network"), "address": address, **args}, args]


def _disk(world: World) -> list[Json]:
    args = {"size": 20, "performance_tier": "Fast", "region": "SY3", "cdrom": True, "is_template": True}
    args |= {"allow_stopping": True, "name": "sample"}
    return [{**args, "template": "ubuntu-16-04"}, {**args, "source_disk": world.one("Disk")}]


def _instance(world: World) -> list[Json]:
    args = {"memory": 512, "performance_tier": "Fast", "region": "SY3", "allow_stopping": True, "name": "sample"}
    more: Json = {"availability_group": [world.one("Instance")], "public_keys": [world.one("PublicKey")]}
    more |= {"note": "sample", "boot_device": "disk", "virtualization": "pv", "power_state": "stopped"}
    more |= {"context": {"A": "1"}, "start_on_crash": False, "start_on_reboot": False, "start_on_shutdown": True}
    own = {"disks": [world.one("Disk"), world.one("Disk")], "ip_addresses": [world.one("IpAddress")]}
    adapters = [
        {"network": world.one("Network"), "ip_addresses": [world.one("IpAddress"), world.one("IpAddress")]},
        {"network": world.one("other Network"), "ip_addresses": "dhcp"},
    ]
    boot_disk = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast", "delete_with_instance": True}
    new = {"networks": [world.one("Network")], "allocate_public_ip": True, "allocate_private_ip": False}
    return [
        {**args, **more, **own},
        {**args, "network_adapters": adapters},
        {**args, "boot_disk": boot_disk, **new},
    ]


def _machine(world: World) -> Json:
    """Return the arguments that Server and ServerPool share."""
    args: Json = {"template": "ubuntu-16-04", "memory": 512, "performance_tier": "Fast", "disk_size": 30}
    args |= {"disk_performance_tier": "Fast", "region": "SY3", "public": False, "public_keys": [world.one("PublicKey")]}
    args |= {"note": "sample", "power_state": "stopped", "boot_device": "disk", "start_on_shutdown": True}
    args |= {"start_on_crash": False, "start_on_reboot": False}
    return {**args, "context": {"A": "1"}, "allow_stopping": True}


def _server(world: World) -> list[Json]:
    parts = {"name": "sample", "ip_addresses": [world.one("IpAddress")], "data_disks": [world.one("Disk")]}
    return [{**_machine(world), **parts, "network": world.one("Network")}]


def _server_pool(world: World) -> list[Json]:
    alone = {"template": "ubuntu-16-04", "network": world.one("Network"), "public": False, "count": 1}
    return [{**_machine(world), "count": 1, "specification": _range(world)["specification"]}, alone]


def _private_network(world: World) -> list[Json]:
    args = _range(world)
    return [{**args, "addresses": {"db": args["gateway"] + "0"}}]


SAMPLES: dict[str, Sample] = {
    "PublicKey": Sample(
        lambda world: [{"key": public_key(f"sample {world.number()}"), "name": "sample"}], changed={"name": "changed"}
    ),
    "Network": Sample(lambda world: [{**_range(world), "name": "sample"}]),
    "IpAddress": Sample(_ip_address),
    "Disk": Sample(_disk),
    "Instance": Sample(_instance),
    "AvailabilityGroup": Sample(lambda world: [{"instances": [world.one("Instance"), world.one("Instance")]}]),
    "Template": Sample(lambda world: [{"disk": world.one("Disk"), "supersedes": "debian-9"}]),
    "ConsoleSession": Sample(lambda world: [{"instance": world.one("running Instance"), "type": "serial"}]),
    "Server": Sample(_server),
    "ServerPool": Sample(_server_pool),
    "PrivateNetwork": Sample(_private_network),
}
CLASSES = {name: getattr(joviam, name) for name in wanted.PUBLIC if name[0].isupper()}
RESOURCES: dict[str, type[Resource]] = {name: found for name, found in CLASSES.items() if issubclass(found, Resource)}
COMPONENTS = {name for name, found in CLASSES.items() if issubclass(found, pulumi.ComponentResource)}


class ExistingObjects:
    """Samples refer to existing objects of an account, so every value is known that a test does not hide."""

    def __init__(self, account: Account) -> None:
        self._numbers = itertools.count(1)
        network, other = (account.network(f"10.{net}.0.0/16") for net in (1, 2))
        key = account.key()
        self._made: dict[str, Callable[[], str]] = {
            "PublicKey": lambda: key,
            "Network": lambda: network,
            "other Network": lambda: other,
            "IpAddress": lambda: account.address(network),
            "Disk": account.disk,
            "Instance": account.instance,
            "running Instance": lambda: account.instance(running=True),
        }

    def one(self, kind: str) -> str:
        return self._made[kind]()

    def number(self) -> int:
        return next(self._numbers)

    def arguments(self, kind: str) -> list[Json]:
        """Return the sample arguments of a kind: all of them, in several variants if some exclude each other."""
        return SAMPLES[kind].arguments(self)


class EarlierResources:
    """Samples refer to an earlier resource of the same program: the first of its kind."""

    def __init__(self, program: Spec) -> None:
        self._program = program
        self._numbers = itertools.count(1)

    def one(self, kind: str) -> Json:
        return {"ref": f"{next(name for name, args in self._program.items() if args['kind'] == kind.split()[-1])}.id"}

    def number(self) -> int:
        return next(self._numbers)


def completed(program: Spec) -> Spec:
    """Return the program with a resource of every missing kind, named after the kind."""
    whole = dict(program)
    for kind, sample in SAMPLES.items():
        if kind in RESOURCES and kind not in [args["kind"] for args in program.values()]:
            whole[kind] = {"kind": kind, **sample.arguments(EarlierResources(whole))[0]}
    return whole


def changed(program: Spec) -> Spec:
    """Return the resources that `completed` added to a program, with changed arguments."""
    return {kind: {**program[kind], **sample.changed} for kind, sample in SAMPLES.items() if kind in program}

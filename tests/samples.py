"""What a program says of each resource and component: described here once, for all tests that want one of each.

What is unknown in a preview, misspelled ids, bad input, the fault sweep, random programs and the tour of the endpoints
take it from here.
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
    """What a sample may refer to."""

    def one(self, kind: str) -> Any:
        """Return what a program says for the id of a resource of that kind."""

    def number(self) -> int:
        """Return another number each time, for what only one resource can have."""
        ...


@dataclass(frozen=True)
class Sample:
    """``said`` returns all arguments of a resource; where some exclude each other, there are several ways to say it."""

    said: Callable[[World], list[Json]]
    changed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What a program may say later, and somebody else may change: arguments that are updated in place."""


def _range(world: World) -> Json:
    """Return what a network and a private network take."""
    number = world.number()
    net = f"10.{10 + number // 200}.{number % 200}"
    servers = {"primary_nameserver": "9.9.9.9", "secondary_nameserver": "8.8.8.8"}
    return {"specification": f"{net}.0/24", "gateway": f"{net}.1", "region": "SY3", **servers}


def _ip_address(world: World) -> list[Json]:
    said = {"region": "SY3", "shareable": True, "name": "said"}
    number = world.number()
    wanted = f"10.1.{200 + number // 200}.{number % 200}"
    return [{"network": world.one("Network"), "address": wanted, **said}, said]


def _disk(world: World) -> list[Json]:
    said = {"size": 20, "performance_tier": "Fast", "region": "SY3", "cdrom": True, "is_template": True}
    said |= {"allow_stopping": True, "name": "said"}
    return [{**said, "template": "ubuntu-16-04"}, {**said, "source_disk": world.one("Disk")}]


def _instance(world: World) -> list[Json]:
    said = {"memory": 512, "performance_tier": "Fast", "region": "SY3", "allow_stopping": True, "name": "said"}
    more: Json = {"availability_group": [world.one("Instance")], "public_keys": [world.one("PublicKey")]}
    more |= {"note": "said", "boot_device": "disk", "virtualization": "pv", "power_state": "stopped"}
    more |= {"context": {"A": "1"}, "start_on_crash": False, "start_on_reboot": False, "start_on_shutdown": True}
    own = {"disks": [world.one("Disk"), world.one("Disk")], "ip_addresses": [world.one("IpAddress")]}
    adapters = [
        {"network": world.one("Network"), "ip_addresses": [world.one("IpAddress"), world.one("IpAddress")]},
        {"network": world.one("other Network"), "ip_addresses": "dhcp"},
    ]
    boot_disk = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast", "delete_with_instance": True}
    made = {"networks": [world.one("Network")], "allocate_public_ip": True, "allocate_private_ip": False}
    return [
        {**said, **more, **own},
        {**said, "network_adapters": adapters},
        {**said, "boot_disk": boot_disk, **made},
    ]


def _machine(world: World) -> Json:
    """Return what a server and each server of a pool take."""
    said: Json = {"template": "ubuntu-16-04", "memory": 512, "performance_tier": "Fast", "disk_size": 30}
    said |= {"disk_performance_tier": "Fast", "region": "SY3", "public": False, "public_keys": [world.one("PublicKey")]}
    return {**said, "context": {"A": "1"}, "allow_stopping": True}


def _server(world: World) -> list[Json]:
    parts = {"ip_addresses": [world.one("IpAddress")], "data_disks": [world.one("Disk")]}
    return [{**_machine(world), **parts, "network": world.one("Network")}]


def _server_pool(world: World) -> list[Json]:
    alone = {"template": "ubuntu-16-04", "network": world.one("Network"), "public": False, "count": 1}
    return [{**_machine(world), "count": 1, "specification": _range(world)["specification"]}, alone]


def _private_network(world: World) -> list[Json]:
    said = _range(world)
    return [{**said, "addresses": {"db": said["gateway"] + "0"}}]


SAMPLES: dict[str, Sample] = {
    "PublicKey": Sample(
        lambda world: [{"key": public_key(f"sample {world.number()}"), "name": "said"}], changed={"name": "changed"}
    ),
    "Network": Sample(lambda world: [{**_range(world), "name": "said"}]),
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


class There:
    """What samples refer to is in the account already, so that everything is known but what a test hides."""

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

    def say(self, kind: str) -> list[Json]:
        """Return what can be said of a resource: all of its arguments, those that exclude each other one by one."""
        return SAMPLES[kind].said(self)


class Above:
    """What samples refer to is a resource further up in the same program: the first of its kind."""

    def __init__(self, program: Spec) -> None:
        self._program = program
        self._numbers = itertools.count(1)

    def one(self, kind: str) -> Json:
        return {"ref": f"{next(name for name, said in self._program.items() if said['kind'] == kind.split()[-1])}.id"}

    def number(self) -> int:
        return next(self._numbers)


def completed(program: Spec) -> Spec:
    """Return a program with a resource of every kind that it has not, which is called by its kind."""
    whole = dict(program)
    for kind, sample in SAMPLES.items():
        if kind in RESOURCES and kind not in [said["kind"] for said in program.values()]:
            whole[kind] = {"kind": kind, **sample.said(Above(whole))[0]}
    return whole


def changed(program: Spec) -> Spec:
    """Return the resources that `completed` added to a program, as a later program says them."""
    return {kind: {**program[kind], **sample.changed} for kind, sample in SAMPLES.items() if kind in program}

"""Where the API reference is silent, either behavior is allowed: the same stack works under each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.emulator.store import Switches
from tests.keys import key
from tests.miniature import Miniature, Plugin
from tests.stack import Stack

Json = dict[str, Any]
Steps = dict[str, str]

# Not the numbers, which set a pace, and not ignored updates, under which nothing can change.
SWITCHES = [
    field.name for field in fields(Switches) if isinstance(field.default, bool) and field.name != "ignored_updates"
]


def ref(name: str) -> Json:
    return {"ref": f"{name}.id"}


def program(*, changed: bool) -> Json:
    """Return a program with every resource that a switch affects, before and after a change."""
    machine: Json = {"kind": "Instance", "performance_tier": "Standard", "allow_stopping": True}
    disk: Json = {"kind": "Disk", "size": 20 if changed else 10, "performance_tier": "Standard", "allow_stopping": True}
    boot = {"template": "debian-9" if changed else "ubuntu-16-04", "size": 20, "performance_tier": "Standard"}
    args: Json = {
        "key": {"kind": "PublicKey", "key": key("a")},
        "network": {"kind": "Network", "specification": "10.0.0.0/24"},
        "address": {"kind": "IpAddress", "network": ref("network")},
        "data": disk,
        "golden": {"kind": "Disk", "size": 10, "performance_tier": "Standard", "is_template": True},
        "clone": {"kind": "Disk", "size": 15, "performance_tier": "Fast", "source_disk": ref("golden")},
        "web": machine
        | {
            "memory": 2048 if changed else 1024,
            "disks": [ref("data"), ref("clone")],
            "ip_addresses": [ref("address")],
            "public_keys": [ref("key")],
        },
        "db": machine | {"memory": 1024, "boot_disk": boot, "networks": [ref("network")]},
        "apart": {"kind": "AvailabilityGroup", "instances": [ref("web"), ref("db")]},
    }
    return args


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_lifecycle_under_each_switch(cloud: Emulator, plugged: Plugin, switch: str) -> None:
    """The result is the same for either behavior of the API."""
    cloud.configure(**_other(switch))
    stack = Miniature(plugged, f"under-{switch}")

    def up(args: Json) -> Steps:
        run = stack.up(args)
        assert run.error == ""
        return run.steps

    lifecycle(cloud, up, lambda args: {**stack.refresh().steps, **stack.preview(args).steps})


def test_a_lifecycle_under_all_switches(stack: Stack) -> None:
    """The same on the real engine, with all switches changed."""
    stack.cloud.configure(**_other(*SWITCHES))

    def up(args: Json) -> Steps:
        stack.program(args)
        return stack.up().steps

    lifecycle(stack.cloud, up, lambda _args: {**stack.refresh().steps, **stack.preview().steps})


def lifecycle(cloud: Emulator, up: Callable[[Json], Steps], pending: Callable[[Json], Steps]) -> None:
    """Run a create, a change with stops and a swap, the removal of a machine, and the removal of all."""
    first, changed = program(changed=False), program(changed=True)
    assert set(up(first).values()) == {"create"}
    assert up(first) == {}
    machines = {item["name"]: item["id"] for item in _objects(cloud, "instances")}
    assert set(up(changed)) == {"data", "web", "db"}
    assert pending(changed) == {}
    assert {item["name"]: item["id"] for item in _objects(cloud, "instances")} == machines
    assert {item["state"] for item in _objects(cloud, "instances")} == {"running"}
    up({name: args for name, args in changed.items() if name not in ("web", "db", "apart")})
    assert {item["name"]: item["state"] for item in _objects(cloud, "disks")} == dict.fromkeys(
        ("data", "golden", "clone"), "unattached"
    )
    up({})
    left = [kind for kind in ("public_keys", "networks", "ip_addresses", "disks", "instances") if _objects(cloud, kind)]
    assert left == []


def _other(*switches: str) -> dict[str, bool]:
    return {switch: not getattr(Switches(), switch) for switch in switches}


def _objects(cloud: Emulator, kind: str) -> list[Json]:
    """Return the objects of a kind; under one switch deleted ones stay visible as terminated."""
    return [item for item in cloud.objects(kind) if item.get("state") != "terminated"]

"""Where the API reference is silent, both answers are right: the same stack lives under each of them."""

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

# The pace and the clock are no answers to a question of the reference. Where updates are ignored, nothing can change.
SWITCHES = [
    field.name for field in fields(Switches) if isinstance(field.default, bool) and field.name != "ignored_updates"
]


def ref(name: str) -> Json:
    return {"ref": f"{name}.id"}


def program(*, changed: bool) -> Json:
    """Return a stack of everything that a switch concerns, before and after a change of it."""
    machine: Json = {"kind": "Instance", "performance_tier": "Standard", "allow_stopping": True}
    disk: Json = {"kind": "Disk", "size": 20 if changed else 10, "performance_tier": "Standard", "allow_stopping": True}
    boot = {"template": "debian-9" if changed else "ubuntu-16-04", "size": 20, "performance_tier": "Standard"}
    said: Json = {
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
    return said


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_lifecycle_under_each_switch(cloud: Emulator, plugged: Plugin, switch: str) -> None:
    """The result is the same for either behaviour of the API."""
    cloud.configure(**_other(switch))
    stack = Miniature(plugged, f"under-{switch}")

    def up(said: Json) -> Steps:
        run = stack.up(said)
        assert run.error == ""
        return run.steps

    live(cloud, up, lambda said: {**stack.refresh().steps, **stack.preview(said).steps})


def test_a_lifecycle_under_all_switches(stack: Stack) -> None:
    """The same on the real engine, with all switches changed."""
    stack.cloud.configure(**_other(*SWITCHES))

    def up(said: Json) -> Steps:
        stack.program(said)
        return stack.up().steps

    live(stack.cloud, up, lambda _said: {**stack.refresh().steps, **stack.preview().steps})


def live(cloud: Emulator, up: Callable[[Json], Steps], look: Callable[[Json], Steps]) -> None:
    """Up, a change with stops and a swap, a machine taken away, everything taken away."""
    first, changed = program(changed=False), program(changed=True)
    assert set(up(first).values()) == {"create"}
    assert up(first) == {}
    machines = {item["name"]: item["id"] for item in _there(cloud, "instances")}
    assert set(up(changed)) == {"data", "web", "db"}
    assert look(changed) == {}
    assert {item["name"]: item["id"] for item in _there(cloud, "instances")} == machines
    assert {item["state"] for item in _there(cloud, "instances")} == {"running"}
    up({name: said for name, said in changed.items() if name not in ("web", "db", "apart")})
    assert {item["name"]: item["state"] for item in _there(cloud, "disks")} == dict.fromkeys(
        ("data", "golden", "clone"), "unattached"
    )
    up({})
    left = [kind for kind in ("public_keys", "networks", "ip_addresses", "disks", "instances") if _there(cloud, kind)]
    assert left == []


def _other(*switches: str) -> dict[str, bool]:
    return {switch: not getattr(Switches(), switch) for switch in switches}


def _there(cloud: Emulator, kind: str) -> list[Json]:
    """Return the objects of a kind; under one switch deleted ones stay visible as terminated."""
    return [item for item in cloud.objects(kind) if item.get("state") != "terminated"]

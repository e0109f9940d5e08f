"""Where the API reference is silent, both answers are right: the same stack lives under each of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from pulumi_joviam.emulator.store import Switches
from tests.keys import key
from tests.stack import Stack

Json = dict[str, Any]

# The pace and the clock are no answers to a question of the reference.
SWITCHES = [field.name for field in fields(Switches) if isinstance(field.default, bool)]


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
def test_a_life_under_a_switch(stack: Stack, switch: str) -> None:
    """Up, a change with stops and a swap, a machine taken away, destroy: the same whatever the API answers."""
    stack.cloud.configure(**{switch: not getattr(Switches(), switch)})
    stack.program(program(changed=False))
    stack.up()
    assert stack.up().empty
    machines = {item["name"]: item["id"] for item in _there(stack, "instances")}
    stack.program(program(changed=True))
    stack.up()
    assert stack.refresh().empty
    assert stack.preview().empty
    assert {item["name"]: item["id"] for item in _there(stack, "instances")} == machines
    assert {item["state"] for item in _there(stack, "instances")} == {"running"}
    alone = program(changed=True)
    for name in ("web", "db", "apart"):
        del alone[name]
    stack.program(alone)
    stack.up()
    assert {item["name"]: item["state"] for item in _there(stack, "disks")} == dict.fromkeys(
        ("data", "golden", "clone"), "unattached"
    )
    stack.destroy()
    left = [kind for kind in ("public_keys", "networks", "ip_addresses", "disks", "instances") if _there(stack, kind)]
    assert left == []


def _there(stack: Stack, kind: str) -> list[Json]:
    """Return the objects of a kind; under one switch deleted ones stay visible as terminated."""
    return [item for item in stack.cloud.objects(kind) if item.get("state") != "terminated"]

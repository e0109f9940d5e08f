"""Aliases (names of regions, tiers and templates): resolved once, renamed without a diff, and refused early."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.engine.machines import BASIC, BOOT, DISK, MACHINE
from tests.keys import key
from tests.miniature import Miniature, Plugin
from tests.stack import Stack

Json = dict[str, Any]

LISTS = ["GET /regions", "GET /performance_tiers/disks", "GET /performance_tiers/instances", "GET /templates"]


def tier(cloud: Emulator, name: str) -> str:
    """Return the id of the tier of a disk with this name."""
    return next(str(it["performance_tier"]["id"]) for it in cloud.objects("disks") if it["name"] == name)


def list_requests(cloud: Emulator) -> list[str]:
    return [it.operation or "" for it in cloud.requests if it.operation in LISTS]


@pytest.mark.parametrize("taken", [False, True])
def test_a_renamed_tier_is_no_change(cloud: Emulator, plugged: Plugin, taken: bool) -> None:
    """An alias keeps its id, even if another tier takes over the name; only new resources use that one."""
    stack, program = Miniature(plugged, f"renamed-{taken}"), {"d": DISK, "other": DISK | {"performance_tier": "Fast"}}
    stack.up(program)
    standard, fast = tier(cloud, "d"), tier(cloud, "other")
    cloud.change(standard, name="Standard (legacy)")
    if taken:
        cloud.change(fast, name="Standard")
    before = len(list_requests(cloud))
    for _ in range(2):
        assert (stack.preview(program).steps, stack.up(program).steps) == ({}, {})
        assert (stack.refresh().steps, stack.refresh().steps) == ({}, {})
    assert len(list_requests(cloud)) == before


def test_a_new_resource_uses_the_current_name(stack: Stack) -> None:
    args: Json = {"d": DISK, "other": DISK | {"performance_tier": "Fast"}}
    stack.program(args)
    stack.up()
    standard, fast = tier(stack.cloud, "d"), tier(stack.cloud, "other")
    stack.cloud.change(standard, name="Standard (legacy)")
    stack.cloud.change(fast, name="Standard")
    stack.program(args | {"new": DISK})
    assert stack.up().steps == {"new": "create"}
    assert [tier(stack.cloud, name) for name in ("d", "new")] == [standard, fast]
    # the program uses the new name: it is the same tier, looked up once
    stack.program(args | {"new": DISK, "d": DISK | {"performance_tier": "Standard (legacy)"}})
    assert stack.up().empty
    before = len(list_requests(stack.cloud))
    assert stack.preview().empty
    assert stack.refresh().empty
    assert stack.preview().empty
    assert len(list_requests(stack.cloud)) == before


def test_a_changed_tier_is_drift_even_if_it_has_the_old_name(cloud: Emulator, plugged: Plugin) -> None:
    """The machine has the tier with this name today, but not the one that the name was resolved to."""
    stack, program = Miniature(plugged, "by-hand-renamed"), {"i": MACHINE | {"allow_stopping": True}}
    stack.up(program)
    [instance] = cloud.objects("instances")
    standard = instance["performance_tier"]["id"]
    stack.up(program | {"fast": MACHINE | {"performance_tier": "Fast"}})
    [fast] = [it["performance_tier"]["id"] for it in cloud.objects("instances") if it["name"] == "fast"]
    cloud.change(standard, name="Standard (legacy)")
    cloud.change(fast, name="Standard")
    cloud.change(instance["id"], performance_tier=fast)
    stack.up(program)
    assert stack.refresh().steps == {"i": "update"}
    assert stack.refresh().steps == {}
    assert stack.up(program).steps == {"i": "update"}
    assert cloud.objects("instances")[0]["performance_tier"]["id"] == standard
    assert (stack.refresh().steps, stack.preview(program).steps) == ({}, {})


NEW: dict[str, tuple[Json, str]] = {
    "tier": (
        DISK | {"performance_tier": "Standart"},
        "performance_tier: is unknown in region SY3; available: ",
    ),
    "template": (DISK | {"template": "ubuntu-1604"}, "template: is unknown in region SY3; available: "),
    "region": (DISK | {"region": "Sydney"}, "region: is unknown; available: ML1, SY3"),
    "address": ({"kind": "IpAddress", "region": "sy3"}, "region: is unknown; available: ML1, SY3"),
    "size": (
        DISK | {"template": "ubuntu-16-04", "size": 1},
        "size: must be 10 GB or more: the template needs that much",
    ),
    "machine": (
        MACHINE | {"performance_tier": "Slow"},
        "performance_tier: is unknown in region SY3; available: ",
    ),
    "boot": (BASIC | {"boot_disk": BOOT | {"template": "x"}}, "boot_disk.template: is unknown in region SY3; "),
    "boot tier": (
        BASIC | {"boot_disk": BOOT | {"performance_tier": "x"}},
        "boot_disk.performance_tier: is unknown",
    ),
    "boot size": (
        BASIC | {"boot_disk": BOOT | {"size": 1}},
        "boot_disk.size: must be 10 GB or more: the template needs",
    ),
}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("name", NEW)
def test_an_unknown_name_is_refused_in_preview(plugged: Plugin, name: str) -> None:
    args, message = NEW[name]
    assert message in Miniature(plugged, f"new-{name}").preview({"r": args}).error


def test_a_typo_deletes_nothing(stack: Stack) -> None:
    """A new name for an existing object is looked up in preview, before anything is deleted or swapped."""
    address = {"kind": "IpAddress", "address": "203.0.113.200", "region": "SY3"}
    stack.program({"ip": address, "i": BASIC})
    stack.up()
    before = stack.cloud.objects("ip_addresses") + stack.cloud.objects("disks")
    stack.program({"ip": address | {"region": "sy3"}, "i": BASIC})
    for run in (stack.preview(fails=True), stack.up(fails=True)):
        assert "region: is unknown; available: ML1, SY3" in run.text
    stack.program({"ip": address, "i": BASIC | {"boot_disk": BOOT | {"template": "debian-99"}}})
    assert "boot_disk.template: is unknown in region SY3; available: " in stack.preview(fails=True).text
    assert stack.cloud.objects("ip_addresses") + stack.cloud.objects("disks") == before


def test_each_list_is_requested_once(stack: Stack) -> None:
    """Twenty new resources request each list at most once; a preview without a new name sends nothing."""
    disks = {f"d{n}": DISK | {"template": "ubuntu-16-04", "size": 20} for n in range(10)}
    program = disks | {f"i{n}": MACHINE | {"disks": [{"ref": f"d{n}.id"}]} for n in range(10)}
    stack.program(program)
    stack.preview()
    assert sorted(it.operation or "" for it in stack.cloud.requests) == sorted(LISTS)
    stack.up()
    before = len(stack.cloud.requests)
    stack.program({name: args | {"name": "renamed"} for name, args in program.items()})
    assert len(stack.preview().steps) == 20
    assert len(stack.cloud.requests) == before


def test_preview_works_offline(stack: Stack) -> None:
    """If the API is unreachable, preview prints one warning, and everything that needs no request."""
    stack.program({"d": DISK})
    stack.up()
    stack.cloud.stop()
    try:
        stack.program(
            {"d": DISK | {"performance_tier": "Fast"}, "e": DISK, "k": {"kind": "PublicKey", "key": key("a")}}
        )
        run = stack.preview()
        assert run.steps == {"d": "replace", "e": "create", "k": "create"}
        warnings = [message for _, message in run.warnings if "cannot be reached" in message]
        assert len(warnings) == 1
    finally:
        stack.cloud.start()


@pytest.mark.usefixtures("cloud")
def test_an_unknown_supersedes_is_refused(plugged: Plugin) -> None:
    program = {"d": DISK, "t": {"kind": "Template", "disk": {"ref": "d.id"}, "supersedes": "ubuntu-1604"}}
    assert "supersedes: is unknown; available: " in Miniature(plugged, "supersedes").preview(program).error

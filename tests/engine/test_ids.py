"""An object is the same one in whatever case its id is written, and a resource has its whole name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

import pytest

import pulumi_joviam as joviam
from pulumi_joviam.api import models
from pulumi_joviam.emulator import Emulator
from tests.emulator.account import Account
from tests.miniature import Miniature, Plugin, _plain, _struct
from tests.samples import SAMPLES, There
from tests.stack import Stack
from tests.unknown import PLAIN


def shouted(value: Any) -> Any:
    """Return a value with every id in it in upper case."""
    if isinstance(value, dict):
        held = cast(dict[str, Any], value)
        return {key: shouted(item) for key, item in held.items()}
    if isinstance(value, list):
        items = cast(Sequence[Any], value)
        return [shouted(item) for item in items]
    return value.upper() if isinstance(value, str) and re.fullmatch(models.UUID, value) else value


def test_ids_in_upper_case(cloud: Emulator, plugged: Plugin) -> None:
    """Every id in a program may be in upper case, in new stacks and in old ones."""
    world = There(Account(cloud))
    for kind in [kind for kind in SAMPLES if kind not in PLAIN]:
        for said in world.say(kind):
            cloud.configure(provision_seconds=0.0)  # making what is said of it has changed that
            program = {"it": {"kind": kind, **said}}
            loud = {"it": {"kind": kind, **shouted(said)}}
            stack = Miniature(plugged, f"ids of {kind}")
            assert stack.up(loud).error == "", kind
            held = stack.state["it"]
            for same in (program, loud):
                assert (stack.up(same).steps, stack.refresh().steps) == ({}, {}), kind
            # 0.1.0 kept what the program said, and each of its updates was in vain
            held.inputs = _struct(shouted(_plain(held.inputs)))
            assert (stack.up(loud).steps, stack.refresh().steps) == ({}, {}), kind
            assert stack.destroy().error == "", kind


def test_two_spellings_of_an_id_are_a_duplicate(plugged: Plugin) -> None:
    """Two spellings of an id are one object."""
    same = "6d1c0000-0000-4000-8000-000000000001"
    machine = {"kind": "Instance", "memory": 512, "performance_tier": "Standard", "disks": [same, same.upper()]}
    assert Miniature(plugged, "twice").preview({"it": machine}).error == (
        "it: disks[1]: is in the list before: name each object once"
    )


def test_look_ups_ignore_the_case_of_ids(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for objects that the API can only list."""
    monkeypatch.setenv("JOVIAM_TOKEN", cloud.token)
    monkeypatch.setenv("JOVIAM_ENDPOINT", cloud.url)
    account = Account(cloud)
    disk, tier = account.disk(), joviam.get_performance_tiers(use="disk", region="SY3")[0]
    assert joviam.get_disk(id=disk.upper()).id == disk
    assert joviam.get_performance_tier(id=tier.id.upper()) == tier


def test_names_with_colons(stack: Stack) -> None:
    """The names of objects in the cloud are as distinct as the Pulumi names."""
    disk = {"kind": "Disk", "size": 1, "performance_tier": "Fast"}
    stack.program({"web::db": disk, "api::db": disk})
    assert stack.up().steps == {"web::db": "create", "api::db": "create"}
    assert sorted(it["name"] for it in stack.cloud.objects("disks")) == ["api::db", "web::db"]

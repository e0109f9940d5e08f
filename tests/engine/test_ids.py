"""The case of ids makes no difference, and the names of resources may contain colons."""

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
from tests.samples import SAMPLES, ExistingObjects
from tests.stack import Stack
from tests.unknown import PLAIN


def upper_case(value: Any) -> Any:
    """Return the value with every id in upper case."""
    if isinstance(value, dict):
        items = cast(dict[str, Any], value)
        return {key: upper_case(item) for key, item in items.items()}
    if isinstance(value, list):
        return [upper_case(item) for item in cast(Sequence[Any], value)]
    return value.upper() if isinstance(value, str) and re.fullmatch(models.UUID, value) else value


def test_ids_in_upper_case(cloud: Emulator, plugged: Plugin) -> None:
    """Every id in a program may be in upper case, in new stacks and in old ones."""
    existing = ExistingObjects(Account(cloud))
    for kind in [kind for kind in SAMPLES if kind not in PLAIN]:
        for args in existing.arguments(kind):
            cloud.configure(provision_seconds=0.0)  # the sample may have changed it
            program = {"it": {"kind": kind, **args}}
            upper = {"it": {"kind": kind, **upper_case(args)}}
            stack = Miniature(plugged, f"ids of {kind}")
            assert stack.up(upper).error == "", kind
            state = stack.state["it"]
            for same in (program, upper):
                assert (stack.up(same).steps, stack.refresh().steps) == ({}, {}), kind
            # 0.1.0 stored the ids as the program wrote them, and showed an update each time
            state.inputs = _struct(upper_case(_plain(state.inputs)))
            assert (stack.up(upper).steps, stack.refresh().steps) == ({}, {}), kind
            assert stack.destroy().error == "", kind


def test_two_spellings_of_an_id_are_a_duplicate(plugged: Plugin) -> None:
    """Two spellings of an id are one object."""
    same = "6d1c0000-0000-4000-8000-000000000001"
    machine = {"kind": "Instance", "memory": 512, "performance_tier": "Standard", "disks": [same, same.upper()]}
    assert Miniature(plugged, "twice").preview({"it": machine}).error == (
        "it: disks[1]: is in the list before: name each object once"
    )


def test_look_ups_ignore_the_case_of_ids(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """This includes objects that the API can only list."""
    monkeypatch.setenv("JOVIAM_TOKEN", cloud.token)
    monkeypatch.setenv("JOVIAM_ENDPOINT", cloud.url)
    account = Account(cloud)
    disk, tier = account.disk(), joviam.get_performance_tiers(use="disk", region="SY3")[0]
    assert joviam.get_disk(id=disk.upper()).id == disk
    assert joviam.get_performance_tier(id=tier.id.upper()) == tier


def test_names_with_colons(stack: Stack) -> None:
    """The objects in the cloud have the full names of the resources."""
    disk = {"kind": "Disk", "size": 1, "performance_tier": "Fast"}
    stack.program({"web::db": disk, "api::db": disk})
    assert stack.up().steps == {"web::db": "create", "api::db": "create"}
    assert sorted(it["name"] for it in stack.cloud.objects("disks")) == ["api::db", "web::db"]

"""Availability groups, where a list applies to all of its members and where it applies to one instance only."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.stack import Stack

Json = dict[str, Any]

MACHINE: Json = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}
PUT = "PUT /instances/{instance_id}/availability_group"

both = pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "one-sided"])


def group(*names: str) -> Json:
    return {"kind": "AvailabilityGroup", "instances": [{"ref": f"{name}.id"} for name in names]}


def machines(names: str) -> Json:
    return dict.fromkeys(names, MACHINE)


def lists(cloud: Emulator) -> dict[str, str]:
    """Return {machine: the names in its list}."""
    found = cloud.objects("instances")
    name = {item["id"]: item["name"] for item in found}
    return {item["name"]: "".join(sorted(name[id] for id in item["availability_group"])) for item in found}


def ids(cloud: Emulator) -> dict[str, str]:
    return {item["name"]: item["id"] for item in cloud.objects("instances")}


def puts(cloud: Emulator) -> int:
    """Return the number of times a list was written."""
    return sum(request.operation == PUT for request in cloud.requests)


@both
def test_the_lifecycle_of_a_group(stack: Stack, symmetric: bool) -> None:
    """A group is created, grown, shrunk, repaired and deleted, each with as few writes as the cloud allows."""
    stack.cloud.configure(symmetric_groups=symmetric)
    stack.program({**machines("abc"), "g": group("a", "b")})
    stack.up()
    group_id = stack.resources()["g"]["id"]
    assert lists(stack.cloud) == {"a": "b", "b": "a", "c": ""}
    assert puts(stack.cloud) == (1 if symmetric else 2)
    assert stack.settled()

    stack.program({**machines("abc"), "g": group("c", "b", "a")})
    run = stack.up()
    assert (run.steps, run.changed) == ({"g": "update"}, {"g": {"instances"}})
    assert lists(stack.cloud) == {"a": "bc", "b": "ac", "c": "ab"}
    assert puts(stack.cloud) == (2 if symmetric else 5)
    stack.program({**machines("abc"), "g": group("a", "b", "c")})
    assert stack.settled()

    stack.cloud.change(ids(stack.cloud)["c"], availability_group=[])
    for second in (False, True):  # a second refresh finds nothing new
        found = stack.refresh()
        assert set(stack.resources()["g"]["inputs"]["instances"]) == {ids(stack.cloud)[name] for name in "ab"}
        assert found.empty or not second
    preview = stack.preview()
    assert (preview.steps, preview.changed) == ({"g": "update"}, {"g": {"instances"}})
    assert stack.up().steps == {"g": "update"}
    assert lists(stack.cloud) == {"a": "bc", "b": "ac", "c": "ab"}
    assert puts(stack.cloud) == (3 if symmetric else 6)
    assert stack.refresh().empty

    stack.program({**machines("abc"), "g": group("a", "c")})
    assert stack.up().steps == {"g": "update"}
    assert lists(stack.cloud) == {"a": "c", "b": "", "c": "a"}
    assert stack.settled()
    assert stack.resources()["g"]["id"] == group_id

    stack.program(machines("abc"))
    assert stack.up().steps == {"g": "delete"}
    assert set(lists(stack.cloud).values()) == {""}
    assert len(stack.cloud.objects("instances")) == 3


@both
def test_an_added_member_is_shown_as_drift(stack: Stack, symmetric: bool) -> None:
    """A machine added by hand is shown under instances, and the next `up` removes only that one."""
    stack.cloud.configure(symmetric_groups=symmetric)
    stack.program({**machines("abxy"), "g": group("a", "b")})
    stack.up()
    id = ids(stack.cloud)
    if not symmetric:
        stack.cloud.change(id["x"], availability_group=[id["y"]])
    stack.cloud.change(id["a"], availability_group=[id["b"], id["x"]])
    found = stack.refresh()
    assert found.changed == {"g": {"instances"}}
    assert stack.resources()["g"]["outputs"]["instances"] == [id["a"], id["b"], id["x"]]
    assert stack.up().steps == {"g": "update"}
    assert lists(stack.cloud) == {"a": "b", "b": "a", "x": "" if symmetric else "y", "y": ""}
    assert stack.refresh().empty


@both
def test_a_deleted_member_is_shown_and_replaced(stack: Stack, symmetric: bool) -> None:
    """A deleted member is missing after a refresh; the machine created in its place joins the group."""
    stack.cloud.configure(symmetric_groups=symmetric)
    stack.program({**machines("abc"), "g": group("a", "b", "c")})
    stack.up()
    id = ids(stack.cloud)
    stack.cloud.remove(id["c"])
    assert stack.refresh().steps == {"c": "delete", "g": "update"}
    assert stack.resources()["g"]["outputs"]["instances"] == [id["a"], id["b"]]
    assert stack.up().steps == {"c": "create", "g": "update"}
    assert lists(stack.cloud) == {"a": "bc", "b": "ac", "c": "ab"}
    for name in "abc":
        stack.cloud.remove(ids(stack.cloud)[name])
    assert stack.up("--refresh").steps["g"] == "update"  # without any of its first members
    assert lists(stack.cloud) == {"a": "bc", "b": "ac", "c": "ab"}
    stack.cloud.remove(ids(stack.cloud)["b"])
    stack.destroy()
    assert stack.cloud.count() == {}


@both
def test_machines_move_between_groups(stack: Stack, symmetric: bool) -> None:
    """A machine can leave one group and join another in the same run, also after a rename."""
    stack.cloud.configure(symmetric_groups=symmetric)
    stack.program({**machines("abcdx"), "g": group("a", "b", "x"), "h": group("c", "d")})
    stack.up()
    stack.program({**machines("abcdx"), "g": group("a", "b"), "h": group("c", "d", "x")})
    stack.up()
    expected = {"a": "b", "b": "a", "c": "dx", "d": "cx", "x": "cd"}
    assert lists(stack.cloud) == expected
    assert stack.refresh().empty
    stack.program({**machines("abcdx"), "new": group("a", "b"), "h": group("c", "d", "x")})
    assert stack.up().steps == {"new": "create", "g": "delete"}
    assert lists(stack.cloud) == expected
    assert stack.refresh().empty


def test_a_partly_created_group_is_completed(stack: Stack) -> None:
    """After a failure the state shows the actual members; the next `up` completes it. Its deletion clears the lists."""
    stack.cloud.configure(symmetric_groups=False)
    stack.cloud.fail(PUT, status=422, details={"availability_group": ["not today"]}, skip=1)
    stack.program({**machines("abc"), "g": group("a", "b")})
    assert "instances: not today" in stack.up(fails=True).text
    assert lists(stack.cloud) == {"a": "b", "b": "", "c": ""}
    assert stack.resources()["g"]["outputs"]["instances"] == []
    assert stack.up().steps == {"g": "update"}
    assert lists(stack.cloud) == {"a": "b", "b": "a", "c": ""}
    stack.cloud.fail(PUT, status=422, skip=1)
    stack.program({**machines("abc"), "g": group("b", "c")})
    stack.up(fails=True)
    stack.program(machines("abc"))
    assert stack.up().steps == {"g": "delete"}
    assert set(lists(stack.cloud).values()) == {""}


def test_a_group_and_a_stopped_machine_do_not_interfere(stack: Stack) -> None:
    """A group and one of its machines, which is stopped for a change, can be updated at the same time."""
    program = machines("abc") | {"a": MACHINE | {"allow_stopping": True}}
    stack.program(program)
    stack.up()
    id = ids(stack.cloud)
    program["a"] |= {"memory": 2048}
    program["g"] = {"kind": "AvailabilityGroup", "instances": [id["a"], id["b"]]}
    stack.program(program)
    assert stack.up().steps == {"a": "update", "g": "create"}
    assert lists(stack.cloud) == {"a": "b", "b": "a", "c": ""}


def test_invalid_groups_are_refused(stack: Stack) -> None:
    """Too few, duplicates, unknown machines, another region, two groups for one machine: each has its own message."""
    some = "00000000-0000-0000-0000-00000000000"
    for instances, message in (
        ([f"{some}1"], "must have two instances or more"),
        ([f"{some}1", f"{some}1"], "instances[1]: is in the list before"),
    ):
        stack.program({"g": {"kind": "AvailabilityGroup", "instances": instances}})
        assert message in stack.preview(fails=True).text

    around = machines("abc") | {"far": MACHINE | {"region": "ML1"}}
    nonexistent = {"kind": "AvailabilityGroup", "instances": [f"{some}1", f"{some}2"]}
    stack.program({**around, "g": nonexistent})
    message = f'creating availability group "g": instances: there is no instance {some}1'
    assert message in stack.up(fails=True).text
    assert "g" not in stack.resources()
    stack.program({**around, "g": group("a", "far")})
    run = stack.up(fails=True)
    assert f"instances: {ids(stack.cloud)['far']} is not in the region" in run.text
    stack.program({**around, "g": group("a", "b")})
    assert stack.up().steps == {"g": "update"}
    assert lists(stack.cloud) == {"a": "b", "b": "a", "c": "", "far": ""}

    stack.program({**around, "one": group("b", "c"), "two": group("b", "c")})
    run = stack.up(fails=True)
    assert "is in two availability groups of this program" in run.text


def test_a_group_cannot_be_read_by_id(stack: Stack) -> None:
    """The API has no such object."""
    stack.write(
        "import pulumi_joviam as joviam\njoviam.AvailabilityGroup.get('g', '00000000-0000-0000-0000-000000000001')\n"
    )
    assert "the API has no object for an availability group" in stack.up(fails=True).text

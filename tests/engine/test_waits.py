"""Waits: for which states, for how long, and with which message if they fail."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Literal, cast

import pytest

from pulumi_joviam.emulator import Emulator
from tests.miniature import Miniature, Plugin
from tests.stack import Stack

Json = dict[str, Any]

DISK: Json = {"kind": "Disk", "size": 10, "performance_tier": "Standard"}
NETWORK: Json = {"kind": "Network", "specification": "10.0.0.0/24"}
MACHINE: Json = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}
BASIC: Json = MACHINE | {"boot_disk": {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Standard"}}
ADDRESS: Json = {"kind": "IpAddress", "network": {"ref": "n.id"}}
LOOK = "GET /{0}/{{{1}_id}}/state"
LOOK_AT_DISK, LOOK_AT_INSTANCE = LOOK.format("disks", "disk"), LOOK.format("instances", "instance")
NEVER = 3600.0


def ref(name: str) -> Json:
    return {"ref": f"{name}.id"}


def id_of(cloud: Emulator, kind: str, name: str | None = None) -> str:
    [found] = [item["id"] for item in cloud.objects(kind) if name in (None, item["name"])]
    return str(found)


@contextmanager
def once(cloud: Emulator, operation: str, act: Callable[[], object]) -> Generator[None, None, None]:
    """Act as soon as the next request of an operation has been answered."""
    before, over = len(cloud.requests), threading.Event()

    def watch() -> None:
        while not any(it.operation == operation and it.status for it in cloud.requests[before:]) and not over.is_set():
            time.sleep(0.01)
        act()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


@pytest.fixture
def small(cloud: Emulator, plugged: Plugin, request: pytest.FixtureRequest) -> Miniature:  # noqa: ARG001 - empties it
    """A stack on the small engine, in an empty cloud."""
    plugged.warnings()
    node = cast(pytest.Item, request.node)  # pyright: ignore[reportUnknownMemberType] # pytest gives it no type
    return Miniature(plugged, node.name)


# Deletes


def test_a_stuck_object_is_deleted(stack: Stack) -> None:
    """An object that never finishes provisioning can only be deleted; its disks and addresses follow later."""
    cloud = stack.cloud
    stack.program({"n": NETWORK, "d": DISK, "i": BASIC | {"allocate_public_ip": True}})
    stack.up()
    for kind in ("networks", "instances"):
        cloud.change(id_of(cloud, kind), state="provisioning")
    cloud.change(id_of(cloud, "disks", "d"), state="provisioning")
    cloud.configure(delete_under_way=True, detach_seconds=2.0)
    run = stack.destroy()
    assert cloud.count() == {}
    assert run.warnings == []


@pytest.mark.parametrize(("kind", "args"), [("disks", DISK), ("networks", NETWORK), ("instances", MACHINE)])
def test_a_refused_delete_is_retried(cloud: Emulator, small: Miniature, kind: str, args: Json) -> None:
    """The delete is sent first, and again once the state of the object has changed."""
    assert small.up({"x": args}).error == ""
    id, before = id_of(cloud, kind), len(cloud.requests)
    cloud.change(id, state="provisioning")
    operation = f"DELETE /{kind}/{{{kind[:-1]}_id}}"
    with once(cloud, operation, lambda: cloud.change(id, state="failed_to_provision")):
        assert small.destroy().error == ""
    assert cloud.count() == {}
    sent = [(it.operation, it.status) for it in cloud.requests[before:] if it.method != "GET"]
    assert sent == [(operation, 422), (operation, 202 if kind == "instances" else 200)]


def test_a_stuck_machine_is_not_deleted_with_attached_disks(cloud: Emulator, small: Miniature) -> None:
    """A delete might delete its disks too, so it is not sent while disks of other resources are attached."""
    cloud.configure(delete_under_way=True, delete_takes_disks=True)
    small.up({"d": DISK, "i": MACHINE | {"disks": [ref("d")]}})
    id, before = id_of(cloud, "instances"), len(cloud.requests)
    cloud.change(id, state="provisioning")
    with once(cloud, "PUT /instances/{instance_id}/disks", lambda: cloud.change(id, state="stopped")):
        assert small.up({"d": DISK}).error == ""
    sent = [(it.method, it.path.rsplit("/", 1)[-1], it.status) for it in cloud.requests[before:] if it.method != "GET"]
    assert sent == [("PUT", "disks", 422), ("PUT", "disks", 200), ("DELETE", id, 202)]
    assert cloud.count() == {"disks": 1}


def test_stale_references_to_a_deleted_machine_are_waited_for(cloud: Emulator, small: Miniature) -> None:
    """Once disks and addresses no longer refer to a deleted machine, they are deleted or attached to another."""
    around = {"n": NETWORK, "a": ADDRESS, "d": DISK}
    cloud.configure(detach_seconds=0.5, delete_under_way=True)
    cloud.fail_provisioning("instances")
    args = around | {"i": MACHINE | {"disks": [ref("d")], "ip_addresses": [ref("a")]}}
    assert "failed_to_provision" in small.up(args).error
    run = small.up(args)
    assert (run.error, run.steps) == ("", {"i": "replace"})
    cloud.remove(id_of(cloud, "instances"))
    assert small.destroy().error == ""
    assert cloud.count() == {}


def test_parts_that_cannot_be_deleted_stay_in_the_state(cloud: Emulator, small: Miniature) -> None:
    """If a machine's own disk or address cannot be deleted in time, the state still has it."""
    small.up({"i": BASIC | {"allocate_public_ip": True}})
    machine, disk = id_of(cloud, "instances"), id_of(cloud, "disks")
    cloud.change(machine, state="provisioning")
    cloud.configure(delete_under_way=True, detach_seconds=NEVER)
    error = small.destroy().error
    assert f"the disk {disk} still shows the instance {machine}, which no longer uses it" in error
    assert "state: is attached" in error
    assert cloud.count() == {"disks": 1, "ip_addresses": 1}
    cloud.change(disk, state="unattached")
    cloud.configure(delete_attached_address=True)
    assert small.destroy().error == ""
    assert cloud.count() == {}


def test_a_boot_disk_attached_to_another_machine_is_not_deleted(cloud: Emulator, small: Miniature) -> None:
    """A warning names that machine."""
    small.up({"i": BASIC, "other": MACHINE})
    disk, other = id_of(cloud, "disks"), id_of(cloud, "instances", "other")
    cloud.change(other, disks=[disk])
    assert small.up({"other": MACHINE}).error == ""
    assert small.plugin.warnings() == [f'the disk {disk} is kept: the instance "other" ({other}) has it now']
    assert cloud.count() == {"disks": 1, "instances": 1}


def test_a_failed_new_boot_disk_is_deleted_later(cloud: Emulator, small: Miniature) -> None:
    """If a new boot disk fails and cannot be deleted now, a later `up` deletes it."""
    args: Json = BASIC | {"power_state": "stopped"}
    small.up({"i": args})
    disk = id_of(cloud, "disks")
    cloud.fail_provisioning("disks")
    cloud.fail("DELETE /disks/{disk_id}", status=403)
    assert (
        "may not do this" in small.up({"i": args | {"boot_disk": args["boot_disk"] | {"template": "debian-9"}}}).error
    )
    assert cloud.count()["disks"] == 2
    assert small.up({"i": args}).error == ""
    assert id_of(cloud, "disks") == disk


# Disks and addresses, which only one machine can have


def test_swapping_addresses_needs_two_runs(cloud: Emulator, small: Miniature) -> None:
    """No single run can do it: the message names the owner of the address, and the two runs that can."""

    def program(a: str, b: str) -> Json:
        machines = {name: MACHINE | {"ip_addresses": [ref(it) for it in has]} for name, has in (("a", a), ("b", b))}
        return {"n": NETWORK, "x": ADDRESS, "y": ADDRESS, **machines}

    small.up(program("x", "y"))
    machine, address = id_of(cloud, "instances", "b"), id_of(cloud, "ip_addresses", "y")
    error = small.up(program("y", "x")).error
    has = f'The instance "b" ({machine}) has the IP address 10.0.0.2 ({address}).'
    assert "network_adapters: 10.0.0.2 is attached to another instance" in error
    assert has in error
    assert "in two runs" in error
    assert error.endswith("is in the state; after that, `pulumi up` continues with it.")
    assert [small.up(it).error for it in (program("", ""), program("y", "x"))] == ["", ""]
    new = small.up(program("y", "x") | {"c": MACHINE | {"ip_addresses": [ref("x")]}}).error
    assert has.replace("10.0.0.2", "10.0.0.1").replace(address, id_of(cloud, "ip_addresses", "x")) in new


def test_attaching_a_disk_in_use_names_its_machine(cloud: Emulator, small: Miniature) -> None:
    """The error names it, both when updating and when creating the other machine."""
    args = {"d": DISK, "a": MACHINE, "b": MACHINE | {"disks": [ref("d")]}}
    small.up(args)
    has = f'The instance "b" ({id_of(cloud, "instances", "b")}) has the disk "d" ({id_of(cloud, "disks")}).'
    assert has in small.up(args | {"a": MACHINE | {"disks": [ref("d")]}}).error
    assert has in small.up(args | {"c": MACHINE | {"disks": [ref("d")]}}).error


# Objects deleted meanwhile


def test_an_object_deleted_during_its_creation_is_created_again(cloud: Emulator, small: Miniature) -> None:
    """The next `up` creates it again, and deletes what was created with it."""

    def delete(kind: str) -> None:
        cloud.remove(id_of(cloud, kind))

    for args, kind, look in ((DISK, "disks", LOOK_AT_DISK), (BASIC, "instances", LOOK_AT_INSTANCE)):
        cloud.reset()
        small.state.clear()
        cloud.configure(provision_seconds=NEVER)
        with once(cloud, look, functools.partial(delete, kind)):
            error = small.up({"x": args}).error
        assert "was deleted by another client while waiting for it" in error
        assert error.endswith("no longer exists; the next `pulumi up` creates another.")
        cloud.configure(provision_seconds=0.1)
        assert small.preview({"x": args}).steps == {"x": "replace"}
        assert small.up({"x": args}).error == ""
        assert cloud.count() == ({"disks": 1} if kind == "disks" else {"disks": 1, "instances": 1})


def test_an_object_deleted_during_an_update_needs_a_refresh(cloud: Emulator, small: Miniature) -> None:
    """The message names `pulumi refresh`, which warns of leftovers that may hold data."""
    stopped = BASIC | {"power_state": "stopped"}
    small.up({"x": stopped})
    cloud.configure(provision_seconds=NEVER)
    with once(cloud, LOOK_AT_INSTANCE, lambda: cloud.remove(id_of(cloud, "instances"))):
        error = small.up({"x": BASIC | {"power_state": "running"}}).error
    assert error.endswith("no longer exists. Run `pulumi refresh` to record that; the next `up` then creates it again.")
    cloud.configure(provision_seconds=0.1)
    assert small.refresh().steps == {"x": "delete"}
    assert id_of(cloud, "disks") in small.plugin.warnings()[0]
    assert small.up({"x": BASIC}).steps == {"x": "create"}


# Power


def test_a_start_or_stop_without_effect_is_reported_at_once(cloud: Emulator, small: Miniature) -> None:
    """If the power state falls back, the step fails as soon as that is seen; the next `up` tries again."""
    programs = {state: {"i": MACHINE | {"power_state": state}} for state in ("stopped", "running")}
    small.up(programs["stopped"])
    fell_back = f"the instance {id_of(cloud, 'instances')} did not {{}}: it is {{}} again; the API accepted the request"
    ways: tuple[tuple[Literal["start", "stop"], str, str], ...]
    ways = (("start", "running", "stopped"), ("stop", "stopped", "running"))
    for action, state, before in ways:
        cloud.fail_power(action)
        cloud.configure(provision_seconds=NEVER)
        with once(cloud, LOOK_AT_INSTANCE, lambda: cloud.configure(provision_seconds=0.1)):
            assert fell_back.format(action, before) in small.up(programs[state]).error
        assert small.up(programs[state]).error == ""
        assert cloud.objects("instances")[0]["state"] == state


def test_a_start_that_never_begins_fails_after_seconds(cloud: Emulator, small: Miniature) -> None:
    """It does not use up the whole deadline."""
    cloud.fail("POST /instances/{instance_id}/start", body=b"{}", act="never")
    error = small.up({"i": MACHINE}).error
    assert f"the instance {id_of(cloud, 'instances')} did not start: it is still stopped after 2 s" in error
    assert small.up({"i": MACHINE}).error == ""


LOST: dict[str, Json] = {
    "500, but it acted": {"status": 500, "act": "before"},
    "502, acts later": {"status": 502, "act_after": 0.5},
    "dropped, acts later": {"drop": "before", "act_after": 0.5},
}
STOP, START = "POST /instances/{instance_id}/stop", "POST /instances/{instance_id}/start"


@pytest.mark.parametrize("operation", [STOP, START])
@pytest.mark.parametrize("how", LOST)
def test_a_lost_response_to_a_stop_or_start_is_recovered(
    cloud: Emulator, small: Miniature, operation: str, how: str
) -> None:
    """The power state shows whether the request arrived; the change goes on, and the machine runs in the end."""
    args = MACHINE | {"allow_stopping": True}
    small.up({"i": args})
    cloud.fail(operation, **LOST[how])
    assert small.up({"i": args | {"memory": 2048}}).error == ""
    [machine] = cloud.objects("instances")
    assert (machine["state"], machine["memory"]) == ("running", 2048)


def test_the_next_up_starts_a_machine_that_stopped_late(cloud: Emulator, small: Miniature) -> None:
    """The error says that it may still stop, and the next `up` starts it again, without a false warning."""
    args = MACHINE | {"allow_stopping": True, "memory": 2048}
    small.up({"i": args | {"memory": 1024}})
    cloud.fail(STOP, status=502, act_after=4.0)  # the plugin here waits for 2 seconds
    assert "answered 502 to POST" in (error := small.up({"i": args}).error)
    assert "It may still stop" in error
    while cloud.objects("instances")[0]["state"] == "running":
        time.sleep(0.1)
    small.plugin.warnings()
    assert small.up({"i": args}).error == ""
    assert "left as is" not in " ".join(small.plugin.warnings())
    [machine] = cloud.objects("instances")
    assert (machine["state"], machine["memory"]) == ("running", 2048)


def test_lists_that_lag_behind_writes(stack: Stack) -> None:
    """A list shows disks as they were before they grew: what is stored is what they are, and nothing is left to do."""
    disks = {f"d{number}": DISK for number in range(8)}
    stack.program(disks)
    stack.up()
    stack.cloud.configure(stale_lists=3.0, provision_seconds=1.0)
    stack.program({name: {**disk, "size": 20} for name, disk in disks.items()})
    stack.up("--parallel", "8")
    assert {held["outputs"]["size"] for held in stack.resources().values() if "size" in held["outputs"]} == {20}
    stack.cloud.configure(stale_lists=0.0)
    assert stack.settled()

"""`up` does only what its preview showed, even if objects have drifted and nobody has run a refresh."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.emulator.account import Account
from tests.engine.machines import BASIC, BOOT, DISK, MACHINE, ref
from tests.engine.traffic import STOPS, sent, writes
from tests.miniature import Miniature, Plugin
from tests.stack import Stack

Json = dict[str, Any]

STOPPABLE: Json = MACHINE | {"allow_stopping": True}
DISKS: Json = dict.fromkeys(("a", "b"), DISK)


def ignoring(args: Json, *paths: str) -> Json:
    return args | {"opts": {"ignore_changes": list(paths)}}


def up_writes(cloud: Emulator, stack: Miniature, program: Json) -> list[tuple[str, Any]]:
    """Run `up` and return the writes. Check that a second `up` of the same program does nothing."""
    before = len(writes(cloud))
    previewed, run = stack.preview(program).steps, stack.up(program)
    assert (run.steps, run.error) == (previewed, "")
    written = writes(cloud)[before:]
    assert (stack.up(program).steps, writes(cloud)[before:]) == ({}, written)
    return written


@pytest.mark.parametrize("allow", [True, False])
def test_memory_drift_is_kept_by_an_unrelated_update(cloud: Emulator, plugged: Plugin, allow: bool) -> None:
    """An update of the note keeps the memory, stops nothing, and warns of the difference."""
    stack, args = Miniature(plugged, f"memory-{allow}"), MACHINE | {"note": "a", "allow_stopping": allow}
    stack.up({"i": args})
    [instance] = cloud.objects("instances")
    cloud.change(instance["id"], memory=2048)
    plugged.warnings()
    assert up_writes(cloud, stack, {"i": args | {"note": "b"}}) == [("PUT /instances/{instance_id}", {"note": "b"})]
    assert plugged.warnings() == [
        "memory is 2048 but the program asks for 1024; it is left as is. `pulumi refresh` records it, "
        "and the preview after that shows what `up` does about it"
    ]
    assert cloud.objects("instances")[0]["memory"] == 2048
    assert stack.refresh().steps == {"i": "update"}
    assert stack.preview({"i": args | {"note": "b"}}).steps == {"i": "update"}


def test_ignored_arguments_cause_no_warning(stack: Stack) -> None:
    """On the real engine: arguments in ignore_changes are neither changed nor mentioned in warnings."""
    args = ignoring(STOPPABLE | {"note": "a", "context": {"A": "1", "B": "1"}}, "memory", "disks", "power_state")
    args["opts"]["ignore_changes"] += ["context.A", "context.C"]
    stack.program({"i": args, "d": DISK})
    stack.up()
    [instance], [disk] = stack.cloud.objects("instances"), stack.cloud.objects("disks")
    by_hand = {"memory": 2048, "disks": [disk["id"]], "context": {"A": "2", "B": "1", "C": "2"}}
    stack.cloud.change(instance["id"], state="stopped", **by_hand)
    stack.program({"i": args | {"note": "b", "context": {"A": "1", "B": "3"}}, "d": DISK})
    before = len(writes(stack.cloud))
    assert stack.preview().changed == {"i": {"note", "context"}}
    run = stack.up()
    assert run.warnings == []
    context = ("PUT /instances/{instance_id}/context", {"B": "3"})
    assert writes(stack.cloud)[before:] == [("PUT /instances/{instance_id}", {"note": "b"}), context]
    assert stack.preview().empty


def test_disk_and_power_drift_is_kept_by_an_unrelated_update(cloud: Emulator, plugged: Plugin) -> None:
    """A disk attached by hand stays attached, and a machine stopped by hand stays stopped."""
    stack, args = Miniature(plugged, "by-hand"), STOPPABLE | {"disks": [ref("a")], "note": "a"}
    stack.up(DISKS | {"i": args})
    [instance] = cloud.objects("instances")
    disks = [disk["id"] for disk in cloud.objects("disks")]
    cloud.change(instance["id"], disks=disks, state="stopped")
    assert up_writes(cloud, stack, DISKS | {"i": args | {"memory": 2048}}) == [
        ("PUT /instances/{instance_id}", {"memory": 2048})
    ]
    [instance] = cloud.objects("instances")
    assert (instance["state"], [disk["id"] for disk in instance["disks"]]) == ("stopped", disks)
    assert stack.refresh().steps == {"i": "update"}
    [(_, body), start] = up_writes(cloud, stack, DISKS | {"i": args | {"memory": 2048}})
    assert (body["disks"], start[0]) == (disks[:1], "POST /instances/{instance_id}/start")


def test_a_moved_slug_does_not_replace_the_boot_disk(cloud: Emulator, plugged: Plugin) -> None:
    """The boot disk stays when its slug moves to another template, and when a rescue disk is put first."""
    stack, args = Miniature(plugged, "slug"), BASIC | {"note": "x"}
    stack.up({"i": args})
    [instance], [disk] = cloud.objects("instances"), cloud.objects("disks")
    templates = Account(cloud).call("GET", "/templates")
    other = next(it for it in templates if it["slug"] == "debian-9" and it["region"]["code"] == "SY3")
    cloud.change(disk["template"]["id"], slug="ubuntu-16-04-old")
    cloud.change(other["id"], slug="ubuntu-16-04")
    stack.up({"i": args, "rescue": DISK})
    [rescue] = [it for it in cloud.objects("disks") if it["id"] != disk["id"]]
    assert up_writes(cloud, stack, {"i": args | {"note": "y"}, "rescue": DISK}) == [
        ("PUT /instances/{instance_id}", {"note": "y"})
    ]
    cloud.change(instance["id"], disks=[rescue["id"], disk["id"]])
    assert up_writes(cloud, stack, {"i": args | {"note": "z"}, "rescue": DISK}) == [
        ("PUT /instances/{instance_id}", {"note": "z"})
    ]
    stack.refresh()
    # at any position in the list, it is the boot disk that was created for the machine
    grown = args | {"note": "z", "boot_disk": BOOT | {"size": 30}}
    assert up_writes(cloud, stack, {"i": grown, "rescue": DISK}) == [("POST /disks/{disk_id}/resize", {"size": 30})]
    assert {it["id"]: it["size"] for it in cloud.objects("disks")} == {disk["id"]: 30, rescue["id"]: 10}


def test_a_detached_boot_disk_is_attached_again(cloud: Emulator, plugged: Plugin) -> None:
    """The same disk is attached first again; the disk attached in its place comes after it."""
    stack, program = Miniature(plugged, "detached"), {"i": BASIC, "rescue": DISK}
    stack.up(program)
    [instance] = cloud.objects("instances")
    boot = instance["disks"][0]["id"]
    [rescue] = [it["id"] for it in cloud.objects("disks") if it["id"] != boot]
    cloud.change(instance["id"], disks=[rescue])
    stack.refresh()
    stop, put, start = up_writes(cloud, stack, program)
    assert put == ("PUT /instances/{instance_id}/disks", {"disks": [boot, rescue]})
    assert [stop[0], start[0]] == list(STOPS)


def test_replacing_the_first_disk_needs_allow_stopping(stack: Stack) -> None:
    """The stop is announced and needs consent, because a running machine may not lose the disk it runs from."""
    template = {"template": "ubuntu-16-04", "size": 20}
    args: Json = {"d": DISK | template, "more": DISK, "i": MACHINE | {"disks": [ref("d"), ref("more")]}}
    stack.program(args)
    stack.up()
    [old, *_] = [disk["id"] for disk in stack.cloud.objects("instances")[0]["disks"]]
    args["d"] |= {"template": "debian-9"}
    stack.program(args)
    first = "another first disk, from which it boots,"
    run = stack.preview()
    warnings = [message for name, message in run.warnings if name == "i"]
    assert warnings == [f"{first} may need the instance stopped: `up` then refuses it unless allow_stopping=True\n"]
    assert "disks: another boot disk needs the instance stopped" in stack.up(fails=True).text
    [instance] = stack.cloud.objects("instances")
    assert (instance["state"], instance["disks"][0]["id"]) == ("running", old)
    args["i"] |= {"allow_stopping": True}
    stack.program(args)
    run = stack.preview()
    assert ("i", f"{first} stops the instance and starts it again (allow_stopping)\n") in run.warnings
    stack.up()
    writing = [operation for operation, _ in writes(stack.cloud) if "/instances/" in operation]
    assert writing[-3:] == [STOPS[0], "PUT /instances/{instance_id}/disks", STOPS[1]]
    assert writing.count(STOPS[0]) == 1
    [instance] = stack.cloud.objects("instances")
    assert (instance["state"], instance["disks"][0]["id"] != old, len(instance["disks"])) == ("running", True, 2)
    assert stack.settled()


def test_a_refused_value_does_not_stop_the_machine(cloud: Emulator, plugged: Plugin) -> None:
    """Only an error about the machine's power state leads to a stop."""
    stack = Miniature(plugged, "refused")
    stack.up({"i": STOPPABLE})
    details = {"memory": ["must be between 512 and 65536"]}
    cloud.fail("PUT /instances/{instance_id}", status=422, details=details)
    assert "memory: must be between 512 and 65536" in stack.up({"i": STOPPABLE | {"memory": 999999}}).error
    assert sent(cloud, STOPS[0]) == []
    assert stack.up({"i": STOPPABLE}).error == ""


def test_the_next_up_starts_a_machine_that_a_failed_step_left_stopped(cloud: Emulator, plugged: Plugin) -> None:
    """This also holds with power_state unmanaged."""
    stack, args = Miniature(plugged, "power"), STOPPABLE | {"power_state": "unmanaged"}
    stack.up({"i": args})
    [instance] = cloud.objects("instances")
    cloud.change(instance["id"], state="running")
    cloud.fail("POST /instances/{instance_id}/start", status=422, details={"base": ["no room"]})
    assert "no room" in stack.up({"i": args | {"memory": 2048}}).error
    assert cloud.objects("instances")[0]["state"] == "stopped"
    run = stack.up({"i": args | {"memory": 2048}})
    assert (run.steps, run.error) == ({"i": "update"}, "")
    assert cloud.objects("instances")[0]["state"] == "running"


def test_replace_on_changes_deletes_the_old_machine_first(stack: Stack) -> None:
    """The new machine uses the same disk and address, so the old one is deleted before."""
    args: Json = {
        "d": DISK,
        "ip": {"kind": "IpAddress"},
        "i": MACHINE | {"disks": [ref("d")], "ip_addresses": [ref("ip")]},
    }
    args["i"]["opts"] = {"replace_on_changes": ["memory"]}
    stack.program(args)
    stack.up()
    args["i"] = args["i"] | {"memory": 2048}
    stack.program(args)
    assert stack.up().steps == {"i": "replace"}
    assert stack.settled()


def test_a_network_in_use_is_replaced(stack: Stack) -> None:
    """Old and new overlap: the machines of this stack are detached from the old one and attached to the new one."""
    args: Json = {
        "n": {"kind": "Network", "specification": "10.1.0.0/24"},
        "made": BASIC | {"networks": [ref("n")]},
        "dhcp": MACHINE | {"network_adapters": [{"network": ref("n"), "ip_addresses": "dhcp"}]},
    }
    stack.program(args)
    stack.up()
    args["n"] = args["n"] | {"specification": "10.1.0.0/16"}
    stack.program(args)
    run = stack.preview()
    assert run.steps == {"n": "replace", "made": "update", "dhcp": "update"}
    assert "machines of this stack that use it are disconnected from it" in run.text
    stack.up()
    [network] = stack.cloud.objects("networks")
    adapters = [it["network_adapters"] for it in stack.cloud.objects("instances")]
    assert [[it["network"]["id"] for it in machine] for machine in adapters] == [[network["id"]]] * 2
    assert len(stack.cloud.objects("ip_addresses")) == 1
    assert stack.settled()

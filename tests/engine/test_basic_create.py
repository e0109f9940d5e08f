"""Instances that own their boot disk and addresses: how these are created, changed, swapped and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.engine.machines import BASIC, BOOT, DISK, MACHINE, ref
from tests.engine.traffic import STOPS, sent
from tests.miniature import Miniature, Plugin
from tests.stack import Stack

Json = dict[str, Any]

NETWORK: Json = {"kind": "Network", "specification": "10.0.0.0/24"}


@pytest.mark.both_doors
def test_required_arguments_only(stack: Stack) -> None:
    """One request creates machine and disk; a destroy deletes both."""
    stack.program({"i": MACHINE | {"boot_disk": BOOT}})
    stack.up()
    assert stack.settled()
    [instance], [disk] = stack.cloud.objects("instances"), stack.cloud.objects("disks")
    assert (instance["state"], disk["state"], disk["size"]) == ("running", "attached", 20)
    assert sent(stack.cloud, "POST /disks", *STOPS) == []
    stack.destroy()
    assert stack.cloud.count() == {}


@pytest.mark.both_doors
def test_addresses_are_allocated_and_released_in_place(cloud: Emulator, plugged: Plugin) -> None:
    """Addresses are created with the machine, allocated and released in place, and deleted with it."""
    around = {"n": NETWORK, "n2": NETWORK | {"specification": "10.1.0.0/24"}}
    stages: list[tuple[Json, int]] = [
        ({"networks": [ref("n")], "allocate_public_ip": True}, 2),
        ({"networks": [ref("n2"), ref("n")], "allocate_public_ip": True}, 3),
        ({"networks": [ref("n2")]}, 1),
        ({"allocate_private_ip": True, "allocate_public_ip": False}, 1),
        ({}, 0),
        ({"allocate_public_ip": True}, 1),
    ]
    stack = Miniature(plugged, "addresses")
    for args, addresses in stages:
        program = around | {"i": BASIC | args}
        previewed, run = stack.preview(program).steps, stack.up(program)
        assert (run.steps, run.error) == (previewed, "")
        assert run.steps["i"] in ("create", "update")
        assert (stack.refresh().steps, stack.preview(program).steps) == ({}, {})
        assert len(cloud.objects("ip_addresses")) == addresses
        assert len(cloud.objects("instances")) == 1
    assert sent(cloud, *STOPS) == []
    stack.destroy()
    assert cloud.count() == {}


def test_a_detached_address_is_attached_again(stack: Stack) -> None:
    """An address that was detached by hand is shown as drift, and the same one is attached again."""
    stack.program({"i": BASIC | {"allocate_public_ip": True}})
    stack.up()
    [address], [instance] = stack.cloud.objects("ip_addresses"), stack.cloud.objects("instances")
    stack.cloud.change(instance["id"], ip_addresses=[])
    assert "allocate_public_ip" in stack.refresh().changed["i"]
    assert stack.up().steps == {"i": "update"}
    assert [item["id"] for item in stack.cloud.objects("ip_addresses")] == [address["id"]]
    assert stack.preview().empty


@pytest.mark.both_doors
def test_the_boot_disk_grows_in_place(stack: Stack) -> None:
    """A larger size resizes the disk; one grown by hand is kept with a warning."""
    stack.program({"i": BASIC})
    stack.up()
    [disk] = stack.cloud.objects("disks")
    stack.program({"i": BASIC | {"boot_disk": BOOT | {"size": 30}}})
    run = stack.preview()
    assert run.warnings == [
        ("i", "changing boot_disk.size may stop the instance and start it again (allow_stopping)\n")
    ]
    stack.up()
    assert stack.preview().empty
    assert sent(stack.cloud, *STOPS) == []
    stack.cloud.change(disk["id"], size=90)
    assert stack.refresh().changed == {"i": {"boot_disk"}}
    assert stack.refresh().empty
    run = stack.preview()
    assert run.empty
    left = "it is left as is (disks cannot shrink)"
    assert run.warnings == [("i", f"the boot disk has 90 GB but the program asks for 30 GB; {left}\n")]
    assert [(item["id"], item["size"]) for item in stack.cloud.objects("disks")] == [(disk["id"], 90)]


CHANGES: dict[str, Json] = {
    "another": {"template": "debian-9"},
    "faster": {"performance_tier": "Fast"},
    "smaller": {"size": 15},
}


@pytest.mark.both_doors
def test_replacing_the_boot_disk_keeps_the_machine(stack: Stack) -> None:
    """Same instance and address, new disk, old disk deleted, one stop and one start; announced in preview."""
    args = BASIC | {"allocate_public_ip": True}
    stack.program(dict.fromkeys(CHANGES, args))
    stack.up()
    before = {instance["name"]: instance for instance in stack.cloud.objects("instances")}
    stack.program({name: args | {"boot_disk": BOOT | change} for name, change in CHANGES.items()})
    run = stack.preview()
    assert run.steps == dict.fromkeys(CHANGES, "update")
    for name in CHANGES:
        warnings = [message for warned, message in run.warnings if warned == name]
        assert warnings[0] == "another boot_disk stops the instance and starts it again (allow_stopping)\n"
        assert warnings[1].startswith("another boot_disk loses the 20 GB on the old one.")
    stack.up()
    after = {instance["name"]: instance for instance in stack.cloud.objects("instances")}
    for name, change in CHANGES.items():
        old, now = before[name], after[name]
        assert sent(stack.cloud, *STOPS, of=now["id"]) == list(STOPS)
        assert (now["id"], now["state"]) == (old["id"], "running")
        addresses = [[adapter["ip_addresses"] for adapter in it["network_adapters"]] for it in (old, now)]
        assert addresses[0] == addresses[1]
        [disk] = now["disks"]
        assert disk["id"] != old["disks"][0]["id"]
        assert disk["size"] == change.get("size", 20)
    assert len(stack.cloud.objects("disks")) == len(CHANGES)
    assert stack.settled()
    stack.destroy()
    assert stack.cloud.count() == {}


def test_a_failed_boot_disk_swap_does_not_touch_the_machine(stack: Stack) -> None:
    """If the new disk fails to provision, the instance keeps running; the next `up` retries."""
    stack.program({"i": BASIC})
    stack.up()
    [old] = stack.cloud.objects("disks")
    stack.cloud.fail_provisioning("disks")
    stack.program({"i": BASIC | {"boot_disk": BOOT | {"template": "debian-9"}}})
    run = stack.up(fails=True)
    assert "ended in state failed_to_provision; the instance keeps its present disk" in run.text
    [instance] = stack.cloud.objects("instances")
    assert (instance["state"], [disk["id"] for disk in instance["disks"]]) == ("running", [old["id"]])
    assert sent(stack.cloud, *STOPS) == []
    assert len(stack.cloud.objects("disks")) == 1
    assert stack.up().steps == {"i": "update"}
    assert [disk["template"]["slug"] for disk in stack.cloud.objects("disks")] == ["debian-9"]
    assert stack.preview().empty


@pytest.mark.both_doors
def test_reverting_a_failed_boot_disk_swap_deletes_the_new_disk(cloud: Emulator, plugged: Plugin) -> None:
    """The machine runs with its old disk."""
    stack = Miniature(plugged, "reverted")
    stack.up({"i": BASIC})
    [disk] = cloud.objects("disks")
    cloud.fail("PUT /instances/{instance_id}/disks", status=500)
    assert "500" in stack.up({"i": BASIC | {"boot_disk": BOOT | {"template": "debian-9"}}}).error
    assert len(cloud.objects("disks")) == 2
    assert stack.up({"i": BASIC}).error == ""
    assert [item["id"] for item in cloud.objects("disks")] == [disk["id"]]
    assert cloud.objects("instances")[0]["state"] == "running"


def test_a_boot_disk_swap_needs_allow_stopping(stack: Stack) -> None:
    """Without allow_stopping, it is refused before anything is created."""
    args = MACHINE | {"boot_disk": BOOT}
    stack.program({"i": args})
    stack.up()
    stack.program({"i": args | {"boot_disk": BOOT | {"template": "debian-9"}, "memory": 2048}})
    run = stack.up(fails=True)
    assert "another boot disk needs the instance stopped. allow_stopping=True" in run.text
    assert sent(stack.cloud, "POST /disks", "PUT /instances/{instance_id}", *STOPS) == []
    stack.program({"i": args})
    stack.up()
    assert stack.preview().empty


def test_delete_with_instance_false_keeps_the_boot_disk(stack: Stack) -> None:
    """The disk outlives its machine even if the API deletes disks with their machine."""
    stack.cloud.configure(delete_takes_disks=True)
    stack.program({"i": BASIC | {"boot_disk": BOOT | {"delete_with_instance": False}}})
    stack.up()
    stack.destroy()
    assert [disk["state"] for disk in stack.cloud.objects("disks")] == ["unattached"]


def test_disks_are_replaced_by_a_boot_disk(stack: Stack) -> None:
    """The stop is announced, nothing changes without allow_stopping, and the disks are not deleted."""
    around = {"d": DISK}
    before = around | {"i": MACHINE | {"disks": [ref("d")]}}
    stack.program(before)
    stack.up()
    [data] = stack.cloud.objects("disks")
    power = sent(stack.cloud, *STOPS)
    stack.program(around | {"i": MACHINE | {"boot_disk": BOOT}})
    refused = "another boot_disk may need the instance stopped: `up` then refuses it unless allow_stopping=True\n"
    assert stack.preview().warnings == [("i", refused)]
    assert "allow_stopping" in stack.up(fails=True).text
    assert [disk["id"] for disk in stack.cloud.objects("disks")] == [data["id"]]
    assert sent(stack.cloud, *STOPS) == power
    stack.program(around | {"i": BASIC})
    stop = "another boot_disk may stop the instance and start it again (allow_stopping)\n"
    assert stack.preview().warnings == [("i", stop)]
    stack.up()
    assert sent(stack.cloud, *STOPS) == [*power, *STOPS]
    [instance] = stack.cloud.objects("instances")
    [boot] = [disk["id"] for disk in stack.cloud.objects("disks") if disk["id"] != data["id"]]
    assert ([disk["id"] for disk in instance["disks"]], instance["state"]) == ([boot], "running")
    assert stack.settled()
    stack.destroy()
    assert stack.cloud.count() == {}


def test_a_boot_disk_is_replaced_by_disks(stack: Stack) -> None:
    """Stop and loss are announced; the disk is deleted once the machine runs, unless delete_with_instance is False."""
    around = {"d": DISK, "e": DISK}
    stack.program(around | {"i": BASIC, "k": BASIC | {"boot_disk": BOOT | {"delete_with_instance": False}}})
    stack.up()
    made = {item["name"]: item["disks"][0]["id"] for item in stack.cloud.objects("instances")}
    given = {"i": MACHINE | {"disks": [ref("d")]}, "k": MACHINE | {"disks": [ref("e")]}}
    stack.program(around | {name: args | {"allow_stopping": True} for name, args in given.items()})
    stop = "another first disk, from which it boots, stops the instance and starts it again (allow_stopping)\n"
    run = stack.preview()
    assert [message for name, message in run.warnings if name == "k"] == [stop]
    first, loss = [message for name, message in run.warnings if name == "i"]
    assert first == stop
    assert loss.startswith("giving the instance other disks loses the 20 GB on its boot disk.")
    stack.up()
    assert {item["state"] for item in stack.cloud.objects("instances")} == {"running"}
    remaining = {disk["id"] for disk in stack.cloud.objects("disks")}
    assert (made["i"] in remaining, made["k"] in remaining) == (False, True)
    assert stack.preview().empty
    stack.destroy()
    assert [disk["id"] for disk in stack.cloud.objects("disks")] == [made["k"]]


def test_preview_warns_of_data_loss_in_a_replacement(stack: Stack) -> None:
    """The boot disk is deleted with its machine, so preview warns, unless delete_with_instance is False."""
    stack.program({"i": BASIC})
    stack.up()
    stack.program({"i": BASIC | {"region": "ML1"}})
    run = stack.preview()
    assert run.steps == {"i": "replace"}
    [(_, message)] = run.warnings
    assert message.startswith(
        "replacing the instance loses the 20 GB on its boot disk, unless an earlier up has set ret"
    )
    stack.program({"i": BASIC | {"boot_disk": BOOT | {"delete_with_instance": False}}})
    stack.up()
    stack.program({"i": BASIC | {"boot_disk": BOOT | {"delete_with_instance": False}, "region": "ML1"}})
    assert stack.preview().warnings == []


def test_equivalent_boot_disks_are_no_change(stack: Stack) -> None:
    """A template and tier given by id instead of by name are no change."""
    stack.program({"i": BASIC})
    stack.up()
    [disk] = stack.cloud.objects("disks")
    same = BOOT | {"template": disk["template"]["id"], "performance_tier": disk["performance_tier"]["id"]}
    stack.program({"i": BASIC | {"boot_disk": same}})
    assert stack.preview().empty
    assert stack.up().empty
    assert stack.refresh().empty


def test_refresh_names_the_leftovers_of_a_deleted_machine(stack: Stack) -> None:
    """It names the disk and the address that are no longer managed."""
    stack.program({"i": BASIC | {"allocate_public_ip": True}})
    stack.up()
    [disk], [address] = stack.cloud.objects("disks"), stack.cloud.objects("ip_addresses")
    stack.cloud.remove(stack.cloud.objects("instances")[0]["id"])
    [(name, message)] = stack.refresh().warnings
    assert name == "i"
    assert disk["id"] in message
    assert address["id"] in message


def test_two_disks_share_a_stop(stack: Stack) -> None:
    """Two attached disks that need a stop to grow in one run: one stop, one start."""
    stack.cloud.configure(live_resize=False)
    disk = DISK | {"allow_stopping": True}
    args: Json = {"a": disk, "b": disk, "i": MACHINE | {"disks": [ref("a"), ref("b")]}}
    stack.program(args)
    stack.up()
    before = len(sent(stack.cloud, *STOPS))
    stack.program(args | {"a": disk | {"size": 20}, "b": disk | {"size": 30}})
    stack.up()
    assert sent(stack.cloud, *STOPS)[before:] == list(STOPS)
    assert sorted(item["size"] for item in stack.cloud.objects("disks")) == [20, 30]
    assert stack.cloud.objects("instances")[0]["state"] == "running"
    assert stack.preview().empty


def test_memory_and_boot_disk_share_a_stop(stack: Stack) -> None:
    """Memory, tier and size of the boot disk change with one stop and one start."""
    stack.cloud.configure(live_resize=False)
    stack.program({"i": BASIC})
    stack.up()
    more = {"memory": 2048, "performance_tier": "Fast", "boot_disk": BOOT | {"size": 30}}
    stack.program({"i": BASIC | more})
    stack.up()
    assert sent(stack.cloud, *STOPS) == list(STOPS)
    assert stack.preview().empty


def test_power_state_stopped_stays_stopped(stack: Stack) -> None:
    """With power_state stopped, the machine is not started once it is ready, and swaps need no stop."""
    args = MACHINE | {"boot_disk": BOOT, "power_state": "stopped"}
    stack.program({"i": args})
    stack.up()
    assert stack.cloud.objects("instances")[0]["state"] == "stopped"
    stack.program({"i": args | {"boot_disk": BOOT | {"template": "debian-9"}}})
    stack.up()
    assert sent(stack.cloud, *STOPS) == []
    assert len(stack.cloud.objects("disks")) == 1
    assert stack.preview().empty

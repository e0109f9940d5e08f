"""Behavior of single resources, beyond what test_lifecycles.py tests for all of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.machines import DISK, MACHINE, ref
from tests.engine.traffic import STOPS, sent
from tests.keys import key
from tests.stack import Stack

Json = dict[str, Any]


def test_equivalent_inputs_are_no_change(stack: Stack) -> None:
    """Another alias of a region, tier or template, another order of keys or comment of a key is no diff."""
    args: Json = {
        "k": {"kind": "PublicKey", "key": key("a")},
        "k2": {"kind": "PublicKey", "key": key("b")},
        "d": DISK | {"region": "SY3", "template": "ubuntu-16-04"},
        "n": {"kind": "Network", "specification": "10.0.0.0/24", "region": "SY3"},
        "i": MACHINE | {"region": "SY3", "public_keys": [ref("k"), ref("k2")], "disks": [ref("d")]},
    }
    stack.program(args)
    stack.up()
    disk = stack.cloud.objects("disks")[0]
    region = disk["region"]["id"]
    args["k"] |= {"key": key("a").rsplit(" ", 1)[0] + " other-comment"}
    args["d"] |= {
        "region": "AU East",
        "performance_tier": disk["performance_tier"]["id"],
        "template": disk["template"]["id"],
    }
    args["n"] |= {"region": region}
    args["i"] |= {
        "region": region,
        "public_keys": [ref("k2"), ref("k")],
        "performance_tier": stack.cloud.objects("instances")[0]["performance_tier"]["id"],
    }
    stack.program(args)
    assert stack.preview().empty
    assert stack.up().empty
    assert stack.settled()


def test_outputs_of_none_are_known_in_preview(stack: Stack) -> None:
    """So resources that use such an output do not seem to change."""
    stack.program({"d": DISK, "k": {"kind": "PublicKey", "key": key("a")}})
    stack.up()
    printed = stack.preview().text
    assert "[unknown]" not in printed
    assert "template_id" not in printed


def test_a_disk_grown_by_hand_is_not_replaced(stack: Stack) -> None:
    """Only a smaller size in the program replaces a disk; one that was grown by hand causes a warning."""
    stack.program({"d": DISK})
    stack.up()
    [disk] = stack.cloud.objects("disks")
    stack.cloud.change(disk["id"], size=100)
    assert stack.refresh().changed == {"d": {"size"}}
    assert stack.refresh().empty
    run = stack.preview()
    assert run.empty
    left = "it is left as is (disks cannot shrink)"
    assert run.warnings == [("d", f"the disk has 100 GB but the program asks for 10 GB; {left}\n")]
    stack.program({"d": DISK | {"size": 60}})
    assert stack.up().empty
    stack.program({"d": DISK | {"size": 120}})
    assert stack.up().steps == {"d": "update"}
    assert [(item["id"], item["size"]) for item in stack.cloud.objects("disks")] == [(disk["id"], 120)]
    stack.program({"d": DISK | {"size": 60}})
    run = stack.preview()
    assert run.steps == {"d": "replace"}
    assert "replacing the disk loses the 120 GB on it" in run.warnings[0][1]


def test_a_failed_resize_can_be_reverted(stack: Stack) -> None:
    """After a failed resize, the old size is not treated as a smaller one."""
    stack.program({"d": DISK})
    stack.up()
    stack.cloud.fail("POST /disks/{disk_id}/resize", status=422, details={"size": ["is too much"]})
    stack.program({"d": DISK | {"size": 20}})
    run = stack.up(fails=True)
    assert "size: is too much" in run.text
    stack.program({"d": DISK})
    stack.up()
    assert stack.preview().empty
    assert [item["size"] for item in stack.cloud.objects("disks")] == [10]


def test_a_clone_is_resized(stack: Stack) -> None:
    """A clone starts with the size of its source and is then resized."""
    stack.program({"d": DISK, "clone": DISK | {"source_disk": ref("d"), "size": 30, "performance_tier": "Fast"}})
    stack.up()
    found = sorted((disk["size"], disk["performance_tier"]["name"]) for disk in stack.cloud.objects("disks"))
    assert found == [(10, "Standard"), (30, "Fast")]
    assert stack.preview().empty


def test_an_attached_disk_is_not_deleted(stack: Stack) -> None:
    """Deleting a disk attached to a machine outside the program is refused, and the error names the machine."""
    stack.program({"d": DISK, "i": MACHINE})
    stack.up()
    [disk], [instance] = stack.cloud.objects("disks"), stack.cloud.objects("instances")
    stack.cloud.change(instance["id"], disks=[disk["id"]])
    stack.program({"i": MACHINE})
    run = stack.up(fails=True)
    assert f'the disk {disk["id"]} is attached to the instance "i" ({instance["id"]})' in run.text
    assert len(stack.cloud.objects("disks")) == 1


def test_an_overlapping_network_is_deleted_first(stack: Stack) -> None:
    """A network replaced by an overlapping one is deleted first, with its addresses, and the machine is updated."""
    args: Json = {
        "n": {"kind": "Network", "specification": "10.0.0.0/24"},
        "a": {"kind": "IpAddress", "network": ref("n")},
        "i": MACHINE | {"ip_addresses": [ref("a")]},
    }
    stack.program(args)
    stack.up()
    instance = stack.cloud.objects("instances")[0]["id"]
    args["n"] |= {"specification": "10.0.0.0/23"}
    stack.program(args)
    preview = stack.preview()
    run = stack.up()
    assert preview.steps == run.steps
    assert stack.settled()
    assert [item["specification"] for item in stack.cloud.objects("networks")] == ["10.0.0.0/23"]
    assert [item["instance_ids"] for item in stack.cloud.objects("ip_addresses")] == [[instance]]


def test_the_region_of_an_address_must_match_its_network(stack: Stack) -> None:
    """Adding it later changes nothing in the cloud; a different one is refused, and nothing is lost."""
    network, address = {"kind": "Network", "specification": "10.0.0.0/24"}, {"kind": "IpAddress", "network": ref("n")}
    stack.program({"n": network, "a": address})
    stack.up()
    before = stack.cloud.objects("ip_addresses")
    stack.program({"n": network, "a": address | {"region": "ML1"}})
    assert "region: the network" in (run := stack.up(fails=True)).text
    assert "is in SY3; leave the region out" in run.text
    stack.program({"n": network, "a": address | {"region": "AU East"}})
    assert stack.up().steps == {"a": "update"}
    assert stack.cloud.objects("ip_addresses") == before
    assert stack.settled()


def test_a_pinned_address_is_deleted_first(stack: Stack) -> None:
    """If an address is replaced by one with the same number, the old one is released first."""
    args: Json = {"a": {"kind": "IpAddress", "address": "203.0.113.9", "region": "SY3"}}
    stack.program(args | {"n": {"kind": "Network", "specification": "10.0.0.0/24"}})
    stack.up()
    network = stack.cloud.objects("ip_addresses")[0]["network_id"]
    args["a"] = {"kind": "IpAddress", "address": "203.0.113.9", "network": network}
    stack.program(args)
    assert stack.up().steps["a"] == "replace"
    assert [item["address"] for item in stack.cloud.objects("ip_addresses")] == ["203.0.113.9"]


def test_an_attached_address_is_detached_first(stack: Stack) -> None:
    """An address removed from the program is detached from its machine before its deletion."""
    stack.program({"a": {"kind": "IpAddress"}, "b": {"kind": "IpAddress"}, "i": MACHINE})
    stack.up()
    ids = {item["name"]: item["id"] for item in stack.cloud.objects("ip_addresses")}
    [instance] = stack.cloud.objects("instances")
    stack.cloud.change(instance["id"], ip_addresses=list(ids.values()))
    stack.program({"b": {"kind": "IpAddress"}, "i": MACHINE})
    assert stack.up().steps == {"a": "delete"}
    assert [item["instance_ids"] for item in stack.cloud.objects("ip_addresses")] == [[instance["id"]]]


def test_one_stop_for_all_changes(stack: Stack) -> None:
    """With allow_stopping, memory and tier of a running machine change with exactly one stop and one start."""
    stack.program({"i": MACHINE | {"allow_stopping": True}})
    stack.up()
    before = len(sent(stack.cloud, *STOPS))
    stack.program({"i": MACHINE | {"allow_stopping": True, "memory": 2048, "performance_tier": "Fast"}})
    stack.up()
    assert sent(stack.cloud, *STOPS)[before:] == list(STOPS)
    [instance] = stack.cloud.objects("instances")
    assert (instance["state"], instance["memory"], instance["performance_tier"]["name"]) == ("running", 2048, "Fast")


def test_no_stop_without_allow_stopping(stack: Stack) -> None:
    """Without it nothing is stopped, the error names it, and the cloud is unchanged."""
    stack.program({"i": MACHINE})
    stack.up()
    before = len(sent(stack.cloud, *STOPS))
    stack.program({"i": MACHINE | {"memory": 2048, "note": "new"}})
    run = stack.up(fails=True)
    assert "allow_stopping=True lets the next `up` stop it" in run.text
    assert sent(stack.cloud, *STOPS)[before:] == []
    [instance] = stack.cloud.objects("instances")
    assert (instance["state"], instance["memory"]) == ("running", 1024)
    stack.cloud.configure(live_memory=True)
    assert stack.up().steps == {"i": "update"}
    assert stack.preview().empty
    assert sent(stack.cloud, *STOPS)[before:] == []


def test_a_machine_is_started_again_after_a_failed_change(stack: Stack) -> None:
    """A machine that was stopped for a change runs again when the change fails."""
    stack.program({"i": MACHINE | {"allow_stopping": True}})
    stack.up()
    stack.program({"i": MACHINE | {"allow_stopping": True, "memory": 100_000}})
    assert "memory: must be between 512MB and 64GB" in stack.up(fails=True).text
    [instance] = stack.cloud.objects("instances")
    assert (instance["state"], instance["memory"]) == ("running", 1024)
    stack.program({"i": MACHINE | {"allow_stopping": True}})
    stack.up()
    assert stack.preview().empty


def test_a_disk_of_a_running_machine_grows(stack: Stack) -> None:
    """If growing an attached disk needs a stop, it is refused without allow_stopping; with it, there is one stop."""
    stack.cloud.configure(live_resize=False)
    args: Json = {"d": dict(DISK), "i": MACHINE | {"disks": [ref("d")]}}
    stack.program(args)
    stack.up()
    args["d"] |= {"size": 20}
    stack.program(args)
    assert "allow_stopping=True lets the next `up` stop it" in stack.up(fails=True).text
    before = len(sent(stack.cloud, *STOPS))
    args["d"] |= {"allow_stopping": True}
    stack.program(args)
    stack.up()
    assert sent(stack.cloud, *STOPS)[before:] == list(STOPS)
    assert [disk["size"] for disk in stack.cloud.objects("disks")] == [20]
    assert stack.cloud.objects("instances")[0]["state"] == "running"
    assert stack.preview().empty


@pytest.mark.parametrize("switches", [{}, {"delete_takes_disks": True}, {"delete_running": True, "slow_delete": False}])
def test_data_disks_outlive_their_machine(stack: Stack, switches: Json) -> None:
    """Deleting a machine does not delete its attached disks, whatever the API does with them."""
    stack.cloud.configure(**switches)
    stack.program({"d": DISK, "i": MACHINE | {"disks": [ref("d")]}})
    stack.up()
    stack.program({"d": DISK})
    stack.up()
    assert [disk["state"] for disk in stack.cloud.objects("disks")] == ["unattached"]
    assert stack.cloud.objects("instances") == []
    assert stack.preview().empty


def test_a_failed_machine_is_deleted_before_its_replacement(stack: Stack) -> None:
    """The new machine needs the same disk and address."""
    stack.cloud.fail_provisioning("instances")
    stack.program(
        {"d": DISK, "a": {"kind": "IpAddress"}, "i": MACHINE | {"disks": [ref("d")], "ip_addresses": [ref("a")]}}
    )
    assert "ended in state failed_to_provision" in stack.up(fails=True).text
    disk = stack.cloud.objects("disks")[0]["id"]
    assert stack.up().steps == {"i": "replace"}
    [instance] = stack.cloud.objects("instances")
    assert [item["id"] for item in instance["disks"]] == [disk]
    assert instance["state"] == "running"
    assert stack.preview().empty


def test_unmanaged_power_is_left_alone(stack: Stack) -> None:
    """With power_state unmanaged, nothing is started or stopped, and neither state is drift."""
    stack.program({"i": MACHINE | {"power_state": "unmanaged"}})
    stack.up()
    [instance] = stack.cloud.objects("instances")
    assert instance["state"] == "stopped"
    stack.cloud.change(instance["id"], state="running")
    stack.refresh()
    assert stack.preview().empty
    stack.program({"i": MACHINE | {"power_state": "unmanaged", "note": "new"}})
    stack.up()
    assert stack.cloud.objects("instances")[0]["state"] == "running"
    assert sent(stack.cloud, *STOPS) == []


def test_ip_addresses_and_network_adapters_replace_each_other(stack: Stack) -> None:
    """A machine can switch between the two arguments, in both directions."""
    around: Json = {
        "n": {"kind": "Network", "specification": "10.0.0.0/24"},
        "a": {"kind": "IpAddress", "network": ref("n")},
        "b": {"kind": "IpAddress"},
    }
    one: Json = {"i": MACHINE | {"ip_addresses": [ref("a"), ref("b")]}}
    other: Json = {"i": MACHINE | {"network_adapters": [{"network": ref("n"), "ip_addresses": [ref("a")]}]}}
    for args, addresses in ((one, 2), (other, 1), (one, 2)):
        stack.program(around | args)
        stack.up()
        assert stack.settled()
        [instance] = stack.cloud.objects("instances")
        assert sum(len(adapter["ip_addresses"]) for adapter in instance["network_adapters"]) == addresses


def test_secrets_stay_secret(stack: Stack) -> None:
    """A secret argument is never printed, and is encrypted in the state, also after a refresh and a failure."""
    args = MACHINE | {"context": {"secret": {"PASSWORD": "open sesame"}}, "note": {"secret": "under the mat"}}
    stack.program({"i": args})
    printed = stack.up().text + stack.refresh().text + stack.preview("--diff").text
    stack.cloud.fail("PUT /instances/{instance_id}", status=422, details={"name": ["no"]})
    stack.program({"i": args | {"name": "other"}})
    printed += stack.up(fails=True).text
    files = [file.read_text(errors="replace") for file in stack.state.rglob("*") if file.is_file()]
    for secret in ("open sesame", "under the mat"):
        assert secret not in printed
        assert not any(secret in text for text in files)


def test_updating_a_deleted_object_says_what_to_do(stack: Stack) -> None:
    """Updating an object that was deleted meanwhile is an error with a next step."""
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}})
    stack.up()
    stack.cloud.remove(stack.cloud.objects("public_keys")[0]["id"])
    stack.program({"k": {"kind": "PublicKey", "key": key("a"), "name": "new"}})
    run = stack.up(fails=True)
    assert "no longer exists. Run `pulumi refresh` to record that; the next `up` then creates it again." in run.text


def test_destroy_accepts_objects_that_are_already_deleted(stack: Stack) -> None:
    """Destroy succeeds even if objects were deleted before."""
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}, "d": DISK, "i": MACHINE})
    stack.up()
    for kind in ("public_keys", "disks", "instances"):
        stack.cloud.remove(stack.cloud.objects(kind)[0]["id"])
    assert stack.destroy().steps == dict.fromkeys("kdi", "delete")


def test_only_a_404_removes_an_object_from_the_state(stack: Stack) -> None:
    """After any other error of a refresh, the state is unchanged."""
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}})
    stack.up()
    garbage = {"status": 404, "body": b"<html>not found</html>"}
    faults: list[tuple[int, dict[str, Any]]] = [(1, {"status": 403}), (5, {"status": 500}), (1, garbage)]
    for times, fault in faults:  # as often as the request is sent
        stack.cloud.fail("GET /public_keys/{public_key_id}", times=times, **fault)
        stack.refresh(fails=True)
        assert list(stack.resources()) == ["k"]
    assert stack.refresh().empty


def test_a_subclass_has_the_same_resource_type(stack: Stack) -> None:
    """A subclass in a program does not change the type in the state."""
    stack.write(
        "import pulumi_joviam as joviam\n\nclass OurKey(joviam.PublicKey):\n    pass\n\n"
        f"OurKey('k', key={key('a')!r})\n"
    )
    stack.up()
    assert stack.resources()["k"]["type"] == stack.door.token("PublicKey")

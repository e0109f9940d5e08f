"""Every argument of every resource: set, changed, changed behind our back, taken away. On the real engine.

One stack holds one resource for each row of ARGUMENTS, and the whole stack goes through its life together:
each stage is one change of the program or of the cloud for all rows at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

import pulumi_joviam as joviam
from pulumi_joviam.emulator import Emulator
from tests.conftest import TOKEN
from tests.keys import key
from tests.stack import Run, Stack

# the story is told once, whatever the number of workers
pytestmark = pytest.mark.xdist_group("lifecycles")

GONE = object()
"""The argument is not in the program."""

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"ref": f"{name}.id"}


# What the rows below refer to; it stays as it is.
AROUND: Json = {
    "net": {"kind": "Network", "specification": "10.1.0.0/24"},
    "net2": {"kind": "Network", "specification": "10.2.0.0/24"},
    **{f"key{n}": {"kind": "PublicKey", "key": key(f"around {n}")} for n in range(3)},
    **{f"disk{n}": {"kind": "Disk", "size": 5, "performance_tier": "Fast"} for n in range(3)},
    **{f"peer{n}": {"kind": "Instance", "memory": 512, "performance_tier": "Standard"} for n in range(2)},
    **{f"ip{n}": {"kind": "IpAddress", "network": ref("net")} for n in range(6)},
}
INSTANCE = {"memory": 1024, "performance_tier": "Standard"}
STOPPABLE = INSTANCE | {"allow_stopping": True}
BOOT = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Standard"}
BASIC = STOPPABLE | {"boot_disk": BOOT}
DISK = {"size": 10, "performance_tier": "Standard"}


@dataclass(frozen=True)
class Row:
    """One argument: three values, and what the CLI must show for each change. ``drift`` is what the cloud is given."""

    kind: str
    argument: str
    values: tuple[Any, Any, Any]
    """In the first program, once set, once changed."""
    steps: tuple[str, str, str] = ("update", "update", "update")
    """Shown for: set, changed, taken away ("" for nothing)."""
    others: Mapping[str, Any] = field(default_factory=dict[str, Any])
    drift: Any = GONE
    repair: str = "update"
    default: Any = GONE
    """What the cloud shows after the argument was taken away."""
    api: str = ""
    """The API's name of it."""

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.argument}"

    def said(self, value: Any) -> Json:
        given = {"kind": self.kind, **self.others}
        return given if value is GONE else {**given, self.argument: value}


def instance(argument: str, *values: Any, others: Json = INSTANCE, **more: Any) -> Row:
    return Row("Instance", argument, (GONE, *values), others=others, **more)


ARGUMENTS = [
    Row("PublicKey", "name", (GONE, "first", "second"), others={"key": key("name")}, drift="drifted"),
    Row("PublicKey", "key", (key("a"), key("b"), key("c")), ("replace", "replace", "")),
    Row("Network", "name", (GONE, "first", "second"), others={"specification": "10.10.0.0/24"}, drift="drifted"),
    Row("Network", "specification", ("10.11.0.0/24", "10.11.0.0/25", "10.12.0.0/24"), ("replace", "replace", "")),
    Row("Network", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", ""), {"specification": "10.13.0.0/24"}),
    Row(
        "Network", "gateway", (GONE, "10.14.0.1", "10.14.0.2"), others={"specification": "10.14.0.0/24"},
        drift="10.14.0.9", default=None,
    ),
    Row(
        "Network", "primary_nameserver", (GONE, "8.8.8.8", "9.9.9.9"), others={"specification": "10.15.0.0/24"},
        drift=None, default=None,
    ),
    Row(
        "Network", "secondary_nameserver", (GONE, "8.8.8.8", "9.9.9.9"), others={"specification": "10.16.0.0/24"},
        drift="1.1.1.1", default=None,
    ),
    Row("IpAddress", "name", (GONE, "first", "second"), drift="drifted"),
    Row("IpAddress", "network", (ref("net"), ref("net2"), ref("net")), ("replace", "replace", "")),
    Row("IpAddress", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", "")),
    Row("IpAddress", "address", (GONE, "203.0.113.200", "203.0.113.201"), ("replace", "replace", "")),
    Row("IpAddress", "shareable", (GONE, True, False), drift=True, default=False, steps=("update", "update", "")),
    Row("Disk", "name", (GONE, "first", "second"), others=DISK, drift="drifted"),
    Row("Disk", "size", (10, 20, 15), ("update", "replace", ""), {"performance_tier": "Standard"}),
    Row("Disk", "performance_tier", ("Standard", "Fast", "Standard"), ("replace", "replace", ""), {"size": 10}),
    Row("Disk", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", ""), DISK),
    Row("Disk", "template", (GONE, "ubuntu-16-04", "debian-9"), ("replace", "replace", ""), DISK),
    Row("Disk", "source_disk", (GONE, ref("disk0"), ref("disk1")), ("replace", "replace", ""), DISK),
    Row("Disk", "cdrom", (GONE, True, True), ("update", "", "update"), DISK, drift=False, default=False),
    Row("Disk", "is_template", (GONE, True, True), ("update", "", "update"), DISK, drift=False, default=False),
    Row("Disk", "allow_stopping", (GONE, True, False), ("update", "update", ""), DISK),
    instance("name", "first", "second", drift="drifted"),
    Row("Instance", "memory", (1024, 2048, 4096), ("update", "update", ""),
        {"performance_tier": "Standard", "allow_stopping": True}, drift=512),
    Row("Instance", "performance_tier", ("Standard", "Fast", "Standard"), ("update", "update", ""),
        {"memory": 1024, "allow_stopping": True}, drift="Fast"),
    Row("Instance", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", ""), INSTANCE),
    instance(
        "disks", [ref("disk0"), ref("disk1")], [ref("disk2"), ref("disk0")], others=STOPPABLE, drift=[], default=[],
    ),
    instance("ip_addresses", [ref("ip0"), ref("ip1")], [ref("ip2")], drift=[], default=[]),
    instance(
        "network_adapters",
        [{"network": ref("net"), "ip_addresses": [ref("ip3"), ref("ip4")]}, {"network": ref("net2")}],
        [{"network": ref("net2"), "ip_addresses": "dhcp"}, {"network": ref("net"), "ip_addresses": [ref("ip5")]}],
        drift=[], default=[],
    ),
    Row("Instance", "boot_disk", (BOOT, BOOT | {"size": 30}, BOOT | {"template": "debian-9"}), ("update", "update", ""),
        STOPPABLE),
    instance("networks", [ref("net")], [ref("net2"), ref("net")], others=BASIC),
    instance("allocate_public_ip", True, False, others=BASIC, steps=("update", "update", "")),
    instance("allocate_private_ip", True, True, others=BASIC, steps=("update", "", "update")),
    instance("availability_group", [ref("peer0")], [ref("peer1")], drift=[], default=[]),
    instance("public_keys", [ref("key0"), ref("key1")], [ref("key2")], drift=[], default=[]),
    instance("boot_device", "cdrom", "network", drift="disk", default="disk"),
    instance("virtualization", "pv", "hvm", steps=("update", "update", ""), others=STOPPABLE, drift="pv"),
    instance("start_on_crash", False, True, steps=("update", "update", ""), drift=False, default=True),
    instance("start_on_reboot", False, False, steps=("update", "", "update"), drift=True, default=True),
    instance("start_on_shutdown", True, True, steps=("update", "", "update"), drift=False, default=False),
    instance("note", "first", "second", drift="drifted", default=""),
    instance("context", {"A": "1", "B": "2"}, {"A": "1", "C": "3"}, drift={"A": "9"}, default={}),
    instance("power_state", "stopped", "running", steps=("update", "update", ""), drift="stopped", api="state"),
    instance("allow_stopping", True, False, steps=("update", "update", "")),
]  # fmt: skip
IDS = [row.name for row in ARGUMENTS]


@dataclass
class Stage:
    """What the CLI showed around one change."""

    preview: Run
    up: Run
    after: tuple[Run, Run]
    cloud: dict[str, Json]


Story = dict[str, Any]


@pytest.fixture(scope="module")
def story(engine_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole life of the stack, told stage by stage."""
    with Emulator(token=TOKEN, provision_seconds=0.05) as cloud:
        stack = Stack(tmp_path_factory.mktemp("lifecycles"), cloud, engine_folder)
        told: Story = {}
        for number, stage in enumerate(("bare", "set", "changed")):
            told[stage] = _change(stack, {row.name: row.said(row.values[number]) for row in ARGUMENTS})
        told["drift"] = _drift(stack)
        bare = {row.name: row.said(GONE if row.values[0] is GONE else row.values[2]) for row in ARGUMENTS}
        told["taken"] = _change(stack, bare)
        told["vanished"] = _vanish(stack, bare)
        told["destroy"] = stack.destroy()
        told["left"] = cloud.count()
        yield told


def _change(stack: Stack, rows: Json) -> Stage:
    stack.program(AROUND | rows)
    return Stage(stack.preview(), stack.up(), (stack.preview(), stack.refresh()), _objects(stack))


def _objects(stack: Stack) -> dict[str, Json]:
    ids = {name: held["id"] for name, held in stack.resources().items()}
    live = {item["id"]: item for kind in stack.cloud.count() for item in stack.cloud.objects(kind)}
    return {name: live[id] for name, id in ids.items()}


def _drift(stack: Stack) -> Story:
    objects = _objects(stack)
    drifting = [row for row in ARGUMENTS if row.drift is not GONE]
    for row in drifting:
        stack.cloud.change(objects[row.name]["id"], **{row.api or row.argument: row.drift})
    found = stack.refresh()
    return {"found": found, "preview": stack.preview(), "up": stack.up(), "after": stack.refresh(), "names": drifting}


def _vanish(stack: Stack, bare: Json) -> Story:
    objects, held = _objects(stack), stack.resources()
    for name in bare:
        stack.cloud.remove(objects[name]["id"])
        for made in _made_with(held[name]):
            stack.cloud.remove(made)
    return {"found": stack.refresh(), "up": stack.up(), "after": (stack.preview(), stack.refresh())}


def _made_with(held: Json) -> list[str]:
    """Return the ids of what a resource made for itself: nobody manages that when the resource is gone."""
    kept = held["outputs"].get("__kept", {})
    return [*kept.get("addresses", {}).values(), *([kept["boot_disk"]] if "boot_disk" in kept else [])]


@pytest.mark.parametrize("stage", ["bare", "set", "changed", "taken"])
def test_nothing_is_left_to_do(story: Story, stage: str) -> None:
    """After `up`, preview and refresh show nothing."""
    for run in story[stage].after:
        assert (run.steps, run.changed) == ({}, {}), run.text


@pytest.mark.parametrize("stage", ["bare", "set", "changed", "taken"])
def test_preview_tells_the_truth(story: Story, stage: str) -> None:
    """The steps of the preview are the steps of the `up` after it."""
    assert story[stage].preview.steps == story[stage].up.steps


@pytest.mark.parametrize("row", ARGUMENTS, ids=IDS)
def test_an_argument_is_set(story: Story, row: Row) -> None:
    """Setting an argument does what the table says, and shows its name."""
    _shows(story["set"], row, row.steps[0])


@pytest.mark.parametrize("row", ARGUMENTS, ids=IDS)
def test_an_argument_is_changed(story: Story, row: Row) -> None:
    """Changing an argument does what the table says, and shows its name."""
    _shows(story["changed"], row, row.steps[1])


@pytest.mark.parametrize("row", ARGUMENTS, ids=IDS)
def test_an_argument_is_taken_away(story: Story, row: Row) -> None:
    """An argument that is taken away goes back to the API's default, or changes nothing."""
    stage = story["taken"]
    _shows(stage, row, row.steps[2] if row.values[0] is GONE else "")
    if row.default is not GONE and row.argument in stage.cloud[row.name]:
        assert row.default == stage.cloud[row.name][row.argument]


@pytest.mark.parametrize("row", [row for row in ARGUMENTS if row.drift is not GONE], ids=lambda row: row.name)
def test_a_change_behind_our_back_is_shown_and_repaired(story: Story, row: Row) -> None:
    """Drift is found by refresh under the argument's name, shown by preview, and repaired by one `up`."""
    drift = story["drift"]
    assert row.argument in drift["found"].changed.get(row.name, set()), drift["found"].text
    assert row.repair == drift["preview"].steps[row.name]
    assert row.argument in drift["preview"].changed[row.name]
    assert row.repair == drift["up"].steps[row.name]


def test_only_drift_is_repaired(story: Story) -> None:
    """What did not drift is not touched, and afterwards nothing is left."""
    drift = story["drift"]
    assert {row.name for row in drift["names"]} == set(drift["up"].steps)
    assert drift["after"].steps == {}


def test_what_vanished_is_made_again(story: Story) -> None:
    """Objects deleted behind our back are found by refresh and made again by `up`."""
    vanished = story["vanished"]
    assert dict.fromkeys(IDS, "delete") == {name: vanished["found"].steps.get(name) for name in IDS}
    assert dict.fromkeys(IDS, "create") == vanished["up"].steps
    assert all(run.empty for run in vanished["after"])


def test_destroy_leaves_nothing(story: Story) -> None:
    """After destroy the cloud is empty."""
    assert sum(story["left"].values()) == 0, story["left"]


def _shows(stage: Stage, row: Row, step: str) -> None:
    assert step == stage.preview.steps.get(row.name, ""), stage.preview.text
    if step:
        assert row.argument in stage.preview.changed[row.name]


@pytest.mark.parametrize("kind", sorted({row.kind for row in ARGUMENTS}))
def test_every_argument_has_a_row(kind: str) -> None:
    """A new argument cannot be forgotten here."""
    fields = getattr(joviam, kind)._lifecycle.args.model_fields
    assert set(fields) == {row.argument for row in ARGUMENTS if row.kind == kind}

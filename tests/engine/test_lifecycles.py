"""Every argument of every resource: set, changed, drifted and removed, on the real engine.

One stack has a resource for each row of ARGUMENTS. Each stage is one change of the program or of the cloud, for all
rows at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

import pulumi_joviam as joviam
from pulumi_joviam.emulator import Emulator
from tests.conftest import TOKEN
from tests.doors import Door
from tests.keys import key
from tests.stack import Run, Stack

# one worker runs the stages for all tests of this module
pytestmark = pytest.mark.xdist_group("lifecycles")

ABSENT = object()
"""The argument is not in the program."""

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"ref": f"{name}.id"}


# Resources that the rows refer to; they do not change.
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
    """One argument: three values, and the steps that the CLI must show. ``drift`` is the value set in the cloud."""

    kind: str
    argument: str
    values: tuple[Any, Any, Any]
    """In the first program, when set, when changed."""
    steps: tuple[str, str, str] = ("update", "update", "update")
    """The steps when it is set, changed and removed ("" for none)."""
    others: Mapping[str, Any] = field(default_factory=dict[str, Any])
    drift: Any = ABSENT
    repair: str = "update"
    default: Any = ABSENT
    """The live value after the argument was removed."""
    api: str = ""
    """Its name in the API, if that differs."""

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.argument}"

    def inputs(self, value: Any) -> Json:
        given = {"kind": self.kind, **self.others}
        return given if value is ABSENT else {**given, self.argument: value}


def instance(argument: str, *values: Any, others: Json = INSTANCE, **more: Any) -> Row:
    return Row("Instance", argument, (ABSENT, *values), others=others, **more)


ARGUMENTS = [
    Row("PublicKey", "name", (ABSENT, "first", "second"), others={"key": key("name")}, drift="drifted"),
    Row("PublicKey", "key", (key("a"), key("b"), key("c")), ("replace", "replace", "")),
    Row("Network", "name", (ABSENT, "first", "second"), others={"specification": "10.10.0.0/24"}, drift="drifted"),
    Row("Network", "specification", ("10.11.0.0/24", "10.11.0.0/25", "10.12.0.0/24"), ("replace", "replace", "")),
    Row("Network", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", ""), {"specification": "10.13.0.0/24"}),
    Row(
        "Network", "gateway", (ABSENT, "10.14.0.1", "10.14.0.2"), others={"specification": "10.14.0.0/24"},
        drift="10.14.0.9", default=None,
    ),
    Row(
        "Network", "primary_nameserver", (ABSENT, "8.8.8.8", "9.9.9.9"), others={"specification": "10.15.0.0/24"},
        drift=None, default=None,
    ),
    Row(
        "Network", "secondary_nameserver", (ABSENT, "8.8.8.8", "9.9.9.9"), others={"specification": "10.16.0.0/24"},
        drift="1.1.1.1", default=None,
    ),
    Row("IpAddress", "name", (ABSENT, "first", "second"), drift="drifted"),
    Row("IpAddress", "network", (ref("net"), ref("net2"), ref("net")), ("replace", "replace", "")),
    Row("IpAddress", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", "")),
    Row("IpAddress", "address", (ABSENT, "203.0.113.200", "203.0.113.201"), ("replace", "replace", "")),
    Row("IpAddress", "shareable", (ABSENT, True, False), drift=True, default=False, steps=("update", "update", "")),
    Row("Disk", "name", (ABSENT, "first", "second"), others=DISK, drift="drifted"),
    Row("Disk", "size", (10, 20, 15), ("update", "replace", ""), {"performance_tier": "Standard"}),
    Row("Disk", "performance_tier", ("Standard", "Fast", "Standard"), ("replace", "replace", ""), {"size": 10}),
    Row("Disk", "region", ("SY3", "ML1", "SY3"), ("replace", "replace", ""), DISK),
    Row("Disk", "template", (ABSENT, "ubuntu-16-04", "debian-9"), ("replace", "replace", ""), DISK),
    Row("Disk", "source_disk", (ABSENT, ref("disk0"), ref("disk1")), ("replace", "replace", ""), DISK),
    Row("Disk", "cdrom", (ABSENT, True, True), ("update", "", "update"), DISK, drift=False, default=False),
    Row("Disk", "is_template", (ABSENT, True, True), ("update", "", "update"), DISK, drift=False, default=False),
    Row("Disk", "allow_stopping", (ABSENT, True, False), ("update", "update", ""), DISK),
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
    """The results of the CLI before, during and after one change."""

    preview: Run
    up: Run
    after: tuple[Run, Run]
    cloud: dict[str, Json]


Stages = dict[str, Any]


@pytest.fixture(scope="module")
def stages(door: Door, engine_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """The results of each stage in the lifecycle of the stack."""
    with Emulator(token=TOKEN, provision_seconds=0.05) as cloud:
        stack = Stack(tmp_path_factory.mktemp("lifecycles"), cloud, engine_folder, door=door)
        results: Stages = {}
        for number, stage in enumerate(("bare", "set", "changed")):
            results[stage] = _change(stack, {row.name: row.inputs(row.values[number]) for row in ARGUMENTS})
        results["drift"] = _drift(stack)
        bare = {row.name: row.inputs(ABSENT if row.values[0] is ABSENT else row.values[2]) for row in ARGUMENTS}
        results["removed"] = _change(stack, bare)
        results["deleted"] = _delete(stack, bare)
        results["destroy"] = stack.destroy()
        results["left"] = cloud.count()
        yield results


def _change(stack: Stack, rows: Json) -> Stage:
    stack.program(AROUND | rows)
    return Stage(stack.preview(), stack.up(), (stack.preview(), stack.refresh()), _objects(stack))


def _objects(stack: Stack) -> dict[str, Json]:
    ids = {name: state["id"] for name, state in stack.resources().items()}
    live = {item["id"]: item for kind in stack.cloud.count() for item in stack.cloud.objects(kind)}
    return {name: live[id] for name, id in ids.items()}


def _drift(stack: Stack) -> Stages:
    objects = _objects(stack)
    drifting = [row for row in ARGUMENTS if row.drift is not ABSENT]
    for row in drifting:
        stack.cloud.change(objects[row.name]["id"], **{row.api or row.argument: row.drift})
    found = stack.refresh()
    return {"found": found, "preview": stack.preview(), "up": stack.up(), "after": stack.refresh(), "names": drifting}


def _delete(stack: Stack, bare: Json) -> Stages:
    objects, state = _objects(stack), stack.resources()
    for name in bare:
        stack.cloud.remove(objects[name]["id"])
        for owned in _owned(state[name]):
            stack.cloud.remove(owned)
    return {"found": stack.refresh(), "up": stack.up(), "after": (stack.preview(), stack.refresh())}


def _owned(state: Json) -> list[str]:
    """Return the ids of the objects that a resource created for itself; without it, nothing manages them."""
    private = state["outputs"].get("__kept", {})
    return [*private.get("addresses", {}).values(), *([private["boot_disk"]] if "boot_disk" in private else [])]


@pytest.mark.parametrize("stage", ["bare", "set", "changed", "removed"])
def test_nothing_is_left_to_do(stages: Stages, stage: str) -> None:
    """After `up`, preview and refresh show nothing."""
    for run in stages[stage].after:
        assert (run.steps, run.changed) == ({}, {}), run.text


@pytest.mark.parametrize("stage", ["bare", "set", "changed", "removed"])
def test_preview_shows_the_steps_of_up(stages: Stages, stage: str) -> None:
    """A preview has the same steps as the `up` after it."""
    assert stages[stage].preview.steps == stages[stage].up.steps


@pytest.mark.parametrize("row", ARGUMENTS, ids=IDS)
def test_an_argument_is_set(stages: Stages, row: Row) -> None:
    """Setting an argument does what the table says, and shows its name."""
    _shows(stages["set"], row, row.steps[0])


@pytest.mark.parametrize("row", ARGUMENTS, ids=IDS)
def test_an_argument_is_changed(stages: Stages, row: Row) -> None:
    """Changing an argument does what the table says, and shows its name."""
    _shows(stages["changed"], row, row.steps[1])


@pytest.mark.parametrize("row", ARGUMENTS, ids=IDS)
def test_an_argument_is_removed(stages: Stages, row: Row) -> None:
    """Removing an argument sets the API's default, or changes nothing."""
    stage = stages["removed"]
    _shows(stage, row, row.steps[2] if row.values[0] is ABSENT else "")
    if row.default is not ABSENT and row.argument in stage.cloud[row.name]:
        assert row.default == stage.cloud[row.name][row.argument]


@pytest.mark.parametrize("row", [row for row in ARGUMENTS if row.drift is not ABSENT], ids=lambda row: row.name)
def test_drift_is_shown_and_repaired(stages: Stages, row: Row) -> None:
    """Refresh finds drift under the name of the argument, preview shows it, and one `up` repairs it."""
    drift = stages["drift"]
    assert row.argument in drift["found"].changed.get(row.name, set()), drift["found"].text
    assert row.repair == drift["preview"].steps[row.name]
    assert row.argument in drift["preview"].changed[row.name]
    assert row.repair == drift["up"].steps[row.name]


def test_only_drift_is_repaired(stages: Stages) -> None:
    """Resources without drift are not changed, and afterwards nothing is left to do."""
    drift = stages["drift"]
    assert {row.name for row in drift["names"]} == set(drift["up"].steps)
    assert drift["after"].steps == {}


def test_deleted_objects_are_created_again(stages: Stages) -> None:
    """Refresh finds objects that were deleted outside Pulumi, and `up` creates them again."""
    deleted = stages["deleted"]
    assert dict.fromkeys(IDS, "delete") == {name: deleted["found"].steps.get(name) for name in IDS}
    assert dict.fromkeys(IDS, "create") == deleted["up"].steps
    assert all(run.empty for run in deleted["after"])


def test_destroy_leaves_nothing(stages: Stages) -> None:
    """After destroy the cloud is empty."""
    assert sum(stages["left"].values()) == 0, stages["left"]


def _shows(stage: Stage, row: Row, step: str) -> None:
    assert step == stage.preview.steps.get(row.name, ""), stage.preview.text
    if step:
        assert row.argument in stage.preview.changed[row.name]


@pytest.mark.parametrize("kind", sorted({row.kind for row in ARGUMENTS}))
def test_every_argument_has_a_row(kind: str) -> None:
    """No argument can be forgotten here."""
    fields = getattr(joviam, kind)._lifecycle.args.model_fields
    assert set(fields) == {row.argument for row in ARGUMENTS if row.kind == kind}

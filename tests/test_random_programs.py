"""Random stacks, random changes, drift and faults: the promises hold for all of them.

    JOVIAM_EXAMPLES=400 python -m pytest tests/test_random_programs.py

tries more programs than the few in the test suite.
"""

from __future__ import annotations

import copy
import itertools
import os
import random
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import pulumi_joviam as joviam
from pulumi_joviam.api.models import UUID
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.emulator.operations import NOUNS
from pulumi_joviam.emulator.request import Request
from pulumi_joviam.emulator.store import Switches
from tests.doors import Door
from tests.emulator.account import Account
from tests.keys import key
from tests.miniature import Held, Miniature, Plugin, Run, plugin
from tests.samples import RESOURCES, SAMPLES, EarlierResources
from tests.stack import Spec, Stack
from tests.sweep import FAULTS
from tests.unknown import Place, hide, places

EXAMPLES = int(os.environ.get("JOVIAM_EXAMPLES", "8"))
NEW = max(2, EXAMPLES // 20)
RULES = 25
CHECKS = cast(list[HealthCheck], list(HealthCheck))
HOW = settings(stateful_step_count=RULES, deadline=None, suppress_health_check=CHECKS, print_blob=True)
SOURCE = "r0"
"""The first resource of each program. Once it exists, the unknown values of others are known."""
KINDS = [noun.kind for noun in NOUNS]
RULED = {"Network", "IpAddress", "Disk", "Instance", "AvailabilityGroup"}
"""Resources with a rule of their own."""
FOR_EVER = {"Template", "ConsoleSession"}
"""Resources that the API does not delete: no cloud would be empty at the end."""
PLAIN = [kind for kind in SAMPLES if kind in RESOURCES and kind not in RULED | FOR_EVER]
QUICK = sorted(fault for fault in FAULTS if "late" not in fault and "gave up" not in fault)
# if updates are ignored, nothing can change
SWITCHES = sorted(it.name for it in fields(Switches) if it.type == "bool" and it.name != "ignored_updates")
FOLLOWED: dict[str, tuple[str, ...]] = {
    "Network": ("netmask", "network_address", "specification", "region"),
    "IpAddress": ("address", "network_id"),
    "Disk": ("region", "performance_tier"),
    "Instance": ("hostname", "state", "boot_disk_id", "private_ip", "public_ip", "performance_tier"),
    "PublicKey": ("name", "created_at"),
}
"""{kind: outputs from which others get their names}"""
STOPPING = {"power_state", "memory", "performance_tier", "virtualization", "boot_disk", "disks"}
ADDRESSES = ("networks", "allocate_public_ip", "allocate_private_ip")
BY_HAND: dict[str, dict[str, Any]] = {
    **{kind: dict(SAMPLES[kind].changed) for kind in PLAIN if SAMPLES[kind].changed},
    "Network": {"name": "by hand", "gateway": None, "primary_nameserver": "9.9.9.9"},
    "IpAddress": {"name": "by hand", "shareable": True},
    "Disk": {"name": "by hand", "cdrom": True, "is_template": True},
    "Instance": {
        "name": "by hand",
        "memory": 2048,
        "note": "by hand",
        "context": {"A": "by hand"},
        "state": "stopped",
        "disks": [],
        "ip_addresses": [],
        "public_keys": [],
        "start_on_crash": False,
        "boot_device": "network",
    },
}
"""{kind: {argument: value that is set outside Pulumi}}"""
MACHINE = {"kind": "Instance", "memory": 512, "performance_tier": "Standard", "allow_stopping": True}

stacks = itertools.count()
steps_taken = itertools.count()


class Programs(RuleBasedStateMachine):
    """A program that grows, resource by resource. Some of its values are unknown until `up`."""

    cloud: Emulator

    @initialize(choice=st.randoms(use_true_random=False), hides=st.booleans())
    def begin(self, choice: random.Random, hides: bool) -> None:
        self.cloud.reset()
        self.numbers = itertools.count()
        self.choice, self.hides = choice, hides
        self.program: dict[str, dict[str, Any]] = {}
        self.hidden: dict[str, list[Place]] = {}
        """{resource: the places in it that are unknown until SOURCE exists}."""
        self.brought_up = True
        self._add({"kind": "PublicKey", "key": key("source")})

    @rule(kind=st.sampled_from(PLAIN), whole=st.booleans())
    def add_plain(self, kind: str, whole: bool) -> None:
        """Add a sample resource, with all or only the required arguments, if the resources that it refers to exist."""
        fields = getattr(joviam, kind)._lifecycle.args.model_fields
        try:
            said = SAMPLES[kind].arguments(self)[0]
        except StopIteration:
            return
        needed = {name: value for name, value in said.items() if fields[name].is_required()}
        self._add({"kind": kind, **(said if whole else needed)})

    def one(self, kind: str) -> dict[str, str]:
        return EarlierResources(self.program).one(kind)

    def number(self) -> int:
        return next(self.numbers)

    @rule(gateway=st.booleans())
    def add_network(self, gateway: bool) -> None:
        net = self._range()
        self._add({"kind": "Network", "specification": f"{net}.0/24", **({"gateway": f"{net}.1"} if gateway else {})})

    @rule(data=st.data())
    def add_address(self, data: st.DataObject) -> None:
        network = data.draw(st.sampled_from([None, *self._all("Network")]))
        self._add({"kind": "IpAddress", **({"network": {"ref": f"{network}.id"}} if network else {})})

    @rule(size=st.integers(20, 40), template=st.sampled_from([None, "ubuntu-16-04", "debian-9"]))
    def add_disk(self, size: int, template: str | None) -> None:
        disk = {"kind": "Disk", "size": size, "performance_tier": "Fast"}
        self._add(disk | ({"template": template} if template else {}))

    @rule(data=st.data(), power=st.sampled_from(["running", "stopped"]))
    def add_machine(self, data: st.DataObject, power: str) -> None:
        self._add({**MACHINE, "power_state": power, **self._parts(data, None)})

    @rule(dhcp=st.booleans())
    def add_machine_on_a_network(self, dhcp: bool) -> None:
        network = {"ref": f"{self._add({'kind': 'Network', 'specification': f'{self._range()}.0/24'})}.id"}
        address = {"ref": f"{self._add({'kind': 'IpAddress', 'network': network})}.id"}
        adapter = {"network": network, "ip_addresses": "dhcp" if dhcp else [address]}
        self._add({**MACHINE, "network_adapters": [adapter]})

    @rule(public=st.booleans(), size=st.integers(20, 30))
    def add_basic_machine(self, public: bool, size: int) -> None:
        boot = {"template": "ubuntu-16-04", "size": size, "performance_tier": "Fast"}
        self._add({**MACHINE, "boot_disk": boot, "allocate_public_ip": public})

    @precondition(lambda self: len(self._all("Instance")) > 1)
    @rule()
    def add_group(self) -> None:
        if not self._all("AvailabilityGroup"):
            members = [{"ref": f"{name}.id"} for name in self._all("Instance")[:2]]
            self._add({"kind": "AvailabilityGroup", "instances": members})

    @rule(data=st.data())
    def add_follower(self, data: st.DataObject) -> None:
        """Add a key whose name follows from an output of another resource."""
        outputs = [
            f"{name}.{output}" for name, said in self.program.items() for output in FOLLOWED.get(said["kind"], ())
        ]
        follows = {"name": {"ref": data.draw(st.sampled_from(outputs))}}
        self._add({"kind": "PublicKey", "key": key(str(next(self.numbers))), **follows})

    @precondition(lambda self: self._all("IpAddress"))
    @rule(data=st.data())
    def add_neighbour(self, data: st.DataObject) -> None:
        """Add an address in the network of another one."""
        network = {"ref": f"{data.draw(st.sampled_from(self._all('IpAddress')))}.network_id"}
        self._add({"kind": "IpAddress", "network": network})

    # -- random choices --

    def _add(self, said: dict[str, Any]) -> str:
        self.program[name := f"r{next(self.numbers)}"] = copy.deepcopy(said)
        able = [place for place in places(said) if place and place[0] != "kind"]
        if self.hides and name != SOURCE:
            self.hidden[name] = self.choice.sample(able, len(able) // 3)
        self.brought_up = False
        return name

    def _all(self, kind: str) -> list[str]:
        return [name for name, said in self.program.items() if said["kind"] == kind]

    def _said(self) -> dict[str, dict[str, Any]]:
        """Return the program to run, with unknown values in it."""
        program = dict(self.program)
        for name, hidden in self.hidden.items():
            there = [place for place in places(program[name]) if place in hidden]
            for place in there:
                if not any(place[: len(outer)] == outer != place for outer in there):
                    program[name] = hide(program[name], place, SOURCE)
        return program

    def _users(self, name: str) -> list[str]:
        uses = (f"'ref': '{name}.", f"'after': '{name}'")
        return [other for other, said in self._said().items() if any(use in str(said) for use in uses)]

    def _parts(self, data: st.DataObject, machine: str | None) -> dict[str, Any]:
        """Return disks, addresses and keys for a machine that no other one uses."""
        parts = {"disks": self._all("Disk"), "ip_addresses": self._all("IpAddress")}
        order = list(self.program)
        before = order[: order.index(machine)] if machine else order  # a program refers to earlier resources only
        chosen = {}
        for argument, names in parts.items():
            # a part that is still attached to another machine is free one run after that machine is removed
            free = [n for n in names if n in before and set(self._users(n)) <= {machine} and self._is_free(n, machine)]
            chosen[argument] = self._some(data, free)
        keys = [name for name in self._all("PublicKey") if name in before]
        return {**chosen, "public_keys": [{"ref": f"{name}.id"} for name in keys[:2]]}

    def _some(self, data: st.DataObject, free: list[str]) -> list[dict[str, str]]:
        picked = data.draw(st.lists(st.sampled_from(free), unique=True, max_size=2)) if free else []
        return [{"ref": f"{name}.id"} for name in picked]

    def _is_free(self, _name: str, _machine: str | None) -> bool:
        """Return whether no disk or address that the program gives to a machine is attached to another one."""
        return True

    def _range(self) -> str:
        number = next(self.numbers)
        return f"10.{number // 250 % 250}.{number % 250}"


class NewPrograms(Programs):
    """Create a whole program at once, with the real engine."""

    engine: str
    door: Door

    @initialize(choice=st.randoms(use_true_random=False))
    def begin(self, choice: random.Random) -> None:
        super().begin(choice, hides=True)

    def teardown(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            stack = Stack(Path(folder), self.cloud, self.engine, door=self.door)
            stack.program(self._said())
            assert stack.up().steps == dict.fromkeys(self.program, "create")
            assert stack.preview().empty


class Explained:
    """Check whether a preview explains writes. ``there`` is the state before them."""

    def __init__(self, program: Spec, preview: Run, there: Mapping[str, Held]) -> None:
        self.named, self.steps = preview.named, preview.steps
        made_with = {it[0]: name for name, held in there.items() for it in re.finditer(UUID, str(_kept(held)))}
        self.owners = made_with | {held.id: name for name, held in there.items()}
        self.kinds = {name: held.kind for name, held in there.items()}
        self.kinds |= {name: said["kind"] for name, said in program.items()}

    def is_named(self, request: Request) -> bool:
        """Return whether a reader of the preview would expect this write."""
        method, path = request.method, request.path.split("/")
        owner = self.owners.get(path[2]) if len(path) > 2 else None
        if owner is None:  # a new object
            made = [name for name, step in self.steps.items() if step in ("create", "replace")]
            return bool(made or self._parts("boot_disk", *ADDRESSES))
        if self.steps.get(owner) in ("replace", "delete"):
            return True
        what = path[3] if len(path) > 3 else ""
        if what in ("start", "stop"):
            # the preview of a disk cannot know which machine it is attached to
            sized = any(self.kinds.get(name) == "Disk" and "size" in named for name, named in self.named.items())
            return sized or bool(self.named.get(owner, set()) & STOPPING)
        released = [it for it in self._all("IpAddress") if self.steps.get(it) in ("replace", "delete")]
        if what == "network_adapters" and released:
            return True
        if what == "availability_group" and self.steps.keys() & set(self._all("AvailabilityGroup")):
            return True
        if method == "DELETE" and what != "context":
            return bool(self._parts("boot_disk", "disks", *ADDRESSES, of=owner))
        arguments = {
            "": set(request.body or {}),
            "resize": {"size", "boot_disk"},
            "disks": {"disks", "boot_disk"},
            "network_adapters": {"ip_addresses", "network_adapters", *ADDRESSES},
        }.get(what, {what})
        named = self.named.get(owner, set())
        return arguments <= named if what == "" else bool(arguments & named)

    def _all(self, kind: str) -> list[str]:
        return [name for name, it in self.kinds.items() if it == kind]

    def _parts(self, *arguments: str, of: str = "") -> set[str]:
        return {it for name, named in self.named.items() if of in ("", name) for it in named if it in arguments}


def _kept(held: Held) -> Any:
    return dict(held.outputs).get("__kept")


class RandomPrograms(Programs):
    """A program that changes, a cloud that is also changed by hand, and a network that fails."""

    plugin: Plugin

    @initialize(choice=st.randoms(use_true_random=False), hides=st.booleans())
    def begin(self, choice: random.Random, hides: bool) -> None:
        super().begin(choice, hides)
        self.cloud.configure(**{name: choice.random() < 0.5 for name in SWITCHES})
        self.stack = Miniature(self.plugin, f"random{next(stacks)}")
        self.unrefreshed = False
        """Whether something was changed by hand since the last refresh."""

    # -- the program changes --

    @precondition(lambda self: self.program)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        self._change(data)

    @precondition(lambda self: self.program and self.brought_up)
    @rule(data=st.data())
    def change_and_up(self, data: st.DataObject) -> None:
        self._change(data)
        self.up()

    def _change(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.program)))
        said = self.program[name]
        changes: dict[str, list[dict[str, Any]]] = {
            **{kind: [dict(SAMPLES[kind].changed)] for kind in PLAIN},
            "Network": [
                {"name": "renamed"},
                {"gateway": None},
                {"specification": f"{self._range()}.0/24", "gateway": None},
            ],
            "IpAddress": [{"name": "renamed"}, {"shareable": True}, {"shareable": None}],
            "Disk": [{"name": "renamed"}, {"size": said.get("size", 0) + 5}, {"size": 20}, {"template": "debian-9"}],
            "Instance": [{"name": "renamed"}, {"memory": 1024}, {"note": "n"}, {"note": None}, {"context": {"a": "b"}}],
        }
        if said["kind"] == "Instance" and "boot_disk" in said:
            boot = said["boot_disk"]
            grown = {**boot, "size": boot["size"] + 5}
            changes["Instance"] += [{"boot_disk": grown}, {"boot_disk": {**boot, "template": "debian-9"}}]
            changes["Instance"] += [{"allocate_public_ip": True}, {"allocate_public_ip": False}]
        elif said["kind"] == "Instance" and "network_adapters" not in said:
            changes["Instance"] += [{"power_state": "stopped"}, {"power_state": "running"}, self._parts(data, name)]
        changes["PublicKey"].append({"key": key(str(next(self.numbers)))})
        if options := changes.get(said["kind"]):
            edited = {**said, **data.draw(st.sampled_from(options))}
            self.program[name] = {argument: value for argument, value in edited.items() if value is not None}
            self.brought_up = False

    @precondition(lambda self: self.program)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        # a plugin remembers the group of each instance for one run, but this plugin serves all runs
        grouping = self._all("AvailabilityGroup")
        free = [name for name in self.program if name not in grouping and not self._users(name)]
        if not free:
            return
        name = data.draw(st.sampled_from(sorted(free)))
        self.program.pop(name)
        self.hidden.pop(name, None)
        self.brought_up = False

    # -- changes outside the program --

    @precondition(lambda self: self.stack.state)
    @rule(data=st.data())
    def drift(self, data: st.DataObject) -> None:
        names = [name for name, held in self.stack.state.items() if held.kind != "AvailabilityGroup"]
        name = data.draw(st.sampled_from(sorted(names)))
        self.cloud.change(self.stack.state[name].id, name=f"drifted {next(self.numbers)}")
        steps = self.stack.refresh().steps
        assert steps[name] == "update"
        assert self.unrefreshed or len(steps) == 1
        self.brought_up = self.unrefreshed = False

    @precondition(lambda self: self.stack.state)
    @rule(data=st.data())
    def change_by_hand(self, data: st.DataObject) -> None:
        """Change any argument of any object, without a refresh."""
        names = [name for name, held in self.stack.state.items() if held.kind in BY_HAND]
        name = data.draw(st.sampled_from(sorted(names)))
        held = self.stack.state[name]
        argument, value = data.draw(st.sampled_from(sorted(BY_HAND[held.kind].items(), key=str)))
        if argument == "state" and self.program.get(name, {}).get("power_state") == value:
            value = "stopped" if value == "running" else "running"
        self.cloud.change(held.id, **{argument: value})
        self.brought_up, self.unrefreshed = False, True

    @rule(kind=st.sampled_from(["performance_tiers/disks", "performance_tiers/instances", "templates"]))
    def swap_names(self, kind: str) -> None:
        """Swap the names of two tiers or templates."""
        field = "slug" if kind == "templates" else "name"
        words = ("ubuntu-16-04", "debian-9") if kind == "templates" else ("Standard", "Fast")
        there = [
            it
            for it in Account(self.cloud).call("GET", f"/{kind}")
            if it["region"]["code"] == "SY3" and it[field] in words
        ]
        for it in there:
            self.cloud.change(it["id"], **{field: words[words.index(it[field]) - 1]})

    @precondition(lambda self: self.stack.state and self.brought_up)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        kinds = (*PLAIN, "Disk", "IpAddress")
        free = [n for n, held in self.stack.state.items() if held.kind in kinds and not self._users(n)]
        if free:
            name = data.draw(st.sampled_from(sorted(free)))
            self.cloud.remove(self.stack.state[name].id)
            run = self.stack.refresh()
            assert (run.error, run.steps) == ("", {name: "delete"})
            self.brought_up = False

    # -- commands --

    @rule()
    def up(self) -> None:
        self._explained_up()
        self._as_promised()

    def _explained_up(self) -> None:
        """Run `up`, and check that the preview explained every write."""
        preview = self.stack.preview(self._said())
        there, before = dict(self.stack.state), len(self.cloud.requests)
        run = self.stack.up(self._said())
        assert (preview.error, run.error) == ("", ""), preview
        # an unknown value may turn out to be the same as before
        unnamed = {name: step for name, step in run.steps.items() if preview.steps.get(name) not in (step, "replace")}
        assert not unnamed
        idle = {name for name, step in preview.steps.items() if run.steps.get(name) != step}
        assert self.hides or idle <= set(self._uncertain(preview))
        if not self.unrefreshed:
            self._has_foreseen(preview)
        explained = Explained(self.program, preview, there)
        for request in self.cloud.requests[before:]:
            assert request.method == "GET" or explained.is_named(request), (request, preview.steps, preview.named)

    def _uncertain(self, preview: Run) -> Iterator[str]:
        """Yield the resources that use what a preview does not know of others."""
        for name, said in self.program.items():
            used = re.findall(r"'ref': '(\w+)\.(\w+)'", str(said))
            if any(other in preview.shown and output not in preview.shown[other] for other, output in used):
                yield name

    def _has_foreseen(self, preview: Run) -> None:
        """Check that everything a preview knew has come true."""
        for name, shown in preview.shown.items():
            now = self.stack.outputs(name)
            assert {it: now.get(it) for it in shown} == shown, (name, preview.steps)

    @rule(fault=st.sampled_from(QUICK), skip=st.integers(0, 15))
    def up_with_a_fault(self, fault: str, skip: int) -> None:
        self.cloud.fail("*", skip=skip, **FAULTS[fault])
        for _ in range(3):  # the fault may happen as late as in the run that recovers
            run = self.stack.up(self._said())
            assert not any(word in run.error for word in ("Traceback", "bug in", "StatusCode")), run.error
            if not run.error:
                break
        self.cloud.heal()
        run = self.stack.up(self._said())
        assert run.error == ""
        self._as_promised()

    def _as_promised(self) -> None:
        if self.unrefreshed:
            assert self.stack.preview(self._said()).steps == {}
            assert self.stack.refresh().error == ""
            self.unrefreshed = False
            self._explained_up()
        assert self.stack.preview(self._said()).steps == {}
        refreshed = self.stack.refresh()
        assert (refreshed.error, refreshed.steps) == ("", {})
        assert self.stack.preview(self._said()).steps == {}
        mine = {held.id for held in self.stack.state.values() if held.kind != "AvailabilityGroup"}
        there = {it["id"]: it for kind in KINDS for it in self.cloud.objects(kind)}
        assert mine <= there.keys()
        with_machines = {disk["id"] for it in self.cloud.objects("instances") for disk in it["disks"]}
        with_machines |= {it["id"] for it in self.cloud.objects("ip_addresses") if it["instance_ids"]}
        assert there.keys() <= mine | with_machines
        for name, said in self.program.items():
            if said["kind"] != "AvailabilityGroup":
                live = there[self.stack.state[name].id]
                wanted = said.get("name", name)
                assert live["name"] == wanted or isinstance(wanted, dict)
                assert all(live[it] == said[it] for it in ("size", "memory", "specification", "key") if it in said)
        self.brought_up = True

    @invariant()
    def count(self) -> None:
        next(steps_taken)

    def teardown(self) -> None:
        assert self.stack.destroy().error == ""
        assert not self.cloud.count()

    def _is_free(self, name: str, machine: str | None) -> bool:
        held = [self.stack.state[it].id for it in (name, machine) if it in self.stack.state]
        parts = [disk["id"] for it in self.cloud.objects("instances") if it["id"] not in held for disk in it["disks"]]
        parts += [it["id"] for it in self.cloud.objects("ip_addresses") if set(it["instance_ids"]) - set(held)]
        return not held or held[0] not in parts


@pytest.fixture(scope="module")
def started(door: Door) -> Iterator[None]:
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        RandomPrograms.cloud = stack.enter_context(Emulator(token="t", provision_seconds=0.0))
        RandomPrograms.plugin = stack.enter_context(plugin(RandomPrograms.cloud, Path(home), door))
        yield


@pytest.mark.usefixtures("started")
@pytest.mark.slow
def test_random_programs() -> None:
    run_state_machine_as_test(
        RandomPrograms,
        settings=settings(HOW, max_examples=EXAMPLES),
    )
    print(f"{next(steps_taken)} steps")


def test_new_programs_on_the_real_engine(door: Door, engine_folder: str) -> None:
    """The first `up` of a stack, with its preview, creates everything in the program."""
    with Emulator(token="t", provision_seconds=0.0) as cloud:
        NewPrograms.cloud, NewPrograms.engine, NewPrograms.door = cloud, engine_folder, door
        run_state_machine_as_test(
            NewPrograms,
            settings=settings(HOW, max_examples=NEW),
        )

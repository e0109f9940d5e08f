"""Fail every request of a run in every way: nothing is lost or created twice, and the next `up` recovers.

    python -m tests.sweep [--door native] [PART OF AN OPERATION'S NAME]

A stack with every kind of resource is created, changed and destroyed once, and its requests are recorded. Then the run
is repeated for each request and each fault. After each fault, the message must be clear, a second run of the same
command must succeed, the cloud must have the same objects as without the fault, and a destroy must leave nothing.
Objects that a message asks to delete by hand are deleted. A duplicate that no message names is a failure.

Create requests also lose their responses in other clouds: with late or truncated lists, or without a clock.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.emulator.console_session import ConsoleSession
from pulumi_joviam.emulator.operations import NOUNS
from tests.doors import DOORS, DYNAMIC, Door
from tests.keys import key
from tests.miniature import Miniature, Plugin, Run, plugin
from tests.samples import changed, completed
from tests.stack import Spec

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "500, but it acted": {"status": 500, "act": "before"},
    "503 with Retry-After": {"status": 503, "retry_after": 0},
    "429": {"status": 429, "retry_after": 0},
    "502, but it acted": {"status": 502, "act": "before"},
    "dropped before the act": {"drop": "before"},
    "dropped after the act": {"drop": "after"},
    "half an answer": {"body": b'{"id": "', "act": "before"},
    "not JSON": {"body": b"<html>Welcome</html>", "act": "before"},
    "of the wrong type": {"body": b'"text"', "act": "before"},
    "answers too late": {"delay": 1.3, "act": "before"},
    "acts after we gave up": {"delay": 1.3, "act": "after"},
    "acts 0.1 s after a drop": {"drop": "before", "act_after": 0.1},
    "acts 0.5 s after a drop": {"drop": "before", "act_after": 0.5},
    "acts 0.3 s after a 500": {"status": 500, "act_after": 0.3},
    "acts 0.3 s after a 502": {"status": 502, "act_after": 0.3},
    "acts 0.3 s after a 504": {"status": 504, "act_after": 0.3},
    "401 once": {"error": "invalid_token"},
}
"""{name: arguments of `Emulator.fail`}. The plugin of tests/miniature.py waits one second for a response, and looks for
a lost object for one second: a fraction of the real limits.
"""

CLOUDS: dict[str, dict[str, Any]] = {
    "": {},
    ", lists 0.5 s late": {"late_lists": 0.5},
    ", lists of one object": {"list_limit": 1},
    ", no Date": {"date_header": False},
    ", no Date, lists 0.5 s late, clock an hour behind": {
        "date_header": False,
        "late_lists": 0.5,
        "clock_skew": -3600.0,
    },
}
"""{suffix of the fault's name: switches of the cloud}."""
LOSING = ("dropped before the act", "dropped after the act", "acts 0.5 s after a drop")
"""The faults of create requests in all of these clouds."""

MACHINE = {"kind": "Instance", "memory": 512, "performance_tier": "Standard", "allow_stopping": True}
FIRST: Spec = completed(
    {
        "key": {"kind": "PublicKey", "key": key("sweep")},
        "net": {"kind": "Network", "specification": "10.0.0.0/24"},
        "private": {"kind": "IpAddress", "network": {"ref": "net.id"}},
        "public": {"kind": "IpAddress"},
        "blank": {"kind": "Disk", "size": 5, "performance_tier": "Fast"},
        "system": {"kind": "Disk", "size": 20, "performance_tier": "Fast", "template": "ubuntu-16-04"},
        "clone": {"kind": "Disk", "size": 6, "performance_tier": "Fast", "source_disk": {"ref": "blank.id"}},
        "assembled": MACHINE
        | {
            "disks": [{"ref": "system.id"}],
            "ip_addresses": [{"ref": "private.id"}, {"ref": "public.id"}],
            "public_keys": [{"ref": "key.id"}],
            "note": "one",
            "context": {"a": "1", "b": "2"},
        },
        "basic": MACHINE
        | {
            "boot_disk": {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"},
            "networks": [{"ref": "net.id"}],
            "allocate_public_ip": True,
        },
        "spare": {**MACHINE, "power_state": "stopped"},
        "group": {"kind": "AvailabilityGroup", "instances": [{"ref": "assembled.id"}, {"ref": "basic.id"}]},
        "version": {"kind": "Template", "disk": {"ref": "clone.id"}, "supersedes": "windows-2016"},
    }
)
SECOND: Spec = {
    **FIRST,
    **changed(FIRST),
    "key": {**FIRST["key"], "name": "other"},
    "net": {**FIRST["net"], "gateway": "10.0.0.1"},
    "public": {**FIRST["public"], "shareable": True},
    "blank": {**FIRST["blank"], "size": 8, "name": "other"},
    "assembled": {
        **FIRST["assembled"],
        "memory": 1024,
        "disks": [{"ref": "system.id"}, {"ref": "blank.id"}],
        "ip_addresses": [{"ref": "private.id"}],
        "public_keys": [],
        "context": {"b": "3"},
    },
    "basic": {
        **FIRST["basic"],
        "boot_disk": {"template": "debian-9", "size": 20, "performance_tier": "Fast"},
        "allocate_public_ip": False,
    },
    "group": {"kind": "AvailabilityGroup", "instances": [{"ref": "assembled.id"}, {"ref": "spare.id"}]},
}
PHASES: dict[str, Spec] = {"make": FIRST, "change": SECOND, "destroy": {}}

KINDS = [noun.kind for noun in NOUNS if noun is not ConsoleSession]
"""Console sessions cannot be listed, so a lost one is created again, and each ends by itself."""
CHANGING = {"id", "created_at", "updated_at", "address", "hostname", "position", "superseded_by_id"}
"""Fields that differ between two clouds with the same objects."""


@dataclass(frozen=True)
class Case:
    """The ``number``-th call of an operation in a phase."""

    phase: str
    operation: str
    number: int


@dataclass
class Tally:
    """The results of all runs with one fault."""

    tried: int = 0
    healed: int = 0
    one_more: int = 0
    lost: int = 0
    named: int = 0
    """Created twice, and a message says so; or not created, because a matching object existed."""
    twice: int = 0
    unclear: int = 0
    problems: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        names = ("tried", "healed", "one_more", "lost", "named", "twice", "unclear", "problems")
        return Tally(*(getattr(self, name) + getattr(other, name) for name in names))


class Sweep:
    """Runs with faults, in their own cloud."""

    numbers = itertools.count()

    def __init__(self, cloud: Emulator, plugin: Plugin) -> None:
        self.cloud = cloud
        self.plugin = plugin
        self.expected: dict[str, Counter[str]] = {}

    def record(self) -> list[Case]:
        """Run without a fault, and return all requests."""
        stack, cases = self._fresh(), list[Case]()
        for phase, program in PHASES.items():
            before = len(self.cloud.requests)
            run = stack.up(program)
            assert not run.error, f"{phase}: {run.error}"
            names = [request.operation or request.path for request in self.cloud.requests[before:]]
            cases += [Case(phase, name, number) for name, times in Counter(names).items() for number in range(times)]
            self.expected[phase] = contents(self.cloud)
        return cases

    def run(self, case: Case, fault: str) -> Tally:
        """Repeat the run up to the phase of the case, with the fault, and check the result."""
        stack, tally = self._fresh(), Tally()
        for phase, program in PHASES.items():
            if phase == case.phase:
                break
            run = stack.up(program)
            if run.error:  # a busy machine may be too slow for the short timeouts of this plugin
                run = stack.up(program)
            assert not run.error, run.error
        before = len(self.cloud.requests)
        self.plugin.warnings()
        self.cloud.fail(case.operation, skip=case.number, **FAULTS[fault])
        run = stack.up(PHASES[case.phase])
        # delayed effects happen before the next command starts
        time.sleep(max(FAULTS[fault].get(it, 0.0) for it in ("delay", "act_after")))
        called = [request.operation for request in self.cloud.requests[before:]].count(case.operation)
        if called <= case.number:  # waits may have sent one poll more or less
            return tally
        tally.tried = 1
        self._judge(tally, stack, case, run)
        if tally.problems:
            tally.problems = [f"{case.phase}, {case.operation} #{case.number}, {fault}: {it}" for it in tally.problems]
        return tally

    def _judge(self, tally: Tally, stack: Miniature, case: Case, run: Run) -> None:
        tally.healed, tally.one_more = int(not run.error), int(bool(run.error))
        if run.error and ("Traceback" in run.error or "bug in" in run.error or "StatusCode" in run.error):
            tally.unclear += 1
            tally.problems.append(f"unclear: {run.error}")
        program = PHASES[case.phase]
        tally.named += self._by_hand(stack, "\n".join([run.error, *self.plugin.warnings()]))
        again = stack.up(program)
        if again.error:
            tally.problems.append(f"after {run.error!r} the next up failed: {again.error}")
            again = stack.up(program)
        if not run.error and again.steps:
            tally.problems.append(f"a second up had something to do: {again.steps}")
        if still := stack.preview(program).steps:
            tally.problems.append(f"the preview is not empty: {still}")
        now, expected = contents(self.cloud), self.expected[case.phase]
        if missing := expected - now:
            tally.lost += 1
            tally.problems.append(f"lost: {dict(missing)}, instead: {dict(now - expected)}")
        elif extra := now - expected:
            tally.twice += 1
            tally.problems.append(f"made twice or left over: {dict(extra)}")
        if case.phase != "destroy" and (gone := stack.destroy()).error:
            tally.problems.append(f"destroy failed: {gone.error}")
        elif left := contents(self.cloud) - self.expected["destroy"]:
            tally.twice += 1
            tally.problems.append(f"a destroy left: {dict(left)}")

    def _by_hand(self, stack: Miniature, said: str) -> bool:
        """Delete what messages ask for: the objects that they name, and identical ones that are not in the state."""
        objects = [(kind, it) for kind in KINDS for it in self.cloud.objects(kind)]
        meant = set[tuple[str, str]]()
        if "by hand" in said:
            meant = {(kind, it["name"]) for kind, it in objects if it["id"] in said}
        held = str(stack.state)
        extra = [it for kind, it in objects if (kind, it["name"]) in meant and it["id"] not in held]
        for it in extra:
            addresses = [address for adapter in it.get("network_adapters", ()) for address in adapter["ip_addresses"]]
            for part in (it, *it.get("disks", ()), *addresses):  # an instance, with what was created with it
                if part["id"] not in held:
                    self.cloud.remove(part["id"])
        return bool(extra)

    def _fresh(self) -> Miniature:
        self.cloud.reset()
        return Miniature(self.plugin, f"sweep{next(self.numbers)}")


def contents(cloud: Emulator) -> Counter[str]:
    """Return the objects of a cloud as texts that are the same for every cloud with the same objects."""
    return Counter(f"{kind}: {_words(it)}" for kind in KINDS for it in cloud.objects(kind))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        known = {name: it for name, it in fields.items() if name not in CHANGING and not name.endswith(("_id", "_ids"))}
        return f"{{{', '.join(f'{name}={_words(it)}' for name, it in sorted(known.items()))}}}"
    if isinstance(value, list):
        items = cast(Sequence[Any], value)
        return f"[{', '.join(sorted(map(_words, items)))}]" if not _are_ids(items) else f"{len(items)} ids"
    return str(value)


def _are_ids(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


@contextmanager
def sweeping(door: Door, **switches: Any) -> Generator[Sweep, None, None]:
    """Start a cloud and a plugin for a sweep."""
    with (
        tempfile.TemporaryDirectory() as home,
        Emulator(token="t", provision_seconds=0.0, **switches) as cloud,
        plugin(cloud, Path(home), door) as started,
    ):
        yield Sweep(cloud, started)


def part(number: int, of: int, name: str, door: str) -> dict[str, Tally]:
    """Sweep every ``of``-th pair of a request and a fault."""
    tallies = nothing()
    for where, switches in CLOUDS.items():
        with sweeping(DOORS[door], **switches) as sweep:
            cases = [case for case in sweep.record() if name in case.operation]
            if where:
                cases = [case for case in cases if case.operation.startswith("POST")]
            pairs = [(case, fault) for case in cases for fault in (LOSING if where else FAULTS)]
            for case, fault in pairs[number::of]:
                tallies[fault + where] += sweep.run(case, fault)
    return tallies


def nothing() -> dict[str, Tally]:
    """Return an empty tally for each fault, and for the faults of create requests in each of the other clouds."""
    return {fault + where: Tally() for where in CLOUDS for fault in (LOSING if where else FAULTS)}


def table(tallies: dict[str, Tally]) -> str:
    """Return the result as a Markdown table."""
    head = (
        "| fault | runs | healed by themselves | needed one more `up` | named | lost | made twice | unclear messages |"
    )
    rows = [
        f"| {fault} | {it.tried} | {it.healed} | {it.one_more} | {it.named} | {it.lost} | {it.twice} | {it.unclear} |"
        for fault, it in [*tallies.items(), ("all", sum(tallies.values(), Tally()))]
    ]
    return "\n".join([head, "|---|" + "--:|" * 7, *rows])


def main(name: str, door: str, workers: int = 3) -> int:
    """Sweep everything and print the table."""
    tallies = nothing()
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(functools.partial(part, of=workers, name=name, door=door), range(workers)):
            tallies = {fault: tallies[fault] + found[fault] for fault in tallies}
    print(table(tallies))
    problems = [problem for tally in tallies.values() for problem in tally.problems]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?", default="", help="a part of the name of an operation")
    parser.add_argument("--door", choices=DOORS, default=DYNAMIC.name)
    sys.exit(main(**vars(parser.parse_args())))

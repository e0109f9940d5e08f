"""A part of the fault sweep that is short enough for the test suite. `make sweep` runs all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.doors import Door
from tests.sweep import FAULTS, Case, Sweep, Tally, sweeping, table

# one group, so that only one worker records the requests
pytestmark = [pytest.mark.xdist_group("sweep"), pytest.mark.slow]

SLOW = ("answers too late", "acts after we gave up")


@pytest.fixture(scope="module")
def sweep(door: Door) -> Iterator[Sweep]:
    with sweeping(door) as started:
        yield started


@pytest.fixture(scope="module")
def cases(sweep: Sweep) -> list[Case]:
    return sweep.record()


def test_every_kind_of_request_with_some_fault(
    sweep: Sweep, cases: list[Case], record_property: Callable[[str, str], None]
) -> None:
    """Each operation has one fault, and each fault happens to several operations. The results are printed."""
    operations = {(case.phase, case.operation): case for case in cases}
    tallies = {fault: Tally() for fault in FAULTS if fault not in SLOW}
    for number, case in enumerate(operations.values()):
        fault = list(tallies)[number % len(tallies)]
        tallies[fault] += sweep.run(case, fault)
    record_property("table", f"A part of the fault sweep:\n{table(tallies)}")
    total = sum(tallies.values(), Tally())
    assert total.problems == []
    assert (total.lost, total.twice, total.unclear) == (0, 0, 0)
    assert total.tried > 40


@pytest.mark.parametrize("fault", ["dropped after the act", "acts after we gave up"])
def test_every_create_without_a_response(sweep: Sweep, cases: list[Case], fault: str) -> None:
    """Every create request survives the faults that most often lose objects."""
    creations = {case.operation: case for case in cases if case.phase == "make" and case.operation.startswith("POST")}
    total = sum((sweep.run(case, fault) for case in creations.values()), Tally())
    assert total.problems == []
    assert total.tried == len(creations)

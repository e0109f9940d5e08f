"""A part of the fault sweep that fits into the suite; `make sweep` runs all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sweep import FAULTS, Case, Sweep, Tally, sweeping

SLOW = ("answers too late", "acts after we gave up")


@pytest.fixture(scope="module")
def sweep() -> Iterator[Sweep]:
    with sweeping() as started:
        yield started


@pytest.fixture(scope="module")
def cases(sweep: Sweep) -> list[Case]:
    return sweep.record()


def test_every_kind_of_request_with_some_fault(sweep: Sweep, cases: list[Case]) -> None:
    """Each operation meets one fault, each fault meets several operations."""
    operations = {(case.phase, case.operation): case for case in cases}
    faults = [fault for fault in FAULTS if fault not in SLOW]
    runs = [sweep.run(case, faults[number % len(faults)]) for number, case in enumerate(operations.values())]
    total = sum(runs, Tally())
    assert total.problems == []
    assert (total.lost, total.twice, total.unclear) == (0, 0, 0)
    assert total.tried > 40


@pytest.mark.parametrize("fault", ["dropped after the act", "acts after we gave up"])
def test_every_creation_without_an_answer(sweep: Sweep, cases: list[Case], fault: str) -> None:
    """These are the faults with which others lose things."""
    creations = {case.operation: case for case in cases if case.phase == "make" and case.operation.startswith("POST")}
    total = sum((sweep.run(case, fault) for case in creations.values()), Tally())
    assert total.problems == []
    assert total.tried == len(creations)

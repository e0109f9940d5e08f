"""Print the measurements: medians side by side, and one line for each limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

SCRIPT, NOTHING, OURS, NAIVE = "bare script", "engine alone", "ours", "naive"
"""The contestants, in the order of the columns."""
COLUMNS = (SCRIPT, NOTHING, OURS, NAIVE)


@dataclass(frozen=True)
class Sample:
    """One measurement: a ``value`` in ``unit``, and the requests for each operation of the API meanwhile."""

    value: float
    requests: Counter[str] = field(default_factory=Counter)
    unit: str = "s"

    def __str__(self) -> str:
        digits = 0 if self.value >= 100 or self.unit == "B" else 1 if self.value >= 10 else 2
        text = f"{self.value:,.{digits}f} {self.unit}"
        return f"{text}, {self.requests.total()} req" if self.requests else text

    @staticmethod
    def median(samples: list[Sample]) -> Sample:
        """Return the median value, with the requests of the nearest sample."""
        middle = median(sample.value for sample in samples)
        nearest = min(samples, key=lambda sample: abs(sample.value - middle))
        return Sample(middle, nearest.requests, nearest.unit)


@dataclass
class Row:
    """The medians of one measurement: {contestant: median}."""

    what: str
    cells: Mapping[str, Sample]


@dataclass
class Limit:
    """A promise: ``measured`` is at most, or at least, ``allowed``."""

    what: str
    measured: float
    allowed: float
    unit: str = "x"
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.measured >= self.allowed if self.at_least else self.measured <= self.allowed


@dataclass
class Findings:
    """The results of a scenario. ``notes`` are lines of Markdown for what fits into no table."""

    rows: list[Row] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Contest = Mapping[str, Callable[[], Mapping[str, Sample]]]
"""{contestant: a function that runs one round and returns {what: measurement}}."""


def alternate(rounds: int, contest: Contest) -> dict[str, dict[str, Sample]]:
    """Let the contestants take turns, in each round with another one first. Returns {what: {contestant: median}}."""
    found: dict[str, dict[str, list[Sample]]] = {}
    names = list(contest)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            for what, sample in contest[name]().items():
                found.setdefault(what, {}).setdefault(name, []).append(sample)
    return {
        what: {name: Sample.median(samples) for name, samples in by_name.items()} for what, by_name in found.items()
    }


def markdown(found: Findings) -> Iterator[str]:
    """Yield the lines of the tables."""
    if found.rows:
        yield from _table(["", *COLUMNS, "naive ÷ ours"], map(_row, found.rows))
    if found.limits:
        yield ""
        yield from _table(["limit", "measured", "allowed", ""], map(_limit, found.limits))
    for note in found.notes:
        yield f"\n{note}"


def _row(row: Row) -> list[str]:
    cells = [str(row.cells.get(name, "")) for name in COLUMNS]
    both = OURS in row.cells and NAIVE in row.cells and row.cells[OURS].value > 0
    return [row.what, *cells, f"{row.cells[NAIVE].value / row.cells[OURS].value:.1f} x" if both else ""]


def _limit(limit: Limit) -> list[str]:
    allowed = f"{'at least' if limit.at_least else 'at most'} {limit.allowed:,.6g} {limit.unit}"
    return [limit.what, f"{limit.measured:,.4g} {limit.unit}", allowed, "pass" if limit.holds else "**fail**"]


def _table(head: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"

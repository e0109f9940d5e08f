"""The findings as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_joviam.api.models import Model
from pulumi_joviam.cli.audit.findings import Findings, Unmanaged
from pulumi_joviam.cli.audit.states import Owned, Resource
from pulumi_joviam.cli.comment.text import block, code, printable
from pulumi_joviam.cli.import_.inventory import RESOURCES, Inventory
from pulumi_joviam.cli.table import table

MOST_USERS = 3
MOST_ROWS = 100
"""How many rows of a table Markdown shows: GitHub limits the length of a text."""
MOST_COMMANDS = 20_000
"""In characters."""
PROGRAM = "unmanaged.py"
UNITS = ((86400, "d"), (3600, "h"), (60, "min"))

KINDS = {resource._lifecycle.model: kind for kind, resource in RESOURCES.items()}
"""{model: its kind, as in `pulumi-joviam import --kind`}"""


@dataclass(frozen=True)
class Section:
    """A table. The first column, and those of ``plain``, have words of ours; the others may hold anything."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    plain: frozenset[str] = field(default=frozenset({"kind", "age", "size"}))


@dataclass(frozen=True)
class Command:
    """A command to run next, and what it does."""

    does: str
    line: str = ""

    def __str__(self) -> str:
        return f"# {printable(self.does)}\n{printable(self.line)}".rstrip()


class Report:
    """The findings about an account. ``now`` is the time by the server's clock."""

    def __init__(self, findings: Findings, inventory: Inventory, now: float) -> None:
        self._findings = findings
        self._inventory = inventory
        self._now = now

    def text(self) -> str:
        """Return tables, and the commands to run next."""
        parts = [f"{section.title}\n{table(section.heads, section.rows, '  ')}" for section in self._sections()]
        return "\n\n".join([*parts, "\n".join(self._figures()), *map(str, self._commands())]) + "\n"

    def markdown(self) -> str:
        """Return the same as Markdown."""
        parts = [f"### Audit of the account\n\n{'. '.join(self._figures())}."]
        for section in self._sections():
            lines = [_line(section.heads), _line("---" for _ in section.heads)]
            for row in section.rows[:MOST_ROWS]:
                cells = zip(section.heads, row, strict=True)
                lines.append(_line(cell if head in section.plain else _cell(cell) for head, cell in cells))
            more = len(section.rows) - MOST_ROWS
            rest = [f"\n… and {more} more: `pulumi-joviam audit` lists them all"] if more > 0 else []
            parts.append("\n".join([f"#### {section.title[:1].upper()}{section.title[1:]}\n", *lines, *rest]))
        if len(self._findings.unmanaged) <= MOST_ROWS and (commands := list(self._commands())):
            parts.append(block("\n".join(map(str, commands)), "sh", MOST_COMMANDS))
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Return the findings for a program."""
        found = self._findings
        kinds = {KINDS[model]: {"managed": found.managed[model], "of": found.total[model]} for model in found.total}
        return {
            "stacks": [stack.name for stack in found.stacks],
            "managed": found.managed.total(),
            "of": found.total.total(),
            "kinds": kinds,
            "unmanaged": [self._object(it) for it in found.unmanaged],
            "gone": [{"kind": KINDS[it.model], "id": it.id, "owner": _owner(it)} for it in found.gone if it.model],
            "twice": [
                {**self._identity(self._live(id)), "owners": [_owner(it) for it in owners]}
                for id, owners in found.twice.items()
            ],
            "interrupted": [
                {**_resource(it.resource), "candidates": [live.id for live in candidates]}
                for it, candidates in found.interrupted.items()
            ],
            "younger": found.younger,
            "elsewhere": dict(found.elsewhere),
        }

    def notes(self) -> Iterator[str]:
        """Yield what the figures do not count."""
        found = self._findings
        if found.younger:
            yield f"left out: objects that were created after the stacks had been read: {found.younger}"
        for stack, count in found.elsewhere.items():
            yield f"left out: resources of {stack} in another account (another token or endpoint): {count}"
        yield "the API does not list console sessions, so none is compared"

    def _sections(self) -> Iterator[Section]:
        found = self._findings
        if found.unmanaged:
            yield Section(
                f"unmanaged, in no stack: {len(found.unmanaged)}",
                ("kind", "name", "id", "state", "age", "size", "region", "used by"),
                [self._row(it) for it in found.unmanaged],
            )
        if found.interrupted:
            yield Section(
                f"interrupted while they were created: {len(found.interrupted)}",
                ("kind", "name", "resource", "stack", "may be"),
                [
                    (it.model.noun, it.name, it.resource.name, it.resource.stack, ", ".join(live.id for live in those))
                    for it, those in found.interrupted.items()
                ],
            )
        if found.gone:
            yield Section(
                f"gone, in a stack but not in the account: {len(found.gone)}",
                ("kind", "id", "resource", "stack"),
                [(it.model.noun, it.id, _called(it), it.owner.stack) for it in found.gone if it.model],
            )
        if found.twice:
            yield Section(
                f"twice, owned by several resources: {len(found.twice)}",
                ("kind", "name", "id", "owners"),
                [
                    (
                        live.noun,
                        self._inventory.called(live),
                        id,
                        ", ".join(f"{_called(it)} of {it.owner.stack}" for it in owners),
                    )
                    for id, owners in found.twice.items()
                    if (live := self._live(id))
                ],
            )

    def _figures(self) -> Iterator[str]:
        found = self._findings
        managed, total = found.managed.total(), found.total.total()
        share = f" ({100 * managed / total:.1f} %)" if total else ""
        yield f"managed by {_several(len(found.stacks), 'stack')}: {managed} of {_several(total, 'object')}{share}"
        if total:
            yield ", ".join(
                f"{model.plural()}: {found.managed[model]} of {count}" for model, count in found.total.items()
            )

    def _commands(self) -> Iterator[Command]:
        found = self._findings
        if found.interrupted:
            yield Command(
                "the next `pulumi up` on the machine where one was interrupted takes over what that was creating; "
                "on another machine it creates new objects, so import or delete the old ones first"
            )
        if found.unmanaged:
            models = [type(it.live) for it in found.unmanaged if it.live.deletable]
            order = ", ".join(model.plural() for model in reversed(dict.fromkeys(models)))
            delete = f"; or delete it by hand, in this order: {order}" if models else ""
            ids = shlex.join(it.live.id for it in found.unmanaged)
            yield Command(
                f"writes a program and an import file for what is unmanaged{delete}",
                f"pulumi-joviam import --program {PROGRAM} {ids}",
            )
        for stack in dict.fromkeys(it.owner.stack for it in found.gone):
            yield Command(
                f"takes what is gone out of the state of {stack}; the next `pulumi up` creates it again",
                f"pulumi refresh --stack {_short(stack)}",
            )
        for owners in found.twice.values():
            if forgets := [it.owner for it in owners if it.itself][1:]:
                yield Command(
                    f"makes one owner (choose which) forget {owners[0].id}; nothing is deleted in the cloud",
                    f"pulumi state delete --stack {_short(forgets[0].stack)} {shlex.quote(forgets[0].urn)}",
                )

    def _row(self, it: Unmanaged) -> Sequence[str]:
        region = self._inventory.region(it.live)
        users = [self._user(live) for live in it.users] + [f"{reader.name} of {reader.stack}" for reader in it.readers]
        more = [f"and {len(users) - MOST_USERS} more"] if len(users) > MOST_USERS else []
        return (
            it.live.noun,
            self._inventory.called(it.live),
            it.live.id,
            it.live.state,
            _age(it.live, self._now),
            it.live.measure,
            region.code if region else "",
            ", ".join([*users[:MOST_USERS], *more]),
        )

    def _user(self, live: Model) -> str:
        owners = self._findings.owners.get(live.id, ())
        return f"{self._inventory.about(live.id)} " + (f"of {owners[0].owner.stack}" if owners else "(unmanaged)")

    def _object(self, it: Unmanaged) -> dict[str, Any]:
        region = self._inventory.region(it.live)
        return {
            **self._identity(it.live),
            "state": it.live.state,
            "created_at": getattr(it.live, "created_at", None),
            "size": it.live.measure,
            "region": region.code if region else None,
            "used_by": [self._identity(live) for live in it.users] + [_resource(reader) for reader in it.readers],
        }

    def _identity(self, live: Model) -> dict[str, Any]:
        return {"kind": KINDS[type(live)], "name": self._inventory.called(live), "id": live.id}

    def _live(self, id: str) -> Model:
        found: Model = next(objects[id] for objects in self._inventory.listed.values() if id in objects)
        return found


def _resource(resource: Resource) -> dict[str, Any]:
    return {"stack": resource.stack, "urn": resource.urn}


def _owner(it: Owned) -> dict[str, Any]:
    return {**_resource(it.owner), "created_with_it": not it.itself}


def _called(it: Owned) -> str:
    return it.owner.name if it.itself else f"{it.owner.name} (created with it)"


def _short(stack: str) -> str:
    """Return the name of a stack within its project."""
    return shlex.quote(stack.rsplit("/", 1)[-1])


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _age(live: Model, now: float) -> str:
    """Return the age in the largest unit that fits."""
    if live.made_at is None:
        return ""
    seconds = max(now - live.made_at, 0)
    return next((f"{seconds / unit:.0f} {name}" for unit, name in UNITS if seconds >= unit), f"{seconds:.0f} s")


def _cell(text: str) -> str:
    """Return text as code. No escape of a vertical bar is safe in a table, so it becomes a similar character."""
    return code(text.replace("|", "\N{BOX DRAWINGS LIGHT VERTICAL}")) if text else ""


def _line(cells: Iterator[str] | Sequence[str] | Any) -> str:
    return f"| {' | '.join(cells)} |"

"""The page of the comment: the most important parts come first and are shortened last."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pulumi_joviam.cli.comment.harm import Harm
from pulumi_joviam.cli.comment.picture import Picture
from pulumi_joviam.cli.comment.preview import STACK, Diagnostic, Preview, Resource, rank
from pulumi_joviam.cli.comment.text import block, change, code, given, prose

LONGEST = 65_000
"""In bytes of UTF-8. GitHub accepts 65,536 characters."""
MOST_ARGUMENTS = 40
MOST_REASONS = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Section(Generic[T]):
    """A section of the page. Items are shown completely or not at all; ``rest`` says how many are omitted."""

    turn: int
    """The priority of the section."""
    head: str
    items: Sequence[T]
    tell: Callable[[T], str]
    tail: str = ""
    rest: Callable[[int], str] = "- … and {} more".format

    @property
    def frame(self) -> int:
        """Its size in bytes without items."""
        return _size(self.head, self.tail, self.rest(len(self.items)))

    def fitted(self, room: int) -> tuple[str, int]:
        """Return its text with as many items as fit into ``room`` bytes, and their size."""
        told: list[str] = []
        taken = 0
        for text in map(self.tell, self.items):  # lazily: of thousands of items, those that do not fit cost nothing
            if taken + _size(text) > room:
                break
            taken += _size(text)
            told.append(text)
        left_out = len(self.items) - len(told)
        cut = [self.rest(left_out)] if left_out else []
        return "\n".join([self.head, *told, *cut, self.tail]).rstrip(), taken


def written(preview: Preview, harms: Sequence[Harm], stack: str = "", log: str = "") -> str:
    """Return the comment.

    Its first line is hidden and says which comment it is: the same for each preview of one ``stack``. A preview that
    failed before it could give an error shows the ``log``: what was written to stderr.
    """
    title = f"Pulumi preview of {code(preview.stack or stack)}" if preview.stack or stack else "Pulumi preview"
    if preview.failed:
        head, sections = f"### {title} failed", [_errors(preview, log), _warnings(preview, ())]
    else:
        head, sections = f"### {title}\n\n{_counts(preview, harms)}", _sections(preview, harms)
    sections = [section for section in sections if section.items]
    room = LONGEST - _size(_marker(stack), head) - sum(section.frame for section in sections)
    texts: dict[int, str] = {}
    for section in sorted(sections, key=lambda section: section.turn):
        texts[section.turn], taken = section.fitted(room)
        room -= taken
    return "\n\n".join([f"{_marker(stack)}\n{head}", *(texts[section.turn] for section in sections)]) + "\n"


def _marker(stack: str) -> str:
    words = ["pulumi-joviam comment", re.sub(r"[^A-Za-z0-9._/]+", "-", stack)]
    return f"<!-- {' '.join(filter(None, words))} -->"


def _counts(preview: Preview, harms: Sequence[Harm]) -> str:
    counts = Counter(resource.op for resource in preview.changes)
    told = [f"{counts[op]} to {op}" for op in sorted(counts, key=rank)]
    hurt = Counter(word for harm in harms for word in (harm.loses and "data loss", harm.stops) if word)
    hurts = [f"{word} in {count}" for word, count in sorted(hurt.items())]
    line = f"**{', '.join(told) or 'Nothing to do'}**, {preview.unchanged} unchanged"
    return f"{line}; **{', '.join(hurts)}**" if hurts else line


def _sections(preview: Preview, harms: Sequence[Harm]) -> list[Section[Any]]:
    return [
        Section(0, "#### Look at this first\n", harms, _hurting),
        _collapsed(3, "replace", preview),
        _collapsed(4, "update", preview),
        _collapsed(5, "create", preview),
        _collapsed(6, "import", preview),
        _warnings(preview, {harm.resource.urn for harm in harms}),
        _picture(preview, harms),
    ]


def _hurting(harm: Harm) -> str:
    lines = [*map(change, harm.causes), *map(prose, harm.notes)]
    return _nested(f"{_who(harm.resource)}: **{', '.join(harm.words)}**", lines, MOST_REASONS)


def _collapsed(turn: int, op: str, preview: Preview) -> Section[Resource]:
    resources = [
        resource
        for resource in preview.changes
        # everything about a replacement may be at the top already
        if resource.op == op and (op != "replace" or not all(argument.replaces for argument in resource.arguments))
    ]
    head, tail = f"<details><summary>{len(resources)} to {op}</summary>\n", "\n</details>"
    return Section(turn, head, resources, _changing, tail)


def _changing(resource: Resource) -> str:
    told = given if resource.op in ("create", "import") else change
    lines = list(map(told, resource.arguments))
    if not lines and resource.op == "update":
        unfinished = "an earlier `up` did not finish it" if resource.old.init_errors else "the live object differs"
        lines.append(f"no argument changes: {unfinished}")
    return _nested(_who(resource), lines, MOST_ARGUMENTS)


def _warnings(preview: Preview, told: Collection[str]) -> Section[Diagnostic]:
    warnings = [said for said in preview.warnings if said.urn not in told]
    return Section(1, "#### Warnings\n", warnings, lambda said: f"- {_of(Resource(said.urn))}{prose(said.text)}")


def _errors(preview: Preview, log: str) -> Section[Diagnostic]:
    log = log.strip() or "Pulumi ended without an explanation: see the log of the job"
    errors = preview.errors or [Diagnostic(message=log)]
    return Section(0, "#### Error\n", errors, _error, rest="… and {} more errors".format)


def _error(said: Diagnostic) -> str:
    resource = Resource(said.urn)
    who = re.escape(f"{resource.type} resource '{resource.name}'")
    text = re.sub(rf"^{who}(:| has a problem:) ", "", said.text)
    if len(text.splitlines()) > 1:
        return f"{_of(resource).rstrip()}\n\n{block(text)}\n".lstrip()
    return f"{_of(resource)}{prose(text)}\n"


def _picture(preview: Preview, harms: Sequence[Harm]) -> Section[str]:
    picture = Picture(preview, {harm.resource.urn: harm.words for harm in harms})
    items = [f"```mermaid\n{picture.source}\n```"] if preview.changes else []
    if items and picture.left_out:
        items.append(f"\n… and {picture.left_out} more, not drawn")
    return Section(2, "#### The stack\n", items, str, rest="… there is no room for the picture".format)


def _of(resource: Resource) -> str:
    return "" if resource.type in ("", STACK) else f"{_who(resource)}: "


def _who(resource: Resource) -> str:
    return f"{_kind(resource)} {code(resource.name)}"


def _kind(resource: Resource) -> str:
    return resource.kind if resource.kind.isalnum() else code(resource.kind)


def _nested(first: str, lines: Sequence[str], most: int) -> str:
    cut = [f"… and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([f"- {first}", *(f"  - {line}" for line in [*lines[:most], *cut])])


def _size(*texts: str) -> int:
    return sum(len(text.encode()) + 2 for text in texts)

"""The output of `pulumi preview --json`, parsed into resources and their changes.

The engine writes ``[secret]`` for every secret, also with --show-secrets, and one fixed text for every value that is
unknown until `up`. What it leaves out: resources that stay the same (shown with --show-sames), policy violations, and
whatever stopped it before the program ran (on stderr).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeGuard, cast

from pulumi.runtime.rpc import UNKNOWN
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.resources.provider import PACKAGE

SECRET = "[secret]"  # noqa: S105 - what the engine writes in place of one
UNSET = object()
"""The value of an argument that is not set."""

STACK = "pulumi:pulumi:Stack"
OPERATIONS = ("delete", "replace", "update", "create", "import")
"""The most harmful first. Unknown operations follow, and unchanged resources are last."""
QUIET = {"same", "refresh", "read", "read-replacement", "discard", "discard-replaced", "remove-pending-replace"}
"""Operations that change nothing."""
MEANING = {
    **dict.fromkeys(QUIET, "same"),
    "create-replacement": "replace",  # --show-replacement-steps shows its parts
    "import-replacement": "replace",
    "delete-replaced": "delete",
}
"""{operation: its name for readers}, if it differs."""

_PART = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\.?\["((?:[^"\\]|\\.)*)"\]')
_REFUSED_VALUE = re.compile(r" (?:with )?value '?\{.*?\}'? has a problem", re.DOTALL)


class _Said(BaseModel):
    """A part of the JSON. Null means not set."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        members = cast("dict[str, Any]", said)
        return {key: value for key, value in members.items() if value is not None}


class State(_Said):
    """The state of a resource before or after the change."""

    custom: bool = False
    parent: str = ""
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    dependencies: list[str] = []
    replace_with: list[str] = []
    property_dependencies: dict[str, list[str] | None] = {}
    retain_on_delete: bool = False
    init_errors: list[str] = []


class _Difference(_Said):
    kind: str
    input_diff: bool = False


class Step(_Said):
    op: str
    urn: str
    old_state: State | None = None
    new_state: State | None = None
    diff_reasons: list[str] = []
    replace_reasons: list[str] = []
    detailed_diff: dict[str, _Difference] = {}


class Diagnostic(_Said):
    urn: str = ""
    message: str = ""
    severity: str = ""

    @property
    def text(self) -> str:
        """The message without a refused value: the engine shows it even if it is secret."""
        return _REFUSED_VALUE.sub(" has a problem", self.message.removeprefix(f"{self.severity}: ")).strip()


@dataclass(frozen=True)
class Argument:
    """One line of a difference. ``path`` is written as in a program; UNSET means not set."""

    path: str
    old: Any
    new: Any
    replaces: bool
    sources: tuple[str, ...] = ()
    """Names of the resources that make the value unknown until `up`."""

    @property
    def field(self) -> str:
        return _field(self.path)


@dataclass(frozen=True)
class Resource:
    """A resource of the stack and its operation in the preview: "same" if it does not change."""

    urn: str
    op: str = "same"
    step: Step | None = None
    changing: Collection[str] = ()
    """The URNs of all resources that change: their outputs may be unknown until `up`."""

    @property
    def type(self) -> str:
        return _split(self.urn)[2].rsplit("$", 1)[-1]

    @property
    def name(self) -> str:
        return _split(self.urn)[3]

    @property
    def kind(self) -> str:
        """The short type: Disk, or aws:s3:Bucket of another provider."""
        *module, name = self.type.split(":")
        if module[:1] == [PACKAGE]:
            return name
        # the module of a type is named like the type
        return ":".join([*(part.removesuffix(f"/{name[:1].lower()}{name[1:]}") for part in module), name])

    @property
    def rank(self) -> int:
        return rank(self.op)

    @property
    def old(self) -> State:
        return (self.step and self.step.old_state) or State()

    @property
    def new(self) -> State:
        return (self.step and self.step.new_state) or State()

    @property
    def replace_reasons(self) -> list[str]:
        return self.step.replace_reasons if self.step else []

    @property
    def now(self) -> State:
        """Its new state, or the old one if it is deleted."""
        return self.old if self.op == "delete" else self.new

    @cached_property
    def arguments(self) -> list[Argument]:
        """The changed arguments; for a new resource, all arguments."""
        if self.step is None:
            return []
        if self.op in ("create", "import"):
            differences = {field: _Difference(kind="add", input_diff=True) for field in self.new.inputs}
        elif self.step.detailed_diff:
            differences = dict(self.step.detailed_diff)
        elif self.step.diff_reasons:  # some providers return these instead
            differences = {field: _Difference(kind="update", input_diff=True) for field in self.step.diff_reasons}
        else:  # if something else than a difference causes the replacement, no provider was asked for one
            paths = _differing(self.old.inputs, self.new.inputs) if self.op == "replace" else ()
            differences = {path: _Difference(kind="update", input_diff=True) for path in paths}
        causes = {_field(path) for path in self.step.replace_reasons}
        return [
            Argument(
                path,
                _at((self.old.inputs if difference.input_diff else self.old.outputs), path),
                _at(self.new.inputs, path),
                "replace" in difference.kind or (self.op == "replace" and _field(path) in causes),
                tuple(
                    name(urn) for urn in self.new.property_dependencies.get(_field(path)) or () if urn in self.changing
                ),
            )
            for path, difference in sorted(differences.items())
            if not path.startswith("__")
        ]


class Preview(_Said):
    """A preview. ``failed`` if it ended with an error or printed nothing."""

    steps: list[Step] = []
    diagnostics: list[Diagnostic] = []
    change_summary: dict[str, int] = {}

    @property
    def failed(self) -> bool:
        return bool(self.errors) or not (self.steps or self.change_summary)

    @property
    def errors(self) -> list[Diagnostic]:
        return [said for said in self.diagnostics if said.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [said for said in self.diagnostics if said.severity == "warning"]

    @property
    def stack(self) -> str:
        """project/stack, or "" if the preview has no resource."""
        for urn in (*(step.urn for step in self.steps), *(said.urn for said in self.diagnostics if said.urn)):
            stack, project, *_ = _split(urn)
            return f"{project}/{stack.rsplit(':', 1)[-1]}"
        return ""

    @property
    def unchanged(self) -> int:
        """Number of unchanged resources, including those that are not shown."""
        root_counted = any(_is_stack(step) and step.op in QUIET for step in self.steps)
        return max(self.change_summary.get("same", 0) - root_counted, 0)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """{URN: resource}, sorted by name, without the stack itself."""
        found: dict[str, Resource] = {}
        changing = {step.urn for step in self.steps if step.op not in QUIET}
        for step in self.steps:
            there = found.get(step.urn)
            op = MEANING.get(step.op, step.op)
            # a refresh shows a resource before its change, and a replacement may show its parts
            if not _is_stack(step) and not (there and (op == "same" or there.op == "replace")):
                found[step.urn] = Resource(step.urn, op, step, changing)
        return dict(sorted(found.items(), key=lambda item: (item[1].name, item[1].kind)))

    @property
    def changes(self) -> list[Resource]:
        return [resource for resource in self.resources.values() if resource.op != "same"]

    @cached_property
    def warnings_on(self) -> Mapping[str, list[str]]:
        """{URN: its warnings}"""
        found: dict[str, list[str]] = {}
        for said in self.warnings:
            found.setdefault(said.urn, []).append(said.text)
        return found


def read(text: bytes) -> Preview:
    """Parse the output of a preview; an empty one means failure. Raises JoviamError for anything else."""
    if not text.strip():
        return Preview()
    known = {field.alias for field in Preview.model_fields.values()} | {"config", "duration"}
    try:
        said = json.loads(text)
        if said and not known & said.keys():
            raise ValueError
        return Preview.model_validate(said)
    except (ValueError, AttributeError, ValidationError):
        raise JoviamError("this is not what `pulumi preview --json` prints") from None


def rank(op: str) -> int:
    """Return the rank of an operation."""
    return OPERATIONS.index(op) if op in OPERATIONS else len(OPERATIONS) + (op == "same")


def name(urn: str) -> str:
    """Return the name of a resource."""
    return Resource(urn).name


def is_hidden(value: Any) -> bool:
    """Return whether a value stands for a secret or an unknown value."""
    return value in (SECRET, UNKNOWN)


def _split(urn: str) -> list[str]:
    """Return stack, project, type with its parents' types, and name."""
    return [*urn.split("::", 3), "", "", ""][:4]


def _is_stack(step: Step) -> bool:
    return Resource(step.urn).type == STACK


def _field(path: str) -> str:
    return str(next(_parts(path), path))


def _parts(path: str) -> Iterator[str | int]:
    for match in _PART.finditer(path):
        plain, index, quoted = match.groups()
        yield int(index) if index else plain or re.sub(r"\\(.)", r"\1", quoted)


def _differing(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of values that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for key in sorted({*before, *after}):
            part = f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"
            yield from _differing(before.get(key, UNSET), after.get(key, UNSET), f"{path}{part}".removeprefix("."))
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, items in enumerate(zip(old, new, strict=True)):
            yield from _differing(*items, f"{path}[{index}]")
    elif old != new:
        yield path


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _at(values: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, or UNSET."""
    if path in values:
        return values[path]
    found: Any = values
    for part in _parts(path):
        if is_hidden(found):  # if the whole value is hidden, so are its parts
            return found
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return UNSET
    return found

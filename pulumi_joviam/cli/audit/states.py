"""Stacks: which objects their states own. No other value of a state is read, and none is printed.

An export has secrets in encrypted form, and is requested without --show-secrets.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from pulumi_joviam.api.errors import JoviamError, readable
from pulumi_joviam.api.models import Model
from pulumi_joviam.cli.import_.inventory import RESOURCES
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.state import Hidden
from pulumi_joviam.native import schema
from pulumi_joviam.resources.provider import PACKAGE

AT_A_TIME = 4
"""How many exports are read at the same time."""

LIFECYCLES: Mapping[str, type[Lifecycle[Any, Any]]] = {
    token: resource._lifecycle
    for resource in RESOURCES.values()
    if resource._lifecycle.model.path  # otherwise the API has no such object
    for token in (f"{PACKAGE}:{resource._resource_type_name}", schema.token(resource._kind))
}
"""{type in a state, of the dynamic or the native plugin: its lifecycle}"""


@dataclass(frozen=True)
class Resource:
    """A resource in the state of a stack."""

    stack: str
    """project/stack"""
    urn: str

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[-1]


@dataclass(frozen=True)
class Owned:
    """An object that a resource owns."""

    id: str
    owner: Resource
    model: type[Model] | None
    """None if the object is one of those that the next `up` deletes."""
    itself: bool
    """Whether the resource is this object. Otherwise the object was created with it."""
    account: str
    """The digest of its account, or ""."""


@dataclass(frozen=True)
class Interrupted:
    """A resource that was being created when the state was written, and the name of its object."""

    resource: Resource
    model: type[Model]
    name: str


@dataclass(frozen=True)
class Stack:
    """What a stack owns, reads, and was creating."""

    name: str
    owned: Sequence[Owned]
    reads: Mapping[str, Resource]
    """{id: the resource that reads an object and does not own it}"""
    interrupted: Sequence[Interrupted]


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, frozen=True)


class _Resource(_Part):
    type: str
    urn: str
    id: str = ""
    external: bool = False
    delete: bool = False
    pending_replacement: bool = False
    inputs: dict[str, Any] = Field({}, repr=False)
    outputs: dict[str, Any] = Field({}, repr=False)


class _Operation(_Part):
    resource: _Resource
    type: str


class _Deployment(_Part):
    resources: list[_Resource] | None = None
    pending_operations: list[_Operation] | None = Field(None, alias="pending_operations")


class _Export(_Part):
    version: int
    deployment: _Deployment


def read_file(file: Path) -> Stack:
    """Read a file that `pulumi stack export` wrote. Raises JoviamError."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise JoviamError(f"cannot read {file}: {error.strerror}") from None
    return parse(text, str(file))


def export(names: Sequence[str], done: Callable[[], object] = lambda: None) -> list[Stack]:
    """Export stacks of the project in this folder, or any by their full names; call ``done`` after each.

    Raises JoviamError.
    """

    def read(name: str) -> Stack:
        text = _pulumi("stack", "export", "--stack", name)
        done()
        return parse(text, f"the export of {name}")

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(read, names))


def all_names() -> list[str]:
    """Return the names of all stacks of the backend. Raises JoviamError."""
    try:
        return [str(stack["name"]) for stack in json.loads(_pulumi("stack", "ls", "--all", "--json"))]
    except (ValueError, TypeError, KeyError):
        raise JoviamError("cannot parse the output of `pulumi stack ls --all --json`") from None


def parse(text: bytes, source: str) -> Stack:
    """Parse an export; ``source`` says where it is from. Raises JoviamError."""
    try:
        said = _Export.model_validate_json(text).deployment
        stack = next((_name(resource.urn) for resource in said.resources or ()), source)
        pending = said.pending_operations or []
        leaving = {(it.resource.urn, it.resource.id) for it in pending if it.type == "deleting"}
        owned: dict[tuple[str, str, str], Owned] = {}
        reads: dict[str, Resource] = {}
        for it in (*(said.resources or ()), *(operation.resource for operation in pending)):
            if it.type not in LIFECYCLES or not it.id:
                continue
            resource = Resource(stack, it.urn)
            if it.external:
                reads[it.id.lower()] = resource
                continue
            goes = it.delete or it.pending_replacement or (it.urn, it.id) in leaving
            for one in _owned(it, resource, goes):
                owned.setdefault((one.id, it.urn, it.id), one)
        creating = [it.resource for it in pending if it.type == "creating" and it.resource.type in LIFECYCLES]
        interrupted = [_interrupted(it, Resource(stack, it.urn)) for it in creating]
    except (ValidationError, AttributeError, TypeError):  # its text would show values of the state
        raise JoviamError(f"{source} is not what `pulumi stack export` prints") from None
    return Stack(stack, list(owned.values()), reads, interrupted)


def _owned(it: _Resource, resource: Resource, goes: bool) -> Iterator[Owned]:
    lifecycle, hidden = LIFECYCLES[it.type], Hidden.read(it.outputs)
    memory = lifecycle.memory.read(hidden.private)
    yield Owned(it.id.lower(), resource, None if goes else lifecycle.model, True, hidden.account)
    for id, model in memory.created.items():
        yield Owned(id.lower(), resource, None if goes else model, False, hidden.account)
    for id in memory.leaving:
        yield Owned(id.lower(), resource, None, False, hidden.account)


def _interrupted(it: _Resource, resource: Resource) -> Interrupted:
    name = it.inputs.get("name")
    return Interrupted(resource, LIFECYCLES[it.type].model, name if isinstance(name, str) else resource.name)


def _name(urn: str) -> str:
    """Return project/stack. Raises AttributeError for what is no URN."""
    stack, project, *_ = f"{urn}::".split("::", 2)
    return f"{project}/{stack.rsplit(':', 1)[-1]}"


def _pulumi(*command: str) -> bytes:
    """Return what a command prints. Raises JoviamError."""
    line = f"`pulumi {' '.join(command)}`"
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            ["pulumi", *command, "--non-interactive"],  # noqa: S607 - the one on PATH, as for the user
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise JoviamError(f"cannot run {line}: {error.strerror}; pass files of `pulumi stack export` instead") from None
    if done.returncode:
        raise JoviamError(f"{line} failed: {readable(done.stderr.decode(errors='replace').strip())}")
    return done.stdout

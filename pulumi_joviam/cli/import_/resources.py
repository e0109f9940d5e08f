"""What was found, as a program says it (inputs) and as the state holds it (outputs).

Both are what the lifecycles themselves say and would write, by their own methods.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pulumi.dynamic.dynamic import serialize_provider  # pyright: ignore[reportUnknownVariableType] # no_type_check
from typing_extensions import get_type_hints, is_typeddict

from pulumi_joviam.cli.import_.account import Account, Found
from pulumi_joviam.lifecycle.arguments import Id
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.lifecycle.state import Hidden
from pulumi_joviam.resources.availability_group import Group

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
"""Marks a secret in Pulumi's files; the value is next to it as JSON."""
LONGEST_NAME = 60
SHORT_ID = 8


@dataclass(frozen=True)
class Imported:
    """A resource of the program. ``name`` is its Pulumi name, ``arguments`` are its inputs."""

    made_by: type[Resource]
    id: str
    name: str
    arguments: dict[str, Any] = field(repr=False)
    implied: Collection[str]
    """Arguments that have their value even if the program omits them."""
    remarks: list[str]
    outputs: dict[str, Any] = field(repr=False)

    @property
    def provider(self) -> Lifecycle[Any, Any]:
        return self.made_by._lifecycle()

    @property
    def noun(self) -> str:
        """The noun for such an object."""
        return self.provider.model.noun

    @property
    def plural(self) -> str:
        return self.provider.model.plural()

    @property
    def references(self) -> Collection[str]:
        """The arguments that contain ids of other objects."""
        by_word = {path[0] for path, names in self.provider.args.names().items() if "template" in names.kind}
        return by_word | {argument for argument, traits in self.provider.args.traits().items() if _has_id(traits.hint)}

    @property
    def secrets(self) -> dict[str, str]:
        """The values that the program reads from the stack's configuration."""
        found: dict[str, str] = {}
        for argument in self.provider.secret:
            found |= self.arguments.get(argument, {})
        return found

    @property
    def entry(self) -> dict[str, Any]:
        """The entry in an import file. Because it has outputs, Pulumi does not call the provider to read it."""
        provider = self.provider
        reference = {"__provider": serialize_provider(provider)}
        return {
            "type": f"pulumi-python:{self.made_by._resource_type_name}",
            "name": self.name,
            "id": self.id,
            "inputs": _sealed(provider, self.arguments, _each) | reference,
            "outputs": _sealed(provider, self.outputs, _whole) | reference,
        }


def resources(account: Account, found: Iterable[Found]) -> list[Imported]:
    """Return the resources for the objects. Those that a program cannot express go to ``account.left_out``."""
    found = list(found)
    grouped = {id for it in found if isinstance(it.live, Group) for id in it.live.lists}
    taken: defaultdict[type[Resource], set[str]] = defaultdict(set)
    made: list[Imported] = []
    for it in found:
        provider, live = it.made_by._lifecycle(), it.live
        arguments = provider.as_program(it.op, live)
        if live.id in grouped:
            arguments.pop("availability_group", None)
        refused = provider.refused(arguments)
        arguments = {argument: value for argument, value in arguments.items() if argument not in refused}
        if lacking := provider.refused(arguments):
            argument, why = next(iter({**lacking, **refused}.items()))
            account.left_out.append(f"{account.about(live.id)} ({live.id}): {argument} {why}")
            continue
        name = _unique(_slug(account.called(live), live.noun), live.id, taken[it.made_by])
        defaults = {argument: field.default for argument, field in provider.args.model_fields.items()}
        implied = {argument for argument in arguments if arguments[argument] == {**defaults, "name": name}[argument]}
        remarks = [f"{argument} is left out and therefore not managed: it {why}" for argument, why in refused.items()]
        shown = provider._shown(it.op, live, arguments)
        outputs = provider._state(it.op, live, shown, Hidden(aliases=it.op.aliases.held(shown)))
        made.append(Imported(it.made_by, live.id, name, arguments, implied, remarks, outputs))
    return made


def _has_id(hint: Any) -> bool:
    """Return whether values of a type are ids of the API, or contain some."""
    if is_typeddict(hint):
        return any(map(_has_id, get_type_hints(hint, include_extras=True).values()))
    return get_args(Id)[-1] in get_args(hint) or any(map(_has_id, get_args(hint)))


def _slug(text: str, noun: str) -> str:
    """Return a Pulumi name that is safe in shells and URNs."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:LONGEST_NAME].strip("-._")
    return name or noun.lower().replace(" ", "-")


def _unique(name: str, id: str, taken: set[str]) -> str:
    """Return a unique name. The oldest object gets the plain one, so new objects do not change other names."""
    unique = next(it for it in (name, f"{name}-{id[:SHORT_ID]}", f"{name}-{id}") if it not in taken)
    taken.add(unique)
    return unique


def _sealed(
    provider: Lifecycle[Any, Any], values: Mapping[str, Any], seal: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """Return values for a Pulumi file, with secrets marked."""
    return {field: seal(value) if field in provider.secret else value for field, value in values.items()}


def _each(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs with each value marked as secret; keys are not secret."""
    return {key: _whole(text) for key, text in said.items()}


def _whole(value: Any) -> dict[str, Any]:
    return {**SECRET, "plaintext": json.dumps(value)}

"""The two doors to the lifecycles, as tests see them: what is started, what a program imports, how names are spelled.

Tests say everything with the names of a program in Python, and read all results with these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider  # pyright: ignore[reportUnknownVariableType] # untyped

import pulumi_joviam as joviam
from pulumi_joviam.lifecycle.names import PLAIN, Shape, camel
from pulumi_joviam.native import schema


class Door:
    """The dynamic door: Pulumi's own plugin for dynamic providers."""

    name = "dynamic"
    package = "pulumi_joviam"
    """What programs import."""
    module = "pulumi.dynamic"
    """What the process of the plugin runs."""
    reads_defaults = True
    """Whether ``Class.get`` shows arguments that equal the API's default."""

    def token(self, kind: str) -> str:
        """Return the type of a resource in the state."""
        return f"pulumi-python:dynamic/joviam:{kind}"

    def setting(self, name: str) -> str:
        """Return what the engine calls a setting of the account."""
        return f"joviam:{name}"

    def outward(self, kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as a program sends them to the engine."""
        return {**said, PROVIDER_KEY: serialize_provider(getattr(joviam, kind)._lifecycle())}

    def inward(self, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments or outputs of the state with the names of a program. What is hidden stays as it is."""
        return {name: value for name, value in values.items() if name != PROVIDER_KEY}

    def spelled(self, name: str) -> str:
        """Return what the engine calls an argument."""
        return name

    def path(self, kind: str, path: str) -> str:
        """Return the path of a value with the names of a program."""
        return path

    def text(self, text: str) -> str:
        """Return what was printed with the names of a program."""
        return text

    def is_spelled_right(self, message: str) -> bool:
        """Return whether a message of ours has the names that programs of this door use."""
        return self.text(message) == message

    def __repr__(self) -> str:
        return self.name


class NativeDoor(Door):
    """The native door: a plugin of ours, with camelCase for names."""

    name = "native"
    package = "pulumi_joviam.native.sdk"
    module = "pulumi_joviam.native.plugin"
    reads_defaults = False

    def token(self, kind: str) -> str:
        return schema.token(kind)

    def setting(self, name: str) -> str:
        return name

    def outward(self, kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_names(kind).outward(said))

    def inward(self, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_names(kind).inward(values))

    def spelled(self, name: str) -> str:
        return camel(name)

    def path(self, kind: str, path: str) -> str:
        return _names(kind).ours(path)

    def text(self, text: str) -> str:
        return self._CAMEL.sub(lambda match: self._ours.get(match[0], match[0]), text)

    def is_spelled_right(self, message: str) -> bool:
        return all(names.text(message) == message for names in map(schema.names, schema.resources().values()))

    _CAMEL = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+\b")

    @cached_property
    def _ours(self) -> dict[str, str]:
        return {camel(name): name for it in schema.resources().values() for name in schema.names(it)._vocabulary}


def _names(kind: str) -> Shape:
    resource = schema.resources().get(schema.token(kind))
    return schema.names(resource) if resource else PLAIN


DYNAMIC, NATIVE = Door(), NativeDoor()
DOORS = {door.name: door for door in (DYNAMIC, NATIVE)}

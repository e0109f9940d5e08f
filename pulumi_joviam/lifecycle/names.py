"""The two spellings of our names: snake_case in Python, camelCase in the engine and every other language.

Arguments, outputs and the keys of what they hold are translated, by the type that declares them. The keys of a mapping
(``context``) are a user's own and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import NotRequired, get_type_hints, is_typeddict

from pulumi_joviam.lifecycle.arguments import Value

_NAME = re.compile(r"(?<![\w/\"'])[a-z]+(?:_[a-z]+)+(?![\w\"'])")
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[\d+\]")


def camel(name: str) -> str:
    """Return the engine's form of a name. Names with a leading underscore are hidden keys, not arguments."""
    return name if name.startswith("_") else re.sub(r"_(\w)", lambda match: match[1].upper(), name)


@dataclass(frozen=True)
class Shape:
    """The names in the values of a type: its fields, or those of each item of a list."""

    fields: Mapping[str, Shape] = field(default_factory=dict[str, Any])
    item: Shape | None = None

    def outward(self, value: Value) -> Any:
        """Return a value with the engine's names."""
        if isinstance(value, (list, tuple)) and self.item:
            return [self.item.outward(item) for item in value]
        if isinstance(value, Mapping) and self.fields:
            return {camel(key): self.fields.get(key, PLAIN).outward(item) for key, item in value.items()}
        return value

    def inward(self, value: Value) -> Any:
        """Return a value with our names. It may have them already; unknown names stay."""
        if isinstance(value, (list, tuple)) and self.item:
            return [self.item.inward(item) for item in value]
        if isinstance(value, Mapping) and self.fields:
            named = ((self._ours.get(key, key), item) for key, item in value.items())
            return {key: self.fields.get(key, PLAIN).inward(item) for key, item in named}
        return value

    def path(self, ours: str) -> str:
        """Return the path of a value, such as ``boot_disk.performance_tier``, with the engine's names."""
        step = _STEP.match(ours)
        if step is None or not (self.fields or self.item):
            return ours
        name, rest = step[1], ours[step.end() :]
        inner = self.item if name is None else self.fields.get(name)
        here = step[0] if name is None else step[0].replace(name, camel(name))
        return here + (inner or PLAIN).path(rest)

    def ours(self, path: str) -> str:
        """Return the path of a value, such as ``bootDisk.performanceTier``, with our names."""
        step = _STEP.match(path)
        if step is None or not (self.fields or self.item):
            return path
        name, rest = step[1], path[step.end() :]
        if name is None:
            return step[0] + (self.item or PLAIN).ours(rest)
        ours = self._ours.get(name, name)
        return step[0].replace(name, ours) + self.fields.get(ours, PLAIN).ours(rest)

    def text(self, text: str) -> str:
        """Return a message with the engine's names, but nothing in quotation marks: there are values of a user."""
        return _NAME.sub(lambda match: camel(match[0]) if match[0] in self._vocabulary else match[0], text)

    @cached_property
    def _ours(self) -> Mapping[str, str]:
        return {camel(name): name for name in self.fields}

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(self._words())

    def _words(self) -> Iterator[str]:
        for part in (*self.fields.values(), *((self.item,) if self.item else ())):
            yield from part._words()
        yield from self.fields


PLAIN = Shape()
"""A value without names."""


def shape(hint: Any) -> Shape:
    """Return the names in a value of this type."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Annotated, NotRequired):
        return shape(parts[0])
    if origin in (Union, UnionType):
        return next((found for part in parts if (found := shape(part)) is not PLAIN), PLAIN)
    if origin in (list, Sequence):
        return PLAIN if shape(parts[0]) is PLAIN else Shape(item=shape(parts[0]))
    if is_typeddict(hint):
        return shapes(get_type_hints(hint, include_extras=True))
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return shapes({name: found.annotation for name, found in hint.model_fields.items()})
    return PLAIN


def shapes(hints: Mapping[str, Any]) -> Shape:
    """Return the shape with these names and types."""
    return Shape({name: shape(hint) for name, hint in hints.items()})

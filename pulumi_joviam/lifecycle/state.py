"""What the state of a resource holds that no display shows. A file format: users' stacks have it, so names stay.

Beside these, the inputs are what the program said, and the outputs the live value of each argument that it gives, and
the outputs of the resource. A plugin is given all of it; some SDKs keep names with two underscores from providers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from typing_extensions import Self

PREFIX = "__"


@dataclass(frozen=True)
class Hidden:
    """The hidden outputs of a resource, each under its name here with two underscores before it."""

    words: Mapping[str, Any] = field(default_factory=dict)
    """What the words for its region, tier or template mean: words.py."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """What the resource has to remember: ``op.kept``."""
    unfinished: tuple[str, ...] = ()
    """The arguments that a failed step was to bring about."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What the program said before a refresh put a larger live value in its place."""
    account: str = ""
    """A digest of the account that the object is in."""
    failed: str = ""
    """The state of an object whose provisioning failed for good: the next `up` replaces it."""
    dropped: tuple[str, ...] = ()
    """Names of the outputs that a partial failure had no room for."""

    @classmethod
    def read(cls, outputs: Mapping[str, Any]) -> Self:
        """Return what the outputs of a resource hold of this. What is of another type, as if encrypted, is left out."""
        nothing = cls()
        values = {it.name: _frozen(outputs.get(PREFIX + it.name)) for it in fields(cls)}
        return cls(**{name: it for name, it in values.items() if isinstance(it, type(getattr(nothing, name)))})

    def write(self) -> dict[str, Any]:
        """Return the outputs."""
        values = {it.name: getattr(self, it.name) for it in fields(self)}
        return {PREFIX + name: _plain(value) for name, value in values.items() if value}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

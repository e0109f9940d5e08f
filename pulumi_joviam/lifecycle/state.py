"""What the state of a resource holds that no display shows. A file format: users' stacks have it, so keys stay.

Beside these, the inputs are what the program said, and the outputs the live value of each argument that it gives, and
the outputs of the resource. A plugin is given all of it; some SDKs keep names with two underscores from providers.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from typing_extensions import Self

from pulumi_joviam.api.models import Model
from pulumi_joviam.lifecycle.arguments import Value

PREFIX = "__"


def _at(key: str, empty: type[Any]) -> Any:
    return field(default_factory=empty, metadata={"key": key})


@dataclass(frozen=True)
class Hidden:
    """The hidden outputs of a resource."""

    aliases: Mapping[str, Any] = _at("__words", dict)
    """The ids of the names of its region, tier or template: aliases.py."""
    private: Mapping[str, Any] = _at("__kept", dict)
    """The private state of the resource, as its `Memory` writes it."""
    unfinished: tuple[str, ...] = _at("__unfinished", tuple)
    """The arguments that a failed step should have changed."""
    desired: Mapping[str, Any] = _at("__said", dict)
    """The inputs that a refresh has replaced by a larger live value."""
    account: str = _at("__account", str)
    """A digest of the account that the object is in."""
    failed: str = _at("__failed", str)
    """The state of an object whose provisioning failed for good: the next `up` replaces it."""
    dropped: tuple[str, ...] = _at("__dropped", tuple)
    """Names of the outputs that a partial failure had to omit."""

    @classmethod
    def read(cls, outputs: Mapping[str, Any]) -> Self:
        """Read them from the outputs of a resource, without values of another type, such as encrypted ones."""
        empty, found = cls(), dict[str, Any]()
        for it in fields(cls):
            held: Value = outputs.get(it.metadata["key"])
            value = tuple(held) if isinstance(held, list) else held
            if isinstance(value, type(getattr(empty, it.name))):
                found[it.name] = value
        return cls(**found)

    def write(self) -> dict[str, Any]:
        """Return the outputs."""
        values: dict[str, Value] = {it.metadata["key"]: getattr(self, it.name) for it in fields(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value}


@dataclass
class Memory:
    """What a resource has to remember between its steps. A lifecycle that remembers something declares the fields.

    Their names are keys in users' state. A field that has its default is not written; a key that is no field, from
    another version of this package, stays as it is.
    """

    _unknown: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def read(cls, private: Mapping[str, Any]) -> Self:
        """Read ``Hidden.private``."""
        memory = cls()
        names = {it.name for it in fields(cls)}
        for name, value in private.items():
            if name in names:
                setattr(memory, name, copy.deepcopy(value))
            else:
                memory._unknown[name] = value
        return memory

    @property
    def created(self) -> Mapping[str, type[Model]]:
        """{id: model} of the objects that were created with the resource and are managed with it."""
        return {}

    @property
    def leaving(self) -> Collection[str]:
        """The ids of further objects that the next `up` deletes."""
        return ()

    def write(self) -> dict[str, Any]:
        """Return the value for ``Hidden.private``."""
        empty = type(self)()
        said = {it.name: getattr(self, it.name) for it in fields(self) if it.init}
        return {**self._unknown, **{name: value for name, value in said.items() if value != getattr(empty, name)}}

"""What an endpoint is: its name in the API reference, and the rule behind it. Each noun's file lists its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from pulumi_joviam.emulator.body import Nothing
from pulumi_joviam.emulator.store import Accepted, Object, Shown, Store


@dataclass(frozen=True)
class Operation:
    """One endpoint: its name in the API reference, its function, and its status on success."""

    name: str
    act: Callable[..., Any]
    status: int = 200

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.name.split()[0]

    @property
    def path(self) -> str:
        """Its path below the API's root, with parameters in braces."""
        return self.name.split()[1]

    @cached_property
    def body(self) -> type[BaseModel]:
        """The model of its body."""
        body: type[BaseModel] = get_type_hints(self.act).get("body", Nothing)
        return body

    @cached_property
    def answers(self) -> Mapping[int, Any]:
        """The types of its responses by status."""
        returned = get_type_hints(self.act)["return"]
        answers = {self.status: returned}
        for alternative in get_args(returned):
            if get_origin(alternative) is Accepted:
                answers = {self.status: get_args(returned)[0], 202: get_args(alternative)[0]}
        return answers


def show(noun: type[Object]) -> Callable[..., Any]:
    """Return the function that shows one object of a kind."""

    def act(store: Store, object_id: str) -> Any:
        return store.shown(store.find(noun, object_id))

    act.__doc__ = f"Show one of the {noun.kind}."
    act.__annotations__["return"] = get_type_hints(noun.show)["return"]
    return act


def index(noun: type[Object]) -> Callable[..., Any]:
    """Return the function that lists all objects of a kind."""

    def act(store: Store) -> list[Shown]:
        return [store.listed(obj) for obj in store.visible(noun)]

    act.__doc__ = f"List {noun.kind}."
    act.__annotations__["return"] = GenericAlias(list, get_type_hints(noun.show)["return"])
    return act

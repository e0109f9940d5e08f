"""Programs with values that are unknown until `up`, at every position in every argument."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

Json = dict[str, Any]
Place = tuple[Any, ...]
"""The path to a value in the arguments of a resource: ("boot_disk", "size")."""

PLAIN: dict[str, set[str]] = {"Server": {"public"}, "ServerPool": {"count", "public"}, "PrivateNetwork": {"addresses"}}
"""Arguments that decide which children a component has. They must be known, but items in them may be unknown."""


def places(value: Any) -> Iterator[Place]:
    """Yield the paths to a value and to everything inside it."""
    yield ()
    if isinstance(value, dict) and "ref" not in value:
        fields = cast(Json, value)
        yield from ((key, *place) for key, item in fields.items() for place in places(item))
    if isinstance(value, list):
        items = cast(Sequence[Any], value)
        yield from ((index, *place) for index, item in enumerate(items) for place in places(item))


def hide(value: Any, place: Place, after: str) -> Any:
    """Return a value with a part that is unknown until the resource ``after`` exists."""
    if not place:
        return {"after": after, "say": value}
    changed = value.copy()
    changed[place[0]] = hide(value[place[0]], place[1:], after)
    return changed


def places_to_hide(kind: str, args: Json) -> list[list[Place]]:
    """Return which values to hide together, so that each value that may be unknown is hidden at least once.

    Each value of a resource is hidden alone, and every second one together with others. A component only passes its
    arguments on, so all of them are hidden at once, and then everything inside them.
    """
    able = [place for place in places(args) if place and (place[1:] or place[0] not in PLAIN.get(kind, ()))]
    whole = [place for place in able if len(place) == 1]
    innermost = [place for place in able if not any(other[: len(place)] == place != other for other in able)]
    if kind in PLAIN:
        return [whole, innermost]
    return [*([place] for place in able), innermost[::2], innermost[1::2], innermost]

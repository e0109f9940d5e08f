"""What is to be made, and how to know it again.

Programs import this with the resources, so it loads no HTTP library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def named_otherwise(_live: object) -> bool:
    """Say nothing: the object shows this attribute of the request under another name, which ``shows`` has."""
    return True


def does_not_matter(_live: object) -> bool:
    """Say nothing: whatever the object was made with here, the step brings it to what is wanted."""
    return True


@dataclass(frozen=True)
class Order:
    """What is to be made: the POST, and how to know the object if its answer is lost.

    ``shows`` are the attributes that it will show. ``alike`` says of other attributes of the request, by name, whether
    an object may have been made with them; one function may speak for several.
    """

    model: type[Any]
    body: Mapping[str, Any]
    path: str
    shows: Mapping[str, Any]
    alike: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict[str, Callable[[Any], bool]])

    @property
    def untold(self) -> list[str]:
        """The attributes of the request that no object can be compared in: so which one it made, nobody can say."""
        return sorted(self.body.keys() - (self.shows.keys() & self.model.model_fields.keys()) - self.alike.keys())

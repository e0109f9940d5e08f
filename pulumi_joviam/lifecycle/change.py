"""What a program wants of an object, beside what the state holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

UNLESS_RETAINED = "unless an earlier up has set retain_on_delete"
"""Part of a warning: that option saves the old object of a replacement, and the engine tells no provider of it."""

Step: TypeAlias = Literal["update", "replace"]


@dataclass(frozen=True)
class Change:
    """The way from what is live to what is wanted. Regions, tiers and templates are ids in it, where known."""

    live: Mapping[str, Any]
    """The outputs in the state."""
    wanted: Mapping[str, Any]
    """What the program says."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the program said last, in its own words."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    """What each argument takes that means something else than before."""

    @property
    def replaces(self) -> bool:
        """Whether it needs a new object."""
        return "replace" in self.steps.values()

    @property
    def may_stop(self) -> bool:
        """Whether the program allows a stop (allow_stopping)."""
        return self.wanted.get("allow_stopping") is True

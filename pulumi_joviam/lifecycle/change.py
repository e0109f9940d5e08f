"""What a program wants of an object, beside what the state holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Step: TypeAlias = Literal["update", "replace"]


@dataclass(frozen=True)
class Change:
    """The way from what is live to what is wanted. Regions, tiers and templates are ids in it, where known."""

    live: Mapping[str, Any]
    """The outputs in the state."""
    wanted: Mapping[str, Any]
    """What the program says."""
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the program said last, in its own words."""
    steps: Mapping[str, Step] = field(default_factory=dict[str, Step])
    """What each argument takes that means something else than before."""
    asked_to_go: bool = False
    """Whether the object is deleted or replaced for another reason than an argument."""

    @property
    def replaces(self) -> bool:
        """Whether an argument needs a new object."""
        return "replace" in self.steps.values()

    @property
    def removes(self) -> bool:
        """Whether the object goes."""
        return self.asked_to_go or self.replaces

    @property
    def may_stop(self) -> bool:
        """Whether the program allows a stop (allow_stopping)."""
        return self.wanted.get("allow_stopping") is True

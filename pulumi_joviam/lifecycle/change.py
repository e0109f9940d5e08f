"""The inputs of a program, compared with the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Step: TypeAlias = Literal["update", "replace"]


@dataclass(frozen=True)
class Change:
    """The change from the live to the desired values. Regions, tiers and templates are ids, if known."""

    live: Mapping[str, Any]
    """The outputs in the state."""
    wanted: Mapping[str, Any]
    """The inputs of the program."""
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The previous inputs, with the names that the program used."""
    steps: Mapping[str, Step] = field(default_factory=dict[str, Step])
    """The step of each argument that has changed."""
    asked_to_go: bool = False
    """Whether the object is deleted or replaced for another reason than an argument."""

    @property
    def replaces(self) -> bool:
        """Whether an argument replaces the object."""
        return "replace" in self.steps.values()

    @property
    def removes(self) -> bool:
        """Whether the object is deleted."""
        return self.asked_to_go or self.replaces

    @property
    def may_stop(self) -> bool:
        """Whether the program allows a stop (allow_stopping)."""
        return self.wanted.get("allow_stopping") is True

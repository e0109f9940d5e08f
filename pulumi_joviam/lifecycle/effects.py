"""The effects of a change on users: a preview warns of them, and `pulumi-joviam comment` shows them on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

UNLESS_RETAINED = "unless an earlier up has set retain_on_delete"
"""Part of a warning: that option keeps the old object of a replacement, and the engine does not tell providers."""


@dataclass(frozen=True)
class Stop:
    """An argument stops a machine, or may stop it. ``text`` is the message."""

    field: str
    sure: bool
    text: str
    asked_for: bool = False
    """Whether the program asks for the stop, so that no preview has to warn of it."""

    @property
    def warning(self) -> str:
        return "" if self.asked_for else self.text


@dataclass(frozen=True)
class Loss:
    """Data on the disk ``of`` are lost ``by`` a change. ``instead`` is how to keep them."""

    by: str
    gigabytes: object
    """A number, if known."""
    of: str
    instead: str
    field: str = ""
    """The argument that causes it, if the object itself stays."""
    unless: str = ""

    @property
    def amount(self) -> str:
        return f"{self.gigabytes:g} GB" if isinstance(self.gigabytes, (int, float)) else "all that is on it"

    @property
    def warning(self) -> str:
        what = f"the {self.amount}" if isinstance(self.gigabytes, (int, float)) else "all data"
        unless = f", {self.unless}" if self.unless else ""
        return f"{self.by} loses {what} on {self.of}{unless}. To keep them, {self.instead}"


@dataclass(frozen=True)
class Fate:
    """What happens to the object, or to its parts, when it is deleted: a line of a comment, not a warning."""

    text: str
    warning: ClassVar[str] = ""


FORGETS = Fate("the object is only removed from the stack: the API cannot delete it")

Effect: TypeAlias = Stop | Loss | Fate

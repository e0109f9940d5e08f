"""What a change does to people, as values: a preview warns of it, and `pulumi-joviam comment` puts it on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

UNLESS_RETAINED = "unless an earlier up has set retain_on_delete"
"""Part of a warning: that option saves the old object of a replacement, and the engine tells no provider of it."""


@dataclass(frozen=True)
class Stop:
    """An argument stops a machine, or may do so. ``text`` says so."""

    field: str
    sure: bool
    text: str
    asked_for: bool = False
    """The program itself says that the machine is to be stopped, so no preview has to warn of it."""

    @property
    def warning(self) -> str:
        return "" if self.asked_for else self.text


@dataclass(frozen=True)
class Loss:
    """Data are lost ``by`` a change, from a disk that ``of`` names. ``instead`` is how to keep them."""

    by: str
    gigabytes: object
    """A number, where it is known."""
    of: str
    instead: str
    field: str = ""
    """The argument that causes it, where the object itself stays."""
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
    """What becomes of the object, or of what belongs to it, when it goes. That is worth a line, not a warning."""

    text: str
    warning: ClassVar[str] = ""


FORGETS = Fate("the object is only removed from the stack: the API cannot delete it")

Effect: TypeAlias = Stop | Loss | Fate

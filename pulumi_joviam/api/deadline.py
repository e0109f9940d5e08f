"""Deadlines and pauses.

Ctrl-C sets an event that ends every pause, so no thread of ours sleeps through it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

from pulumi_joviam.api.errors import Cancelled


class Clock:
    """The clock for polls. Tests use another one."""

    def now(self) -> float:
        """Return the seconds of ``time.monotonic()``."""
        return time.monotonic()

    def wait(self, changed: threading.Condition, seconds: float) -> None:
        """Wait until the condition is notified, at most so long. The caller holds the condition."""
        changed.wait(seconds)


TICK = 0.1
"""Seconds within which Ctrl-C ends a wait for a semaphore, which cannot wait for an event as well."""


@dataclass(frozen=True)
class Deadline:
    """A point in time ``at`` (``time.monotonic()``) that ends an operation, and the event that cancels it."""

    at: float
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False)

    @classmethod
    def after(cls, seconds: float, cancelled: threading.Event | None = None) -> Deadline:
        """Return the deadline ``seconds`` from now."""
        return cls(time.monotonic() + seconds, cancelled or threading.Event())

    def within(self, seconds: float) -> Deadline:
        """Return the same deadline, but ``seconds`` from now at the latest."""
        return replace(self, at=min(self.at, time.monotonic() + seconds))

    @property
    def left(self) -> float:
        """The seconds left, at least 0, for work that must be finished even after Ctrl-C."""
        return max(0.0, self.at - time.monotonic())

    def remaining(self) -> float:
        """Return the seconds left, at least 0. Raises Cancelled after Ctrl-C."""
        if self.cancelled.is_set():
            raise Cancelled("interrupted")
        return self.left

    def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the deadline. Raises Cancelled the moment Ctrl-C is pressed."""
        if self.cancelled.wait(min(seconds, self.remaining())):
            raise Cancelled("interrupted")

    def acquire(self, slots: threading.Semaphore) -> bool:
        """Take a slot; return False if none became free in time. Raises Cancelled soon after Ctrl-C."""
        while left := self.remaining():
            if slots.acquire(timeout=min(left, TICK)):
                return True
        return False

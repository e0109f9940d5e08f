"""One stop of an instance that several resources share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import TimedOut


@dataclass
class SharedStop:
    """One stop of one instance, shared by all changes of this process that need it at the same time.

    ``near`` counts the changes that may come to need it, or use it now; one of them leads: it stops and starts.
    """

    near: int = 0
    led: bool = False
    stopped: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def until(self, deadline: Deadline, true: Callable[[], bool]) -> None:
        """Wait, holding the condition, until something is so."""
        while not true():
            if not deadline.remaining():
                raise TimedOut("another resource still works on the same instance", "busy")
            self.changed.wait(0.2)

"""Which objects this process has written to, and when: what was read before may be outdated."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pulumi_joviam.api.models import Model


class Writes:
    """The writing requests of one client. Safe to share between threads.

    A write to ``/disks`` or ``/disks/{id}…`` changes at most one disk, the new one or the one with that id. Any other
    write may change any disk. For instances that is not so: creating one can change a whole availability group.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = 0
        self._kinds = _Places()
        self._objects = _Places()
        self._deleted: dict[str, int] = {}

    @property
    def ended(self) -> int:
        """The number of writes that have ended so far."""
        with self._lock:
            return self._ended

    @contextmanager
    def sending(self, method: str, path: str) -> Generator[None, None, None]:
        """Record a request while it is sent, if it writes."""
        if method == "GET":
            yield
            return
        kind, *rest = path.lstrip("/").split("/")
        places = [(self._kinds, f"/{kind}"), *((self._objects, id.lower()) for id in rest[:1])]
        with self._lock:
            for places_of, place in places:
                places_of.pending[place] += 1
        try:
            yield
        finally:
            with self._lock:
                self._ended += 1
                for places_of, place in places:
                    places_of.pending[place] -= 1
                    places_of.last[place] = self._ended

    def deleted(self, id: str) -> None:
        """Record that the API has accepted the deletion of an object."""
        with self._lock:
            self._deleted[id.lower()] = self._ended

    def were_sent_to(self, id: str) -> bool:
        """Return whether a write to the object itself has been sent."""
        with self._lock:
            return id.lower() in self._objects.pending

    def may_have_changed(self, model: type[Model], id: str, since: int) -> bool:
        """Return whether a write that may change the object is pending, or has ended after so many writes."""
        with self._lock:
            other = self._kinds.pending.keys() - ({model.path} if model.independent else set())
            return self._objects.changed(id.lower(), since) or any(self._kinds.changed(kind, since) for kind in other)

    def was_deleted(self, id: str, before: int) -> bool:
        """Return whether the API had accepted our deletion of the object when so many writes had ended."""
        with self._lock:
            return id in self._deleted and self._deleted[id] <= before


@dataclass
class _Places:
    """The writes to kinds, or to objects: how many are pending, and how many had ended with the last one."""

    pending: Counter[str] = field(default_factory=Counter[str])
    last: dict[str, int] = field(default_factory=dict[str, int])

    def changed(self, place: str, since: int) -> bool:
        return self.pending[place] > 0 or self.last.get(place, 0) > since

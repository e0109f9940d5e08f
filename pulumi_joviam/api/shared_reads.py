"""Shared reads: a refresh of five hundred disks requests one list, not five hundred disks.

The first few reads are by id. After that, one list serves all reads within a few seconds; so does each list of the
waiter. A reader never gets an object from a list that is older than `Pace.reads_fresh`, or than our own last write that
may have changed the object. An object that is missing from the list is read by id before it counts as gone.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pulumi_joviam.api.client import Client, Snapshot
from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.api.models import Model
from pulumi_joviam.api.pace import Pace

M = TypeVar("M", bound=Model)

FEW = 4
"""Up to this many within `Pace.reads_together` are read by id."""


@dataclass
class _Listing:
    """A list that was requested, and how many of our writes had ended by then."""

    writes: int
    started: float = field(default_factory=time.monotonic)
    found: Future[dict[str, Snapshot[Any]]] = field(default_factory=Future[dict[str, Snapshot[Any]]])


@dataclass
class _Kind:
    """The recent reads of one kind, its last list, and the ids in all of its lists."""

    read_at: deque[float] = field(default_factory=deque)
    listing: _Listing | None = None
    seen: set[str] = field(default_factory=set)

    def is_crowded(self, pace: Pace) -> bool:
        """Record a read, and return whether there are many now."""
        now = time.monotonic()
        self.read_at.append(now)
        while self.read_at[0] < now - pace.reads_together:
            self.read_at.popleft()
        return len(self.read_at) > FEW


class Reads:
    """Shared reads of one account. Safe to share between threads."""

    def __init__(self) -> None:
        self._kinds: defaultdict[type[Model], _Kind] = defaultdict(_Kind)
        self._lock = threading.Lock()

    def get(self, client: Client, model: type[M], id: str) -> M | None:
        """Return the object from a list, or None if it must be read by id."""
        writes, pace = client.writes, client.settings.pace
        if not model.listed or writes.may_have_changed(model, id, writes.ended):  # a write is pending
            return None
        mine = None
        with self._lock:
            kind = self._kinds[model]
            crowded, listing = kind.is_crowded(pace), kind.listing
            fresh = listing and time.monotonic() - listing.started < pace.reads_fresh
            if listing is None or not fresh or writes.may_have_changed(model, id, listing.writes):
                if not crowded:
                    return None
                kind.listing = listing = mine = _Listing(writes.ended)
        if mine:
            self._request(client, model, mine)
        try:
            found = listing.found.result(timeout=client.seconds_left).get(id)
            return None if not found or writes.may_have_changed(model, id, listing.writes) else found.read()
        except (JoviamError, TimeoutError):
            return None

    def states(self, client: Client, model: type[Model]) -> dict[str, str]:
        """List all objects of a kind, and return {id: state}.

        An object that we have deleted is "terminated" if an earlier list had it and this one, which was requested after
        the response to our DELETE, has not.
        """
        listing = _Listing(client.writes.ended)
        with self._lock:
            self._kinds[model].listing = listing
        self._request(client, model, listing)
        found = listing.found.result()
        with self._lock:
            missing = self._kinds[model].seen - found.keys()
        gone = [id for id in missing if client.writes.was_deleted(id, listing.writes)]
        return {**dict.fromkeys(gone, "terminated"), **{id: item.state for id, item in found.items()}}

    def _request(self, client: Client, model: type[Model], listing: _Listing) -> None:
        try:
            found = client.snapshots(model)
            with self._lock:
                self._kinds[model].seen |= found.keys()
            listing.found.set_result(found)
        except BaseException as error:
            listing.found.set_exception(error)
            if not isinstance(error, JoviamError):
                raise


class SharedClient(Client):
    """A client with the connections and deadline of another. Its `get` may be served from a shared list."""

    def __init__(self, client: Client, reads: Reads) -> None:
        vars(self).update(vars(client))
        self._reads = reads

    def get(self, model: type[M], id: str) -> M:
        return self._reads.get(self, model, id) or super().get(model, id)

"""Shared reads: a refresh of five hundred disks requests one list, not five hundred disks.

The first few reads are by id. After that, one list serves all reads within a few seconds, until we write: a reader
never gets a list from before our own last write, or one older than `Pace.reads_fresh`. An object that is missing from
the list is read by id before it counts as gone.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.api.models import Model

M = TypeVar("M", bound=Model)

FEW = 4
"""Up to this many within `Pace.reads_together` are read by id."""


@dataclass
class _Kind:
    """The recent reads of one kind, and its last list."""

    read_at: deque[float] = field(default_factory=deque)
    found: Future[dict[str, Any]] | None = None
    started: float = 0.0
    writes: int = -1


class Reads:
    """Shared reads of one account. Safe to share between threads."""

    def __init__(self) -> None:
        self._kinds: defaultdict[type[Model], _Kind] = defaultdict(_Kind)
        self._lock = threading.Lock()

    def get(self, client: Client, model: type[M], id: str) -> M | None:
        """Return the object from a list, or None if it must be read by id."""
        writes, pace = client.writes, client.settings.pace
        if not model.listed or writes is None:
            return None
        with self._lock:
            kind, now = self._kinds[model], time.monotonic()
            kind.read_at.append(now)
            while kind.read_at[0] < now - pace.reads_together:
                kind.read_at.popleft()
            if len(kind.read_at) <= FEW:
                return None
            fresh = kind.found and kind.writes == writes and now - kind.started < pace.reads_fresh
            mine = Future[dict[str, Any]]()
            if not fresh:
                kind.found, kind.started, kind.writes = mine, now, writes
            found = kind.found or mine
        if found is mine:
            self._request(client, model, mine)
        try:
            listed = found.result(timeout=client.seconds_left)
        except (JoviamError, TimeoutError):
            return None
        return listed.get(id) if client.writes == writes else None

    @staticmethod
    def _request(client: Client, model: type[Model], found: Future[dict[str, Any]]) -> None:
        try:
            found.set_result({item.id: item for item in client.list(model)})
        except BaseException as error:
            found.set_exception(error)
            if not isinstance(error, JoviamError):
                raise


class SharedClient(Client):
    """A client with the connections and deadline of another. Its `get` may be served from a shared list."""

    def __init__(self, client: Client, reads: Reads) -> None:
        vars(self).update(vars(client))
        self._reads = reads

    def get(self, model: type[M], id: str) -> M:
        return self._reads.get(self, model, id) or super().get(model, id)

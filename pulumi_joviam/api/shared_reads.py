"""Reads that many share: a refresh of five hundred disks asks for a list, not for five hundred disks.

The first few ask by id. From then on one list serves all who ask within a few seconds, until we write anything: the
answer that a reader gets was never given before our own last write, nor more than `Pace.reads_fresh` ago. What a list
does not show is asked for by id before it counts as gone.
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
    """What was asked of one kind, and the last list of it."""

    asked: deque[float] = field(default_factory=deque)
    found: Future[dict[str, Any]] | None = None
    began: float = 0.0
    writes: int = -1


class Reads:
    """The reads of one account that are shared. Safe to share between threads."""

    def __init__(self) -> None:
        self._kinds: defaultdict[type[Model], _Kind] = defaultdict(_Kind)
        self._lock = threading.Lock()

    def get(self, client: Client, model: type[M], id: str) -> M | None:
        """Return the object from a list, or None where it has to be asked for by id."""
        writes, pace = client.writes, client.settings.pace
        if not model.listed or writes is None:
            return None
        with self._lock:
            kind, now = self._kinds[model], time.monotonic()
            kind.asked.append(now)
            while kind.asked[0] < now - pace.reads_together:
                kind.asked.popleft()
            if len(kind.asked) <= FEW:
                return None
            fresh = kind.found and kind.writes == writes and now - kind.began < pace.reads_fresh
            mine = Future[dict[str, Any]]()
            if not fresh:
                kind.found, kind.began, kind.writes = mine, now, writes
            found = kind.found or mine
        if found is mine:
            self._ask(client, model, mine)
        try:
            there = found.result(timeout=client.seconds_left)
        except (JoviamError, TimeoutError):
            return None
        return there.get(id) if client.writes == writes else None

    @staticmethod
    def _ask(client: Client, model: type[Model], found: Future[dict[str, Any]]) -> None:
        try:
            found.set_result({item.id: item for item in client.list(model)})
        except BaseException as error:
            found.set_exception(error)
            if not isinstance(error, JoviamError):
                raise


class SharedClient(Client):
    """A client with the connections and the deadline of another one. What it gets may come from a shared list."""

    def __init__(self, client: Client, reads: Reads) -> None:
        vars(self).update(vars(client))
        self._reads = reads

    def get(self, model: type[M], id: str) -> M:
        return self._reads.get(self, model, id) or super().get(model, id)

"""Waits until an object reaches a state: the only place that polls.

All waits for one kind of object share one poll. A few objects are polled individually (`/disks/{id}/state`); for more,
one request lists all, unless the list fails; readers share that list. Polls become less frequent over time, and use
only a limited share of the API's time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Clock, Deadline
from pulumi_joviam.api.errors import BadAnswer, Failed, JoviamError, NoAnswer, NotFound, ServerError, TimedOut, Vanished
from pulumi_joviam.api.models import Model
from pulumi_joviam.api.pace import Pace
from pulumi_joviam.api.shared_reads import Reads

FEW = 3
"""Up to this many objects are polled individually."""
TICK = 0.2
"""Seconds within which Ctrl-C ends a wait for a queue, which cannot wait for an event as well."""


class Waiter:
    """Waits for objects of one account. Safe to share between threads."""

    def __init__(self, client: Client, clock: Clock | None = None, reads: Reads | None = None) -> None:
        self._client = client
        self._reads = reads or Reads()
        self._clock = clock or Clock()
        self._polls: dict[type[Model], _Poll] = {}
        self._lock = threading.Lock()

    def wait(
        self,
        model: type[Model],
        id: str,
        until: Container[str],
        deadline: Deadline,
        seen: Callable[[str], None] = lambda _state: None,
    ) -> str:
        """Poll until the state is one of ``until``, and return it.

        An object that no longer exists counts as ``terminated``. ``seen`` is called with each new state.
        Raises Failed, Vanished or TimedOut, each naming the last state, and Cancelled at Ctrl-C.
        """
        with self._lock:
            poll = self._polls.setdefault(model, _Poll(self._client, self._reads, model, self._clock))
        first = self._client.settings.pace.first_poll
        ticket, last = _Ticket(id, deadline, self._clock.now()), ""
        poll.join(ticket)
        try:
            while True:
                state = ticket.next_news()
                if isinstance(state, NoAnswer) and last and deadline.left <= first:
                    state = None  # the deadline cut the last poll short: report the timeout, not that error
                if isinstance(state, JoviamError):
                    raise state
                if state is None:
                    now = f"is still {last}" if last else "did not report its state in time"
                    way = "raise custom_timeouts=CustomTimeouts(…) to wait longer"
                    raise TimedOut(f"the {model.noun} {id} {now}; {way}", last)
                if state in until:
                    return state
                if state in model.failed:
                    raise Failed(f"the {model.noun} {id} ended in state {state}", state)
                if state in model.gone:
                    what = (
                        "transferred to another organization" if state == "transferred" else "deleted by another client"
                    )
                    raise Vanished(f"the {model.noun} {id} was {what} while waiting for it", state)
                if state != last:
                    seen(state)
                last = state
        finally:
            poll.leave(ticket)


@dataclass(eq=False)
class _Ticket:
    """One wait: its object, when the next poll is due, and the states seen."""

    id: str
    deadline: Deadline
    began: float
    due: float = 0.0
    news: SimpleQueue[str | JoviamError] = field(default_factory=SimpleQueue)

    def next_news(self) -> str | JoviamError | None:
        """Return the next state or error; None at the deadline. Raises Cancelled at Ctrl-C."""
        while True:
            left = self.deadline.remaining()
            try:
                return self.news.get(timeout=min(left, TICK) or TICK)
            except Empty:
                if not left:  # checked after the queue, so that the last poll counts
                    return None

    def postpone(self, now: float, pace: Pace) -> None:
        # schedule the last poll shortly before the deadline
        pause = min(max(pace.first_poll, pace.poll_share * (now - self.began)), pace.longest_poll)
        self.due = now + min(pause, max(self.deadline.left / 2, pace.first_poll / 2))


@dataclass
class _Poll:
    """The poll that all waits for one kind share. Its thread ends with the last wait."""

    client: Client
    reads: Reads
    model: type[Model]
    clock: Clock
    tickets: set[_Ticket] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)
    nobody: threading.Event = field(default_factory=threading.Event)
    """Set while nothing waits: ends the request in flight."""
    running: bool = False
    rest_until: float = 0.0

    def join(self, ticket: _Ticket) -> None:
        with self.changed:
            self.tickets.add(ticket)
            self.nobody.clear()
            if not self.running:
                self.running = True
                threading.Thread(target=self._run, name=f"joviam-poll-{self.model.noun}", daemon=True).start()
            self.changed.notify()

    def leave(self, ticket: _Ticket) -> None:
        with self.changed:
            self.tickets.discard(ticket)
            if not self.tickets:
                self.nobody.set()
            self.changed.notify()

    def _run(self) -> None:
        pace, now = self.client.settings.pace, self.clock.now
        while waiting := self._due():
            began = now()
            states = self._states({ticket.id for ticket in waiting}, max(ticket.deadline.at for ticket in waiting))
            self.rest_until = now() + max(pace.first_poll / 2, pace.poll_rest * (now() - began))
            for ticket in waiting:
                ticket.postpone(now(), pace)
                ticket.news.put(states[ticket.id])

    def _due(self) -> set[_Ticket]:
        """Return all waits as soon as one of them is due; an empty set if there are none."""
        with self.changed:
            while self.tickets:
                pause = max(self.rest_until, min(ticket.due for ticket in self.tickets)) - self.clock.now()
                if pause <= 0:
                    break
                self.clock.wait(self.changed, pause)
            self.running = bool(self.tickets)
            return set(self.tickets)

    def _states(self, ids: set[str], until: float) -> dict[str, str | JoviamError]:
        """Return {id: state or error}. An object missing from the list is requested by id, unless we deleted it."""
        client = self.client.until(Deadline(until, self.nobody))
        found: dict[str, str | JoviamError] = {}
        if len(ids) > FEW and self.model.listed:
            try:
                found |= self.reads.states(client, self.model)
            except (BadAnswer, ServerError):
                pass  # the list fails, but single objects may not
            except JoviamError as error:
                return dict.fromkeys(ids, error)
        for id in ids - found.keys():
            try:
                found[id] = client.state(self.model, id)
            except NotFound:
                found[id] = "terminated"
            except JoviamError as error:
                found[id] = error
        return found

"""Create an object exactly once, even if the response to the POST is lost.

A POST whose response is lost is not simply retried. First, the object is searched for: it must match the request, be
created since then by the server's clock, and belong to no other resource of this run. During a search, no identical
request is sent, and pending ones are waited for. So if the responses for twenty identical disks are lost at the same
time, each resource finds a disk of its own.

The server may still act after a lost response. So the request is retried only if no object appeared for
`Pace.late_create`; after a timeout, it is not retried at all; and it is not retried while an object may be either the
requested one or an older one. After a retry, a last check at the end of the step reports a twin.

The journal has the requests of killed runs. A create of the same resource adopts the object.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import AnswerLost, Cancelled, JoviamError, NotFound, ServerError, TimedOut, TooLarge
from pulumi_joviam.api.models import Model
from pulumi_joviam.lifecycle.journal import Entry, Journal, Key, digest
from pulumi_joviam.lifecycle.order import Order

M = TypeVar("M", bound=Model)

TRIES = 3
SLACK = 2.0
"""Tolerance in seconds for the server's times: both its Date header and created_at may omit fractions."""


@dataclass(frozen=True)
class Repeated:
    """An object whose request was sent more than once: each may have created one."""

    order: Order
    entry: Entry
    """The journal entry from before the retry."""
    live: Any
    known: float = field(default_factory=time.time)
    """When the object was found."""


class Step(Protocol):
    """The part of an Operation that is needed here."""

    @property
    def api(self) -> Client: ...
    @property
    def deadline(self) -> Deadline: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def taken_over(self) -> list[str]: ...
    @property
    def repeated(self) -> list[Repeated]: ...
    def until(self, deadline: Deadline) -> Step: ...
    def say(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...


@dataclass
class Creations:
    """The pending create requests of one account in this process. Thread-safe."""

    _under_way: Counter[Any] = field(default_factory=Counter)
    _looked_for: set[Any] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def make(self, op: Step, key: Key, order: Order) -> Any:
        """Return the new object as soon as it has an id, or the one that an interrupted run created for this key.

        Raises the exceptions of the POST, and AnswerLost if it is unknown whether the object exists.
        """
        journal = op.journal
        earlier = journal.earlier(key)
        live = earlier and self._taken_over(op, order, earlier)
        if earlier and live:
            journal.asked(key, earlier)
            op.taken_over.append(live.id)
            op.warn(f"adopted the {live.noun} {live.id}, which an interrupted run had created for this resource")
        else:
            journal.over(key)
            live = self._asked(op, key, order)
            first = earlier if earlier and not earlier.id else journal.earlier(key)
            if first and (first is earlier or first.last):
                op.repeated.append(Repeated(order, first, live))
        journal.made(key, live.id)
        if problem := journal.complaint():
            orphaned = "if this run is killed, objects that it is creating may be orphaned"
            op.warn(f"cannot write the journal {problem}; {orphaned}")
        return live

    def look_back(self, op: Step) -> None:
        """Warn of objects that this step may have created twice, even after the deadline."""
        pace = op.api.settings.pace
        deadline = Deadline.after(pace.late_create + pace.longest_search, op.deadline.cancelled)
        op = op.until(deadline)
        while op.repeated:
            again = op.repeated.pop()
            noun, id = again.live.noun, again.live.id
            twice = f"the request for the {noun} {id} was sent more than once, because the first response was lost"
            try:
                twins = self._twins(op, again)
            except JoviamError as unseen:
                op.warn(
                    f"{twice}. It is unknown whether another one was created: {unseen}. "
                    f"Look for a second {noun} like it by hand, and delete that"
                )
            else:
                if twins:
                    op.warn(
                        f"{twice}. Another one was created that is not in the state: {', '.join(twins)}. "
                        "Delete it by hand, with what was created with it, unless somebody else uses it"
                    )

    def _asked(self, op: Step, key: Key, order: Order) -> Any:
        entry = Entry(order.path, _digests(order), time.time())
        try:
            with self._sending(op, entry):
                op.journal.asked(key, entry)
                return _claimed(op.journal, op.api.create(order.model, order.body, order.path))
        except (AnswerLost, ServerError) as error:
            return self._found(op, key, order, entry, error)
        except JoviamError:
            op.journal.over(key)
            raise

    def _found(self, op: Step, key: Key, order: Order, entry: Entry, error: JoviamError) -> Any:
        """Return the object whose response was lost, or create it."""
        op.say("the response was lost: checking whether it was created")
        pace, search = op.api.settings.pace, _Search(order, entry, str(error))
        pause, tries, sent = pace.first_search, 1, time.monotonic()
        while True:
            with self._alone(op, entry):
                live = self._look(op, search)
                left = sent + pace.late_create - time.monotonic()
                if not live and left <= 0:
                    search.settle()
                if not live and left <= 0 and not getattr(error, "timed_out", False):
                    if tries == TRIES:
                        op.journal.over(key)
                        raise error
                    search.entry = replace(entry, last=time.time())
                    op.journal.asked(key, search.entry)
                    tries += 1
                    try:
                        live = op.api.create(order.model, order.body, order.path)
                    except Cancelled:
                        raise
                    except JoviamError as again:
                        if not isinstance(again, (AnswerLost, ServerError)):
                            tries = TRIES  # refused, perhaps because the first request created it
                        error, search.because = again, str(again)
                        pause, sent, left = pace.first_search, time.monotonic(), pace.late_create
                if live:
                    return _claimed(op.journal, live)
            nap = min(pause, left) if left > 0 else pause
            if op.deadline.remaining() <= nap:
                search.settle()
                raise search.unknown("was not found; it may still be created.")
            op.deadline.sleep(nap)
            pause = min(2 * pause, pace.longest_search)

    def _taken_over(self, op: Step, order: Order, entry: Entry) -> Any:
        """Return the object that an interrupted run created, or None."""
        if entry.id:
            try:
                live = op.api.get(order.model, entry.id)
            except NotFound:
                return None
            return None if live.state in live.gone else live
        op.say("an interrupted run was creating it: checking whether it exists")
        search, late = _Search(order, entry, "an interrupted run was creating it"), op.api.settings.pace.late_create
        while True:
            with self._alone(op, entry):
                if live := self._look(op, search):
                    return _claimed(op.journal, live)
            left = max(entry.at, entry.last) + late - time.time()
            if not 0 < left <= late:
                search.settle()
                return None
            op.deadline.sleep(min(1.0, left))

    def _look(self, op: Step, search: _Search) -> Any:
        """Return the object that matches the request, or None."""
        order, entry = search.order, search.entry
        try:
            there = op.api.list(order.model)
        except Cancelled:
            raise
        except TooLarge as large:  # and it will be too large the next time
            raise AnswerLost(
                f"{search.because}\nThe {order.model.noun} cannot be searched for: {large}\nLook for it by hand, and "
                f"delete it if it is there. Then delete the folder {op.journal.folder}, where it is noted, and run "
                "`pulumi up` again."
            ) from None
        except JoviamError as unseen:
            raise search.unknown(f"could not be searched for: {unseen}") from None
        fit = search.sort(_fitting(op, order, entry, there), op.api.ahead)
        if len(fit) > max(1, op.journal.open(entry)):
            raise JoviamError(
                f"the response to the create request was lost, and several {order.model.noun}s created at that time "
                f"match: {_ids(fit)}. Delete those that nobody needs, or rename them, then run `pulumi up` "
                "again."
            )
        if search.there is None:
            search.there = {live.id for live in there}
        return fit[0] if fit else None

    def _twins(self, op: Step, again: Repeated) -> list[str]:
        """Return the ids of other objects that the request may have created.

        Their times are compared with that object's own: it was made by the same clock. Raises JoviamError where the
        list cannot tell.
        """
        order, entry, live, pace = again.order, again.entry, again.live, op.api.settings.pace
        pause = pace.first_search
        made = live.made_at
        since = None if made is None else entry.at + made - again.known - SLACK
        while True:
            with self._alone(op, entry):
                there = op.api.list(order.model)
                if live.id in {it.id for it in there}:
                    fit = [it.id for it in _fitting(op, order, entry, there) if _is_newer(it, since) is not False]
                    return fit if len(fit) > op.journal.open(entry) else []  # other searches are for these
            if op.deadline.remaining() <= pace.longest_search:
                raise JoviamError("the list does not show it either")
            op.deadline.sleep(pause)
            pause = min(2 * pause, pace.longest_search)

    @contextmanager
    def _sending(self, op: Step, entry: Entry) -> Generator[None, None, None]:
        """Send a request while no search for an identical object is running."""
        same = _same(entry)
        with self._changed:
            self._until(op, lambda: same not in self._looked_for)
            self._under_way[same] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way[same] -= 1
                self._changed.notify_all()

    @contextmanager
    def _alone(self, op: Step, entry: Entry) -> Generator[None, None, None]:
        """Search while no identical request and no other search for it is running."""
        same = _same(entry)
        with self._changed:
            self._until(op, lambda: same not in self._looked_for and not self._under_way[same])
            self._looked_for.add(same)
        try:
            yield
        finally:
            with self._changed:
                self._looked_for.discard(same)
                self._changed.notify_all()

    def _until(self, op: Step, true: Callable[[], bool]) -> None:
        while not true():
            if not op.deadline.remaining():
                raise TimedOut("the search for an identical object is still running", "busy")
            self._changed.wait(0.2)


@dataclass
class _Search:
    """The search for an object that may or may not have been created. ``because`` tells the user why."""

    order: Order
    entry: Entry
    because: str
    there: set[str] | None = None
    """The ids in the first list. Any other id was created since, as far as the list can tell."""
    doubtful: dict[str, str] = field(default_factory=dict)
    """{id: reason} of the objects that may be it or may be older."""

    def sort(self, fitting: list[Any], ahead: float | None) -> list[Any]:
        """Return the objects that were created since the request, and record the doubtful ones."""
        since = None if ahead is None else self.entry.at + ahead - SLACK
        newer, self.doubtful = list[Any](), {}
        for live in fitting:
            is_newer, appeared = _is_newer(live, since), self.there is not None and live.id not in self.there
            if is_newer or (is_newer is None and appeared):
                if untold := self.order.untold:
                    self.doubtful[live.id] = f"its {', '.join(untold)} cannot be compared"
                else:
                    newer.append(live)
            elif is_newer is None:
                why = "the API does not say what time it has" if since is None else "its created_at cannot be read"
                self.doubtful[live.id] = why
            elif appeared:
                self.doubtful[live.id] = "it has just appeared, but its created_at is earlier than the request"
        return newer

    def settle(self) -> None:
        """Raise JoviamError if it is unknown whether a found object is the requested one."""
        if self.doubtful:
            noun, [why, *_] = self.order.model.noun, self.doubtful.values()
            raise JoviamError(
                f"{self.because}\nThe {noun} {', '.join(self.doubtful)} may be it, or may have existed before: {why}. "
                "So no other one is created. If nobody needs it, delete it by hand, with what was created with it; if "
                "somebody does, rename it. Then run `pulumi up` again."
            )

    def unknown(self, why: str) -> AnswerLost:
        """Return the error for an object that may or may not exist."""
        again = "The next `pulumi up` on this machine looks for it again before it creates another."
        return AnswerLost(f"{self.because}\nThe {self.order.model.noun} {why}\n{again}")


def _same(entry: Entry) -> Any:
    return entry.path, *sorted(entry.shows.items())


def _claimed(journal: Journal, live: Any) -> Any:
    journal.claimed.add(live.id)
    return live


def _digests(order: Order) -> dict[str, str]:
    """Return the digest of all requested attributes that an object shows."""
    shown = {name: value for name, value in order.shows.items() if name in order.model.model_fields}
    compared = {name: order.body[name] for name in order.alike if name in order.body}
    return {name: digest(value) for name, value in (shown | compared).items()}


def _fits(order: Order, entry: Entry, live: Any) -> bool:
    """Return whether the object matches the request, apart from attributes that the program has changed since."""
    asked, now = entry.shows, _digests(order)
    shows = asked.keys() & order.model.model_fields.keys() - order.alike.keys()
    others = {name: is_alike for name, is_alike in order.alike.items() if name in order.body}
    changed = {is_alike for name, is_alike in order.alike.items() if name in asked and asked[name] != now.get(name)}
    return all(digest(_shown(live, name)) == asked[name] for name in shows) and all(
        is_alike(live) for is_alike in {*others.values()} - changed
    )


def _shown(live: Model, name: str) -> Any:
    """Return an attribute as in a request: objects as their ids."""
    value: Model | list[Any] | str | float | None = getattr(live, name, None)
    if isinstance(value, list):
        return [item.id if isinstance(item, Model) else item for item in value]
    return value.id if isinstance(value, Model) else value


def _fitting(op: Step, order: Order, entry: Entry, there: list[Any]) -> list[Any]:
    """Return the objects that match the request and belong to no resource of this run."""
    return [
        live
        for live in there
        if not op.journal.knows(live.id) and live.state not in live.gone and _fits(order, entry, live)
    ]


def _is_newer(live: Model, since: float | None) -> bool | None:
    """Return whether the object was created since then by the server's clock, or None if that is unknown."""
    if "created_at" not in type(live).model_fields:
        return True  # a version of a template: there was none with its number
    made = live.made_at
    return None if made is None or since is None else made >= since


def _ids(objects: list[Any]) -> str:
    return ", ".join(it.id for it in objects)

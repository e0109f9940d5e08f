"""Making an object exactly once, also when nobody can say whether the POST was heard.

A POST whose answer is lost is never just sent again. The object is looked for first: the one that shows what was asked
for, was made since by the server's own clock, and belongs to no other resource of this run. While one is looked for,
no equal request goes out, and those under way are waited for: so each of twenty equal disks whose answers are lost
together finds one of its own. Where none is there, the request goes out again if the server is known to be done with
the first one; after a mere timeout it is looked for until the step's deadline.

What a killed run was making is in the journal. A create of the same resource takes it over.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_joviam.errors import AnswerLost, Cancelled, JoviamError, NoAnswer, NotFound, ServerError, TimedOut
from pulumi_joviam.journal import Entry, Journal, Key, digest
from pulumi_joviam.models import Model

if TYPE_CHECKING:
    from pulumi_joviam.operation import Operation

M = TypeVar("M", bound=Model)

TRIES = 3
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
KILLED_SECONDS = 10.0
"""How long after a killed run's POST the server may still act on it."""
SLACK = 2.0
"""Seconds by which a time of the server may seem too early: both its Date and created_at may leave out fractions."""


@dataclass(frozen=True)
class Order:
    """What is to be made: the POST, and how to know the object if its answer is lost.

    ``shows`` are the attributes that it will show, ``alike`` is asked about what they do not tell.
    """

    model: type[Any]
    body: Mapping[str, Any]
    path: str
    shows: Mapping[str, Any]
    alike: Callable[[Any], bool] = lambda _live: True


@dataclass
class Creations:
    """The orders of one account that are being made in this process. Safe to share between threads."""

    _under_way: Counter[Any] = field(default_factory=Counter)
    _lost: Counter[Any] = field(default_factory=Counter)
    _looked_for: set[Any] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def make(self, op: Operation, key: Key, order: Order) -> Any:
        """Return the new object as soon as it has an id, or the one that an interrupted run made for this key.

        Raises what the POST raises, and AnswerLost where nobody can say whether there is an object.
        """
        journal = op.journal
        entry = journal.earlier(key)
        live = entry and self._taken_over(op, order, entry)
        if entry and live:
            journal.asked(key, entry)
            op.taken_over.append(live.id)
            op.warn(f"took over the {live.noun} {live.id}, which an interrupted run had made for this resource")
        else:
            journal.over(key)
            entry = Entry(order.path, _digests(order), time.time())
            journal.asked(key, entry)
            live = self._asked(op, key, order, entry)
        journal.made(key, live.id)
        if problem := journal.complaint():
            op.warn(f"should this run be killed, it may lose what it was making: cannot write to {problem}")
        return live

    def _asked(self, op: Operation, key: Key, order: Order, entry: Entry) -> Any:
        try:
            with self._sending(op, entry):
                return _claimed(op.journal, op.api.create(order.model, order.body, order.path))
        except (AnswerLost, ServerError) as error:
            return self._found(op, key, order, entry, error)
        except JoviamError:
            op.journal.over(key)
            raise

    def _found(self, op: Operation, key: Key, order: Order, entry: Entry, error: AnswerLost | ServerError) -> Any:
        """Return the object whose answer was lost, or make it after all."""
        op.say("the answer was lost: looking whether it was made")
        pause, looks, tries = FIRST_PAUSE, 0, 1
        try:
            while True:
                over = not getattr(error, "may_still_act", False)
                with self._alone(op, entry):
                    try:
                        live = self._match(op, order, entry)
                    except NoAnswer as unseen:
                        raise _unknown(order, error, f"could not be looked for: {unseen}") from None
                    if live:
                        return _claimed(op.journal, live)
                    if over and looks and tries < TRIES:
                        tries += 1
                        try:
                            return _claimed(op.journal, op.api.create(order.model, order.body, order.path))
                        except (AnswerLost, ServerError) as again:
                            error, looks = again, -1
                        except Cancelled:
                            raise
                        except JoviamError:
                            op.journal.over(key)
                            raise
                looks += 1
                if (over and looks and tries >= TRIES) or op.deadline.remaining() <= pause:
                    break
                op.deadline.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            with self._changed:
                self._lost[_same(entry)] -= 1
        if over and looks:
            op.journal.over(key)
            raise error
        raise _unknown(order, error, "was looked for and not found; it may still be made")

    def _taken_over(self, op: Operation, order: Order, entry: Entry) -> Any:
        """Return what an interrupted run made, or None if it made nothing."""
        if entry.id:
            try:
                live = op.api.get(order.model, entry.id)
            except NotFound:
                return None
            return None if live.state in live.gone else live
        op.say("an interrupted run was making it: looking whether it did")
        while True:
            with self._alone(op, entry):
                if live := self._match(op, order, entry):
                    return _claimed(op.journal, live)
            left = entry.at + KILLED_SECONDS - time.time()
            if not 0 < left <= KILLED_SECONDS:
                return None
            op.deadline.sleep(min(1.0, left))

    def _match(self, op: Operation, order: Order, entry: Entry) -> Any:
        """Return one object that may be what was asked for; None if there is none."""
        there = op.api.list(order.model)
        since = entry.at + op.api.ahead - SLACK
        fit = [
            live
            for live in there
            if not op.journal.knows(live.id)
            and live.state not in live.gone
            and _made_at(live) >= since
            and all(digest(_shown(live, name)) == said for name, said in entry.shows.items())
            and order.alike(live)
        ]
        if len(fit) > self._lost[_same(entry)] + op.journal.rivals(entry):
            ids = ", ".join(live.id for live in fit)
            raise JoviamError(
                f"the answer about the new {order.model.noun} was lost, and several may be it, made at the same time "
                f"by somebody else: {ids}. Delete those that nobody needs, or rename them, then run `pulumi up` again."
            )
        return fit[0] if fit else None

    @contextmanager
    def _sending(self, op: Operation, entry: Entry) -> Iterator[None]:
        """Send a request while nobody looks for an equal one. If its answer is lost, `_found` has to follow."""
        same = _same(entry)
        with self._changed:
            self._until(op, lambda: same not in self._looked_for)
            self._under_way[same] += 1
        try:
            yield
        except (AnswerLost, ServerError):
            with self._changed:  # before somebody else looks and counts how many are lost
                self._lost[same] += 1
            raise
        finally:
            with self._changed:
                self._under_way[same] -= 1
                self._changed.notify_all()

    @contextmanager
    def _alone(self, op: Operation, entry: Entry) -> Iterator[None]:
        """Look while no equal request is under way and nobody else looks for an equal one."""
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

    def _until(self, op: Operation, true: Callable[[], bool]) -> None:
        while not true():
            if not op.deadline.remaining():
                raise TimedOut("an equal object is still being looked for", "busy")
            self._changed.wait(0.2)


def _unknown(order: Order, error: JoviamError, why: str) -> AnswerLost:
    """Return the error for an object of which nobody can say whether it exists."""
    again = "The next `pulumi up` on this machine looks for it again before it makes another."
    return AnswerLost(f"{error}\nThe {order.model.noun} {why}. {again}")


def _same(entry: Entry) -> Any:
    return entry.path, *sorted(entry.shows.items())


def _claimed(journal: Journal, live: Any) -> Any:
    journal.claimed.add(live.id)
    return live


def _digests(order: Order) -> dict[str, str]:
    """Return the digest of everything that was asked for and can be seen."""
    names = set(order.model.model_fields)
    return {name: digest(value) for name, value in order.shows.items() if name in names}


def _shown(live: Model, name: str) -> Any:
    """Return an attribute as a request would say it: objects as their ids."""
    value = getattr(live, name, None)
    if isinstance(value, list):
        return [item.id if isinstance(item, Model) else item for item in value]
    return value.id if isinstance(value, Model) else value


def _made_at(live: Model) -> float:
    """Return when the object was made by the server's clock; the latest moment for one that does not say so."""
    try:
        made = datetime.fromisoformat(live.created_at.replace("Z", "+00:00"))  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return float("inf")
    return (made if made.tzinfo else made.replace(tzinfo=timezone.utc)).timestamp()

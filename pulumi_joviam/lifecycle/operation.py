"""One lifecycle step of one resource: its deadline, its connection, and its messages to the user.

All resources share how they talk to the API: they wait for transitions before they write to an object, and they retry
a request that was refused because a transition had started.
"""

from __future__ import annotations

import functools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Container, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from typing_extensions import Self, TypeVar

from pulumi_joviam.api.catalog import Catalog
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import Failed, NotFound, Taken, TimedOut, ValidationFail, Vanished
from pulumi_joviam.api.models import AnyBut, Disk, Instance, IpAddress, Model
from pulumi_joviam.api.pace import Pace
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.shared_reads import Reads, SharedClient
from pulumi_joviam.api.waiter import Waiter
from pulumi_joviam.lifecycle import journal
from pulumi_joviam.lifecycle.aliases import Aliases
from pulumi_joviam.lifecycle.call import Call, cancelled
from pulumi_joviam.lifecycle.creation import Creations, Repeated
from pulumi_joviam.lifecycle.order import Order
from pulumi_joviam.lifecycle.shared_stop import SharedStop
from pulumi_joviam.lifecycle.state import Memory

M = TypeVar("M", bound=Model)
T = TypeVar("T")
K = TypeVar("K", bound=Memory, default=Memory, covariant=True)


class Session:
    """State that all steps of an account share in this process."""

    def __init__(self, settings: Settings) -> None:
        self.client: Client = Client(settings, cancelled)
        self.catalog: Catalog = Catalog(self.client)
        self.reads: Reads = Reads()
        self.waiter: Waiter = Waiter(self.client, reads=self.reads)
        self.creations: Creations = Creations()
        self.turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self.stops: defaultdict[str, SharedStop] = defaultdict(SharedStop)
        self.accounts: set[str] = {settings.account}
        """Digests of the tokens and endpoints that are known to belong to this account."""
        self.offline = False
        """Whether a preview could not reach the API."""


_opening = threading.Lock()
_open = functools.cache(Session)


def session(settings: Settings) -> Session:
    """Return the one session for these settings."""
    with _opening:
        return _open(settings)


@dataclass(frozen=True)
class Operation(Generic[K]):
    """One step. The requests of ``api`` end at the step's deadline."""

    call: Call
    api: Client
    deadline: Deadline
    session: Session
    aliases: Aliases
    """The objects that names in the program refer to."""
    private: K
    """The private state of the resource. It is saved after the step, even if the step fails."""
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The previous inputs of the program."""
    taken_over: list[str] = field(default_factory=list)
    """Ids of objects of an interrupted run that this step has adopted."""
    repeated: list[Repeated] = field(default_factory=list)
    """Objects that this step may have created twice."""

    @classmethod
    def begin(
        cls,
        call: Call,
        settings: Settings,
        seconds: float,
        aliases: Aliases,
        private: K,  # type: ignore[misc] # a new step takes it, nobody puts another one into a step
        before: Mapping[str, Any] | None = None,
    ) -> Operation[K]:
        """Start a step that may take ``seconds``."""
        shared = session(settings)
        deadline = Deadline.after(seconds, cancelled)
        return cls(call, shared.client.until(deadline), deadline, shared, aliases, private, before or {})

    def afresh(self, seconds: float) -> Self:
        """Return the same step with a new deadline that Ctrl-C does not end."""
        return self.until(Deadline.after(seconds))

    def until(self, deadline: Deadline) -> Self:
        """Return the same step with another deadline."""
        return replace(self, api=self.api.until(deadline), deadline=deadline)

    def sharing(self) -> Self:
        """Return the same step for a first read: responses may be seconds old, but not older than our last write."""
        return replace(self, api=SharedClient(self.api, self.session.reads))

    @property
    def journal(self) -> journal.Journal:
        """The journal of this stack."""
        return journal.of_stack(self.call.stack)

    def create(
        self,
        model: type[M],
        body: Mapping[str, Any],
        path: str | None = None,
        *,
        purpose: str = "",
        shows: Mapping[str, Any] | None = None,
        alike: Mapping[str, Callable[[M], bool]] | None = None,
    ) -> M:
        """Create an object exactly once, and return it as soon as it has an id: it may still be provisioning.

        ``purpose`` distinguishes the objects that one resource creates. If the response is lost, the object is
        recognized by the attributes in ``shows`` (default: those of ``body``) and by ``alike``: {attribute of ``body``:
        whether an object may have been created with it}. If an attribute is in neither, the error names the object
        instead of adopting it.
        """
        order = Order(model, body, path or model.path, body if shows is None else shows, alike or {})
        made: M = self.session.creations.make(self, (self.call.urn, purpose), order)
        return made

    @property
    def pace(self) -> Pace:
        """All pauses and time limits."""
        return self.api.settings.pace

    @property
    def catalog(self) -> Catalog:
        """The catalog of regions, tiers and templates, limited to this step's deadline."""
        return self.session.catalog.until(self.deadline)

    @contextmanager
    def exclusive(self, instance_id: str) -> Generator[None, None, None]:
        """Lock an instance against other steps of this process."""
        turn = self.session.turns[instance_id]
        while not turn.acquire(timeout=0.2):
            if not self.deadline.remaining():
                raise TimedOut(f"another resource is still working on the instance {instance_id}", "busy")
        try:
            yield
        finally:
            turn.release()

    def say(self, message: str) -> None:
        """Show a line in the resource's row while it is worked on."""
        self.call.say(message)

    def warn(self, message: str) -> None:
        """Show a warning on the resource."""
        self.call.warn(message)

    def wait(self, live: Model, until: Container[str], within: float = math.inf) -> str:
        """Wait until the object is in one of these states and return it. The user sees the states in between."""
        return self.session.waiter.wait(type(live), live.id, until, self.deadline.within(within), self.say)

    def wait_settled(self, live: M) -> M:
        """Wait until no transition is in progress, and return the object in whatever state it is."""
        if live.settled:
            return live
        state = self.wait(live, live.ready | live.failed)
        # the list that has ended the wait shows a new object; one that we have changed may be shown as it was before
        if not self.api.writes.were_sent_to(live.id):
            listed = self.session.reads.get(self.api, type(live), live.id)
            if listed and listed.state == state:  # otherwise the list is older than the wait's last poll
                return listed
        return self.api.get(type(live), live.id)

    def wait_ready(self, live: M) -> M:
        """Wait until the object is ready. Raises Failed if it ended in a failed state."""
        live = self.wait_settled(live)
        if live.state in live.failed:
            raise Failed(f"the {live.noun} {live.id} ended in state {live.state}", live.state)
        return live

    def retry_while_changing(self, live: M, act: Callable[[M], T]) -> T:
        """Act on the object when it is ready; retry if the API refuses because a transition has started."""
        while True:
            live = self.wait_settled(live)
            try:
                return act(live)
            except ValidationFail:
                now = self.api.get(type(live), live.id)
                if now.state == live.state:
                    raise
                live = now

    def retry_when_settled(
        self, disk_ids: Iterable[str], act: Callable[[], T], *, addresses: Iterable[str] = (), to: str | None = None
    ) -> T:
        """Act on disks or addresses; retry if the API refuses while one of them is in transition.

        ``to`` is the id of the instance that they are attached to, "" for a new one. Raises Taken if another instance
        has them.
        """
        tries = 0
        while True:
            try:
                return act()
            except ValidationFail as refusal:
                things: list[Disk | IpAddress] = [*self._there(Disk, disk_ids), *self._there(IpAddress, addresses)]
                if to is not None:
                    self._tell_who_has(things, to, refusal)
                moving = [thing for thing in things if self._is_moving(thing)]
                if not moving:
                    raise
                for thing in moving:
                    self._move_on(thing, refusal, tries)
                tries += 1

    def delete(self, live: M, prepare: Callable[[M], object] = lambda _now: None) -> None:
        """Delete the object and wait until it no longer exists. It may be deleted already.

        The request is sent first, in any state: there is no other way to get rid of an object that is stuck. Only a
        refusal is waited for. ``prepare`` is called before each request.
        """
        tries = 0
        try:
            while True:
                try:
                    prepare(live)
                    self.api.delete(type(live), live.id)
                    break
                except ValidationFail as refusal:
                    before, live = live, self.api.get(type(live), live.id)
                    if live.state in live.gone:
                        return
                    if live.state == before.state:
                        self._move_on(live, refusal, tries)
                        live = self.api.get(type(live), live.id)
                    tries += 1
            while live.state:
                try:
                    self.wait(live, live.gone)
                    return
                except Failed as failed:
                    if failed.state != live.state:
                        raise
                    self.deadline.sleep(
                        self.pace.first_poll
                    )  # it had failed before, and the API has not started the deletion yet
        except (NotFound, Vanished):
            return

    def holders(self, live: Model) -> list[Instance]:
        """Return the instances that list a disk or an address.

        The object itself may still show an instance that was deleted or no longer has it.
        """
        there = [it for it in self._there(Instance, live.shown_on) if it.state not in (*it.gone, "terminating")]
        return [instance for instance in there if instance.has(live.id) or live.state == "attaching"]

    def _there(self, model: type[M], ids: Iterable[str]) -> list[M]:
        """Return the objects that exist."""
        found = list[M]()
        for id in ids:
            with suppress(NotFound):
                found.append(self.api.get(model, id))
        return found

    def _tell_who_has(self, things: Iterable[Disk | IpAddress], to: str, refusal: ValidationFail) -> None:
        """Raise Taken if an instance other than ``to`` has one of these, which only one instance can have."""
        for thing in things:
            shared = isinstance(thing, IpAddress) and thing.shareable
            for other in () if shared else self.holders(thing):
                if other.id != to:
                    raise Taken(
                        f"{refusal}\nThe instance {other.called} has the {thing.noun} {thing.called}. Move it in "
                        "two runs: first `up` a program that removes it from that instance, then one that adds it to "
                        "this one."
                    ) from None

    def _is_moving(self, live: Model) -> bool:
        """Return whether the object is about to change: it is in a transitional state, or being detached."""
        return not live.settled or bool(live.shown_on and not self.holders(live))

    def _move_on(self, live: Model, refusal: ValidationFail, tries: int) -> None:
        """After a refusal, wait for the transition of the object. Raises the refusal if there is none."""
        try:
            if not live.settled:
                self.wait(live, AnyBut(live.state))
            elif not self._is_moving(live):
                raise refusal
            elif (pause := self._pause(tries)) < self.deadline.remaining():
                self.deadline.sleep(pause)
            else:
                on = " and ".join(live.shown_on)
                raise TimedOut(
                    f"the {live.noun} {live.id} still shows the instance {on}, which no longer uses it", live.state
                )
        except TimedOut as late:
            raise TimedOut(f"{late}\n{refusal}", late.state) from None

    def _pause(self, tries: int) -> float:
        return min(self.pace.first_poll * self.pace.refusal_growth**tries, self.pace.longest_refusal)

"""The data of an emulated account: its objects, their states, the clock and the errors.

It is independent of HTTP and of the kinds of objects. Objects hold only JSON values and ids of other objects, so a
store can be saved to a file.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import Any, ClassVar, Generic, TypeVar

from typing_extensions import TypedDict

Shown = Mapping[str, Any]
"""An object as the API shows it; each kind declares its fields."""

Card = dict[str, Any]
"""An object as the live page shows it."""

SEED_TIME = "2016-05-10T03:36:34.615Z"
"""The creation time of all seed data."""

PACE: Mapping[str, float] = {
    "provisioning": 1.0,
    "attaching": 0.5,
    "detaching": 0.5,
    "initiating": 0.5,
    "resizing": 0.5,
    "starting": 0.5,
    "stopping": 0.5,
    "terminating": 0.5,
    "updating": 0.5,
    "updating_network": 0.5,
}
"""The duration of each transitional state, in units of `Switches.provision_seconds`."""

MOST_GONE = 1000
"""How many terminated objects are stored, to limit the memory of a long-running emulator."""

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Switches:
    """How the emulated cloud behaves: its speed, and a choice wherever the API reference leaves the behavior open."""

    provision_seconds: float = 0.2
    """Seconds from creating an object until it is ready; other transitions take a share of it (`PACE`). 0: at once."""
    clock_skew: float = 0.0
    """Seconds by which the cloud's clock (`created_at`, the `Date` header) is ahead of this machine's."""

    live_memory: bool = False
    """A running instance may change memory, performance_tier and virtualization. Otherwise 422 at that field."""
    live_resize: bool = True
    """A disk of a running instance may be resized. Otherwise 422 at `size`."""
    resize_at_once: bool = True
    """A resized disk has its new size at once. Otherwise when the state `resizing` ends."""

    delete_under_way: bool = False
    """Disks, instances and networks may be deleted in a transitional state, too. Otherwise 422 at `state`."""
    slow_delete: bool = True
    """Deleted disks, instances and networks are `terminating` for a while. Otherwise they are gone at once."""
    gone_is_404: bool = True
    """Requests for deleted disks, instances and networks get 404. Otherwise the last MOST_GONE of them stay, also in
    lists, as `terminated`."""
    delete_running: bool = False
    """A running instance may be deleted. Otherwise 422 at `state`."""
    delete_takes_disks: bool = False
    """Deleting an instance deletes its disks. Otherwise they become unattached."""
    delete_takes_addresses: bool = False
    """Deleting an instance deallocates the addresses that no other instance uses. Otherwise they become free."""
    delete_attached_disk: bool = False
    """A disk may be deleted while it is attached. Otherwise 422 at `state`."""
    delete_attached_address: bool = False
    """An address may be deallocated while it is attached. Otherwise 422 at `instance_ids`."""

    detach_seconds: float = 0.0
    """Seconds for which the disks and addresses of a deleted instance stay attached, and cannot be used or deleted."""

    clone_any_disk: bool = True
    """Every disk may be cloned. Otherwise only those with `is_template`."""
    symmetric_groups: bool = True
    """An availability group set on one instance shows on all of its members. Otherwise on that instance only."""
    duplicate_keys: bool = True
    """The same public key may be uploaded twice. Otherwise 422 at `key`."""

    # what a real cloud may do, although a reference would not mention it

    date_header: bool = True
    """Responses have a `Date` header."""
    late_lists: float = 0.0
    """Seconds until lists include a new object. It can be read by id at once."""
    list_limit: int | None = None
    """Lists include only this many of the account's objects, the oldest ones."""
    new_is_404: float = 0.0
    """Seconds for which requests with the id of a new object in the URL get 404."""
    stale_reads: float = 0.0
    """Seconds for which reads return an object as it was before a PUT, POST or DELETE of it."""
    stale_lists: float = 0.0
    """The same for lists only."""
    ignored_updates: bool = False
    """A PUT of an object, or of an instance's context, returns 200 with the current values, and changes nothing."""


class Refused(Exception):
    """The API rejects a request. `error` is the API's error code; server.py has its status."""

    error: ClassVar[str]
    details: str | dict[str, list[str]] | None = None


class BadRequest(Refused):
    """The request is malformed; `details` names the fields in one string."""

    error = "bad_request"

    def __init__(self, details: str) -> None:
        super().__init__(details)
        self.details: str | dict[str, list[str]] | None = details


class Forbidden(Refused):
    """The account may not do this."""

    error = "forbidden"


class NotFound(Refused):
    """The object or the URL does not exist."""

    error = "not_found"


class Invalid(Refused):
    """The request is well-formed but breaks a rule; `details` maps each field to what is wrong with it."""

    error = "validation_fail"

    def __init__(self, details: dict[str, list[str]]) -> None:
        super().__init__(details)
        self.details: str | dict[str, list[str]] | None = details


class Check:
    """Collects the errors of a request; the end of the `with` block raises Invalid with all of them."""

    def __init__(self) -> None:
        self.details: dict[str, list[str]] = {}

    def __enter__(self) -> Check:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is None and self.details:
            raise Invalid(self.details)

    def __call__(self, field: str, ok: bool, message: str) -> None:
        """Add `message` to the errors of `field` unless `ok`."""
        if not ok:
            self.details.setdefault(field, []).append(message)

    def name(self, name: str) -> None:
        """Add an error if no object can have this name."""
        self("name", bool(name.strip()), "can't be blank")
        self("name", len(name) <= 255, "is too long (maximum is 255 characters)")


class StateShown(TypedDict):
    """The response of the state endpoints."""

    state: str


class Empty(TypedDict):
    """An empty response."""


ShownT = TypeVar("ShownT")


@dataclass(frozen=True)
class Accepted(Generic[ShownT]):
    """The response of an operation that goes on after it (202 instead of 200)."""

    shown: ShownT


@dataclass(kw_only=True)
class Object:
    """An object of the account, or one that the cloud offers to all accounts."""

    kind: ClassVar[str]
    """Its plural name, as in URLs."""

    id: str = ""
    created_at: str = ""
    updated_at: str = ""

    def show(self, store: Store) -> Shown:
        """The object as the API shows it."""
        raise NotImplementedError

    def card(self, store: Store) -> Card | None:
        """What the live page shows of it, or None: its `id`, its `name` and, in the line below, what is `about` it.

        The page asks for no token on this machine, so no secret may be in it.
        """
        return None

    def owned(self) -> bool:
        """Whether it belongs to the account. The cloud's own objects are seed data."""
        return True

    def gone(self) -> bool:
        """Whether it was deleted, and is stored only so that clients can still read it."""
        return False

    def remove(self, store: Store) -> None:
        """Remove it at once, with all references to it."""
        store.table(type(self)).pop(self.id, None)
        store.moving.pop(self.id, None)
        store.drop_references(self)

    def uses(self, object_id: str) -> bool:
        """Whether this object needs that one."""
        return False

    def drop_references(self, store: Store, gone: Object) -> None:
        """Drop the references to an object that was deleted."""

    def change(self, store: Store, name: str, value: Any) -> None:
        """Set a stored field, without validation."""
        if name == "id" or name not in {known.name for known in fields(self)}:
            raise AttributeError(f"{self.kind} have no field {name!r}")
        setattr(self, name, value)


@dataclass(kw_only=True)
class Moving(Object):
    """An object whose state changes by itself.

    `transitions` maps each transitional state to the next one, `pace` says how long it lasts, `ready` has the states in
    which the object can be used, and `failed` is the state after failed provisioning.
    """

    transitions: ClassVar[Mapping[str, str]]
    ready: ClassVar[frozenset[str]]
    failed: ClassVar[str] = "failed_to_provision"
    pace: ClassVar[Mapping[str, float]] = PACE
    shown_by: ClassVar[frozenset[str]] = frozenset()
    """The kinds that stay attached to it for a while after it is deleted (`Switches.detach_seconds`)."""

    state: str = "initial"
    since: float = 0.0
    then: str = ""

    def entered(self, store: Store) -> None:
        """Update fields that depend on the new state."""

    def _moves(self) -> Card:
        """What every card of one shows: its state, and whether that moves on by itself."""
        return {"id": self.id, "state": self.state, "busy": bool(self.then)}

    def require(self, *states: str) -> None:
        """Reject the operation unless the object is in one of these states (default: `ready`)."""
        if self.state not in (states or self.ready):
            raise Invalid({"state": [f"is {self.state}"]})

    def require_deletable(self, store: Store, *states: str) -> None:
        """Reject a deletion unless the object is in one of these states, or may be deleted in a transitional one."""
        transitional = self.state not in self.ready and self.state != "terminating"
        if not (store.switches.delete_under_way and transitional):
            self.require(*states)

    def gone(self) -> bool:
        """Deleted ones stay in the store as `terminated`."""
        return self.state == "terminated"

    def remove(self, store: Store) -> None:
        """Terminate at once."""
        store.enter(self, "terminated")

    def terminate(self, store: Store) -> None:
        """Terminate as a DELETE does: at the cloud's pace."""
        store.enter(self, "terminating" if store.switches.slow_delete else "terminated")

    def change(self, store: Store, name: str, value: Any) -> None:
        """Set a field. A state set this way, even a transitional one, stays until the next change."""
        if name == "state":
            store.enter(self, value, then="")
        else:
            super().change(store, name, value)


ObjectT = TypeVar("ObjectT", bound=Object)
MovingT = TypeVar("MovingT", bound=Moving)


@dataclass
class Store:
    """All objects of one account. Not thread safe: callers hold a lock."""

    switches: Switches = field(default_factory=Switches)
    tables: defaultdict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    moving: dict[str, Moving] = field(default_factory=dict)
    failing: Counter[str] = field(default_factory=Counter)
    """How many of the next objects of a kind fail to provision, and how many of the next `start` and `stop` fail."""
    version: int = field(default_factory=lambda: next(_numbers))
    """A new number after every change, unique across stores."""
    before: dict[str, tuple[float, Shown]] = field(default_factory=dict)
    """When an object was last written, and its response before that (for `Switches.stale_reads` and `stale_lists`)."""

    _terminated: deque[Object] = field(default_factory=deque)
    _detaching: list[tuple[float, Moving]] = field(default_factory=list)
    """Deleted objects, and until when others stay attached to them."""
    _agenda: list[tuple[float, int, Moving]] = field(default_factory=list)
    """A heap of the times at which states may end. Outdated entries are harmless: they only cause an extra check."""
    _agenda_pace: float = 0.0

    # Ids and the clock

    def wall_clock(self) -> float:
        """Seconds since the epoch by the cloud's clock."""
        return time.time() + self.switches.clock_skew

    def timestamp(self, after: float = 0.0) -> str:
        """Return the current time plus `after` seconds in the API's format: ISO 8601 with milliseconds, in UTC."""
        now = datetime.fromtimestamp(self.wall_clock() + after, timezone.utc)
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"

    def touch(self, obj: Object, changes: Mapping[str, Any] | None = None) -> None:
        """Set fields on behalf of a client, and update `updated_at`."""
        for name, value in (changes or {}).items():
            setattr(obj, name, value)
        obj.updated_at = self.timestamp()

    # Tables

    def table(self, noun: type[ObjectT]) -> dict[str, ObjectT]:
        """Every object of a kind by id, including deleted ones."""
        return self.tables[noun.kind]

    def add(self, obj: ObjectT) -> ObjectT:
        """Add a new object, with an id and its times."""
        obj.id = obj.id or new_id()
        obj.created_at = obj.updated_at = obj.created_at or self.timestamp()
        self.table(type(obj))[obj.id] = obj
        return obj

    def users(self, used: Object) -> list[Object]:
        """The objects that need this one."""
        return [obj for table in self.tables.values() for obj in table.values() if obj.uses(used.id) and not obj.gone()]

    def drop_references(self, gone: Object, kinds: Collection[str] | None = None) -> None:
        """Drop the references to a deleted object from all objects, or from those of some kinds."""
        for kind in list(self.tables) if kinds is None else kinds:
            for obj in list(self.tables[kind].values()):
                obj.drop_references(self, gone)

    def all(self, noun: type[ObjectT]) -> Iterator[ObjectT]:
        """The objects of a kind that are not deleted, oldest first."""
        return (obj for obj in self.table(noun).values() if not obj.gone())

    def visible(self, noun: type[ObjectT]) -> Iterator[ObjectT]:
        """The objects of a kind that the API lists, oldest first."""
        left = self.switches.list_limit
        for obj in self.all(noun) if self.switches.gone_is_404 else self.table(noun).values():
            if obj.owned():
                if left == 0 or self.is_new(obj, self.switches.late_lists):
                    continue
                left = left and left - 1
            yield obj

    def is_new(self, obj: Object, seconds: float) -> bool:
        """Whether the object was created within the last `seconds`, by the cloud's clock."""
        return seconds > 0 and self.timestamp(-seconds) < obj.created_at

    def named(self, object_id: str) -> Object | None:
        """The object of any kind with this id."""
        tables = (table for table in self.tables.values() if object_id in table)
        return next((table[object_id] for table in tables), None)

    # Reading

    def shown(self, obj: Object) -> Any:
        """The object as the API returns it: with the switch `stale_reads`, as it was before the last write."""
        return self._shown(obj, self.switches.stale_reads)

    def listed(self, obj: Object) -> Any:
        """The object as a list returns it: with one of the switches for that, as it was before the last write."""
        return self._shown(obj, max(self.switches.stale_reads, self.switches.stale_lists))

    def _shown(self, obj: Object, late: float) -> Any:
        at, before = self.before.get(obj.id, (-math.inf, {}))
        return before if time.monotonic() < at + late else obj.show(self)

    def snapshot(self, obj: Object | None) -> Mapping[str, tuple[float, Shown]]:
        """The entry for `before`, to be stored after a write to the object."""
        late = self.switches.stale_reads or self.switches.stale_lists
        return {obj.id: (time.monotonic(), obj.show(self))} if obj and late else {}

    def find(self, noun: type[ObjectT], object_id: str) -> ObjectT:
        """Return the object that a URL names. Raises NotFound."""
        obj = self.table(noun).get(object_id)
        if obj is None or (obj.gone() and self.switches.gone_is_404):
            raise NotFound
        return obj

    def refer(self, field: str, noun: type[ObjectT], object_id: str) -> ObjectT:
        """Return the object that a field of a request names. Raises Invalid for that field."""
        obj = self.table(noun).get(object_id)
        if obj is None or obj.gone():
            raise Invalid({field: [f"{object_id} does not exist"]})
        return obj

    def refer_each(self, field: str, noun: type[ObjectT], object_ids: list[str]) -> list[ObjectT]:
        """Return the objects that a list in a request names, each once. Raises Invalid for that field."""
        if len(set(object_ids)) < len(object_ids):
            raise Invalid({field: ["must name each one only once"]})
        return [self.refer(field, noun, object_id) for object_id in object_ids]

    # States

    def provision(self, obj: MovingT, *, state: str = "provisioning", then: str | None = None) -> MovingT:
        """Add a new object and start provisioning it; `then` overrides the state after success."""
        self.add(obj)
        if self.fails(obj.kind):
            then = obj.failed
        self.enter(obj, state, then=then)
        return obj

    def fails(self, what: str) -> bool:
        """Return whether this one has to fail, and count it."""
        fails = self.failing[what] > 0
        self.failing[what] -= fails
        return fails

    def enter(self, obj: Moving, state: str, *, then: str | None = None, since: float | None = None) -> None:
        """Set the state of an object; `then` overrides the next state (empty: the state stays)."""
        obj.state = state
        obj.since = time.monotonic() if since is None else since
        obj.then = obj.transitions.get(state, "") if then is None else then
        if obj.then:
            self.moving[obj.id] = obj
        else:
            self.moving.pop(obj.id, None)
        obj.entered(self)
        if obj.gone():
            self.drop_references(obj, self.tables.keys() - obj.shown_by)
            self._detaching.append((time.monotonic() + self.switches.detach_seconds, obj))
            self._end_detaching()
            self._retain(obj)
        self.changed()
        self._advance(obj)

    def settle(self) -> None:
        """End every state whose time is over. Called before each access, so no thread is needed."""
        if self._agenda_pace != self.switches.provision_seconds:
            self._agenda_pace = self.switches.provision_seconds
            self._agenda.clear()
            for obj in list(self.moving.values()):
                self._advance(obj)
        self._end_detaching()
        now = time.monotonic()
        while self._agenda and self._agenda[0][0] <= now:
            _, _, obj = heapq.heappop(self._agenda)
            if obj.id in self.moving:
                self._advance(obj)

    def resume(self) -> None:
        """Continue transitions after the tables were loaded from a file."""
        for table in self.tables.values():
            for obj in list(table.values()):
                if obj.gone():
                    self.drop_references(obj)
                    self._retain(obj)
                elif isinstance(obj, Moving) and obj.then:
                    self.moving[obj.id] = obj
                    self._advance(obj)

    def changed(self) -> None:
        """Note a change: update the version."""
        self.version = next(_numbers)

    def _advance(self, obj: Moving) -> None:
        if not obj.then:
            return
        due = obj.since + obj.pace[obj.state] * self.switches.provision_seconds
        if time.monotonic() >= due:
            # The next state starts when this one ended, not when it is noticed.
            self.enter(obj, obj.then, since=due)
        else:
            heapq.heappush(self._agenda, (due, next(_numbers), obj))

    def _end_detaching(self) -> None:
        now = time.monotonic()
        for until, gone in [each for each in self._detaching if each[0] <= now]:
            self._detaching.remove((until, gone))
            self.drop_references(gone, gone.shown_by)
            self.changed()

    def _retain(self, obj: Object) -> None:
        """Keep a deleted object, without references, until MOST_GONE newer ones are deleted."""
        self._terminated.append(obj)
        if len(self._terminated) > MOST_GONE:
            oldest = self._terminated.popleft()
            self.table(type(oldest)).pop(oldest.id, None)


def new_id() -> str:
    """Return a unique id."""
    return str(uuid.uuid4())


def seed_id(*words: str) -> str:
    """Return the id of a seed object: the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("pulumi-joviam-emulator", *words))))

"""The account behind the emulator: its objects, its clock, states that move on by themselves, and refusals.

Nothing here knows HTTP or a particular noun. Every object holds only JSON values and the ids of other objects, so that
a store can be written to a file.
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
"""An object as the API shows it; each noun declares which fields it has."""

SEED_TIME = "2016-05-10T03:36:34.615Z"
"""When everything was made that is there before the first request."""

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
"""How long a state lasts that ends by itself, in units of `Switches.provision_seconds`."""

MOST_GONE = 1000
"""How many terminated objects are remembered, so that an account in use for days does not grow without end."""

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Switches:
    """How the emulated cloud behaves: its pace, and one answer to each question that the API reference leaves open."""

    provision_seconds: float = 0.2
    """Seconds from creating an object until it is ready; other work takes a fixed part of it (`PACE`). 0: at once."""
    clock_skew: float = 0.0
    """Seconds by which the cloud's own clock (`created_at`, the `Date` header) is ahead of this machine's."""

    live_memory: bool = False
    """A running instance may change memory, performance_tier and virtualization. Otherwise 422 at that field."""
    live_resize: bool = True
    """A disk of a running instance may be resized. Otherwise 422 at `size`."""
    resize_at_once: bool = True
    """A resized disk shows its new size at once. Otherwise when the state `resizing` ends."""

    delete_under_way: bool = False
    """Disks, instances and networks may be deleted in a passing state, too. Otherwise 422 at `state`."""
    slow_delete: bool = True
    """Deleted disks, instances and networks are `terminating` for a while. Otherwise they are gone at once."""
    gone_is_404: bool = True
    """Deleted disks, instances and networks answer 404. Otherwise they stay, also in lists, as `terminated` (the last
    MOST_GONE of them)."""
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
    """Seconds for which disks and addresses still show an instance that is gone, and are refused as attached ones."""

    clone_any_disk: bool = True
    """Every disk may be cloned. Otherwise only those with `is_template`."""
    symmetric_groups: bool = True
    """An availability group set on one instance shows on all of its members. Otherwise on that instance only."""
    duplicate_keys: bool = True
    """The same public key may be uploaded twice. Otherwise 422 at `key`."""

    # what a real cloud may do, though no reference would say so

    date_header: bool = True
    """Answers say in a `Date` header when they were given."""
    late_lists: float = 0.0
    """Seconds until lists show a new object. By its id it is there at once."""
    list_limit: int | None = None
    """Lists show only so many of the account's objects, the oldest ones."""
    new_is_404: float = 0.0
    """Seconds in which whoever names a new object by its id in a URL gets 404."""
    stale_reads: float = 0.0
    """Seconds in which an object that a PUT, POST or DELETE named in its URL is shown as it was before that."""
    ignored_updates: bool = False
    """A PUT of an object, or of an instance's context, answers 200 with what is there, and changes nothing."""


class Refused(Exception):
    """The API says no. `error` is the API's word for why; the server knows its status."""

    error: ClassVar[str]
    details: str | dict[str, list[str]] | None = None


class BadRequest(Refused):
    """The request is malformed; `details` names the fields in one string."""

    error = "bad_request"

    def __init__(self, details: str) -> None:
        super().__init__(details)
        self.details = details


class Forbidden(Refused):
    """The account may not do this."""

    error = "forbidden"


class NotFound(Refused):
    """There is no such object, or no such URL."""

    error = "not_found"


class Invalid(Refused):
    """The request is well-formed but breaks a rule; `details` maps each field to what is wrong with it."""

    error = "validation_fail"

    def __init__(self, details: dict[str, list[str]]) -> None:
        super().__init__(details)
        self.details = details


class Check:
    """Collects what is wrong with a request; the end of the `with` block refuses it, naming every field at once."""

    def __init__(self) -> None:
        self.details: dict[str, list[str]] = {}

    def __enter__(self) -> Check:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is None and self.details:
            raise Invalid(self.details)

    def __call__(self, field: str, ok: bool, message: str) -> None:
        """Hold `message` against `field` unless `ok`."""
        if not ok:
            self.details.setdefault(field, []).append(message)

    def name(self, name: str) -> None:
        """Hold names against the request that no object may have."""
        self("name", bool(name.strip()), "can't be blank")
        self("name", len(name) <= 255, "is too long (maximum is 255 characters)")


class StateShown(TypedDict):
    """The answer of a cheap look at one object."""

    state: str


class Empty(TypedDict):
    """The answer when nothing is left to show."""


ShownT = TypeVar("ShownT")


@dataclass(frozen=True)
class Accepted(Generic[ShownT]):
    """What an operation shows that goes on after its answer (202 instead of 200)."""

    shown: ShownT


@dataclass(kw_only=True)
class Object:
    """One thing of the account, or one that the cloud offers to everybody."""

    kind: ClassVar[str]
    """Its noun in the plural, as in URLs."""

    id: str = ""
    created_at: str = ""
    updated_at: str = ""

    def show(self, store: Store) -> Shown:
        """The object as the API shows it."""
        raise NotImplementedError

    def owned(self) -> bool:
        """Whether the account made it (the cloud's own objects are seed data)."""
        return True

    def gone(self) -> bool:
        """Whether it was deleted and is remembered only for clients that ask again."""
        return False

    def remove(self, store: Store) -> None:
        """Vanish at once, and leave no trace in other objects."""
        store.table(type(self)).pop(self.id, None)
        store.moving.pop(self.id, None)
        store.let_go(self)

    def uses(self, object_id: str) -> bool:
        """Whether this object would break if that one vanished."""
        return False

    def let_go(self, store: Store, gone: Object) -> None:
        """Forget an object that has just vanished."""

    def change(self, store: Store, name: str, value: Any) -> None:
        """Set one stored field, whatever the rules say."""
        if name == "id" or name not in {known.name for known in fields(self)}:
            raise AttributeError(f"{self.kind} have no field {name!r}")
        setattr(self, name, value)


@dataclass(kw_only=True)
class Moving(Object):
    """An object whose state moves on by itself.

    `transitions` declares where each passing state leads, `ready` in which states the object can be worked with, and
    `failed` where provisioning ends when it goes wrong.
    """

    transitions: ClassVar[Mapping[str, str]]
    ready: ClassVar[frozenset[str]]
    failed: ClassVar[str] = "failed_to_provision"
    shown_by: ClassVar[frozenset[str]] = frozenset()
    """The kinds that may show it for a while after it is gone (`Switches.detach_seconds`)."""

    state: str = "initial"
    since: float = 0.0
    then: str = ""

    def entered(self, store: Store) -> None:
        """Do what becomes true with the state just entered."""

    def require(self, *states: str) -> None:
        """Refuse the operation unless the object is in one of these states (default: `ready`)."""
        if self.state not in (states or self.ready):
            raise Invalid({"state": [f"is {self.state}"]})

    def require_deletable(self, store: Store, *states: str) -> None:
        """Refuse a deletion unless the object is in one of these states, or may be deleted in any passing one."""
        passing = self.state not in self.ready and self.state != "terminating"
        if not (store.switches.delete_under_way and passing):
            self.require(*states)

    def gone(self) -> bool:
        """Deleted ones stay in the store as `terminated`."""
        return self.state == "terminated"

    def remove(self, store: Store) -> None:
        """Terminate at once."""
        store.enter(self, "terminated")

    def terminate(self, store: Store) -> None:
        """Terminate as a client asked for it: at the cloud's pace."""
        store.enter(self, "terminating" if store.switches.slow_delete else "terminated")

    def change(self, store: Store, name: str, value: Any) -> None:
        """Set one field. A state set this way stays until somebody changes it again, also if it is a passing one."""
        if name == "state":
            store.enter(self, value, then="")
        else:
            super().change(store, name, value)


ObjectT = TypeVar("ObjectT", bound=Object)
MovingT = TypeVar("MovingT", bound=Moving)


@dataclass
class Store:
    """All objects of one account. Not thread safe: whoever shares it, locks it."""

    switches: Switches = field(default_factory=Switches)
    tables: defaultdict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    moving: dict[str, Moving] = field(default_factory=dict)
    failing: Counter[str] = field(default_factory=Counter)
    """How many of the next objects of a kind will fail to provision, and how many of the next `start` and `stop`."""
    version: int = field(default_factory=lambda: next(_numbers))
    """Another number after every change, and never that of another store."""
    before: dict[str, tuple[float, Shown]] = field(default_factory=dict)
    """When an object was last written to, and how it was shown before that (for `Switches.stale_reads`)."""

    _dead: deque[Object] = field(default_factory=deque)
    _shown_on: list[tuple[float, Moving]] = field(default_factory=list)
    """What is gone, and until when what it had shows it."""
    _agenda: list[tuple[float, int, Moving]] = field(default_factory=list)
    """A heap of when which state may end. An entry that is out of date does no harm: it only makes us look again."""
    _agenda_pace: float = 0.0

    # Ids and the clock

    def wall_clock(self) -> float:
        """Seconds since the epoch by the cloud's own clock."""
        return time.time() + self.switches.clock_skew

    def timestamp(self, after: float = 0.0) -> str:
        """Now, or so many seconds after it, as the API writes it: ISO 8601 with milliseconds, in UTC."""
        now = datetime.fromtimestamp(self.wall_clock() + after, timezone.utc)
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"

    def touch(self, obj: Object, changes: Mapping[str, Any] | None = None) -> None:
        """Note that a client changed the object's configuration, and set these fields."""
        for name, value in (changes or {}).items():
            setattr(obj, name, value)
        obj.updated_at = self.timestamp()

    # Tables

    def table(self, noun: type[ObjectT]) -> dict[str, ObjectT]:
        """Every object of a kind by id, also those that are gone."""
        return self.tables[noun.kind]

    def add(self, obj: ObjectT) -> ObjectT:
        """Take in a new object and give it an id and its times."""
        obj.id = obj.id or new_id()
        obj.created_at = obj.updated_at = obj.created_at or self.timestamp()
        self.table(type(obj))[obj.id] = obj
        return obj

    def users(self, used: Object) -> list[Object]:
        """The objects that would break if this one vanished."""
        return [obj for table in self.tables.values() for obj in table.values() if obj.uses(used.id) and not obj.gone()]

    def let_go(self, gone: Object, kinds: Collection[str] | None = None) -> None:
        """Make every other object, or those of some kinds, forget one that vanished."""
        for kind in list(self.tables) if kinds is None else kinds:
            for obj in list(self.tables[kind].values()):
                obj.let_go(self, gone)

    def all(self, noun: type[ObjectT]) -> Iterator[ObjectT]:
        """The objects of a kind that are there, oldest first."""
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
        """Whether the object was made within the last `seconds`, by the cloud's own clock."""
        return seconds > 0 and self.timestamp(-seconds) < obj.created_at

    def named(self, object_id: str) -> Object | None:
        """The object of any kind with this id."""
        tables = (table for table in self.tables.values() if object_id in table)
        return next((table[object_id] for table in tables), None)

    # What is shown

    def shown(self, obj: Object) -> Any:
        """The object as the API shows it now: under the switch `stale_reads` as it was before it was written to."""
        at, before = self.before.get(obj.id, (-math.inf, {}))
        return before if time.monotonic() < at + self.switches.stale_reads else obj.show(self)

    def seen(self, obj: Object | None) -> Mapping[str, tuple[float, Shown]]:
        """What `before` has to know of an object before it is written to."""
        return {obj.id: (time.monotonic(), obj.show(self))} if obj and self.switches.stale_reads else {}

    def find(self, noun: type[ObjectT], object_id: str) -> ObjectT:
        """The object that a URL names, or NotFound."""
        obj = self.table(noun).get(object_id)
        if obj is None or (obj.gone() and self.switches.gone_is_404):
            raise NotFound
        return obj

    def refer(self, field: str, noun: type[ObjectT], object_id: str) -> ObjectT:
        """The object that a field of a request names, or Invalid at that field."""
        obj = self.table(noun).get(object_id)
        if obj is None or obj.gone():
            raise Invalid({field: [f"{object_id} does not exist"]})
        return obj

    def refer_each(self, field: str, noun: type[ObjectT], object_ids: list[str]) -> list[ObjectT]:
        """The objects that a list in a request names, each once, or Invalid at that field."""
        if len(set(object_ids)) < len(object_ids):
            raise Invalid({field: ["must name each one only once"]})
        return [self.refer(field, noun, object_id) for object_id in object_ids]

    # States

    def provision(self, obj: MovingT, *, state: str = "provisioning", then: str | None = None) -> MovingT:
        """Take in a new object and start provisioning it; `then` overrides where it ends when that goes well."""
        self.add(obj)
        if self.fails(obj.kind):
            then = obj.failed
        self.enter(obj, state, then=then)
        return obj

    def fails(self, what: str) -> bool:
        """Whether it is this one's turn to fail."""
        fails = self.failing[what] > 0
        self.failing[what] -= fails
        return fails

    def enter(self, obj: Moving, state: str, *, then: str | None = None, since: float | None = None) -> None:
        """Put an object into a state; `then` overrides where a passing state leads (empty: nowhere, it stays)."""
        obj.state = state
        obj.since = time.monotonic() if since is None else since
        obj.then = obj.transitions.get(state, "") if then is None else then
        if obj.then:
            self.moving[obj.id] = obj
        else:
            self.moving.pop(obj.id, None)
        obj.entered(self)
        if obj.gone():
            self.let_go(obj, self.tables.keys() - obj.shown_by)
            self._shown_on.append((time.monotonic() + self.switches.detach_seconds, obj))
            self._let_go()
            self._bury(obj)
        self.changed()
        self._advance(obj)

    def settle(self) -> None:
        """Let every state end whose time is over. Called before anybody looks, so no thread has to watch the clock."""
        if self._agenda_pace != self.switches.provision_seconds:
            self._agenda_pace = self.switches.provision_seconds
            self._agenda.clear()
            for obj in list(self.moving.values()):
                self._advance(obj)
        self._let_go()
        now = time.monotonic()
        while self._agenda and self._agenda[0][0] <= now:
            _, _, obj = heapq.heappop(self._agenda)
            if obj.id in self.moving:
                self._advance(obj)

    def resume(self) -> None:
        """Go on with what is under way, after the tables have been filled from elsewhere."""
        for table in self.tables.values():
            for obj in list(table.values()):
                if obj.gone():
                    self.let_go(obj)
                    self._bury(obj)
                elif isinstance(obj, Moving) and obj.then:
                    self.moving[obj.id] = obj
                    self._advance(obj)

    def changed(self) -> None:
        """Note that something is not as it was."""
        self.version = next(_numbers)

    def _advance(self, obj: Moving) -> None:
        if not obj.then:
            return
        due = obj.since + PACE[obj.state] * self.switches.provision_seconds
        if time.monotonic() >= due:
            # The next state starts when this one ended, not when somebody looked.
            self.enter(obj, obj.then, since=due)
        else:
            heapq.heappush(self._agenda, (due, next(_numbers), obj))

    def _let_go(self) -> None:
        now = time.monotonic()
        for until, gone in [each for each in self._shown_on if each[0] <= now]:
            self._shown_on.remove((until, gone))
            self.let_go(gone, gone.shown_by)
            self.changed()

    def _bury(self, obj: Object) -> None:
        """Keep one that is gone for a while; nothing refers to it any more."""
        self._dead.append(obj)
        if len(self._dead) > MOST_GONE:
            oldest = self._dead.popleft()
            self.table(type(oldest)).pop(oldest.id, None)


def new_id() -> str:
    """An id that nothing else has."""
    return str(uuid.uuid4())


def seed_id(*words: str) -> str:
    """The id of a seed object: the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("pulumi-joviam-emulator", *words))))

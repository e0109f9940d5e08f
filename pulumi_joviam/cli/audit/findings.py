"""What a comparison of stacks and an account finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pulumi_joviam.api.models import Model
from pulumi_joviam.cli.audit.states import Interrupted, Owned, Resource, Stack
from pulumi_joviam.cli.import_.inventory import Inventory


@dataclass(frozen=True)
class Unmanaged:
    """An object that no stack owns."""

    live: Model
    users: Sequence[Model]
    """The objects that use it."""
    readers: Sequence[Resource]
    """The resources that read it."""


@dataclass(frozen=True)
class Findings:
    """What differs between the stacks and the account."""

    stacks: Sequence[Stack]
    unmanaged: Sequence[Unmanaged]
    """In the order of a program, the oldest first."""
    gone: Sequence[Owned]
    """What should exist and does not."""
    twice: Mapping[str, Sequence[Owned]]
    """{id: its owners} if there are several."""
    owners: Mapping[str, Sequence[Owned]]
    """{id: its owners} of all objects in the account."""
    total: Counter[type[Model]]
    managed: Counter[type[Model]]
    interrupted: Mapping[Interrupted, Sequence[Model]]
    """{what was being created: the unmanaged objects that it may be}"""
    younger: int
    """How many further objects are unmanaged, but were created after the stacks had been read."""
    elsewhere: Counter[str]
    """{stack: how many of its resources are in another account}"""

    @property
    def words(self) -> set[str]:
        """What was found, in words of --fail-on."""
        found = {"unmanaged": self.unmanaged, "gone": self.gone, "twice": self.twice}
        return {word for word, items in found.items() if items}


def compare(stacks: Sequence[Stack], inventory: Inventory, account: str, since: float) -> Findings:
    """Compare stacks with an account, of which ``account`` is the digest.

    An object that no stack owns and that was created after ``since``, by the server's clock, may belong to a run that
    has not ended.
    """
    listed = [objects for resource, objects in inventory.listed.items() if resource._lifecycle.model.path]
    live: dict[str, Model] = {id: it for objects in listed for id, it in objects.items()}
    owned, elsewhere = _here([it for stack in stacks for it in stack.owned], live, account)
    owners: defaultdict[str, list[Owned]] = defaultdict(list)
    for it in owned:
        owners[it.id].append(it)
    readers: defaultdict[str, list[Resource]] = defaultdict(list)
    for stack in stacks:
        for id, resource in stack.reads.items():
            readers[id].append(resource)
    users = _users(listed)
    free = [it for id, it in live.items() if id not in owners]
    old = [it for it in free if it.made_at is None or it.made_at < since]
    lost = {it.owner for it in owned if it.itself and it.id not in live}
    return Findings(
        stacks=stacks,
        unmanaged=[Unmanaged(it, users[it.id], readers[it.id]) for it in old],
        gone=[it for it in owned if it.model and it.id not in live and (it.itself or it.owner not in lost)],
        twice={id: several for id, several in owners.items() if id in live and len({it.owner for it in several}) > 1},
        owners=owners,
        total=Counter(type(it) for it in live.values()),
        managed=Counter(type(it) for id, it in live.items() if id in owners),
        interrupted=dict(_interrupted(stacks, old)),
        younger=len(free) - len(old),
        elsewhere=elsewhere,
    )


def _here(owned: Iterable[Owned], live: Mapping[str, Model], account: str) -> tuple[list[Owned], Counter[str]]:
    """Return what is in this account, and how many resources of each stack are in another one.

    The account has had other tokens, each with a digest of its own: those under which an object of it was made.
    """
    owned = list(owned)
    digests = {"", account} | {it.account for it in owned if it.id in live}
    others = {(it.owner.stack, it.owner.urn) for it in owned if it.account not in digests}
    return [it for it in owned if it.account in digests], Counter(stack for stack, _ in others)


def _users(listed: Sequence[Mapping[str, Model]]) -> Mapping[str, Sequence[Model]]:
    """Return {id: the objects that use it}: those of later kinds, in the order of a program, that show its id."""
    users: defaultdict[str, list[Model]] = defaultdict(list)
    earlier: set[str] = set()
    for objects in listed:
        for live in objects.values():
            for id in dict.fromkeys(_texts(live)):
                if id in earlier:
                    users[id].append(live)
        earlier |= objects.keys()
    return users


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in an object of the API, ids among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        items = cast("list[object]", value)
        for item in items:
            yield from _texts(item)
    elif isinstance(value, Model):
        for item in vars(value).values():
            yield from _texts(item)


def _interrupted(stacks: Sequence[Stack], free: Sequence[Model]) -> Iterator[tuple[Interrupted, Sequence[Model]]]:
    """Yield what was being created, and the objects that it may be.

    The engine lists it even after a later run has adopted its object, or if no object was created. Then there are none.
    """
    for it in (it for stack in stacks for it in stack.interrupted):
        if candidates := [live for live in free if _may_be(live, it)]:
            yield it, candidates


def _may_be(live: Model, interrupted: Interrupted) -> bool:
    return isinstance(live, interrupted.model) and getattr(live, "name", None) == interrupted.name

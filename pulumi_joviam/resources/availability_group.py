"""Availability groups: instances on different hardware, so that one fault does not affect all of them.

Reference: "Instance Update High Availability". Note: the API has no object for a group. Each instance has
a list of the instances that it is grouped with, and it is undocumented whether a list also counts for the others. So we
generate the id of a group, read each list before writing it, and write only lists that differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ArgumentError, JoviamError, NotFound
from pulumi_joviam.lifecycle.arguments import Alike, Ids, given
from pulumi_joviam.lifecycle.declare import Args, Argument, Input, arg
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.lifecycle.state import Memory

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


@dataclass
class GroupMemory(Memory):
    """The private state of a group."""

    members: list[str] | None = None
    """The instances that the group may have grouped. The live group can be smaller."""


class AvailabilityGroupArgs(Args):
    instances: Argument[Sequence[Input[str]], Ids] = arg(Alike(frozenset))
    """Ids of two or more instances of one region, in any order. An instance can be in one group only, and must not set
    availability_group itself. An instance that is removed from the list leaves the group."""

    def problems(self) -> Iterator[tuple[str, str]]:
        if given(self.instances) and len(self.instances) < 2:
            yield "instances", "must have two instances or more"


class Group(models.Model):
    """The members that exist, and the list of each."""

    noun = "availability group"
    path = ""

    lists: dict[str, list[str]]

    @property
    def instances(self) -> list[str]:
        """The instances that all list each other, and any other instance that they list."""
        left = list(self.lists)

        def missing(id: str) -> int:
            others = [other for other in left if other != id]
            return sum((other not in self.lists[id]) + (id not in self.lists[other]) for other in others)

        while left and missing(loosest := max(left, key=missing)):
            left.remove(loosest)
        strangers = [other for id in left for other in self.lists[id] if other not in self.lists]
        return [*left, *dict.fromkeys(strangers)] if len(left) > 1 else []


class AvailabilityGroupProvider(Lifecycle[AvailabilityGroupArgs, Group]):
    memory: ClassVar[type[Memory]] = GroupMemory
    stays_put = False
    api_names: ClassVar[Mapping[str, str]] = {"availability_group": "instances"}

    def begin(self, config: Callable[[str], Any]) -> None:
        super().begin(config)
        self._taken: dict[str, str] = {}
        """{instance: its group in this run}"""

    def post(self, op: Operation[GroupMemory], args: AvailabilityGroupArgs) -> Group:
        op.private.members = args.instances
        live = self.look(op, str(uuid.uuid4()), set())
        for id in args.instances:
            if id not in live.lists:
                raise ArgumentError("instances", f"there is no instance {id}")
        return live

    def converge(self, op: Operation[GroupMemory], live: Group, args: AvailabilityGroupArgs) -> Group:
        leaving = [id for id in live.lists if id not in args.instances]
        op.private.members = [*args.instances, *leaving]
        for id in args.instances:
            if self._taken.setdefault(id, live.id) != live.id:
                raise JoviamError(f"instances: {id} is in two availability groups of this program")
        group = set(args.instances)
        lists = {id: _regroup(op, id, lambda member, _now: group - {member}) for id in args.instances}
        self._release(op, leaving, group.union(live.lists))
        op.private.members = args.instances
        return Group(id=live.id, lists=lists)

    def look(self, op: Operation[GroupMemory], id: str, fields: set[str]) -> Group:
        members = op.private.members
        if members is None:
            members = (op.call.inputs or {}).get("instances")
        if members is None:
            raise ArgumentError("id", "the API has no object for an availability group, so it cannot be read by an id")
        lists = dict[str, list[str]]()
        for member in members:
            try:
                instance = op.api.get(models.Instance, member)
            except NotFound:
                continue
            if instance.state not in instance.gone:
                lists[instance.id] = instance.availability_group
        op.private.members = list(lists)
        return Group(id=id, lists=lists)

    def remove(self, op: Operation, live: Group) -> None:
        self._release(op, list(live.lists), set(live.lists))

    def _release(self, op: Operation, leaving: Sequence[str], group: set[str]) -> None:
        """Remove instances from the group. Leave their other entries alone."""
        for id in leaving:
            if id not in self._taken:  # otherwise another group of this run has written its list
                try:
                    _regroup(op, id, lambda _id, now: now - group)
                except NotFound:
                    continue


def _regroup(op: Operation, id: str, wanted: Callable[[str, set[str]], set[str]]) -> list[str]:
    """Change the list of an instance to what ``wanted`` makes of it, and return it. Raises NotFound."""
    with op.exclusive(id):
        live = op.api.get(models.Instance, id)
        now = set(live.availability_group)
        if (then := wanted(id, now)) != now:
            path = op.api.path(models.Instance, id, "availability_group")
            op.retry_while_changing(live, lambda _live: op.api.call("PUT", path, {"availability_group": sorted(then)}))
        return sorted(then)


class AvailabilityGroup(AvailabilityGroupArgs, Resource, provider=AvailabilityGroupProvider):
    """Instances that run on different hardware, for high availability.

        apart = joviam.AvailabilityGroup("apart", instances=[web.id, mail.id])

    Rejected in preview: fewer than two ids, the same id twice. The API rejects an instance of another region (422). The
    API has no object for a group, so its id is generated here and `get` does not work.
    Source: reference, "Instance Update High Availability".
    """

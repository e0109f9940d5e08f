"""Availability groups: instances that are kept apart, so that one fault does not take all of them.

Reference: "Instance Update High Availability". What surprises: the API has no such object. Each instance
has a list of those that it is grouped with, and whether a list counts for both sides is not said. So the
id of a group is ours, and each list is read before it is written, which it is only where it differs.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pulumi.dynamic import ConfigureRequest

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
    """What a group remembers."""

    members: list[str] | None = None
    """Whom the group may have grouped. What is shown is less: somebody may have taken one out."""


class AvailabilityGroupArgs(Args):
    instances: Argument[Sequence[Input[str]], Ids] = arg(Alike(frozenset))
    """Ids of two or more instances of one region, in any order. Each is grouped with all others and with nobody else,
    so an instance is in one group at most, and says no availability_group of its own. Who is no longer named leaves the
    group."""

    def problems(self) -> Iterator[tuple[str, str]]:
        if given(self.instances) and len(self.instances) < 2:
            yield "instances", "must name two instances or more"


class Group(models.Model):
    """What the members say: each one that exists, and whom its list names."""

    noun = "availability group"
    path = ""

    lists: dict[str, list[str]]

    @property
    def instances(self) -> list[str]:
        """Those of whom each names all others, and whoever else they name."""
        left = list(self.lists)

        def missing(id: str) -> int:
            others = [other for other in left if other != id]
            return sum((other not in self.lists[id]) + (id not in self.lists[other]) for other in others)

        while left and missing(loosest := max(left, key=missing)):
            left.remove(loosest)
        strangers = [other for id in left for other in self.lists[id] if other not in self.lists]
        return [*left, *dict.fromkeys(strangers)] if len(left) > 1 else []


class AvailabilityGroupProvider(Lifecycle[AvailabilityGroupArgs, Group]):
    memory = GroupMemory
    stays_put = False
    api_names: ClassVar[Mapping[str, str]] = {"availability_group": "instances"}

    def configure(self, req: ConfigureRequest) -> None:
        super().configure(req)
        self._taken: dict[str, str] = {}
        """{instance: the group that took it in this run}"""

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
                raise JoviamError(f"instances: {id} is in another availability group of this program too, say it once")
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
            raise ArgumentError("id", "the API has no object for an availability group, so none can be read by an id")
        lists = {}
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
        """Ungroup instances from all others of the group. What else they are grouped with is not ours."""
        for id in leaving:
            if id not in self._taken:  # or another group of this run has put it where it belongs
                try:
                    _regroup(op, id, lambda _id, now: now - group)
                except NotFound:
                    continue


def _regroup(op: Operation, id: str, wanted: Callable[[str, set[str]], set[str]]) -> list[str]:
    """Bring the list of one instance to what is wanted, seen from what it is, and return it. Raises NotFound."""
    with op.exclusive(id):
        live = op.api.get(models.Instance, id)
        now = set(live.availability_group)
        if (then := wanted(id, now)) != now:
            path = op.api.path(models.Instance, id, "availability_group")
            op.retry_while_changing(live, lambda _live: op.api.call("PUT", path, {"availability_group": sorted(then)}))
        return sorted(then)


class AvailabilityGroup(AvailabilityGroupArgs, Resource, provider=AvailabilityGroupProvider):
    """Instances that are kept apart from each other for high availability.

        apart = joviam.AvailabilityGroup("apart", instances=[web.id, mail.id])

    Raises, in preview: fewer than two ids, one named twice. The API refuses (422) an instance of another region.
    Source: reference, "Instance Update High Availability". The API has no object for a group, so its id is made up here
    and `get` does not work.
    """

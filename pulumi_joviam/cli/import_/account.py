"""Reading an account: what it holds of each kind, and of that what is wanted, as it is now.

Only GETs are sent. Every list is asked for once; then each wanted object is looked at as a refresh would look at it, so
that notes and contexts are known, too. What cannot be imported is left out, and said with its reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import pulumi_joviam as joviam
from pulumi_joviam.api import models
from pulumi_joviam.api.errors import JoviamError, NotFound, readable
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.cli.import_.wanted import KINDS, Filter
from pulumi_joviam.lifecycle.aliases import Aliases
from pulumi_joviam.lifecycle.call import NOBODY
from pulumi_joviam.lifecycle.operation import Operation, Session
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.resources.availability_group import Group, GroupMemory
from pulumi_joviam.resources.disk import Disk
from pulumi_joviam.resources.instance import Instance
from pulumi_joviam.resources.network import Network

RESOURCES: dict[str, type[Resource]] = {kind: getattr(joviam, name) for kind, name in KINDS.items()}

GROUP_IDS = uuid.UUID("1d0f1f4e-6f5c-5a3e-9d53-2f4a5c1f8b60")
"""The API has no object for an availability group, so its id is derived from its members."""


@dataclass(frozen=True)
class Found:
    """A live object, and the step that has read it."""

    made_by: type[Resource]
    live: Any
    op: Operation


@dataclass
class Account:
    """The objects of an account."""

    session: Session
    settings: Settings
    left_out: list[str] = field(default_factory=list)
    """The objects that cannot be imported, with reasons."""
    _listed: dict[type[Resource], dict[str, Any]] = field(default_factory=dict)
    _offered: dict[str, Any] = field(default_factory=dict)
    """Objects of others that the account can see: public networks and templates."""

    def read(self, wanted: Filter, progress: Callable[[int], AbstractContextManager[Any]]) -> list[Found]:
        """Return what is wanted, in the order of a program and the oldest first. Raises JoviamError.

        ``progress`` makes a bar for so many objects.
        """
        region = self.session.catalog.region(wanted.region) if wanted.region is not None else None
        for resource in RESOURCES.values():
            there = self._list(resource._lifecycle.model)
            self._listed[resource] = {live.id: live for live in there if live.state not in live.gone}
        unknown = [id for id in wanted.ids if not any(id in listed for listed in self._listed.values())]
        if unknown:
            raise JoviamError(f"no object that can be imported has the id {', '.join(map(readable, unknown))}")

        def fits(live: Any) -> bool:
            if isinstance(live, Group):  # if only one member is wanted, its own argument has the group
                return sum(fits(self._listed[Instance][id]) for id in live.lists) > 1
            here = self.region(live)
            return (
                (not wanted.ids or live.id in wanted.ids)
                and (region is None or here is None or here.id == region.id)
                and (wanted.name is None or fnmatchcase(self.called(live), wanted.name))
            )

        kinds = [resource for kind, resource in RESOURCES.items() if kind in (wanted.kinds or RESOURCES)]
        fitting = [(kind, live) for kind in kinds for live in sorted(self._listed[kind].values(), key=_age)]
        fitting = [(kind, live) for kind, live in fitting if fits(live)]
        with progress(len(fitting)) as bar:
            return list(self._looked_at(fitting, bar))

    def _looked_at(self, fitting: Sequence[tuple[type[Resource], Any]], bar: Any) -> Iterator[Found]:
        def look(it: tuple[type[Resource], Any]) -> Found | str | None:
            return self._look(*it)

        pool = ThreadPoolExecutor(self.settings.max_concurrency)
        try:
            for found in pool.map(look, fitting):
                bar.update(1)
                if isinstance(found, str):
                    self.left_out.append(found)
                elif found:
                    yield found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def region(self, live: Any) -> models.Region | None:
        """Return the region of an object, or None."""
        if isinstance(live, models.IpAddress):
            live = self.network(live.network_id)
        return getattr(live, "region", None)

    def network(self, id: str) -> models.Network | None:
        """Return a network, private or public, if the API lists it."""
        return self._listed[Network].get(id) or self._offered.get(id)

    def called(self, live: Any) -> str:
        """Return the name of an object, or a substitute."""
        if isinstance(live, models.Template):
            return f"{live.slug or live.name or live.noun}-v{live.version}"
        if isinstance(live, Group):
            return f"{self.called(self._listed[Instance][next(iter(live.lists))])}-group"
        return str(live.name or getattr(live, "address", "") or getattr(live, "specification", "") or live.noun)

    def about(self, id: str) -> str:
        """Return kind and name of the object with this id."""
        for listed in (*self._listed.values(), self._offered):
            if live := listed.get(id):
                return f'{live.noun} "{readable(self.called(live))}"'
        return "nothing that this account shows"

    def _list(self, model: type[models.Model]) -> Sequence[Any]:
        client = self.session.client
        if model is Group:
            return list(_groups(self._listed[Instance]))
        if model is models.Template:
            every = self.session.catalog.listed(models.Template, model.path)
            self._offered |= {template.id: template for template in every}
            # Joviam's own have no disk, and those of others are visible only if published
            return [it for it in every if it.disk_id in self._listed[Disk] or (it.disk_id and not it.published)]
        if model is models.Network:
            public = client.list(models.Network, f"{model.path}/public")
            self._offered |= {network.id: network for network in public}
            return [network for network in client.list(models.Network) if network.id not in self._offered]
        return client.list(model)

    def _look(self, resource: type[Resource], listed: Any) -> Found | str | None:
        """Return the live object, the reason for leaving it out, or None if it no longer exists."""
        provider = resource._lifecycle()
        private = GroupMemory(members=list(listed.lists)) if isinstance(listed, Group) else provider.memory()
        op = Operation.begin(NOBODY, self.settings, self.settings.pace.read, Aliases(provider.args), private)
        try:
            live = provider.look(op.sharing(), listed.id, set(provider.args.model_fields))
        except NotFound:
            return None
        if live.state in live.gone:
            return None
        if live.state in live.failed:
            return f"{self.about(live.id)} ({live.id}) is {live.state}"
        if live.state not in live.ready:
            return f"{self.about(live.id)} ({live.id}) is {live.state}; import it when it is ready"
        return Found(resource, live, op)


def _age(live: Any) -> tuple[str, int, str]:
    """Return a stable sort key for the age of an object."""
    return getattr(live, "created_at", ""), getattr(live, "version", 0), live.id


def _groups(instances: dict[str, models.Instance]) -> Iterator[Group]:
    """Yield the groups that a resource can express: all members list all others and no one else."""
    ids = sorted(instances, key=lambda id: _age(instances[id]))
    seen: set[str] = set()
    for first in ids:
        members = {first, *instances[first].availability_group}
        together = [id for id in ids if id in members]
        lists = {id: instances[id].availability_group for id in together}
        group = Group(id=str(uuid.uuid5(GROUP_IDS, " ".join(sorted(members)))), lists=lists)
        if group.id not in seen and set(group.instances) == members == set(lists):
            seen.add(group.id)
            yield group

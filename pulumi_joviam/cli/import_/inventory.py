"""What an account holds: each list is requested once. Joviam's own templates and networks are not the account's."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi_joviam as joviam
from pulumi_joviam.api import models
from pulumi_joviam.api.errors import readable
from pulumi_joviam.cli.import_.wanted import KINDS
from pulumi_joviam.lifecycle.operation import Session
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.resources.availability_group import Group
from pulumi_joviam.resources.disk import Disk
from pulumi_joviam.resources.instance import Instance
from pulumi_joviam.resources.network import Network

RESOURCES: dict[str, type[Resource]] = {kind: getattr(joviam, name) for kind, name in KINDS.items()}

GROUP_IDS = uuid.UUID("1d0f1f4e-6f5c-5a3e-9d53-2f4a5c1f8b60")
"""The API has no object for an availability group, so its id is derived from its members."""


@dataclass
class Inventory:
    """The objects of an account."""

    session: Session
    listed: dict[type[Resource], dict[str, Any]] = field(default_factory=dict, init=False)
    """{resource class: {id: object}}, in the order of a program, the oldest first."""
    _offered: dict[str, Any] = field(default_factory=dict, init=False)
    """Objects of others that the account can see: public networks and templates."""

    def load(self, done: Callable[[], object] = lambda: None) -> None:
        """Request all lists; call ``done`` after each. Raises JoviamError."""
        for resource in RESOURCES.values():
            there = [live for live in self._list(resource._lifecycle.model) if live.state not in live.gone]
            self.listed[resource] = {live.id: live for live in sorted(there, key=_age)}
            done()

    def region(self, live: Any) -> models.Region | None:
        """Return the region of an object, or None."""
        if isinstance(live, models.IpAddress):
            live = self.network(live.network_id)
        return getattr(live, "region", None)

    def network(self, id: str) -> models.Network | None:
        """Return a network, private or public, if the API lists it."""
        return self.listed[Network].get(id) or self._offered.get(id)

    def called(self, live: Any) -> str:
        """Return the name of an object, or a substitute."""
        if isinstance(live, models.Template):
            return f"{live.slug or live.name or live.noun}-v{live.version}"
        if isinstance(live, Group):
            return f"{self.called(self.listed[Instance][next(iter(live.lists))])}-group"
        return str(live.name or getattr(live, "address", "") or getattr(live, "specification", "") or live.noun)

    def about(self, id: str) -> str:
        """Return kind and name of the object with this id."""
        for listed in (*self.listed.values(), self._offered):
            if live := listed.get(id):
                return f'{live.noun} "{readable(self.called(live))}"'
        return "nothing that this account shows"

    def _list(self, model: type[models.Model]) -> Sequence[Any]:
        client = self.session.client
        if model is Group:
            return list(_groups(self.listed[Instance]))
        if model is models.Template:
            every = self.session.catalog.listed(models.Template, model.path)
            self._offered |= {template.id: template for template in every}
            # Joviam's own have no disk, and those of others are visible only if published
            return [it for it in every if it.disk_id in self.listed[Disk] or (it.disk_id and not it.published)]
        if model is models.Network:
            public = client.list(models.Network, f"{model.path}/public")
            self._offered |= {network.id: network for network in public}
            return [network for network in client.list(models.Network) if network.id not in self._offered]
        return client.list(model)


def _age(live: Any) -> tuple[str, int, str]:
    """Return a stable sort key for the age of an object."""
    return getattr(live, "created_at", ""), getattr(live, "version", 0), live.id


def _groups(instances: Mapping[str, models.Instance]) -> Iterator[Group]:
    """Yield the groups that a resource can express: all members list all others and no one else."""
    seen: set[str] = set()
    for first in instances:
        members = {first, *instances[first].availability_group}
        together = [id for id in instances if id in members]
        lists = {id: instances[id].availability_group for id in together}
        group = Group(id=str(uuid.uuid5(GROUP_IDS, " ".join(sorted(members)))), lists=lists)
        if group.id not in seen and set(group.instances) == members == set(lists):
            seen.add(group.id)
            yield group

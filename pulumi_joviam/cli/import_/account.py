"""Reading an account: what it holds of each kind, and of that what is wanted, as it is now.

Only GETs are sent. Every list is asked for once; then each wanted object is looked at as a refresh would look at it, so
that notes and contexts are known, too. What cannot be imported is left out, and said with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pulumi_joviam.api.errors import JoviamError, NotFound, readable
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.cli.import_.inventory import RESOURCES, Inventory
from pulumi_joviam.cli.import_.wanted import Filter
from pulumi_joviam.lifecycle.aliases import Aliases
from pulumi_joviam.lifecycle.call import NOBODY
from pulumi_joviam.lifecycle.operation import Operation
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.resources.availability_group import Group, GroupMemory
from pulumi_joviam.resources.instance import Instance


@dataclass(frozen=True)
class Found:
    """A live object, and the step that has read it."""

    made_by: type[Resource]
    live: Any
    op: Operation


@dataclass
class Account(Inventory):
    """The objects of an account, and which of them to import."""

    settings: Settings
    left_out: list[str] = field(default_factory=list)
    """The objects that cannot be imported, with reasons."""

    def read(self, wanted: Filter, progress: Callable[[int], AbstractContextManager[Any]]) -> list[Found]:
        """Return what is wanted, in the order of a program and the oldest first. Raises JoviamError.

        ``progress`` makes a bar for so many objects.
        """
        region = self.session.catalog.region(wanted.region) if wanted.region is not None else None
        self.load()
        unknown = [id for id in wanted.ids if not any(id in listed for listed in self.listed.values())]
        if unknown:
            raise JoviamError(f"no object that can be imported has the id {', '.join(map(readable, unknown))}")

        def fits(live: Any) -> bool:
            if isinstance(live, Group):  # if only one member is wanted, its own argument has the group
                return sum(fits(self.listed[Instance][id]) for id in live.lists) > 1
            here = self.region(live)
            return (
                (not wanted.ids or live.id in wanted.ids)
                and (region is None or here is None or here.id == region.id)
                and (wanted.name is None or fnmatchcase(self.called(live), wanted.name))
            )

        kinds = [resource for kind, resource in RESOURCES.items() if kind in (wanted.kinds or RESOURCES)]
        fitting = [(kind, live) for kind in kinds for live in self.listed[kind].values() if fits(live)]
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

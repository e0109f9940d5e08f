"""From what a person would say ("SY3", "Fast", "ubuntu-16-04") to the object the API means.

Regions, tiers and templates change rarely: each list is asked for once per process.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Literal, TypeVar

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import ArgumentError, readable
from pulumi_joviam.api.models import Named, PerformanceTier, Region, Template

N = TypeVar("N", bound=Named)
Kind = Literal["region", "disk tier", "instance tier", "template", "template line"]


class Catalog:
    """What one account offers. Safe to share between threads.

    Every method raises ArgumentError, which lists what there is, for something unknown.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    def region(self, said: str) -> Region:
        """Return the region with this id, code or name."""
        return _only("region", said, self.listed(Region, Region.path))

    def performance_tier(
        self, said: str, use: Literal["disks", "instances"], region: Region, argument: str = "performance_tier"
    ) -> PerformanceTier:
        """Return the tier for ``use`` with this id or name, in ``region``."""
        tiers = self.listed(PerformanceTier, f"{PerformanceTier.path}/{use}")
        return _only(argument, said, tiers, region, lambda tier: tier.region.id)

    def template(self, said: str, region: Region, argument: str = "template") -> Template:
        """Return the template with this id, or the newest one of this slug or name in ``region``."""
        templates = self.listed(Template, Template.path)
        seen = {template.id for template in templates}  # a newer one that the account may not see does not count
        meant = [template for template in templates if template.id == said or template.superseded_by_id not in seen]
        return _only(argument, said, meant, region, lambda template: template.region.id)

    def named(self, kind: Kind, said: str, region: Region, argument: str) -> PerformanceTier | Template:
        """Return what a word for a tier or a template means."""
        if kind == "template":
            return self.template(said, region, argument)
        return self.performance_tier(said, "disks" if kind == "disk tier" else "instances", region, argument)

    def versions(self, said: str, argument: str) -> list[Template]:
        """Return all templates, of any region, with this id, slug or name."""
        templates = self.listed(Template, Template.path)
        found = [template for template in templates if template.matches(said)]
        if not found:
            raise ArgumentError(argument, f"is unknown; available: {_choices(templates)}")
        return found

    def template_line(self, said: str, region: Region, argument: str = "template") -> list[Template]:
        """Return all versions of the template with this slug, name, or id of any version, the newest first."""
        newest = self.template(said, region, argument)
        versions = {template.id: template for template in self.listed(Template, Template.path)}
        for _ in versions:
            newest = versions.get(newest.superseded_by_id or "", newest)
        line = [newest]
        for newer in line:  # which grows
            line += [older for older in versions.values() if older.superseded_by_id == newer.id and older not in line]
        return line

    def until(self, deadline: Deadline) -> Catalog:
        """Return the same catalog, its lists shared, whose requests end at ``deadline``."""
        other = copy.copy(self)
        other._client = self._client.until(deadline)
        return other

    def forget_templates(self) -> None:
        """Ask for the templates again when one is needed: there is a new one."""
        with self._lock:
            self._lists.pop(Template.path, None)

    def listed(self, model: type[N], path: str) -> Sequence[N]:
        """Return the list. Whoever comes first asks; those who come meanwhile share what becomes of that."""
        with self._lock:
            first = path not in self._lists
            found: Future[Sequence[N]] = self._lists.setdefault(path, Future())
        if first:
            try:
                found.set_result(self._client.list(model, path))
            except BaseException as error:
                with self._lock:
                    self._lists.pop(path, None)  # the next one asks again
                found.set_exception(error)
                raise
        return found.result()


def _only(
    argument: str,
    said: str,
    items: Sequence[N],
    region: Region | None = None,
    region_of: Callable[[N], str] = lambda item: item.id,
) -> N:
    """Return the one item that ``said`` names, in ``region`` if one is given."""
    here = [item for item in items if region is None or region_of(item) == region.id]
    found = [item for item in here if said in item.words]
    if len(found) == 1:
        return found[0]
    where = f" in region {readable(region.code)}" if region else ""
    if found:
        ids = ", ".join(item.id for item in found)
        raise ArgumentError(argument, f"names several{where}; say one of their ids: {ids}")
    elsewhere = any(said in item.words for item in items)
    raise ArgumentError(argument, f"is {'not' if elsewhere else 'unknown'}{where}; available: {_choices(here)}")


def _choices(items: Sequence[Named]) -> str:
    """Return what a person would call each of the items."""
    return ", ".join(sorted({readable(item.words[min(1, len(item.words) - 1)]) for item in items})) or "nothing"

"""Resolves names ("SY3", "Fast", "ubuntu-16-04") to the API's objects.

Regions, tiers and templates change rarely, so each list is requested once per process.
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
from pulumi_joviam.api.models import Model, Named, PerformanceTier, Region, Template

M = TypeVar("M", bound=Model)
N = TypeVar("N", bound=Named)
Kind = Literal["region", "disk tier", "instance tier", "template", "template line"]


class Catalog:
    """The regions, tiers and templates that an account can use. Safe to share between threads.

    Every method raises ArgumentError for an unknown name; its message lists the available ones.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    def region(self, name: str) -> Region:
        """Return the region with this id, code or name."""
        return _only("region", name, self.listed(Region, Region.path))

    def performance_tier(
        self, name: str, use: Literal["disks", "instances"], region: Region, argument: str = "performance_tier"
    ) -> PerformanceTier:
        """Return the tier for ``use`` with this id or name, in ``region``."""
        tiers = self.listed(PerformanceTier, f"{PerformanceTier.path}/{use}")
        return _only(argument, name, tiers, region, lambda tier: tier.region.id)

    def template(self, name: str, region: Region, argument: str = "template") -> Template:
        """Return the template with this id, or the newest one of this slug or name in ``region``."""
        templates = self.listed(Template, Template.path)
        visible = {template.id for template in templates}  # a newer one that the account cannot see does not count
        newest = [it for it in templates if it.id == name or it.superseded_by_id not in visible]
        return _only(argument, name, newest, region, lambda template: template.region.id)

    def named(self, kind: Kind, name: str, region: Region, argument: str) -> PerformanceTier | Template:
        """Return the tier or template with this id or name."""
        if kind == "template":
            return self.template(name, region, argument)
        return self.performance_tier(name, "disks" if kind == "disk tier" else "instances", region, argument)

    def versions(self, name: str, argument: str) -> list[Template]:
        """Return all templates, of any region, with this id, slug or name."""
        templates = self.listed(Template, Template.path)
        found = [template for template in templates if template.matches(name)]
        if not found:
            raise ArgumentError(argument, f"is unknown; available: {_choices(templates)}")
        return found

    def template_line(self, name: str, region: Region, argument: str = "template") -> list[Template]:
        """Return all versions of the template with this slug, name, or id of any version, the newest first."""
        newest = self.template(name, region, argument)
        versions = {template.id: template for template in self.listed(Template, Template.path)}
        for _ in versions:
            newest = versions.get(newest.superseded_by_id or "", newest)
        line = [newest]
        for newer in line:  # grows during the loop
            line += [older for older in versions.values() if older.superseded_by_id == newer.id and older not in line]
        return line

    def word(self, kind: Kind, named: Named) -> str:
        """Return the word by which a look-up finds a region, a tier or a template, else its id."""
        for word in named.words[1:]:
            try:
                region = named.region if isinstance(named, (PerformanceTier, Template)) else None
                found = self.named(kind, word, region, "") if region else self.region(word)
            except ArgumentError:
                continue
            if found.id == named.id:
                return word
        return named.id

    def until(self, deadline: Deadline) -> Catalog:
        """Return a catalog that shares these lists and whose requests end at ``deadline``."""
        other = copy.copy(self)
        other._client = self._client.until(deadline)
        return other

    def forget_templates(self) -> None:
        """Drop the list of templates, because there is a new one: the next lookup requests it again."""
        with self._lock:
            self._lists.pop(Template.path, None)

    def listed(self, model: type[M], path: str) -> Sequence[M]:
        """Return the list. The first caller requests it; concurrent callers share its result or exception."""
        with self._lock:
            first = path not in self._lists
            found: Future[Sequence[M]] = self._lists.setdefault(path, Future())
        if first:
            try:
                found.set_result(self._client.list(model, path))
            except BaseException as error:
                with self._lock:
                    self._lists.pop(path, None)  # the next caller tries again
                found.set_exception(error)
                raise
        return found.result()


def _only(
    argument: str,
    name: str,
    items: Sequence[N],
    region: Region | None = None,
    region_of: Callable[[N], str] = lambda item: item.id,
) -> N:
    """Return the only item called ``name``, in ``region`` if one is given."""
    here = [item for item in items if region is None or region_of(item) == region.id]
    found = [item for item in here if name in item.words]
    if len(found) == 1:
        return found[0]
    where = f" in region {readable(region.code)}" if region else ""
    if found:
        ids = ", ".join(item.id for item in found)
        raise ArgumentError(argument, f"matches several{where}; use an id: {ids}")
    elsewhere = any(name in item.words for item in items)
    raise ArgumentError(argument, f"is {'not' if elsewhere else 'unknown'}{where}; available: {_choices(here)}")


def _choices(items: Sequence[Named]) -> str:
    """Return the usual name of each item, for an error message."""
    return ", ".join(sorted({readable(item.words[min(1, len(item.words) - 1)]) for item in items})) or "nothing"

"""From what a person would say ("SY3", "Fast", "ubuntu-16-04") to the object the API means.

Regions, tiers and templates change rarely: each list is asked for once per process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from pulumi_joviam.client import Client
from pulumi_joviam.errors import ArgumentError
from pulumi_joviam.models import Named, PerformanceTier, Region, Template

N = TypeVar("N", bound=Named)


class Catalog:
    """What one account offers. Safe to share between threads.

    Every method raises ArgumentError, which lists what there is, for something unknown.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: dict[str, Any] = {}
        self._lock = threading.Lock()

    def region(self, said: str) -> Region:
        """Return the region with this id, code or name."""
        return _only("region", said, self._listed(Region, Region.path))

    def performance_tier(
        self, said: str, use: Literal["disks", "instances"], region: Region, argument: str = "performance_tier"
    ) -> PerformanceTier:
        """Return the tier for ``use`` with this id or name, in ``region``."""
        tiers = self._listed(PerformanceTier, f"{PerformanceTier.path}/{use}")
        return _only(argument, said, tiers, region, lambda tier: tier.region.id)

    def template(self, said: str, region: Region, argument: str = "template") -> Template:
        """Return the template with this id, or the newest one of this slug or name in ``region``."""
        templates = self._listed(Template, Template.path)
        by_id = [template for template in templates if template.id == said]
        newest = [template for template in templates if not template.superseded_by_id]
        return _only(argument, said, by_id or newest, region, lambda template: template.region.id)

    def _listed(self, model: type[N], path: str) -> Sequence[N]:
        with self._lock:  # whoever comes first asks for all
            if path not in self._lists:
                self._lists[path] = self._client.list(model, path)
            found: Sequence[N] = self._lists[path]
            return found


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
    where = f" in region {region.code}" if region else ""
    choices = ", ".join(sorted({item.words[min(1, len(item.words) - 1)] for item in (found or here)})) or "none"
    if found:
        raise ArgumentError(argument, f"{said!r} names several{where}; say one of their ids: {_ids(found)}")
    if any(said in item.words for item in items):
        raise ArgumentError(argument, f"{said!r} is not{where}; there: {choices}")
    raise ArgumentError(argument, f"{said!r} is unknown{where}; there is: {choices}")


def _ids(items: Sequence[Named]) -> str:
    return ", ".join(item.id for item in items)

"""Regions: a fixed list of data centers."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import TypedDict

from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.store import SEED_TIME, Object, Store, seed_id


class RegionShown(TypedDict):
    """A region as the API shows it."""

    id: str
    name: str
    code: str


@dataclass(kw_only=True)
class Region(Object):
    """A data center."""

    kind = "regions"

    name: str
    code: str

    def show(self, store: Store) -> RegionShown:
        return {"id": self.id, "name": self.name, "code": self.code}

    def owned(self) -> bool:
        return False


def region_named(store: Store, name: str) -> Region:
    """Return the region with this id, code or name."""
    for region in store.all(Region):
        if name in (region.id, region.code, region.name):
            return region
    raise LookupError(f"no region {name!r}")


def seed(store: Store) -> None:
    """Add AU East (SY3) and AU South (ML1)."""
    for name, code in (("AU East", "SY3"), ("AU South", "ML1")):
        store.add(Region(id=seed_id("regions", code), created_at=SEED_TIME, name=name, code=code))


OPERATIONS = (
    Operation("GET /regions", index(Region)),
    Operation("GET /regions/{region_id}", show(Region)),
)

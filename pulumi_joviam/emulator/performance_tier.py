"""Performance tiers: a fixed list, each for disks or for instances in one region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from typing_extensions import TypedDict

from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.region import Region, RegionShown
from pulumi_joviam.emulator.store import SEED_TIME, Invalid, Object, Store, seed_id

Use = Literal["disks", "instances"]


class PerformanceTierShown(TypedDict):
    """A performance tier as the API shows it."""

    id: str
    name: str
    region: RegionShown


@dataclass(kw_only=True)
class PerformanceTier(Object):
    """The performance of a disk or an instance."""

    kind = "performance_tiers"

    name: str
    use: Use
    region: str

    def show(self, store: Store) -> PerformanceTierShown:
        return {"id": self.id, "name": self.name, "region": store.find(Region, self.region).show(store)}

    def owned(self) -> bool:
        return False


def refer_tier(store: Store, field: str, tier_id: str, use: Use, region_id: str) -> PerformanceTier:
    """Return the tier that a request names. Raises Invalid if its use or region is wrong."""
    tier = store.refer(field, PerformanceTier, tier_id)
    if tier.use != use:
        raise Invalid({field: [f"is not a performance tier for {use}"]})
    if tier.region != region_id:
        raise Invalid({field: ["is not in the region"]})
    return tier


def tier_named(store: Store, name: str, use: Use, region_id: str) -> PerformanceTier:
    """Return the tier with this id, or with this name for the use in the region."""
    for tier in store.all(PerformanceTier):
        if name == tier.id or (name, use, region_id) == (tier.name, tier.use, tier.region):
            return tier
    raise LookupError(f"no performance tier {name!r} for {use}")


def list_instances(store: Store) -> list[PerformanceTierShown]:
    """List instance performance tiers."""
    return [tier.show(store) for tier in store.all(PerformanceTier) if tier.use == "instances"]


def list_disks(store: Store) -> list[PerformanceTierShown]:
    """List disk performance tiers."""
    return [tier.show(store) for tier in store.all(PerformanceTier) if tier.use == "disks"]


def seed(store: Store) -> None:
    """Add Standard and Fast, for disks and for instances, in every region."""
    uses: tuple[Use, ...] = ("disks", "instances")
    for region in store.all(Region):
        for use in uses:
            for name in ("Standard", "Fast"):
                tier_id = seed_id("performance_tiers", region.code, use, name)
                store.add(
                    PerformanceTier(id=tier_id, created_at=SEED_TIME, name=name, use=use, region=region.id),
                )


OPERATIONS = (
    Operation("GET /performance_tiers/instances", list_instances),
    Operation("GET /performance_tiers/disks", list_disks),
)

"""Performance tiers: fixed, each for disks or for instances, each in one region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from typing_extensions import TypedDict

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
    """What a disk or an instance can do per second."""

    kind = "performance_tiers"

    name: str
    use: Use
    region: str

    def show(self, store: Store) -> PerformanceTierShown:
        return {"id": self.id, "name": self.name, "region": store.find(Region, self.region).show(store)}

    def owned(self) -> bool:
        return False


def refer_tier(store: Store, field: str, tier_id: str, use: Use, region_id: str) -> PerformanceTier:
    """The tier that a request names, or Invalid if it is for something else or somewhere else."""
    tier = store.refer(field, PerformanceTier, tier_id)
    if tier.use != use:
        raise Invalid({field: [f"is not a performance tier for {use}"]})
    if tier.region != region_id:
        raise Invalid({field: ["is not in the region"]})
    return tier


def tier_named(store: Store, word: str, use: Use, region_id: str) -> PerformanceTier:
    """The tier with this id, or this name for that use in that region."""
    for tier in store.all(PerformanceTier):
        if word == tier.id or (word, use, region_id) == (tier.name, tier.use, tier.region):
            return tier
    raise LookupError(f"no performance tier {word!r} for {use}")


def list_instances(store: Store) -> list[PerformanceTierShown]:
    """List instance performance tiers."""
    return [tier.show(store) for tier in store.all(PerformanceTier) if tier.use == "instances"]


def list_disks(store: Store) -> list[PerformanceTierShown]:
    """List disk performance tiers."""
    return [tier.show(store) for tier in store.all(PerformanceTier) if tier.use == "disks"]


def seed(store: Store) -> None:
    """Standard and Fast, for disks and for instances, in every region."""
    uses: tuple[Use, ...] = ("disks", "instances")
    for region in store.all(Region):
        for use in uses:
            for name in ("Standard", "Fast"):
                tier_id = seed_id("performance_tiers", region.code, use, name)
                store.add(
                    PerformanceTier(id=tier_id, created_at=SEED_TIME, name=name, use=use, region=region.id),
                )

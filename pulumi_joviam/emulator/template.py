"""Templates of boot disks. System templates are seed data; superseding one creates a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict

from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.region import Region, RegionShown, region_named
from pulumi_joviam.emulator.store import SEED_TIME, Card, Invalid, Object, Store, seed_id

SYSTEM = (
    # name, slug, version (newest first), minimum disk size in GB, virtualization, allows public keys
    ("Ubuntu 16.04", "ubuntu-16-04", 2, 10, "hvm", True),
    ("Ubuntu 16.04", "ubuntu-16-04", 1, 10, "hvm", True),
    ("Debian 9", "debian-9", 1, 5, "pv", True),
    ("Windows Server 2016", "windows-2016", 1, 40, "hvm", False),
)


class TemplateShown(TypedDict):
    """A template as the API shows it."""

    id: str
    name: str | None
    region: RegionShown
    minimum_disk_size: int | None
    allows_public_key_auth: bool
    slug: str | None
    version: int
    disk_id: str | None
    published: bool
    superseded_by_id: str | None
    recommended_virtualization: str


@dataclass(kw_only=True)
class Template(Object):
    """One version of a template, in one region."""

    kind = "templates"

    name: str | None
    slug: str | None
    version: int
    region: str
    minimum_disk_size: int | None
    allows_public_key_auth: bool
    recommended_virtualization: str
    disk_id: str | None = None
    published: bool = True
    superseded_by_id: str | None = None

    def show(self, store: Store) -> TemplateShown:
        return {
            "id": self.id,
            "name": self.name,
            "region": store.find(Region, self.region).show(store),
            "minimum_disk_size": self.minimum_disk_size,
            "allows_public_key_auth": self.allows_public_key_auth,
            "slug": self.slug,
            "version": self.version,
            "disk_id": self.disk_id,
            "published": self.published,
            "superseded_by_id": self.superseded_by_id,
            "recommended_virtualization": self.recommended_virtualization,
        }

    def card(self, store: Store) -> Card | None:
        if not self.owned():
            return None
        return {
            "id": self.id,
            "name": self.name,
            "slug": self.slug,
            "version": self.version,
            "region": store.find(Region, self.region).code,
        }

    def owned(self) -> bool:
        return self.disk_id is not None

    def change(self, store: Store, name: str, value: Any) -> None:
        super().change(store, name, region_named(store, value).id if name == "region" else value)


def template_named(store: Store, name: str, region_id: str) -> Template:
    """Return the template in the region with this id, or the newest version with this slug that is not superseded."""
    candidates = [
        template
        for template in store.all(Template)
        if template.region == region_id
        and (name == template.id or (name == template.slug and template.superseded_by_id is None))
    ]
    if not candidates:
        raise LookupError(f"no template {name!r} in the region")
    return max(candidates, key=lambda template: template.version)


def refer_template(store: Store, name: str, region_id: str) -> Template:
    """Return the template that a request names by id or slug. Raises Invalid."""
    try:
        return template_named(store, name, region_id)
    except LookupError:
        raise Invalid({"template": ["does not exist in the region"]}) from None


def seed(store: Store) -> None:
    """Add the system templates in every region."""
    for region in store.all(Region):
        newer: dict[str, str] = {}
        for name, slug, version, size, virtualization, keys in SYSTEM:
            template = store.add(
                Template(
                    id=seed_id("templates", region.code, slug, str(version)),
                    created_at=SEED_TIME,
                    name=name,
                    slug=slug,
                    version=version,
                    region=region.id,
                    minimum_disk_size=size,
                    allows_public_key_auth=keys,
                    recommended_virtualization=virtualization,
                    superseded_by_id=newer.get(slug),
                )
            )
            newer[slug] = template.id


OPERATIONS = (
    Operation("GET /templates", index(Template)),
    Operation("GET /templates/{template_id}", show(Template)),
)

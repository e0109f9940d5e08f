"""Create a new version of a template from a disk."""

from __future__ import annotations

from pulumi_joviam.emulator.body import Body, Uuid
from pulumi_joviam.emulator.disk import Disk
from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.store import Check, Store
from pulumi_joviam.emulator.template import Template, TemplateShown


class TemplateCreate(Body):
    disk: Uuid
    supersedes: Uuid


def create(store: Store, body: TemplateCreate) -> TemplateShown:
    """Create a new template by superseding an existing one with a different source disk."""
    disk = store.refer("disk", Disk, body.disk)
    old = store.refer("supersedes", Template, body.supersedes)
    with Check() as check:
        check("supersedes", old.superseded_by_id is None, "has already been superseded")
        check("disk", disk.region == old.region, "is not in the template's region")
        check("disk", disk.state in disk.ready, f"is {disk.state}")
    new = store.add(
        Template(
            name=old.name,
            slug=old.slug,
            version=old.version + 1,
            region=old.region,
            minimum_disk_size=disk.size,
            allows_public_key_auth=old.allows_public_key_auth,
            recommended_virtualization=old.recommended_virtualization,
            disk_id=disk.id,
            published=False,
        )
    )
    old.superseded_by_id = new.id
    return new.show(store)


OPERATIONS = (Operation("POST /templates", create, 201),)

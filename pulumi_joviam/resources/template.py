"""Templates of your own: a new version of one that exists, made from a disk.

Reference: "Template". What surprises: the API makes one only by superseding another, and deletes none. So a
version is for ever; taking it out of a program only forgets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ValidationFail, readable
from pulumi_joviam.lifecycle.arguments import Id, Names, Replaces, Text
from pulumi_joviam.lifecycle.change import Change
from pulumi_joviam.lifecycle.declare import Arg, Args, Out, arg, out
from pulumi_joviam.lifecycle.effects import FORGETS, Effect
from pulumi_joviam.lifecycle.order import named_otherwise
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class TemplateArgs(Args):
    disk: Arg[Id] = arg(Replaces("a version has the data of one disk for ever"))
    """Id of the disk with the data. Another one makes the next version."""
    supersedes: Arg[Text] = arg(Names("template line"), Replaces("a version supersedes one other for ever"))
    """Template to make a new version of, by slug, name or id: the newest version in the disk's region, also where the
    id is that of an older one. The same template by another word is no change."""


class TemplateProvider(Lifecycle[TemplateArgs, models.Template]):
    def post(self, op: Operation, args: TemplateArgs) -> models.Template:
        disk, catalog = op.wait_settled(op.api.get(models.Disk, args.disk)), op.session.catalog
        line = catalog.template_line(args.supersedes, disk.region, "supersedes")
        while True:
            try:
                shows = {"disk_id": disk.id, "slug": line[0].slug, "version": line[0].version + 1}
                body = {"disk": disk.id, "supersedes": line[0].id}
                made = op.create(models.Template, body, shows=shows, alike=dict.fromkeys(body, named_otherwise))
                break
            except ValidationFail:
                tried = line[0].id
                catalog.forget_templates()
                line = catalog.template_line(args.supersedes, disk.region, "supersedes")
                if line[0].id == tried:  # otherwise it was superseded since we asked, and the newest is another
                    raise
        catalog.forget_templates()  # from now on the slug means this one
        # each of them means the same line, so saying another one is no change; nor is what a look-up finds from now on
        for word in [word for version in (*line, made) for word in version.words]:
            op.aliases.bind(("supersedes",), word, line[0].id)
        return made

    def as_inputs(self, live: models.Template) -> dict[str, Any]:
        return {}  # what a version was made from mattered then: the API may forget or supersede it

    def as_outputs(self, live: models.Template) -> dict[str, Any]:
        return {**super().as_outputs(live), "region": live.region.code}

    def effects(self, change: Change, private: Any) -> Iterator[Effect]:
        if change.removes:
            yield FORGETS

    def remove(self, op: Operation, live: models.Template) -> None:
        called = readable(live.slug or live.name or "template")
        op.warn(f"the API cannot delete templates: {called} version {live.version} ({live.id}) is only forgotten here")


class Template(TemplateArgs, Resource, provider=TemplateProvider):
    """A new version of a template, with the data of a disk. Disks made from the slug get this version from now on.

    The API deletes no template: destroying or replacing this only forgets the version, with a warning.

        golden = joviam.Template("golden", disk=system.id, supersedes="ubuntu-16-04")

    Raises, in preview: empty texts, a template that no region has. In `up`, before anything is made: a template that is
    not in the disk's region.
    Source: reference, "Template Supersede". `Template.get` knows neither disk nor supersedes.
    """

    version: Out[int] = out()
    """Its number in its line, from 1."""
    slug: Out[str | None] = out()
    """Short name that means the newest version, this one until it is superseded."""
    name: Out[str | None] = out()
    """Name of the template."""
    region: Out[str] = out()
    """Code of the region in which it can be used."""
    minimum_disk_size: Out[int | None] = out()
    """GB that a disk made from it must have at least."""
    allows_public_key_auth: Out[bool] = out()
    """Whether its operating system takes public keys."""
    recommended_virtualization: Out[str] = out()
    """Virtualization that it needs or does best with, "hvm" or "pv"."""

"""Templates of your own: a new version of one that exists, made from a disk.

Reference: "Template". What surprises: the API creates a template only by superseding another, and cannot
delete one. So a version is permanent; removing it from a program only drops it from the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import NotFound, ValidationFail, readable
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
    disk: Arg[Id] = arg(Replaces("a version always has the data of one disk"))
    """Id of the disk with the data. Another disk creates the next version."""
    supersedes: Arg[Text] = arg(Names("template line"), Replaces("a version always supersedes the same one"))
    """Template to create a new version of, by slug, name or id. It is always the newest version in the disk's region
    that is superseded, even if the id is that of an older one. Another name of the same template is no change."""


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
                if line[0].id == tried:  # otherwise another version has superseded it since we read the list
                    raise
        catalog.forget_templates()  # from now on, the slug means this version
        # all of these names mean the same template, so a change from one to another is no change
        for word in [word for version in (*line, made) for word in version.words]:
            op.aliases.bind(("supersedes",), word, line[0].id)
        return made

    def as_inputs(self, live: models.Template) -> dict[str, Any]:
        return {}  # only the creation needs them: the API may remove or supersede them later

    def described(self, op: Operation[Any], live: models.Template) -> dict[str, Any]:
        line = op.catalog.template_line(live.id, live.region)
        older = line[[version.id for version in line].index(live.id) + 1 :]
        if not older:
            return {"disk": live.disk_id}
        for word in [word for version in older for word in version.words]:
            op.aliases.bind(("supersedes",), word, older[0].id)
        own = older[0].slug != live.slug or self._is_own(op, older[0])
        return {"disk": live.disk_id, "supersedes": older[0].id if own or not live.slug else live.slug}

    @staticmethod
    def _is_own(op: Operation[Any], template: models.Template) -> bool:
        """Say whether a template was made from a disk of this account. Joviam's have no disk."""
        try:
            return bool(template.disk_id and op.sharing().api.get(models.Disk, template.disk_id))
        except NotFound:
            return not template.published  # of others one sees only what they published

    def as_outputs(self, live: models.Template) -> dict[str, Any]:
        return {**super().as_outputs(live), "region": live.region.code}

    def effects(self, change: Change, private: Any) -> Iterator[Effect]:
        if change.removes:
            yield FORGETS

    def remove(self, op: Operation, live: models.Template) -> None:
        called = readable(live.slug or live.name or "template")
        op.warn(
            f"the API cannot delete templates: {called} version {live.version} ({live.id}) is only removed from "
            f"the stack"
        )


class Template(TemplateArgs, Resource, provider=TemplateProvider):
    """A new version of a template, with the data of a disk. New disks from its slug get this version.

    The API cannot delete templates: destroying or replacing this resource only removes the version from the stack, with
    a warning.

        golden = joviam.Template("golden", disk=system.id, supersedes="ubuntu-16-04")

    Rejected in preview: empty strings, a template that no region has. Rejected by `up`, before it creates anything: a
    template that is not in the disk's region. `Template.get` cannot read disk and supersedes.
    Source: reference, "Template Supersede".
    """

    version: Out[int] = out()
    """Number of the version, from 1."""
    slug: Out[str | None] = out()
    """Short name of the newest version: this one, until it is superseded."""
    name: Out[str | None] = out()
    """Name of the template."""
    region: Out[str] = out()
    """Code of its region."""
    minimum_disk_size: Out[int | None] = out()
    """Smallest size of a disk with this template, in GB."""
    allows_public_key_auth: Out[bool] = out()
    """Whether its operating system accepts public keys."""
    recommended_virtualization: Out[str] = out()
    """Recommended virtualization, "hvm" or "pv"."""

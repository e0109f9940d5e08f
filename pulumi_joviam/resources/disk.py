"""Disks: blank, from a template, or cloned from another disk.

Reference: "Disk". Note: a disk can only grow, through the resize action. A smaller size needs a new disk, and only a
change of the program asks for one: a disk that was grown by hand is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.lifecycle.aliases import Path
from pulumi_joviam.lifecycle.arguments import DiskTier, Id, MayStop, Names, Positive, Replaces, Resets, Text
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.declare import Arg, Out, Regional, arg, out
from pulumi_joviam.lifecycle.effects import UNLESS_RETAINED, Effect, Loss
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.lifecycle.state import Memory
from pulumi_joviam.resources import power
from pulumi_joviam.resources.disk_size import grow, kept_size, too_small

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class DiskArgs(Regional):
    size: Arg[Positive] = arg(MayStop("the instance that the disk is attached to"))
    """Size in GB. A larger size grows the disk in place (see allow_stopping). A size smaller than the program had
    before replaces the disk. A preview assumes that for a size which is not known yet."""
    performance_tier: Arg[DiskTier] = arg(Replaces("PUT /disks takes no performance tier"))
    """Disk performance tier, by id or name."""
    template: Arg[Text | None] = arg(
        Names("template"), Replaces("a template is copied when the disk is created"), default=None
    )
    """Template to copy, by id, slug or name. A slug or name means the newest version in the region. Removing it changes
    nothing."""
    source_disk: Arg[Id | None] = arg(Replaces("a disk is cloned when the new one is created"), default=None)
    """Id of the disk to clone. The clone is then grown to size. Cannot be combined with template. Removing it changes
    nothing."""
    cdrom: Arg[bool | None] = arg(Resets(False), default=None)
    """Whether the disk emulates a CD-ROM."""
    is_template: Arg[bool | None] = arg(Resets(False), default=None)
    """Whether it can be cloned."""
    allow_stopping: Arg[bool | None] = arg(default=None, unset="false")
    """Whether growing the disk may stop the instance that it is attached to and start it again."""

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.template is not None and self.source_disk is not None:
            yield "source_disk", "a disk is created from a template or from a source_disk: give only one of them"


class DiskProvider(Lifecycle[DiskArgs, models.Disk]):
    memory: ClassVar[type[Memory]] = power.StopMemory

    def post(self, op: Operation, args: DiskArgs) -> models.Disk:
        body = args.model_dump(include={"name", "is_template", "performance_tier"}, exclude_unset=True)
        if args.source_disk:
            path = op.api.path(models.Disk, args.source_disk, "clone")
            return op.retry_when_settled([args.source_disk], lambda: op.create(models.Disk, body, path))
        body |= args.model_dump(include={"size", "cdrom", "region", "template"}, exclude_unset=True)
        return op.create(models.Disk, body)

    def converge(self, op: Operation[power.StopMemory], live: models.Disk, args: DiskArgs) -> models.Disk:
        live = super().converge(op, live, args)
        power.resume(op)
        if "size" not in args.model_fields_set or args.size <= live.size:
            return live
        if live.instance_id:
            power.change(op, live.instance_id, [lambda: grow(op, live, args.size)], allowed=bool(args.allow_stopping))
        else:
            grow(op, live, args.size)
        return op.wait_ready(op.api.get(models.Disk, live.id))

    def remove(self, op: Operation, live: models.Disk) -> None:
        for instance in op.holders(live):
            raise JoviamError(
                f"the disk {live.id} is attached to the instance {instance.called}. "
                "Take it out of that instance's disks first."
            )
        op.delete(live)

    def fits(self, said: Mapping[str, Any], found: Mapping[Path, models.Named]) -> Iterator[tuple[str, str]]:
        yield from too_small(found.get(("template",)), said.get("size"), "size")

    def as_inputs(self, live: models.Disk) -> dict[str, Any]:
        # only the creation needs the template: the API may remove or supersede it later
        return {field: value for field, value in super().as_inputs(live).items() if field != "template"}

    def described(self, op: Operation[Any], live: models.Disk) -> dict[str, Any]:
        return {**self.as_inputs(live), "template": live.template}

    def differing(self, live: models.Disk, args: DiskArgs) -> dict[str, Any]:
        return {field: value for field, value in super().differing(live, args).items() if field != "size"}

    def compare(self, field: str, change: Change) -> Step | Literal["same"]:
        there, wanted, said = (bag.get("size") for bag in (change.live, change.wanted, change.before))
        if field != "size" or there is None or wanted > there:
            return super().compare(field, change)
        return "replace" if said is not None and wanted < min(there, said) else "same"

    def at_worst(self, field: str) -> Step:
        return "replace" if field == "size" else super().at_worst(field)

    def stays(self, field: str, shown: Any, said: Any) -> bool:
        return field == "size" and said is not None and shown > said

    def effects(self, change: Change, private: power.StopMemory) -> Iterator[Effect]:
        yield from super().effects(change, private)
        if change.removes:
            instead = (
                "create the new disk beside it (under another resource name, or with source_disk) and copy the data "
                "before you remove this one"
            )
            yield Loss("replacing the disk", change.live.get("size"), "it", instead, unless=UNLESS_RETAINED)

    def notices(self, change: Change) -> Iterator[str]:
        if "size" not in change.steps and not change.removes:
            yield from kept_size("disk", change.live, change.wanted)


class Disk(DiskArgs, Resource, provider=DiskProvider):
    """A disk that can be attached to an instance: blank, from a template, or a clone.

        system = joviam.Disk("system", size=20, performance_tier="Standard", template="ubuntu-16-04")
        data = joviam.Disk("data", size=100, performance_tier="Fast")

    Rejected in preview: a size that is not a whole number above 0, or is below the minimum_disk_size of a new template;
    an unknown region, tier or template; template together with source_disk.
    Source: reference, "Disk Create", "Disk Clone", "Disk Update", "Disk Resize".
    """

    template_id: Out[str | None] = out()
    """Id of the template version that it was created from."""

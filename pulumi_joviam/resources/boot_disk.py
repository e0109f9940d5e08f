"""The boot disk that is made together with its instance (basic create).

Reference: "Instance Create (basic)". What surprises: no endpoint gives an instance another operating
system. So a new disk is made and provisioned first, then swapped in while the machine is stopped; the
old one is deleted when the machine runs again. Id and addresses of the instance stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from pulumi_joviam import models
from pulumi_joviam.args import Text
from pulumi_joviam.errors import Failed, JoviamError, NotFound
from pulumi_joviam.resources import power
from pulumi_joviam.resources.disk import grow

if TYPE_CHECKING:
    from pulumi_joviam.operation import Operation
    from pulumi_joviam.resources.instance import InstanceArgs

MADE = "boot_disk"
"""In ``op.kept``: the id of the disk that was made with the instance."""
STAYS = "boot_disk_stays"
"""In ``op.kept``: that disk does not go with the instance, nor when another one takes its place."""
NEXT = "next_boot_disk"
"""In ``op.kept``: the id of the disk that is being made to take its place."""
OLD = "old_boot_disks"
"""In ``op.kept``: the ids of disks whose place was taken, until they are deleted."""
SMALLER = "smaller_boot_disk"
"""In ``op.kept``: the program has asked for a smaller disk, and does not have it yet."""


class BootDisk(TypedDict):
    """What a program says about the disk. ``size`` is in GB."""

    template: Text
    size: Annotated[int, Field(gt=0)]
    performance_tier: Text
    delete_with_instance: NotRequired[bool]


class Booted:
    """The disk from which an instance boots, as something that a program says."""

    def __init__(self, disk: models.Disk) -> None:
        self.disk = disk

    def is_like(self, said: Mapping[str, Any]) -> bool:
        """Say whether it has the template and tier that are said. A template that the API forgot is not asked for."""
        template = self.disk.template
        return self.disk.performance_tier.means(said["performance_tier"]) and (
            template is None or template.means(said["template"])
        )

    def means(self, said: Mapping[str, Any]) -> bool:
        return self.is_like(said) and self.disk.size == said["size"]

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        template = self.disk.template
        return {
            "performance_tier": self.disk.performance_tier.words,
            **({"template": template.words} if template else {}),
        }

    def as_said(self, like: Mapping[str, Any] | None) -> dict[str, Any]:
        like, template, tier = like or {}, self.disk.template, self.disk.performance_tier
        now = {**like, "size": self.disk.size}
        if not tier.means(like.get("performance_tier", "")):
            now["performance_tier"] = tier.as_said(like.get("performance_tier"))
        if template and not template.means(like.get("template", "")):
            now["template"] = template.as_said(like.get("template"))
        return now


def shrunk(old: Mapping[str, Any] | None, new: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Say whether the program itself asks for less than it said before: a disk grown by hand is kept."""
    return bool(old and before and new["size"] < min(old["size"], before["size"]))


def announce(old: Mapping[str, Any], new: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield warnings for a preview; both sides say regions, tiers and templates in the same words."""
    same_kind = all(old.get(key) == new.get(key) for key in ("template", "performance_tier"))
    if same_kind and not shrunk(old, new, before):
        if new["size"] > old["size"]:
            yield "changing boot_disk.size may stop the instance and start it again (allow_stopping)"
        elif new["size"] < old["size"]:
            yield f"the boot disk has {old['size']} GB, the program says {new['size']}: it is kept as it is"
        return
    yield "another boot_disk stops the instance and starts it again (allow_stopping)"
    yield from announce_loss(old, "another boot_disk", "the old one")


def announce_loss(old: Mapping[str, Any], by: str, what: str = "its boot disk") -> Iterator[str]:
    """Yield a warning that the data on the disk are lost, unless it stays."""
    if goes(old):
        yield (
            f"{by} loses the {old['size']} GB on {what}. To keep them, say delete_with_instance=False "
            "and bring that up first"
        )


def goes(said: Mapping[str, Any]) -> bool:
    """Say whether the disk goes with the instance, or when another one takes its place."""
    return bool(said.get("delete_with_instance", True))


def change(op: Operation, live: models.Instance, args: InstanceArgs) -> list[power.Change]:
    """Return what has to be done to the instance so that it boots from what is said; nothing where it does."""
    if args.boot_disk is None:
        return _left(op, live, args)
    if op.kept.get(NEXT) in [disk.id for disk in live.disks]:  # it was swapped in by a run that did not hear of it
        _swapped(op, live, op.kept[NEXT])
    wanted, first = args.boot_disk, live.disks[0] if live.disks else None
    if not goes(wanted):
        op.kept[STAYS] = True
    # disks that the program has just taken away make room for the boot disk, none of them becomes it
    there = first if first and (args.disks is None or first.id == op.kept.get(MADE)) else None
    before = (op.call.inputs or {}).get("boot_disk")
    if there and Booted(there).is_like(wanted):
        if shrunk({"size": there.size}, wanted, before):
            op.kept[SMALLER] = True
        if not op.kept.get(SMALLER) or wanted["size"] >= there.size:
            op.kept.pop(SMALLER, None)
            return [lambda: grow(op, there, wanted["size"])] if wanted["size"] > there.size else []
    _may_stop(live, args)
    new = _made(op, live, wanted)
    return [lambda: _swap(op, live, there, new)]


def _left(op: Operation, live: models.Instance, args: InstanceArgs) -> list[power.Change]:
    """Return what has to be done where the program says disks instead."""
    made, disks = op.kept.get(MADE), args.disks
    if made is None or disks is None:
        return []
    if made in disks:  # from now on the program says what becomes of it
        _forget(op)
        return []

    def leave() -> None:
        if made in [disk.id for disk in live.disks]:
            _replace(op, _stopped(op, live), disks)
        if not op.kept.get(STAYS):
            op.kept.setdefault(OLD, []).append(made)
        _forget(op)

    _may_stop(live, args)
    return [leave]


def _forget(op: Operation) -> None:
    op.kept.pop(MADE, None)
    op.kept.pop(STAYS, None)


def _may_stop(live: models.Instance, args: InstanceArgs) -> None:
    if live.state == "running" and not args.allow_stopping:
        raise JoviamError(
            "boot_disk: another boot disk needs the instance stopped. allow_stopping=True lets the next `up` "
            "stop the instance, swap the disks, and start it again."
        )


def tidy(op: Operation, args: InstanceArgs) -> None:
    """Delete the disks whose place was taken, and one that was to take a place and does not any more.

    From now on the boot disk stays or goes as the program says.
    """
    if args.boot_disk and goes(args.boot_disk):
        op.kept.pop(STAYS, None)
    if NEXT in op.kept:
        _delete(op, op.kept.pop(NEXT))
    _delete_old(op)


def _delete_old(op: Operation) -> None:
    for id in list(op.kept.get(OLD, ())):
        _delete(op, id)
        op.kept[OLD].remove(id)
    if not op.kept.get(OLD):
        op.kept.pop(OLD, None)


def clean_up(op: Operation) -> None:
    """After the instance is gone, delete the disks that were made for it."""
    _delete_old(op)
    for name in (NEXT, MADE):
        if name in op.kept and not (name == MADE and op.kept.get(STAYS)):
            _delete(op, op.kept.pop(name))


def _made(op: Operation, live: models.Instance, wanted: BootDisk) -> models.Disk:
    """Return the new disk, provisioned: one that was begun before, if it is what is wanted."""
    if NEXT in op.kept:
        try:
            begun = op.at_rest(op.api.get(models.Disk, op.kept[NEXT]))
        except NotFound:
            begun = None
        if begun and begun.state not in begun.failed and Booted(begun).means(wanted):
            return begun
        _delete(op, op.kept.pop(NEXT))
    tier = op.performance_tier(wanted["performance_tier"], "disks", live.region, "boot_disk.performance_tier")
    template = op.template(wanted["template"], live.region, "boot_disk.template")
    body = {"name": f"{live.name} boot", "size": wanted["size"], "region": live.region.id}
    new = op.create(models.Disk, {**body, "performance_tier": tier.id, "template": template.id}, purpose=NEXT)
    op.kept[NEXT] = new.id
    try:
        return op.settled(new)
    except Failed as failed:
        _delete(op, op.kept.pop(NEXT))
        raise JoviamError(f"boot_disk: {failed}; the instance goes on with the disk that it has") from None


def _swap(op: Operation, live: models.Instance, old: models.Disk | None, new: models.Disk) -> None:
    """Put the new disk in the place of the old one. Raises NeedsStop while the instance runs."""
    now = _stopped(op, live)
    rest = [disk.id for disk in now.disks if disk.id != old.id] if old else []
    _swapped(op, _replace(op, now, [new.id, *rest]), new.id)


def _stopped(op: Operation, live: models.Instance) -> models.Instance:
    """Return the instance as it is now. Raises NeedsStop while it runs."""
    now = op.api.get(models.Instance, live.id)
    if now.state == "running":
        raise power.NeedsStop("another boot disk")
    return now


def _replace(op: Operation, live: models.Instance, disks: list[str]) -> models.Instance:
    """Give the instance these disks and return it."""
    path = op.api.path(models.Instance, live.id, "disks")
    op.when_at_rest(disks, lambda: op.steadily(live, lambda _now: op.api.call("PUT", path, {"disks": disks})))
    return op.api.get(models.Instance, live.id)


def _swapped(op: Operation, live: models.Instance, new: str) -> None:
    """Remember that the new disk has taken the place of the one that was made before it."""
    op.kept.pop(NEXT, None)
    op.kept.pop(SMALLER, None)
    before = op.kept.get(MADE)
    if before and before not in [disk.id for disk in live.disks] and not op.kept.get(STAYS):
        op.kept.setdefault(OLD, []).append(before)
    op.kept[MADE] = new


def _delete(op: Operation, id: str) -> None:
    """Delete a disk of ours. One that is gone, or that somebody gave to another instance, is left alone."""
    try:
        disk = op.at_rest(op.api.get(models.Disk, id))
    except NotFound:
        return
    if disk.instance_id:
        op.warn(f"the disk {id} is kept: the instance {disk.instance_id} has it now")
    else:
        op.delete(disk)

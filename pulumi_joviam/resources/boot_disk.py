"""The boot disk that is made together with its instance (basic create).

Reference: "Instance Create (basic)". What surprises: no endpoint gives an instance another operating
system. So a new disk is made and provisioned first, then swapped in while the machine is stopped; the
old one is deleted when the machine runs again. Id and addresses of the instance stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import Failed, JoviamError, NotFound
from pulumi_joviam.lifecycle.arguments import MayStop, given, has_unknown
from pulumi_joviam.lifecycle.change import Change
from pulumi_joviam.lifecycle.effects import Effect, Loss
from pulumi_joviam.lifecycle.state import Memory
from pulumi_joviam.resources import power
from pulumi_joviam.resources.disk_size import grow, kept_size

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation
    from pulumi_joviam.resources.instance_args import BootDisk, InstanceArgs


@dataclass
class DiskMemory(Memory):
    """What an instance remembers of its boot disk. The ids are "" where there is no such disk."""

    boot_disk: str = ""
    """Id of the disk that was made with the instance."""
    boot_disk_stays: bool = False
    """That disk does not go with the instance, nor when another one takes its place."""
    next_boot_disk: str = ""
    """Id of the disk that is being made to take its place."""
    old_boot_disks: list[str] = field(default_factory=list)
    """Ids of disks whose place was taken, until they are deleted."""
    smaller_boot_disk: bool = False
    """The program has asked for a smaller disk, and does not have it yet."""


STOPS = MayStop()
FIRST = "another first disk, from which it boots,"


class Booted:
    """The disk from which an instance boots, as something that a program says."""

    def __init__(self, disk: models.Disk) -> None:
        self.disk = disk

    def is_like(self, said: Mapping[str, Any]) -> bool:
        """Say whether it has the template and tier that are said. A template that the API forgot is not asked for."""
        template = self.disk.template
        return self.disk.performance_tier.matches(said["performance_tier"]) and (
            template is None or template.matches(said["template"])
        )

    def matches(self, said: Mapping[str, Any]) -> bool:
        return self.is_like(said) and self.disk.size == said["size"]

    @property
    def parts(self) -> dict[str, models.Named | None]:
        """What its keys name."""
        return {"performance_tier": self.disk.performance_tier, "template": self.disk.template}

    def as_input(self, like: Mapping[str, Any] | None) -> dict[str, Any]:
        like, template, tier = like or {}, self.disk.template, self.disk.performance_tier
        now = {**like, "size": self.disk.size}
        if not tier.matches(like.get("performance_tier", "")):
            now["performance_tier"] = tier.as_input(like.get("performance_tier"))
        if template and not template.matches(like.get("template", "")):
            now["template"] = template.as_input(like.get("template"))
        return now


def shrunk(old: Mapping[str, Any] | None, new: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Say whether the program itself asks for less than it said before: a disk grown by hand is kept."""
    return bool(old and before and new["size"] < min(old["size"], before["size"]))


def effects(change: Change, memory: DiskMemory) -> Iterator[Effect]:
    """Yield what a change does to an instance that stays: it boots from another disk, or from a larger one."""
    live, allowed, rests = change.live, change.may_stop, power.rests(change.live, change.wanted)
    old: Mapping[str, Any] = live.get("boot_disk") or {}
    new, disks = change.wanted.get("boot_disk"), change.wanted.get("disks")
    if new and "boot_disk" in change.steps:
        known = bool(old) and not has_unknown(new)
        swaps = not known or not same_kind(old, new) or shrunk(old, new, change.before.get("boot_disk"))
        if not rests and (swaps or new["size"] > old["size"]):
            what = "another boot_disk" if swaps else "changing boot_disk.size"
            yield STOPS.stop("boot_disk", what, allowed, sure=known and swaps)
        if swaps:
            yield from lost(change, memory, "another boot_disk", "the old one", "boot_disk")
    elif "disks" in change.steps:
        there: Sequence[str] = live.get("disks") or live.get("disk_ids") or []
        if not rests and not keeps_first(there, disks):
            yield STOPS.stop("disks", FIRST, allowed, sure=bool(disks and given(disks) and given(disks[0])))
        if not (disks and given(disks) and memory.boot_disk in disks):
            yield from lost(change, memory, "giving the instance other disks", "its boot disk", "disks")


def notices(change: Change) -> Iterator[str]:
    """Yield what else a preview should warn of, for an instance that stays."""
    old: Mapping[str, Any] = change.live.get("boot_disk") or {}
    new: Mapping[str, Any] = change.wanted.get("boot_disk") or {}
    stays = bool(old and new) and not has_unknown(new) and same_kind(old, new)
    if stays and not shrunk(old, new, change.before.get("boot_disk")):
        yield from kept_size("boot disk", old, new)


def lost(change: Change, memory: DiskMemory, by: str, of: str, field: str = "", unless: str = "") -> Iterator[Loss]:
    """Yield the loss of the data on the disk that was made with the instance, unless that stays."""
    if memory.boot_disk and not memory.boot_disk_stays:
        disk: Mapping[str, Any] = change.live.get("boot_disk") or {}
        yield Loss(by, disk.get("size"), of, "set delete_with_instance=False and run `up` first", field, unless)


def keeps_first(there: Sequence[str], disks: Any) -> bool:
    """Say whether an instance with the disks ``there`` boots from the same one with ``disks``, as far as is known."""
    return not there or bool(disks and given(disks) and disks[0] == there[0])


def same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Say whether both have the same template and tier. An old one that says none is not asked for it."""
    return all(old.get(key) == new.get(key) for key in ("template", "performance_tier"))


def goes(said: Mapping[str, Any]) -> bool:
    """Say whether the disk goes with the instance, or when another one takes its place."""
    return bool(said.get("delete_with_instance", True))


def change(op: Operation[DiskMemory], live: models.Instance, args: InstanceArgs) -> list[power.Change]:
    """Return what has to be done to the instance so that it boots from what is said; nothing where it does."""
    if args.boot_disk is None:
        return _given(op, live, args)
    if op.private.next_boot_disk in [disk.id for disk in live.disks]:  # swapped in by a run that did not hear of it
        _swapped(op, live, op.private.next_boot_disk)
        live = live.with_details(made_disk_id=op.private.boot_disk)
    if "boot_disk" not in args.model_fields_set:
        return []
    wanted = args.boot_disk
    if not goes(wanted):
        op.private.boot_disk_stays = True
    # disks that the program has just taken away make room for the boot disk, none of them becomes it
    there = live.boot_disk if args.disks is None or op.private.boot_disk else None
    before = op.before.get("boot_disk")
    if there and Booted(there).is_like(wanted):
        if shrunk({"size": there.size}, wanted, before):
            op.private.smaller_boot_disk = True
        if not op.private.smaller_boot_disk or wanted["size"] >= there.size:
            op.private.smaller_boot_disk = False
            return [lambda: grow(op, there, wanted["size"])] if wanted["size"] > there.size else []
    _may_stop(live, args, "boot_disk")
    new = (None if there else _taken_off(op, wanted)) or _made(op, live, wanted)
    return [lambda: _swap(op, live, args, there, new)]


def _given(op: Operation[DiskMemory], live: models.Instance, args: InstanceArgs) -> list[power.Change]:
    """Return what has to be done where the program gives the instance its disks: the first of them boots it."""
    if "disks" not in args.model_fields_set:
        return []
    made, wanted, there = op.private.boot_disk, args.disks or [], [disk.id for disk in live.disks]
    if made in wanted:  # from now on the program says what becomes of it
        _forget(op)
        made = ""
    if wanted == there and not made:
        return []
    boots_from_another = bool(there) and wanted[:1] != there[:1]

    def give() -> None:
        if boots_from_another:
            _stopped(op, live)
        if wanted != there:
            _replace(op, live, wanted)
        if made:
            if not op.private.boot_disk_stays:
                op.private.old_boot_disks.append(made)
            _forget(op)

    if boots_from_another:
        _may_stop(live, args, "disks")
    return [give]


def _forget(op: Operation[DiskMemory]) -> None:
    op.private.boot_disk, op.private.boot_disk_stays = "", False


def _may_stop(live: models.Instance, args: InstanceArgs, argument: str) -> None:
    if live.state == "running" and not args.allow_stopping:
        raise JoviamError(
            f"{argument}: another boot disk needs the instance stopped. allow_stopping=True lets the next `up` "
            "stop the instance, swap the disks, and start it again."
        )


def tidy(op: Operation[DiskMemory], args: InstanceArgs) -> None:
    """Delete the disks whose place was taken, and one that was to take a place and does not any more.

    From now on the boot disk stays or goes as the program says.
    """
    if args.boot_disk and goes(args.boot_disk):
        op.private.boot_disk_stays = False
    if op.private.next_boot_disk:
        _delete(op, op.private.next_boot_disk)
    _delete_old(op)


def _delete_old(op: Operation[DiskMemory]) -> None:
    for id in list(op.private.old_boot_disks):
        _delete(op, id)
        op.private.old_boot_disks.remove(id)


def going(memory: DiskMemory) -> list[str]:
    """Return the ids of the disks that are deleted with the instance."""
    made = "" if memory.boot_disk_stays else memory.boot_disk
    return [*memory.old_boot_disks, *filter(None, (memory.next_boot_disk, made))]


def clean_up(op: Operation[DiskMemory]) -> None:
    """After the instance is gone, delete the disks that were made for it."""
    for id in going(op.private):
        _delete(op, id)


def _made(op: Operation[DiskMemory], live: models.Instance, wanted: BootDisk) -> models.Disk:
    """Return the new disk, provisioned: one that was begun before, if it is what is wanted."""
    if op.private.next_boot_disk:
        try:
            begun = op.wait_settled(op.api.get(models.Disk, op.private.next_boot_disk))
        except NotFound:
            begun = None
        if begun and begun.state not in begun.failed and Booted(begun).matches(wanted):
            return begun
        _delete(op, op.private.next_boot_disk)
    said = {key: value for key, value in wanted.items() if key != "delete_with_instance"}
    new = op.create(
        models.Disk, {**said, "name": f"{live.name} boot", "region": live.region.id}, purpose="next_boot_disk"
    )
    op.private.next_boot_disk = new.id
    try:
        return op.wait_ready(new)
    except Failed as failed:
        _delete(op, op.private.next_boot_disk)
        raise JoviamError(f"boot_disk: {failed}; the instance keeps its present disk") from None


def _taken_off(op: Operation[DiskMemory], wanted: BootDisk) -> models.Disk | None:
    """Return the disk that was made for the instance where somebody took it off and it is still what is wanted."""
    if not op.private.boot_disk:
        return None
    try:
        disk = op.wait_settled(op.api.get(models.Disk, op.private.boot_disk))
    except NotFound:
        return None
    if op.holders(disk) or disk.state in disk.failed or not Booted(disk).is_like(wanted) or disk.size > wanted["size"]:
        return None
    if disk.size < wanted["size"]:
        grow(op, disk, wanted["size"])
    return disk


def _swap(
    op: Operation[DiskMemory], live: models.Instance, args: InstanceArgs, old: models.Disk | None, new: models.Disk
) -> None:
    """Put the new disk in the place of the old one, or first. Raises NeedsStop while the instance runs."""
    now = _stopped(op, live)
    there = [disk.id for disk in now.disks]
    if old:
        disks = [new.id if id == old.id else id for id in there]
    else:
        disks = [new.id, *(there if args.disks is None else ())]
    _swapped(op, _replace(op, now, disks), new.id)


def _stopped(op: Operation, live: models.Instance) -> models.Instance:
    """Return the instance as it is now. Raises NeedsStop while it runs."""
    now = op.api.get(models.Instance, live.id)
    if now.state == "running":
        raise power.NeedsStop("another boot disk")
    return now


def _replace(op: Operation, live: models.Instance, disks: list[str]) -> models.Instance:
    """Give the instance these disks and return it."""
    path = op.api.path(models.Instance, live.id, "disks")

    def put(_now: models.Instance) -> None:
        op.api.call("PUT", path, {"disks": disks})

    op.retry_when_settled(disks, lambda: op.retry_while_changing(live, put), to=live.id)
    return op.api.get(models.Instance, live.id)


def _swapped(op: Operation[DiskMemory], live: models.Instance, new: str) -> None:
    """Remember that the new disk has taken the place of the one that was made before it."""
    memory = op.private
    if memory.boot_disk and memory.boot_disk not in [disk.id for disk in live.disks] and not memory.boot_disk_stays:
        memory.old_boot_disks.append(memory.boot_disk)
    memory.boot_disk, memory.next_boot_disk, memory.smaller_boot_disk = new, "", False


def _delete(op: Operation[DiskMemory], id: str) -> None:
    """Delete a disk of ours. One that is gone, or that somebody gave to another instance, is left alone."""
    with suppress(NotFound):
        disk = op.api.get(models.Disk, id)
        if holders := op.holders(disk):
            op.warn(f"the disk {id} is kept: the instance {holders[0].called} has it now")
        else:
            op.delete(disk)
    if op.private.next_boot_disk == id:
        op.private.next_boot_disk = ""

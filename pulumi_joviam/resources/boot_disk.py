"""The boot disk that is created together with its instance (basic create).

Reference: "Instance Create (basic)". Note: no endpoint changes the operating system of an instance. So a new disk is
created first, then swapped in while the machine is stopped. The old disk is deleted when the machine runs again. The
instance keeps its id and addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
    """The private state of a boot disk. An id is "" if there is no such disk."""

    boot_disk: str = ""
    """Id of the disk that was created with the instance."""
    boot_disk_stays: bool = False
    """Whether that disk is kept when the instance is deleted or the disk is replaced."""
    next_boot_disk: str = ""
    """Id of the new disk that is to replace it."""
    old_boot_disks: list[str] = field(default_factory=list)
    """Ids of replaced disks, until they are deleted."""
    smaller_boot_disk: bool = False
    """Whether the program has asked for a smaller disk that is not swapped in yet."""

    @property
    def created(self) -> Mapping[str, type[models.Model]]:
        return {**super().created, **({self.boot_disk: models.Disk} if self.boot_disk else {})}

    @property
    def leaving(self) -> Collection[str]:
        return [*self.old_boot_disks, *filter(None, [self.next_boot_disk])]


STOPS = MayStop()
FIRST = "another first disk, from which it boots,"


class Booted:
    """The boot disk of an instance, in the form of an input."""

    def __init__(self, disk: models.Disk) -> None:
        self.disk = disk

    def is_like(self, said: Mapping[str, Any]) -> bool:
        """Return whether it has this template and tier. A template that the API no longer shows is not compared."""
        template = self.disk.template
        return self.disk.performance_tier.matches(said["performance_tier"]) and (
            template is None or template.matches(said["template"])
        )

    def matches(self, said: Mapping[str, Any]) -> bool:
        return self.is_like(said) and self.disk.size == said["size"]

    @property
    def parts(self) -> dict[str, models.Named | None]:
        """The objects that its keys refer to."""
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
    """Return whether the program has reduced the size: a disk that was grown by hand is left as is."""
    return bool(old and before and new["size"] < min(old["size"], before["size"]))


def swaps(change: Change) -> bool:
    """Return whether the boot_disk of the program may be another one than that of the instance."""
    old: Mapping[str, Any] = change.live.get("boot_disk") or {}
    new: Mapping[str, Any] = change.wanted.get("boot_disk") or {}
    known = old and new and not has_unknown(new)
    return not known or not same_kind(old, new) or shrunk(old, new, change.before.get("boot_disk"))


def effects(change: Change, memory: DiskMemory) -> Iterator[Effect]:
    """Yield the effects of a change on an instance that is not deleted: another boot disk, or a larger one."""
    live, allowed, rests = change.live, change.may_stop, power.rests(change.live, change.wanted)
    old: Mapping[str, Any] = live.get("boot_disk") or {}
    new, disks = change.wanted.get("boot_disk"), change.wanted.get("disks")
    if new and "boot_disk" in change.steps:
        another = swaps(change)
        if not rests and (another or new["size"] > old["size"]):
            what = "another boot_disk" if another else "changing boot_disk.size"
            known = bool(old) and not has_unknown(new)
            yield STOPS.stop("boot_disk", what, allowed, sure=known and another)
        if another:
            yield from lost(change, memory, "another boot_disk", "the old one", "boot_disk")
    elif "disks" in change.steps:
        there: Sequence[str] = live.get("disks") or live.get("disk_ids") or []
        if not rests and not keeps_first(there, disks):
            yield STOPS.stop("disks", FIRST, allowed, sure=bool(disks and given(disks) and given(disks[0])))
        if not (disks and given(disks) and memory.boot_disk in disks):
            yield from lost(change, memory, "giving the instance other disks", "its boot disk", "disks")


def notices(change: Change) -> Iterator[str]:
    """Yield further warnings for an instance that is not deleted."""
    if not swaps(change):
        yield from kept_size("boot disk", change.live["boot_disk"], change.wanted["boot_disk"])


def lost(change: Change, memory: DiskMemory, by: str, of: str, field: str = "", unless: str = "") -> Iterator[Loss]:
    """Yield the loss of the data on the disk that was created with the instance, unless it is kept."""
    if memory.boot_disk and not memory.boot_disk_stays:
        disk: Mapping[str, Any] = change.live.get("boot_disk") or {}
        yield Loss(by, disk.get("size"), of, "set delete_with_instance=False and run `up` first", field, unless)


def keeps_first(there: Sequence[str], disks: Any) -> bool:
    """Return whether ``there`` and ``disks`` have the same boot disk, as far as it is known."""
    return not there or bool(disks and given(disks) and disks[0] == there[0])


def same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether both have the same template and tier. What the old one lacks is not compared."""
    return all(old.get(key) == new.get(key) for key in ("template", "performance_tier"))


def goes(said: Mapping[str, Any]) -> bool:
    """Return whether the disk is deleted with the instance, or when it is replaced."""
    return bool(said.get("delete_with_instance", True))


def change(op: Operation[DiskMemory], live: models.Instance, args: InstanceArgs) -> list[power.Change]:
    """Return the changes that give the instance its boot disk; none if it has it."""
    if args.boot_disk is None:
        return _given(op, live, args)
    if op.private.next_boot_disk in [disk.id for disk in live.disks]:  # swapped in by a run that lost the response
        _swapped(op, live, op.private.next_boot_disk)
        live = live.with_details(made_disk_id=op.private.boot_disk)
    if "boot_disk" not in args.model_fields_set:
        return []
    wanted = args.boot_disk
    if not goes(wanted):
        op.private.boot_disk_stays = True
    # disks that the program has just removed make room for the boot disk; none of them becomes it
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
    """Return the changes for a program that sets disks: the first one is the boot disk."""
    if "disks" not in args.model_fields_set:
        return []
    made, wanted, there = op.private.boot_disk, args.disks or [], [disk.id for disk in live.disks]
    if made in wanted:  # from now on, the program manages it
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
    """Delete replaced disks, and a new disk that is no longer needed.

    Record whether the boot disk is deleted with the instance.
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
    """Return the ids of the disks to delete with the instance."""
    made = "" if memory.boot_disk_stays else memory.boot_disk
    return [*memory.leaving, *filter(None, [made])]


def clean_up(op: Operation[DiskMemory]) -> None:
    """After the instance was deleted, delete the disks that were created for it."""
    for id in going(op.private):
        _delete(op, id)


def _made(op: Operation[DiskMemory], live: models.Instance, wanted: BootDisk) -> models.Disk:
    """Return the new disk once it is ready: one from an earlier step, if it matches."""
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
    """Return the disk that was created for the instance, if it was detached by hand and still matches."""
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
    """Replace the old disk by the new one, or put it first. Raises NeedsStop while the instance runs."""
    now = _stopped(op, live)
    there = [disk.id for disk in now.disks]
    if old:
        disks = [new.id if id == old.id else id for id in there]
    else:
        disks = [new.id, *(there if args.disks is None else ())]
    _swapped(op, _replace(op, now, disks), new.id)


def _stopped(op: Operation, live: models.Instance) -> models.Instance:
    """Return the live instance. Raises NeedsStop while it runs."""
    now = op.api.get(models.Instance, live.id)
    if now.state == "running":
        raise power.NeedsStop("another boot disk")
    return now


def _replace(op: Operation, live: models.Instance, disks: list[str]) -> models.Instance:
    """Attach these disks to the instance and return it."""
    path = op.api.path(models.Instance, live.id, "disks")

    def put(_now: models.Instance) -> None:
        op.api.call("PUT", path, {"disks": disks})

    op.retry_when_settled(disks, lambda: op.retry_while_changing(live, put), to=live.id)
    return op.api.get(models.Instance, live.id)


def _swapped(op: Operation[DiskMemory], live: models.Instance, new: str) -> None:
    """Record that the new disk has replaced the previous one."""
    memory = op.private
    if memory.boot_disk and memory.boot_disk not in [disk.id for disk in live.disks] and not memory.boot_disk_stays:
        memory.old_boot_disks.append(memory.boot_disk)
    memory.boot_disk, memory.next_boot_disk, memory.smaller_boot_disk = new, "", False


def _delete(op: Operation[DiskMemory], id: str) -> None:
    """Delete a disk of ours, unless it is attached to another instance by now. It may be deleted already."""
    with suppress(NotFound):
        disk = op.api.get(models.Disk, id)
        if holders := op.holders(disk):
            op.warn(f"the disk {id} is kept: the instance {holders[0].called} has it now")
        else:
            op.delete(disk)
    if op.private.next_boot_disk == id:
        op.private.next_boot_disk = ""

"""What hurts: deletes, replacements, stops of machines, and loss of data.

Why an argument replaces or stops is told by the markers on the provider's arguments. A plain delete reaches no code
of a provider in a preview, so what goes with a deleted object is told here. Of resources of other providers only
deletes and replacements are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi_joviam as joviam
from pulumi_joviam.cli.comment.preview import Argument, Preview, Resource, is_hidden, name
from pulumi_joviam.lifecycle.aliases import Aliases
from pulumi_joviam.lifecycle.arguments import BaseArgs, check
from pulumi_joviam.lifecycle.change import UNLESS_RETAINED, Change
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource as Managed
from pulumi_joviam.lifecycle.state import Hidden
from pulumi_joviam.resources import boot_disk, power
from pulumi_joviam.resources.instance import InstanceMemory

LIFECYCLES: Mapping[str, type[Lifecycle[Any, Any]]] = {
    f"pulumi-python:{found._resource_type_name}": found._lifecycle
    for found in (getattr(joviam, public) for public in joviam.__all__)
    if isinstance(found, type) and issubclass(found, Managed)
}
"""{type in a stack: its lifecycle}"""

FOR_EVER = {"Template", "ConsoleSession"}
"""Kinds that the API deletes on no demand: destroying one only forgets it."""

POWER, BOOT_DISK = "power_state", "boot_disk"


@dataclass(frozen=True)
class Harm:
    """What a change of a resource does that everybody should see before it happens."""

    resource: Resource
    loses: str = ""
    """How much data is lost, or nothing."""
    stops: str = ""
    """ "stop", "possible stop", or nothing."""
    causes: tuple[Argument, ...] = ()
    """The arguments for which it is replaced or stopped."""
    notes: tuple[str, ...] = ()
    """Why, and what to do instead."""

    @property
    def words(self) -> list[str]:
        """All of it in a few words."""
        op = self.resource.op if self.resource.op != "update" else ""
        return [word for word in (op, self.loses and f"data loss ({self.loses})", self.stops) if word]


def found(preview: Preview) -> list[Harm]:
    """Return what hurts, the worst first."""
    harms = [harm for resource in preview.changes if (harm := _harm(resource, preview))]
    return sorted(harms, key=lambda harm: (not harm.loses, harm.resource.rank))


def _harm(resource: Resource, preview: Preview) -> Harm | None:
    warnings = preview.warnings_on.get(resource.urn, [])
    if resource.old.retain_on_delete:
        warnings = [warning for warning in warnings if UNLESS_RETAINED not in warning]
    if resource.op == "delete":
        return Harm(resource, _lost(resource), notes=(*_fate(resource), *warnings))
    if resource.op == "replace":
        causes = tuple(argument for argument in resource.arguments if argument.replaces)
        notes = (*_reasons(resource, causes, preview), *_fate(resource), *warnings)
        return Harm(resource, _lost(resource), causes=causes, notes=notes)
    stops = list(_stops(resource)) if resource.op == "update" else []
    if not stops:
        return None
    fields = {stop.field for stop in stops}
    causes = tuple(argument for argument in resource.arguments if argument.field in fields)
    notes = tuple(dict.fromkeys([*(stop.why for stop in stops), *warnings]))
    word = "stop" if any(stop.sure for stop in stops) else "possible stop"
    return Harm(resource, _lost(resource), word, causes, notes)


def _reasons(resource: Resource, causes: tuple[Argument, ...], preview: Preview) -> Iterator[str]:
    """Yield why it is replaced, where the arguments alone do not tell."""
    lifecycle = LIFECYCLES.get(resource.type)
    for field in dict.fromkeys(argument.field for argument in causes):
        traits = lifecycle.args.traits().get(field) if lifecycle else None
        if traits and traits.replaces:
            yield f"another {field} needs a new object: {traits.replaces.why}"
    if causes:
        return
    together = sorted(name(urn) for urn in resource.new.replace_with if urn in preview.resources)
    uses = {urn for urns in resource.new.property_dependencies.values() for urn in urns or ()}
    replaced = sorted(name(urn) for urn in uses if urn in preview.resources and preview.resources[urn].op == "replace")
    if failed := _hidden(resource).failed:
        yield f"it was made before, and ended in state {failed}"
    elif replaced:
        yield f"it needs {', '.join(replaced)}, which is deleted and made again"
    elif "replaceWith" in resource.replace_reasons:
        yield f"it is replaced whenever one of these is: {', '.join(together)} (replace_with)"
    else:
        yield "no argument makes it so: it was asked for (--replace), or an earlier run did not finish it"


def _fate(resource: Resource) -> Iterator[str]:
    """Yield what else happens to the old object, and to what was made together with it."""
    memory = InstanceMemory.read(_hidden(resource).private)
    if resource.old.retain_on_delete:
        yield "the object stays in the cloud and is only forgotten (retain_on_delete)"
        return
    if resource.new.retain_on_delete:
        yield "retain_on_delete counts from the next up on: this time the old object is still deleted"
    if resource.type in LIFECYCLES and resource.kind in FOR_EVER:
        yield "the object is only forgotten: the API deletes none"
    else:
        if resource.old.inputs.get("disks") and resource.type in LIFECYCLES:
            yield "the disks that it was given stay, but for those that are deleted here themselves"
        if memory.boot_disk and not memory.boot_disk_stays:
            yield "its boot disk was made with it and is deleted with it"
        if memory.addresses:
            yield "the addresses that were made with it are given back"


def _lost(resource: Resource) -> str:
    """Return how much data a change destroys."""
    old = resource.old.outputs
    goes = resource.op in ("delete", "replace")
    if resource.type not in LIFECYCLES or _hidden(resource).failed or (goes and resource.old.retain_on_delete):
        return ""
    if resource.kind == "Disk":
        return _gigabytes(old) if goes else ""
    memory = InstanceMemory.read(_hidden(resource).private)
    if resource.kind == "Instance" and memory.boot_disk and not memory.boot_disk_stays:
        swapped = any(stop.field == BOOT_DISK and stop.sure for stop in _stops(resource))
        return _gigabytes(old.get(BOOT_DISK)) if goes or swapped else ""
    return ""


def _hidden(resource: Resource) -> Hidden:
    """Return what the state holds and no display shows."""
    return Hidden.read(resource.old.outputs)


def _gigabytes(disk: Any) -> str:
    size = disk.get("size") if isinstance(disk, dict) else None
    return f"{size:g} GB" if isinstance(size, (int, float)) else "all that is on it"


@dataclass(frozen=True)
class Stop:
    """An argument that stops a machine, or may do so."""

    field: str
    why: str
    sure: bool


def _stops(resource: Resource) -> Iterator[Stop]:
    if resource.type not in LIFECYCLES:
        return
    changed, traits = _changed(resource), LIFECYCLES[resource.type].args.traits()
    rests = power.rests(resource.old.outputs, resource.new.inputs)
    allowed = resource.new.inputs.get("allow_stopping") is True
    for field in () if rests else changed:
        if field in traits and (may_stop := traits[field].may_stop):
            yield Stop(field, may_stop.warning(f"changing {field}", allowed), sure=False)
    if resource.kind == "Instance":
        if BOOT_DISK in changed:
            yield from _another_boot_disk(changed[BOOT_DISK], allowed)
        elif BOOT_DISK in resource.old.outputs and "disks" in changed:
            yield Stop(BOOT_DISK, "it boots from one of its disks instead", sure=True)
        elif "disks" in changed and not rests and not _boots_as_before(changed["disks"]):
            yield Stop(
                "disks", boot_disk.STOPS.warning(boot_disk.FIRST, allowed, sure=bool(changed["disks"])), sure=False
            )
        if POWER in changed and resource.new.inputs[POWER] == "stopped":
            yield Stop(POWER, f"{POWER} stops it", sure=True)


def _another_boot_disk(values: Any, allowed: bool) -> Iterator[Stop]:
    old, new, before = values or (None, None, None)
    if not old or not new:
        yield Stop(BOOT_DISK, "it boots from another disk", sure=True)
        return
    swapped = not boot_disk.same_kind(old, new) or boot_disk.shrunk(old, new, before)
    if swapped or new["size"] > old["size"]:
        what = "another boot_disk" if swapped else "changing boot_disk.size"
        yield Stop(BOOT_DISK, boot_disk.STOPS.warning(what, allowed, sure=swapped), sure=swapped)


def _boots_as_before(disks: Any) -> bool:
    """Say whether the first of the disks stays, of (live, wanted, said before)."""
    return bool(disks) and boot_disk.keeps_first(disks[0] or [], disks[1])


def _changed(resource: Resource) -> dict[str, Any]:
    """Return {argument: (live, wanted, said before)} for those that mean something else than before.

    What cannot be compared, a secret or what is known after `up`, has changed and has None.
    """
    lifecycle = LIFECYCLES[resource.type]()
    words = Aliases(lifecycle.args, _hidden(resource).aliases)
    words.follow(resource.old.outputs, resource.old.inputs)
    bags = [words.as_ids(bag) for bag in (resource.old.outputs, resource.new.inputs, resource.old.inputs)]
    found: dict[str, Any] = {}
    for field in {argument.field for argument in resource.arguments} & resource.new.inputs.keys():
        if not all(_is_plain(lifecycle.args, field, bag.get(field)) for bag in bags):
            found[field] = None
        elif lifecycle.compare(field, Change(*bags)) != "same":
            found[field] = [bag.get(field) for bag in bags]
    return dict(sorted(found.items()))


def _is_plain(args: type[BaseArgs], field: str, value: Any) -> bool:
    """Say whether it is a value of the argument, not one that stands for something hidden."""
    if field not in args.model_fields or is_hidden(value):
        return False
    return value is None or not any(re.match(rf"{field}\b", where) for where, _ in check(args, {field: value}))

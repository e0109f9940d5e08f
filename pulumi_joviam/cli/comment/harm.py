"""Harmful changes: deletes, replacements, stops of machines, and loss of data.

The lifecycles say what a change stops and loses, to a preview and to this. A plain delete reaches no provider in a
preview, so it is asked for here. Of resources of other providers only deletes and replacements are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from pulumi.output import UNKNOWN

import pulumi_joviam as joviam
from pulumi_joviam.cli.comment.preview import Argument, Preview, Resource, is_hidden, name
from pulumi_joviam.lifecycle.aliases import Aliases
from pulumi_joviam.lifecycle.arguments import check, has_unknown
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.effects import UNLESS_RETAINED, Effect, Fate, Loss, Stop
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource as Managed
from pulumi_joviam.lifecycle.state import Hidden

LIFECYCLES: Mapping[str, type[Lifecycle[Any, Any]]] = {
    f"pulumi-python:{found._resource_type_name}": found._lifecycle
    for found in (getattr(joviam, public) for public in joviam.__all__)
    if isinstance(found, type) and issubclass(found, Managed)
}
"""{type in a stack: its lifecycle}"""


@dataclass(frozen=True)
class Harm:
    """The effects of a change that everybody should see before it happens."""

    resource: Resource
    loses: str = ""
    """The amount of lost data, or ""."""
    stops: str = ""
    """ "stop", "possible stop", or ""."""
    causes: tuple[Argument, ...] = ()
    """The arguments that cause the replacement or stop."""
    notes: tuple[str, ...] = ()
    """Why, and what to do instead."""

    @property
    def words(self) -> list[str]:
        """A summary in a few words."""
        op = self.resource.op if self.resource.op != "update" else ""
        return [word for word in (op, self.loses and f"data loss ({self.loses})", self.stops) if word]


def found(preview: Preview) -> list[Harm]:
    """Return the harmful changes, the worst first."""
    harms = [harm for resource in preview.changes if (harm := _harm(resource, preview))]
    return sorted(harms, key=lambda harm: (not harm.loses, harm.resource.rank))


def _harm(resource: Resource, preview: Preview) -> Harm | None:
    effects, warnings = _effects(resource), preview.warnings_on.get(resource.urn, [])
    fates = [effect.text for effect in effects if isinstance(effect, Fate)]
    losses = [effect for effect in effects if isinstance(effect, Loss)]
    if resource.old.retain_on_delete:
        fates = ["the object stays in the cloud and is only removed from the stack (retain_on_delete)"]
        losses = [loss for loss in losses if loss.unless != UNLESS_RETAINED]
        warnings = [warning for warning in warnings if UNLESS_RETAINED not in warning]
    elif resource.new.retain_on_delete:
        fates.insert(0, "retain_on_delete counts from the next up on: this time the old object is still deleted")
    loses = losses[0].amount if losses and not _hidden(resource).failed else ""
    if resource.op == "delete":
        return Harm(resource, loses, notes=(*fates, *warnings))
    if resource.op == "replace":
        causes = tuple(argument for argument in resource.arguments if argument.replaces)
        return Harm(resource, loses, causes=causes, notes=(*_reasons(resource, causes, preview), *fates, *warnings))
    stops = [effect for effect in effects if isinstance(effect, Stop)]
    if not stops and not loses:
        return None
    fields = {stop.field for stop in stops} | {loss.field for loss in losses}
    causes = tuple(argument for argument in resource.arguments if argument.field in fields)
    notes = tuple(dict.fromkeys([*(stop.text for stop in stops), *warnings]))
    word = "stop" if any(stop.sure for stop in stops) else "possible stop" if stops else ""
    return Harm(resource, loses, word, causes, notes)


def _reasons(resource: Resource, causes: tuple[Argument, ...], preview: Preview) -> Iterator[str]:
    """Yield the reasons for a replacement that the arguments do not show."""
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
        yield f"it was created before, and ended in state {failed}"
    elif replaced:
        yield f"it needs {', '.join(replaced)}, which is deleted and created again"
    elif "replaceWith" in resource.replace_reasons:
        yield f"it is replaced whenever one of these is: {', '.join(together)} (replace_with)"
    else:
        yield "no argument causes it: it was requested (--replace), or an earlier run did not finish it"


def _hidden(resource: Resource) -> Hidden:
    """Return the hidden outputs."""
    return Hidden.read(resource.old.outputs)


def _effects(resource: Resource) -> list[Effect]:
    """Return the effects according to the resource's lifecycle; none for other providers."""
    if resource.type not in LIFECYCLES or resource.op not in ("delete", "replace", "update"):
        return []
    lifecycle = LIFECYCLES[resource.type]()
    change = _change(resource, lifecycle)
    changing = {argument.field for argument in resource.arguments}
    # a hidden value may require a replacement; the engine knows it, and says that there is none
    steps: dict[str, Step] = {field: "update" for field in lifecycle.steps(change) if field in changing}
    change = replace(change, steps=steps, asked_to_go=resource.op != "update")
    return list(lifecycle.effects(change, lifecycle.memory.read(_hidden(resource).private)))


def _change(resource: Resource, lifecycle: Lifecycle[Any, Any]) -> Change:
    """Return the change for the lifecycle: values that cannot be compared are unknown."""
    args, words = lifecycle.args, Aliases(lifecycle.args, _hidden(resource).aliases)
    words.follow(resource.old.outputs, resource.old.inputs)
    bags = (resource.old.outputs, resource.new.inputs, resource.old.inputs)
    live, wanted, before = (words.as_ids(_with_unknown(bag)) for bag in bags)
    hidden = {field for bag in (live, before) for field in args.model_fields if has_unknown(bag.get(field))}
    for bag in (live, wanted, before):
        arguments = {name: value for name, value in bag.items() if name in args.model_fields and value is not None}
        hidden |= arguments.keys() & {re.split(r"\W", where)[0] for where, _ in check(args, arguments)}
    wanted |= dict.fromkeys(wanted.keys() & hidden, UNKNOWN)
    live, before = ({name: value for name, value in bag.items() if name not in hidden} for bag in (live, before))
    return Change(live, wanted, before)


def _with_unknown(value: Any) -> Any:
    """Return a value with unknown in place of secrets and of values that are known after `up`."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {key: _with_unknown(item) for key, item in members.items()}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_with_unknown(item) for item in items]
    return UNKNOWN if is_hidden(value) else value

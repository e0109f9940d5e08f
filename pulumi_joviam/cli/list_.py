"""`pulumi-joviam list`: what a program may write for a region, tier or template, and what an account has."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from typing import Annotated, Any

import typer

from pulumi_joviam.api import models
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.cli.table import table


def _listed(base: type[models.Model]) -> Iterator[type[models.Model]]:
    """Yield the models that the API lists."""
    for model in base.__subclasses__():
        if getattr(model, "path", "") and model.listed:
            yield model
        yield from _listed(model)


KINDS = {re.split("[/_]", model.path)[-1]: model for model in _listed(models.Model)}
"""{the last word of its path: model}"""


class Kind(str, Enum):
    """The choices, in the form that typer needs."""

    _ignore_ = "kind"
    for kind in KINDS:
        locals()[kind] = kind


HEADS = ("in a program", "name", "for", "state", "details", "tier", "public", "region", "id")


def list_objects(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the objects as the API returns them.")] = False,
) -> None:
    """List what a program may write (regions, tiers, templates), or what is in an account.

    JOVIAM_TOKEN and JOVIAM_ENDPOINT select the account. Of a template, a program means the newest version.
    """
    # so that the other commands do not load pulumi
    from pulumi_joviam.lifecycle.operation import session
    from pulumi_joviam.lookups.query import find_all

    shared, model = session(Settings.load(None)), KINDS[kind.value]
    found = [(use, live) for use in model.paths() for live in find_all(shared, model, {"use": use or None})]
    if as_json:
        shown = [{**({"use": use} if use else {}), **live.model_dump(exclude_unset=True)} for use, live in found]
        typer.echo(json.dumps(shown, indent=2))  # ASCII: no control characters
    elif found:
        ids = {live.id for _, live in found}
        typer.echo(table(HEADS, [_row(use, live, ids) for use, live in found]).encode())
    else:
        typer.echo(f"there are no {model.plural()}", err=True)


def _row(use: str, live: Any, ids: Collection[str]) -> Sequence[str]:
    superseded = getattr(live, "superseded_by_id", None) in ids  # one that the account cannot see does not count
    word = live.words[1] if isinstance(live, models.Named) and len(live.words) > 1 and not superseded else ""
    name = getattr(live, "name", None) or ""
    parts = [getattr(live, part, None) for part in ("performance_tier", "region")]
    tier, region = (part.words[1] if part else "" for part in parts)
    return (
        word,
        "" if name == word else name,
        f"{use}s" if use else "",
        "superseded" if superseded else live.state,
        live.measure,
        tier,
        "yes" if getattr(live, "is_public", False) else "",
        region,
        live.id,
    )

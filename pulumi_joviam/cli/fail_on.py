"""The option --fail-on of commands that judge something: words, separated by commas."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

UNWANTED = 3
"""The exit status; 1 is an error, and 2 is wrong usage."""


def words(said: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the words. A word that is not ``known`` is wrong usage."""
    found = [word for part in said for word in part.split(",") if word]
    wrong = [word for word in found if word not in known]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {', '.join(known)}", param_hint="--fail-on")
    return found


def end(what: str, unwanted: Sequence[str], there: Collection[str]) -> None:
    """Exit if one of the ``unwanted`` words is ``there``; ``what`` begins the message."""
    if hits := [word for word in unwanted if word in there]:
        typer.echo(f"pulumi-joviam: {what} {', '.join(hits)} (--fail-on)", err=True)
        raise typer.Exit(UNWANTED)

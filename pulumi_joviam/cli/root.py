"""`pulumi-joviam` without a command."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer


def _show(wanted: bool) -> None:
    if wanted:
        typer.echo(version("pulumi-joviam"))
        raise typer.Exit


def pulumi_joviam(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Tools around the Joviam cloud and Pulumi."""

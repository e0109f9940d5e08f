"""`pulumi-joviam comment`: a preview as a comment for a pull request.

preview.py reads what the engine says, harm.py finds what hurts, text.py makes names and values harmless, picture.py
draws the stack, page.py puts it together.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pulumi_joviam.cli import fail_on as unwanted

FAILED = 1
HURTING = ("delete", "replace", "stop")


def comment(
    preview: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="File with the preview's output. Default: stdin."),
    ] = None,
    fail_on: Annotated[
        list[str],
        typer.Option(metavar="WORDS", help="Exit with status 3 on these changes: delete,replace,stop."),
    ] = [],  # noqa: B006 - typer reads it, and nothing changes it
    stack: Annotated[
        str, typer.Option(help="Name of the stack, if a pull request has a comment for each of several stacks.")
    ] = "",
    log: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the preview's stderr.")
    ] = None,
) -> None:
    """Turn `pulumi preview --json` into Markdown for a pull request.

    With --show-sames the preview also names what stays the same, for the picture of the stack. A failed preview becomes
    a comment too, and status 1; the --log tells why where the preview itself does not.
    """
    # so that the other commands do not load the provider and pulumi
    from pulumi_joviam.cli.comment import harm, page
    from pulumi_joviam.cli.comment.preview import read

    hurting = unwanted.words(fail_on, HURTING)
    said = read(preview.read_bytes() if preview else sys.stdin.buffer.read())
    harms = harm.found(said)
    text = page.written(said, harms, stack, log.read_text(errors="replace") if log else "")
    typer.echo(text.encode(), nl=False)
    if said.failed:
        raise typer.Exit(FAILED)
    there = {word for each in harms for word in (each.resource.op, each.stops and "stop") if word}
    unwanted.end("this preview has something to", hurting, there)

"""`pulumi-joviam audit`: what an account holds and no stack manages. It only reads.

states.py reads the stacks, findings.py compares them with the account, report.py says what was found.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.cli import fail_on as unwanted

FOUND = ("unmanaged", "gone", "twice")


def audit(
    exports: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Files that `pulumi stack export` wrote, of any project."),
    ] = None,
    stack: Annotated[
        list[str] | None, typer.Option(help="A stack of the project in this folder; can be repeated.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All stacks of the backend.")] = False,
    fail_on: Annotated[
        list[str],
        typer.Option(metavar="WORDS", help="Exit with status 3 if there is any: unmanaged,gone,twice."),
    ] = [],  # noqa: B006 - typer reads it, and nothing changes it
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """List what is in an account and in no stack, in a stack and gone, or in two stacks. Only reads.

    The account is that of JOVIAM_TOKEN, at JOVIAM_ENDPOINT. Pass all stacks that have objects in it. No secret is read.
    """
    from pulumi_joviam.cli.audit import states
    from pulumi_joviam.cli.audit.findings import compare
    from pulumi_joviam.cli.audit.report import Report
    from pulumi_joviam.cli.import_.inventory import RESOURCES, Inventory
    from pulumi_joviam.lifecycle.operation import session

    words = unwanted.words(fail_on, FOUND)
    if not (exports or stack or every):
        raise typer.BadParameter("pass --stack NAME, --all, or files of `pulumi stack export`", param_hint="stacks")
    if as_json and as_markdown:
        raise typer.BadParameter("--json and --markdown exclude each other", param_hint="--markdown")
    settings = Settings.load(None)
    shared = session(settings)
    start, inventory = time.time(), Inventory(shared)
    try:
        stacks = [states.read_file(file) for file in exports or ()]
        names = [*(stack or ()), *(states.all_names() if every else ())]
        label = f"reading the account and stacks: {len(stacks) + len(names)}"
        with typer.progressbar(length=len(names) + len(RESOURCES), label=label, file=sys.stderr) as bar:
            stacks += states.export(names, lambda: bar.update(1))
            inventory.load(lambda: bar.update(1))
    except KeyboardInterrupt:
        os._exit(128 + signal.SIGINT)  # pending responses are not needed
    counts = Counter(stack.name for stack in stacks)
    if several := [name for name, count in counts.items() if count > 1]:
        raise JoviamError(f"the stack {several[0]} was passed several times")
    ahead = shared.client.ahead or 0.0
    findings = compare(stacks, inventory, settings.account, start + ahead)
    report = Report(findings, inventory, time.time() + ahead)
    for note in report.notes():
        typer.echo(note, err=True)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        typer.echo((report.markdown() if as_markdown else report.text()).encode(), nl=False)
    unwanted.end("this account has objects that are", words, findings.words)

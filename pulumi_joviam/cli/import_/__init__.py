"""`pulumi-joviam import`: write a Pulumi program and its state for an existing account.

Three files are written and nothing in the cloud: the program, the import file (for `pulumi import --file`), and, where
instances have a context, its values for the configuration of the stack. No value of a context is printed.

account.py reads, resources.py says what it found as a program and a state say it, program.py writes the program.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.cli.import_.wanted import Filter, Kind


def import_account(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Import only these objects, of any kind.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Only objects in this region (code, name or id). Public keys have none.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Only objects with such a name; * and ? are wildcards: 'web-*'.")
    ] = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only this kind; can be repeated.")] = None,
    program: Annotated[
        Path, typer.Option(help="Where to write the program. The other files go into the same folder.")
    ] = Path("__main__.py"),
) -> None:
    """Write a Pulumi program for what an account holds, and a file that imports it. Only reads in the cloud.

    The account is that of JOVIAM_TOKEN, at JOVIAM_ENDPOINT. The commands to run next are printed.
    """
    from pulumi_joviam.cli.import_.account import Account
    from pulumi_joviam.cli.import_.program import written
    from pulumi_joviam.cli.import_.resources import resources
    from pulumi_joviam.lifecycle.operation import session
    from pulumi_joviam.resources.instance import Instance

    prefix = "" if program.stem == "__main__" else f"{program.stem}-"
    key = f"{prefix}contexts"
    import_file, contexts_file = (program.with_name(file) for file in (f"{prefix}import.json", f"{key}.json"))
    _check_free(program, import_file, contexts_file)
    settings = Settings.load(None)
    wanted = Filter(tuple(id.lower() for id in ids or ()), region, name, kind or ())
    account = Account(session(settings), settings)
    try:
        found = account.read(wanted, _progress)
    except KeyboardInterrupt:
        os._exit(128 + signal.SIGINT)  # nothing is written yet, and pending responses are not needed
    made = resources(account, found)
    contexts = {resource.name: resource.secrets for resource in made if resource.secrets}
    if made:
        if contexts:
            _write(contexts_file, _json(contexts), 0o600)
        _write(import_file, _json({"resources": [resource.entry for resource in made]}), 0o600)
        _write(program, written(made, account.about, key), 0o666)
    for what in account.left_out:
        _talk(f"left out: {what}")
    if not made:
        raise JoviamError("there is nothing to import" + (" that matches" if wanted != Filter() else ""))
    counts = Counter(resource.plural for resource in made)
    _talk(f"{program}: " + ", ".join(f"{plural}: {count}" for plural, count in counts.items()))
    if any(resource.made_by is Instance for resource in made):
        _talk("the API does not list console sessions, so none is imported")
    if contexts:
        _talk(f"{contexts_file} and {import_file} contain contexts of instances in plain text: delete them afterwards")
        typer.echo(f"pulumi config set --secret {key} < {shlex.quote(str(contexts_file))}")
    typer.echo(f"pulumi import --file {shlex.quote(str(import_file))} --generate-code=false")
    typer.echo("pulumi preview")


def _check_free(*files: Path) -> None:
    """Raise JoviamError if a file exists already or cannot be written."""
    for file in files:
        if file.exists():
            raise JoviamError(f"{file} already exists: move it away, or use another --program (imported.py)")
    if not files[0].parent.is_dir():
        raise JoviamError(f"--program: there is no folder {files[0].parent}")


def _write(file: Path, text: str, mode: int) -> None:
    """Write a new file. Raises JoviamError if that fails."""
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise JoviamError(f"cannot write {file}: {error.strerror}") from None
    with open(number, "w", encoding="utf-8") as open_file:
        open_file.write(text)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _progress(length: int) -> Any:
    """Return a progress bar; if stderr is not a terminal, it is a line."""
    return typer.progressbar(length=length, label=f"objects to read: {length}", file=sys.stderr)


def _talk(message: str) -> None:
    typer.echo(message, err=True)

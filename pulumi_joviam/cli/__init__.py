"""The command `pulumi-joviam`: each subcommand is a file in this folder.

Data goes to stdout, talk to stderr. A refused request is one message and exit status 1, a wrong usage is 2.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from pulumi_joviam.api.errors import JoviamError


def main() -> None:
    """Run the command."""
    try:
        import typer
    except ModuleNotFoundError as error:
        _end(f"the command needs {error.name}, which comes with an extra: pip install 'pulumi-joviam[cli]'")
    from pulumi_joviam.cli.audit import audit
    from pulumi_joviam.cli.comment import comment
    from pulumi_joviam.cli.console import console
    from pulumi_joviam.cli.emulator import emulator
    from pulumi_joviam.cli.import_ import import_account
    from pulumi_joviam.cli.list_ import list_objects
    from pulumi_joviam.cli.plugin import plugin
    from pulumi_joviam.cli.root import pulumi_joviam

    # a pretty traceback shows local variables, and one of them is the token
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(pulumi_joviam)
    for command in (audit, comment, console, emulator, plugin):
        app.command()(command)
    app.command("import")(import_account)
    app.command("list")(list_objects)
    try:
        app()
    except JoviamError as error:
        _end(str(error))


def _end(message: str) -> NoReturn:
    sys.exit(f"pulumi-joviam: {message}")

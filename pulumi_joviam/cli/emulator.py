"""`pulumi-joviam emulator`: an emulated account to try programs with, until Ctrl-C."""

from __future__ import annotations

import errno
import shlex
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from pulumi_joviam.api.errors import JoviamError


def emulator(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    token: Annotated[str, typer.Option(help="The only token that it accepts.")] = "emulator",  # noqa: S107 - no secret
    provision_seconds: Annotated[float, typer.Option(min=0, help="Seconds until a new object is ready.")] = 1.0,
    data: Annotated[
        Path | None, typer.Option(help="File that stores the account for the next run; without it the account is lost.")
    ] = None,
) -> None:
    """Run an emulated Joviam cloud, and print the commands that point a Pulumi stack at it. Ctrl-C stops it.

    The printed address is a live page of the cloud, with the API's documentation at /docs.
    """
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: end.set())
    try:
        from pulumi_joviam.emulator import Emulator, UnusableData
    except ImportError as error:
        raise JoviamError(str(error)) from None
    try:
        cloud = Emulator(token, host=host, port=port, data=data, provision_seconds=provision_seconds)
        try:
            cloud.start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise JoviamError(f"port {port} on {host} is in use: use another --port, or 0 for a free one") from None
            raise JoviamError(f"cannot listen on {host}:{port}: {error.strerror}") from None
        with cloud:
            typer.echo(f"emulated Joviam cloud at {cloud.url}; watch it at {cloud.page}")
            typer.echo(f"pulumi config set joviam:endpoint {cloud.url}")
            typer.echo("pulumi config set joviam:region SY3")
            typer.echo(f"pulumi config set --secret joviam:token {shlex.quote(token)}")
            if data:
                typer.echo(f"the account is saved in {data}", err=True)
            typer.echo("Ctrl-C stops it", err=True)
            end.wait()
    except UnusableData as error:
        raise JoviamError(str(error)) from None
    typer.echo("stopped", err=True)

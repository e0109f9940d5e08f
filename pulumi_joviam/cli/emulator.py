"""`pulumi-joviam emulator`: an account of your own to try programs against, until Ctrl-C."""

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
        Path | None, typer.Option(help="File that keeps the account for the next time; without it all is forgotten.")
    ] = None,
) -> None:
    """Run an emulated Joviam cloud, and print what points a Pulumi stack to it. Ctrl-C ends it.

    The printed address shows what the cloud holds, live, and at /docs the API.
    """
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
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
                raise JoviamError(f"port {port} of {host} is in use: say another --port, or 0 for a free one") from None
            raise JoviamError(f"cannot listen on port {port} of {host}: {error.strerror}") from None
        with cloud:
            typer.echo(f"an emulated Joviam cloud answers at {cloud.url}; watch it at {cloud.page}")
            typer.echo(f"pulumi config set joviam:endpoint {cloud.url}")
            typer.echo("pulumi config set joviam:region SY3")
            typer.echo(f"pulumi config set --secret joviam:token {shlex.quote(token)}")
            if data:
                typer.echo(f"the account is kept in {data}", err=True)
            typer.echo("Ctrl-C ends it", err=True)
            end.wait()
    except UnusableData as error:
        raise JoviamError(str(error)) from None
    typer.echo("ended", err=True)

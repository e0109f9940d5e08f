"""`pulumi-joviam console`: the data to connect to the console of an instance. It does not need Pulumi."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import ArgumentError, JoviamError, TimedOut, readable
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.waiter import Waiter

SECONDS = 120.0
"""How long to wait for a session to become ready."""
MOST_NAMES = 20


def console(
    instance: Annotated[str, typer.Argument(help="Id of an instance, or its name if that is unique.")],
    kind: Annotated[
        Literal["vnc", "serial"], typer.Option("--type", help="The screen (vnc), or the serial console over Mosh.")
    ] = "vnc",
    as_json: Annotated[bool, typer.Option("--json", help="Print the session as the API returns it.")] = False,
) -> None:
    """Open a console session of an instance, and print how to connect. The session can be used once.

    JOVIAM_TOKEN and JOVIAM_ENDPOINT select the account.
    """
    client = Client(Settings.load(None))
    found = _find(client, instance)
    _log(f'requesting a {kind} console of "{readable(found.name)}" ({found.id})')
    path = client.path(models.Instance, found.id, "remote_access")
    session = _ready(client, client.create(models.ConsoleSession, {"type": kind}, path))
    if as_json:
        typer.echo(json.dumps(session.model_dump(), indent=2))  # ASCII: no control characters
    elif session.type == "serial":
        typer.echo(f"MOSH_KEY={_quoted(session.token)} mosh-client {_quoted(session.host)} {_quoted(session.port)}")
    else:
        typer.echo(f"url:      {readable(session.url)}\npassword: {readable(session.token)}")
    _log("ready for one connection")


def _find(client: Client, name: str) -> models.Instance:
    """Return the instance with this id or name. Raises JoviamError, which lists the available ones."""
    with contextlib.suppress(ArgumentError):  # what cannot be an id is a name
        return client.get(models.Instance, name)
    instances = client.list(models.Instance)
    found = [instance for instance in instances if instance.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise JoviamError(f"several instances are named {name!r}; use an id:\n{_listed(found)}")
    raise JoviamError(f"there is no instance {name!r}; available:\n{_listed(instances)}")


def _listed(instances: Sequence[models.Instance]) -> str:
    lines = [f"  {instance.id}  {readable(instance.name)} ({instance.state})" for instance in instances]
    more = [f"  and {len(lines) - MOST_NAMES} more"] if len(lines) > MOST_NAMES else []
    return "\n".join([*sorted(lines, key=lambda line: line.split()[1])[:MOST_NAMES], *more]) or "  nothing"


def _ready(client: Client, session: models.ConsoleSession) -> models.ConsoleSession:
    """Wait until the session can be used, and return it."""
    deadline = Deadline.after(SECONDS)
    try:
        Waiter(client).wait(models.ConsoleSession, session.id, session.ready, deadline, _log)
    except TimedOut as error:
        raise JoviamError(f"the console session {session.id} is still {error.state} after {SECONDS:.0f} s") from None
    return client.get(models.ConsoleSession, session.id)


def _quoted(value: object) -> str:
    """Return a value quoted for a shell."""
    return shlex.quote(readable(value))


def _log(message: str) -> None:
    typer.echo(message, err=True)

"""Console sessions: the credentials for one connection to an instance's screen or serial console.

Reference: "Console Session", "Instance Remote Access". Note: a session can be used once. The API can
neither list nor delete sessions: they end by themselves. To open a console yourself, use `pulumi-joviam console`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pulumi.runtime import rpc

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import AnswerLost, ServerError
from pulumi_joviam.lifecycle.arguments import Chosen, Id, Replaces
from pulumi_joviam.lifecycle.change import Change
from pulumi_joviam.lifecycle.declare import Arg, Args, Filled, Out, arg, out
from pulumi_joviam.lifecycle.effects import FORGETS, Effect
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation

TRIES = 3


class ConsoleSessionArgs(Args):
    instance: Arg[Id] = arg(Replaces("a session belongs to one instance"))
    """Id of the instance, which must be running."""
    type: Filled[Literal["vnc", "serial"]] = arg(
        Replaces("a session has one type"), Chosen(), default=None, unset="the API's choice"
    )
    """"vnc" (the screen, over a websocket) or "serial" (over Mosh). Removing it changes nothing."""


class ConsoleSessionProvider(Lifecycle[ConsoleSessionArgs, models.ConsoleSession]):
    stays_put = False
    secret: ClassVar[tuple[str, ...]] = ("token",)

    def post(self, op: Operation, args: ConsoleSessionArgs) -> models.ConsoleSession:
        for _ in range(TRIES - 1):
            # sessions cannot be listed, so one whose response is lost cannot be found; it ends by itself
            with contextlib.suppress(AnswerLost, ServerError):
                return self._ask(op, args)
        return self._ask(op, args)

    def _ask(self, op: Operation, args: ConsoleSessionArgs) -> models.ConsoleSession:
        path = op.api.path(models.Instance, args.instance, "remote_access")
        body = args.model_dump(include={"type"}, exclude_unset=True)
        with op.exclusive(args.instance):  # not while another resource has stopped it for a change
            instance = op.api.get(models.Instance, args.instance)
            return op.retry_while_changing(instance, lambda _now: op.api.create(models.ConsoleSession, body, path))

    def effects(self, change: Change, private: Any) -> Iterator[Effect]:
        if change.removes:
            yield FORGETS

    def remove(self, op: Operation, live: models.ConsoleSession) -> None:
        """Do nothing: the API cannot end a session."""

    def as_inputs(self, live: models.ConsoleSession) -> dict[str, Any]:
        return {"instance": live.instance_id, "type": live.type}

    def as_outputs(self, live: models.ConsoleSession) -> dict[str, Any]:
        return {**super().as_outputs(live), "token": rpc.wrap_rpc_secret(live.token or "")}


class ConsoleSession(ConsoleSessionArgs, Resource, provider=ConsoleSessionProvider):
    """Credentials for one connection to an instance's console. A second connection needs a new session.

    After a refresh, `up` replaces a session that was used or has expired. The API cannot end a session: destroying this
    resource only removes it from the stack. The token is a secret, in the state and in all displays.

        console = joviam.ConsoleSession("console", instance=web.id, type="serial")

    Rejected in preview: an unknown type. The API rejects an instance that is not running (422).
    Source: reference, "Console Session", "Instance Remote Access".
    """

    host: Out[str | None] = out()
    """Host to connect to, for a serial session."""
    port: Out[int | None] = out()
    """UDP port to connect to, for a serial session."""
    url: Out[str | None] = out()
    """Websocket to connect to, for a VNC session."""
    token: Out[str | None] = out()
    """The VNC password or the Mosh key. Always a secret."""
    state: Out[str] = out()
    """State of the session: "ready"."""

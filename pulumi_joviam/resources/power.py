"""Starting and stopping instances: the only place that does either.

A stop is never a surprise: nothing here stops a machine unless its program allowed it, and power goes
back to what it was also when the change that needed the stop fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pulumi_joviam import models
from pulumi_joviam.errors import JoviamError, ValidationFail

if TYPE_CHECKING:
    from pulumi_joviam.operation import Operation

RUNNING = frozenset({"running"})
STOPPED = frozenset({"stopped"})
RESTART_SECONDS = 60.0


def start(op: Operation, live: models.Instance) -> None:
    """Start the instance and wait until it runs. One that runs is left alone."""
    _turn(op, live, "start", RUNNING)


def stop(op: Operation, live: models.Instance) -> None:
    """Stop the instance and wait until it is stopped. One that is stopped is left alone."""
    _turn(op, live, "stop", STOPPED)


@contextmanager
def stopped_for(op: Operation, instance_id: str, refused: ValidationFail, *, allowed: bool) -> Iterator[None]:
    """Hold the instance stopped for a change that was ``refused`` while it runs.

    Raises ``refused`` where the instance does not run (then that is not the reason), and an error that names
    allow_stopping where a stop is not ``allowed``.
    """
    with op.turn(instance_id):
        live = op.at_rest(op.api.get(models.Instance, instance_id))
        if live.state != "running":
            raise refused
        if not allowed:
            raise JoviamError(
                f'{refused}\nThe instance "{live.name}" is running. If it has to be stopped for this, '
                "allow_stopping=True lets the next `up` stop it, change it, and start it again."
            )
        try:
            stop(op, live)
            yield
        finally:
            # with time of its own, also after Ctrl-C: a machine that stays down is worse than a slow end
            start(op.afresh(RESTART_SECONDS), live)


def _turn(op: Operation, live: models.Instance, action: str, until: frozenset[str]) -> None:
    def act(now: models.Instance) -> None:
        if now.state not in until:
            op.api.call("POST", op.api.path(models.Instance, now.id, action))

    op.steadily(op.api.get(models.Instance, live.id), act)
    op.wait(live, until)

"""Starting and stopping instances: the only place that does either.

A stop is never a surprise: nothing here stops an instance unless its program allows that, concurrent changes
share one stop, and the power state is restored even if a change fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import AnswerLost, Failed, JoviamError, NotFound, ServerError, TimedOut, ValidationFail
from pulumi_joviam.lifecycle.state import Memory

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation

RUNNING = frozenset({"running"})
STOPPED = frozenset({"stopped"})

Change = Callable[[], object]
"""Changes an instance, or raises ValidationFail or NeedsStop because it runs. May be called twice."""


class NeedsStop(JoviamError):
    """Known to need a stopped instance: do not try it live."""


@dataclass
class StopMemory(Memory):
    """Private state of a resource that may stop an instance."""

    stopped_for_change: str = ""
    """Id of the instance that this resource stopped for a change and has not restarted yet."""


def start(op: Operation, instance_id: str) -> None:
    """Start the instance and wait until it runs. A running one is left alone."""
    _turn(op, instance_id, "start", RUNNING)


def stop(op: Operation, instance_id: str) -> None:
    """Stop the instance and wait until it is stopped. A stopped one is left alone."""
    _turn(op, instance_id, "stop", STOPPED)


def rests(held: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Return whether the instance is stopped and stays stopped: then no change needs to stop it."""
    return bool(held.get("state") == said.get("power_state") == "stopped")


def resume(op: Operation[StopMemory]) -> None:
    """Start the instance that an earlier step of this resource stopped and could not start again."""
    if op.private.stopped_for_change:
        with suppress(NotFound):
            start(op, op.private.stopped_for_change)
        op.private.stopped_for_change = ""


def change(op: Operation[StopMemory], instance_id: str, changes: Sequence[Change], *, allowed: bool) -> None:
    """Make all changes: live first, then those refused because the instance runs, while it is stopped.

    Raises the refusal if it is not about the state of the instance, or the instance does not run; and an error that
    names allow_stopping if a stop is needed but not ``allowed``.
    """
    stop = op.session.stops[instance_id]
    with stop.changed:
        stop.near += 1
    try:
        refused = [(make, refusal) for make in changes if (refusal := _refusal(make))]
        if refused:
            with _stopped(op, instance_id, refused[0][1], allowed):
                for make, _ in refused:
                    make()
    finally:
        with stop.changed:
            stop.near -= 1
            stop.changed.notify_all()


def _refusal(make: Change) -> JoviamError | None:
    try:
        make()
    except ValidationFail as refusal:
        if not refusal.is_about_state:  # a stop would not help
            raise
        return refusal
    except NeedsStop as refusal:
        return refusal
    return None


@contextmanager
def _stopped(
    op: Operation[StopMemory], instance_id: str, refused: JoviamError, allowed: bool
) -> Generator[None, None, None]:
    """Keep the instance stopped, or share a stop that is already under way."""
    stop = op.session.stops[instance_id]
    with stop.changed:
        stop.until(op.deadline, lambda: stop.stopped or not stop.led)
        leads, stop.led = not stop.led, True
    if not leads:
        yield
        return
    try:
        with op.exclusive(instance_id):
            live = op.wait_settled(op.api.get(models.Instance, instance_id))
            if live.state != "running":
                raise refused
            _allow(live.name, refused, allowed)
            stopped = False
            try:
                op.private.stopped_for_change = instance_id
                _turn(op, instance_id, "stop", STOPPED)
                stopped = True
                with stop.changed:
                    stop.stopped = True
                    stop.changed.notify_all()
                yield
            finally:
                # with its own deadline, even after Ctrl-C: a machine that stays down is worse than a slow exit
                last = op.afresh(op.pace.restart)
                with stop.changed:
                    with suppress(TimedOut):  # a change that is still trying may need the stop, too
                        stop.until(last.deadline, lambda: stop.near <= 1)
                    stop.stopped = False
                start(last, instance_id)
                if stopped:  # otherwise it may still stop, so the next update has to start it
                    op.private.stopped_for_change = ""
    finally:
        with stop.changed:
            stop.led = False
            stop.changed.notify_all()


def _allow(name: str, refused: JoviamError, allowed: bool) -> None:
    if not allowed:
        raise JoviamError(
            f'{refused}\nThe instance "{name}" is running. If it has to be stopped for this, '
            "allow_stopping=True lets the next `up` stop it, change it, and start it again."
        )


def _turn(op: Operation, instance_id: str, action: str, until: frozenset[str]) -> None:
    lost: list[JoviamError] = []

    def act(now: models.Instance) -> str:
        if now.state not in until:
            try:
                op.api.call("POST", op.api.path(models.Instance, now.id, action))
            except (AnswerLost, ServerError) as error:  # the API may still act on the request
                lost.append(error)
        return now.state

    live = op.api.get(models.Instance, instance_id)
    before = op.retry_while_changing(live, act)
    if before in until:
        return
    tells = f"{lost[-1]}. It may still {action}" if lost else "the API accepted the request but does not say why"
    patience = op.pace.power_seen
    try:  # the first poll may still show the state before the request
        op.wait(live, models.AnyBut(before), within=patience)
    except TimedOut:
        if not op.deadline.remaining():
            raise
        text = f"the instance {instance_id} did not {action}: it is still {before} after {patience:.0f} s; {tells}"
        raise Failed(text, before) from None
    while op.wait(live, until | {before}) == before:
        # also by id: a shared list may be older
        if op.api.get(models.Instance, instance_id).state == before:
            raise Failed(f"the instance {instance_id} did not {action}: it is {before} again; {tells}", before)

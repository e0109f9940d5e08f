"""Starting and stopping instances: the only place that does either.

A stop is never a surprise: nothing here stops a machine unless its program allowed it, one stop serves
all changes that need one at the same time, and power goes back to what it was also when a change fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
"""Changes an instance, or raises ValidationFail or NeedsStop because it runs. May be called again."""


class NeedsStop(JoviamError):
    """Known to need a stopped instance: do not try it live."""


@dataclass
class StopMemory(Memory):
    """What a resource remembers that may stop an instance."""

    stopped_for_change: str = ""
    """Id of the instance that this resource has asked to stop for a change, and not started again."""


def start(op: Operation, instance_id: str) -> None:
    """Start the instance and wait until it runs. One that runs is left alone."""
    _turn(op, instance_id, "start", RUNNING)


def stop(op: Operation, instance_id: str) -> None:
    """Stop the instance and wait until it is stopped. One that is stopped is left alone."""
    _turn(op, instance_id, "stop", STOPPED)


def rests(held: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Say whether the instance is stopped and is to stay so: then no change of it stops anything."""
    return bool(held.get("state") == said.get("power_state") == "stopped")


def resume(op: Operation[StopMemory]) -> None:
    """Start the instance that an earlier step of this resource stopped and could not start again."""
    if op.private.stopped_for_change:
        with suppress(NotFound):
            start(op, op.private.stopped_for_change)
        op.private.stopped_for_change = ""


def change(op: Operation[StopMemory], instance_id: str, changes: Sequence[Change], *, allowed: bool) -> None:
    """Make all changes: on the instance as it is, and those refused because it runs while it is stopped.

    Raises the refusal where it is not about the state of the instance, or the instance does not run; and an error that
    names allow_stopping where a stop is needed and not ``allowed``.
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
        if not refusal.is_about_state:  # a stop would be an outage in vain
            raise
        return refusal
    except NeedsStop as refusal:
        return refusal
    return None


@contextmanager
def _stopped(op: Operation[StopMemory], instance_id: str, refused: JoviamError, allowed: bool) -> Iterator[None]:
    """Hold the instance stopped, or use the stop of whoever holds it already."""
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
                # with time of its own, also after Ctrl-C: a machine that stays down is worse than a slow end
                last = op.afresh(op.pace.restart)
                with stop.changed:
                    with suppress(TimedOut):  # whoever is near may find that it needs the stop, too
                        stop.until(last.deadline, lambda: stop.near <= 1)
                    stop.stopped = False
                start(last, instance_id)
                if stopped:  # otherwise it may still stop, and the next update has to start it
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
            except (AnswerLost, ServerError) as error:  # the API may act all the same, now or in a moment
                lost.append(error)
        return now.state

    live = op.api.get(models.Instance, instance_id)
    before = op.retry_while_changing(live, act)
    if before in until:
        return
    tells = f"{lost[-1]}. It may still {action}" if lost else "the API took the request and does not say why"
    patience = op.pace.power_seen
    try:  # what follows the request may be a look at how it was before
        op.wait(live, models.AnyBut(before), within=patience)
    except TimedOut:
        if not op.deadline.remaining():
            raise
        text = f"the instance {instance_id} did not {action}: it is still {before} after {patience:.0f} s; {tells}"
        raise Failed(text, before) from None
    while op.wait(live, until | {before}) == before:
        # by id, too: a list that many share may be older
        if op.api.get(models.Instance, instance_id).state == before:
            raise Failed(f"the instance {instance_id} did not {action}: it is {before} again; {tells}", before)

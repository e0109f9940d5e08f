"""Waiting until an object is in one of some states: the only place that polls."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_joviam.client import Client
from pulumi_joviam.deadline import Deadline
from pulumi_joviam.errors import Failed, NoAnswer, NotFound, TimedOut, Vanished
from pulumi_joviam.models import Model

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 3.0
GROWTH = 1.4


class Waiter:
    """Waits for objects of one account. Safe to share between threads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def wait(
        self,
        model: type[Model],
        id: str,
        until: frozenset[str],
        deadline: Deadline,
        seen: Callable[[str], None] = lambda _state: None,
    ) -> str:
        """Return the state, one of ``until``, as soon as it is seen.

        An object that no longer exists counts as ``terminated``. ``seen`` is told each state when it begins.
        Raises Failed, Vanished or TimedOut, each naming the last state, and Cancelled at Ctrl-C.
        """
        client = self._client.until(deadline)
        pause, last = FIRST_PAUSE, ""
        while True:
            try:
                state = client.state(model, id) if model.has_state_path else client.get(model, id).state
            except NotFound:
                state = "terminated"
            except NoAnswer:
                if not last or deadline.remaining() > FIRST_PAUSE:
                    raise
                state = last  # the deadline cut the last look short: what was waited for is the news, not that
            if state in until:
                return state
            if state in model.failed:
                raise Failed(f"the {model.noun} {id} ended in state {state}", state)
            if state in model.gone:
                raise Vanished(f"the {model.noun} {id} was deleted by somebody else meanwhile", state)
            if state != last:
                seen(state)
            last = state
            left = deadline.remaining()
            if left <= FIRST_PAUSE:
                raise TimedOut(
                    f"the {model.noun} {id} is still {state}; customTimeouts on the resource gives it longer", state
                )
            deadline.sleep(min(pause, left / 2))  # the last look comes shortly before the deadline
            pause = min(pause * GROWTH, LONGEST_PAUSE)

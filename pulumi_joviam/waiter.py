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

        An object that no longer exists counts as ``terminated``. ``seen`` is told each state that was seen.
        Raises Failed, Vanished or TimedOut, each naming the last state, and Cancelled at Ctrl-C.
        """
        client = self._client.until(deadline)
        pause, state = FIRST_PAUSE, ""
        while deadline.remaining() or not state:
            try:
                state = client.state(model, id) if model.has_state_path else client.get(model, id).state
            except NotFound:
                state = "terminated"
            except NoAnswer:
                if state:  # the deadline came while we asked once more: what was seen last says more
                    break
                raise
            if state in until:
                return state
            if state in model.failed:
                raise Failed(f"the {model.noun} {id} ended in state {state}", state)
            if state in model.gone:
                raise Vanished(f"the {model.noun} {id} was deleted by somebody else meanwhile", state)
            seen(state)
            deadline.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE)
        raise TimedOut(f"the {model.noun} {id} is still {state}; customTimeouts on the resource gives it longer", state)

"""Helpers: create clients, call them, and check error messages and durations."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable

import pytest

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    JoviamError,
)
from pulumi_joviam.api.pace import Pace
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator
from tests.api.loopback import Loopback

ID = "0f442f96-09e5-d4cc-9452-34896246cce7"


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8TXOOeLEfLLXhXmVdHTcYLVAsmZ6vWZNTRnmiUuIvm me@host"


SOON = 10.0
"""Much less than a minute, even on a slow machine, in seconds."""


QUICK = Pace(first_retry=0.02)
"""A short first pause between retries."""


def client_of(
    where: Loopback | Emulator | str, seconds: float = 60, token: str = "", width: int = 32, **pace: float
) -> Client:
    """A client whose calls end after this many seconds; ``pace`` has other pauses and time limits."""
    url = where if isinstance(where, str) else where.url
    token = where.token if isinstance(where, Emulator) else token or "a-token-that-must-not-be-seen"
    settings = Settings(token, url, max_concurrency=width, pace=dataclasses.replace(QUICK, **pace))
    return Client(settings).until(Deadline.after(seconds))


def failure(kind: type[JoviamError], act: Callable[[], object]) -> str:
    """The message of the error that ``act`` raises."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


def readable_by_a_user(text: str) -> bool:
    """Whether a message has no technical details such as class names or error numbers."""
    return not re.search(r"urllib3|requests|Pool\(|object at|Errno|Traceback|Caused by|<class|\('", text)


def wait_for_a_request(cloud: Emulator) -> None:
    """Wait until the cloud has received a request."""
    while not cloud.requests:
        time.sleep(0.01)


def fails_after(seconds: float, act: Callable[[], object]) -> str:
    """The message of an error that is raised after this many seconds, not at a later limit."""
    started = time.monotonic()
    text = failure(JoviamError, act)
    assert seconds - 0.3 < time.monotonic() - started < seconds + SOON
    assert readable_by_a_user(text), text
    return text

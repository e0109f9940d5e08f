"""Calls of a client, how long they last, and the text with which they fail."""

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
"""Much less than a minute, also on a slow machine. In seconds."""


QUICK = Pace(first_retry=0.02)
"""Pauses before a repetition begin short."""


def client_of(
    where: Loopback | Emulator | str, seconds: float = 60, token: str = "", width: int = 32, **pace: float
) -> Client:
    """A client whose calls have some seconds, with other pauses and time limits."""
    url = where if isinstance(where, str) else where.url
    token = where.token if isinstance(where, Emulator) else token or "a-token-that-must-not-be-seen"
    settings = Settings(token, url, max_concurrency=width, pace=dataclasses.replace(QUICK, **pace))
    return Client(settings).until(Deadline.after(seconds))


def failure(kind: type[JoviamError], act: Callable[[], object]) -> str:
    """The text with which something fails."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


def fit_for_a_user(text: str) -> bool:
    """Say whether a message is free of what only a programmer could read."""
    return not re.search(r"urllib3|requests|Pool\(|object at|Errno|Traceback|Caused by|<class|\('", text)


def asked(cloud: Emulator) -> None:
    """Wait until the cloud has been asked for something."""
    while not cloud.requests:
        time.sleep(0.01)


def lasts(seconds: float, act: Callable[[], object]) -> str:
    """The text with which something fails at the moment it should, and not at a later limit."""
    started = time.monotonic()
    text = failure(JoviamError, act)
    assert seconds - 0.3 < time.monotonic() - started < seconds + SOON
    assert fit_for_a_user(text), text
    return text

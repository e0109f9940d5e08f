"""Ctrl-C: what it ends at once, and what it must not lose."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    AnswerLost,
    Cancelled,
)
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator
from tests.api.calls import KEY, SOON, asked
from tests.api.loopback import Loopback, answer


def interrupted(act: Callable[[Client], object], server: Loopback | Emulator, width: int = 32) -> float:
    """How long after Ctrl-C a call ended with Cancelled."""
    event = threading.Event()
    token = server.token if isinstance(server, Emulator) else "t"
    client = Client(Settings(token, server.url, max_concurrency=width), event)
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        event.set()

    pressing = threading.Timer(0.2, press)
    pressing.start()
    with pytest.raises(Cancelled):
        act(client)
    ended = time.monotonic()
    pressing.join()
    return ended - pressed[0]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ctrl_c_ends_a_pause(method: str) -> None:
    """Ctrl-C ends the pause before a repetition at once."""
    with Loopback(answer(b"", "503 Busy", "Retry-After: 30")) as server:
        assert 0 <= interrupted(lambda client: client.call(method, "/disks"), server) < SOON
        assert len(server.requests) == 1


def test_ctrl_c_ends_the_wait_for_a_connection(cloud: Emulator) -> None:
    """Ctrl-C ends the wait of a call for its turn."""
    over = threading.Event()
    cloud.fail("GET /disks", until=over.is_set)

    def act(client: Client) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(client.list, models.Disk)
            asked(cloud)
            try:
                client.list(models.Region)
            finally:
                over.set()

    assert 0 <= interrupted(act, cloud, width=1) < SOON
    assert [request.operation for request in cloud.requests] == ["GET /disks"]


def test_ctrl_c_does_not_lose_an_answer(cloud: Emulator) -> None:
    """An answer that is already under way at Ctrl-C arrives: it may hold the id of something new."""
    event = threading.Event()
    cloud.fail("POST /public_keys", until=event.is_set)
    client = Client(Settings(cloud.token, cloud.url), event)
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(client.create, models.PublicKey, {"name": "n", "key": KEY})
        asked(cloud)
        event.set()
        made = making.result()
    assert [each["id"] for each in cloud.objects("public_keys")] == [made.id]
    with pytest.raises(Cancelled):
        client.list(models.PublicKey)
    assert len(cloud.requests) == 1


def test_ctrl_c_does_not_hide_a_lost_answer(cloud: Emulator) -> None:
    """A POST whose answer is lost after Ctrl-C says so, because the server may have acted."""
    event = threading.Event()
    cloud.fail("POST /public_keys", until=event.is_set, drop="after")
    client = Client(Settings(cloud.token, cloud.url), event)
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(client.create, models.PublicKey, {"name": "n", "key": KEY})
        asked(cloud)
        event.set()
        with pytest.raises(AnswerLost):
            making.result()


def test_a_deadline_of_its_own(cloud: Emulator) -> None:
    """A client with a deadline that Ctrl-C does not end goes on after Ctrl-C."""
    event = threading.Event()
    client = Client(Settings(cloud.token, cloud.url), event)
    event.set()
    cloud.fail("GET /disks", status=503)
    assert client.until(Deadline.after(60)).list(models.Disk) == []

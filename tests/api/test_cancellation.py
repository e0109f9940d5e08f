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
from tests.api.calls import KEY, SOON, wait_for_a_request
from tests.api.loopback import Loopback, answer


def seconds_after_ctrl_c(act: Callable[[Client], object], server: Loopback | Emulator, width: int = 32) -> float:
    """The seconds from Ctrl-C until the call raised Cancelled."""
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
    """Ctrl-C ends the pause before a retry at once."""
    with Loopback(answer(b"", "503 Busy", "Retry-After: 30")) as server:
        assert 0 <= seconds_after_ctrl_c(lambda client: client.call(method, "/disks"), server) < SOON
        assert len(server.requests) == 1


def test_ctrl_c_ends_the_wait_for_a_connection(cloud: Emulator) -> None:
    """Ctrl-C ends the wait for a free connection."""
    over = threading.Event()
    cloud.fail("GET /disks", until=over.is_set)

    def act(client: Client) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(client.list, models.Disk)
            wait_for_a_request(cloud)
            try:
                client.list(models.Region)
            finally:
                over.set()

    assert 0 <= seconds_after_ctrl_c(act, cloud, width=1) < SOON
    assert [request.operation for request in cloud.requests] == ["GET /disks"]


def test_ctrl_c_does_not_lose_a_response(cloud: Emulator) -> None:
    """A request in flight at Ctrl-C still gets its response: it may hold the id of a new object."""
    event = threading.Event()
    cloud.fail("POST /public_keys", until=event.is_set)
    client = Client(Settings(cloud.token, cloud.url), event)
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(client.create, models.PublicKey, {"name": "n", "key": KEY})
        wait_for_a_request(cloud)
        event.set()
        created = creating.result()
    assert [each["id"] for each in cloud.objects("public_keys")] == [created.id]
    with pytest.raises(Cancelled):
        client.list(models.PublicKey)
    assert len(cloud.requests) == 1


def test_a_response_lost_after_ctrl_c_is_reported(cloud: Emulator) -> None:
    """A POST whose response is lost after Ctrl-C raises AnswerLost, because the server may have acted."""
    event = threading.Event()
    cloud.fail("POST /public_keys", until=event.is_set, drop="after")
    client = Client(Settings(cloud.token, cloud.url), event)
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(client.create, models.PublicKey, {"name": "n", "key": KEY})
        wait_for_a_request(cloud)
        event.set()
        with pytest.raises(AnswerLost):
            creating.result()


def test_a_deadline_without_the_event_ignores_ctrl_c(cloud: Emulator) -> None:
    """A client whose deadline does not have the event works after Ctrl-C."""
    event = threading.Event()
    client = Client(Settings(cloud.token, cloud.url), event)
    event.set()
    cloud.fail("GET /disks", status=503)
    assert client.until(Deadline.after(60)).list(models.Disk) == []

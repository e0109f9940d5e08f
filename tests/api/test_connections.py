"""Connections: how many at once, whose turn it is, and which one is used again."""

from __future__ import annotations

import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.emulator import Emulator
from tests.api.calls import KEY, SOON, asked, client_of, lasts
from tests.api.loopback import Loopback, answer


def test_so_many_at_once_and_no_more(cloud: Emulator) -> None:
    """No more requests than maxConcurrency are in flight, and no fewer where more are wanted."""
    cloud.fail("GET /disks", delay=0.1, until=lambda: len(cloud.requests) >= 3, times=100)
    client = client_of(cloud, width=3)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _n: client.list(models.Disk), range(12)))
    arrived = sorted(request.time for request in cloud.requests)
    assert all(later - earlier >= 0.095 for earlier, later in zip(arrived, arrived[3:], strict=False))
    assert arrived[-1] - arrived[0] < SOON


def test_a_turn_that_comes_too_late(cloud: Emulator) -> None:
    """A call that does not get its turn before its deadline ends there, and has sent nothing."""
    over = threading.Event()
    cloud.fail("GET /disks", until=over.is_set)
    client = client_of(cloud, width=1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.list, models.Disk)
        asked(cloud)
        soon = client.until(Deadline.after(0.2))
        text = lasts(0.2, lambda: soon.call("POST", "/public_keys", {"name": "n", "key": KEY}))
        over.set()
    assert text == "POST /public_keys was not sent: no time was left"
    assert [request.operation for request in cloud.requests] == ["GET /disks"]


def test_a_pause_holds_no_turn(cloud: Emulator) -> None:
    """A call that pauses before a repetition lets others go first."""
    cloud.fail("GET /disks", status=503)
    client = client_of(cloud, width=1, first_retry=3.0)
    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(client.list, models.Disk)
        asked(cloud)
        client.list(models.Region)
        assert not paused.done()
        assert paused.result() == []


def test_connections_are_kept() -> None:
    """Requests one after the other share one connection."""
    with Loopback(answer()) as server:
        client = client_of(server)
        for _ in range(5):
            client.list(models.Disk)
        client.until(Deadline.after(5)).list(models.Disk)
        assert (len(server.requests), len(server.connections)) == (6, 1)


def test_thirty_two_threads(cloud: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """Threads share a client: each gets its own answers, over no more connections than may be in flight."""
    caplog.set_level(logging.DEBUG, "urllib3")
    client = client_of(cloud, width=8)

    def act(n: int) -> str:
        made = client.create(models.PublicKey, {"name": f"n{n}", "key": KEY})
        client.update(models.PublicKey, made.id, {"name": f"m{n}"})
        found = client.get(models.PublicKey, made.id)
        client.delete(models.PublicKey, made.id)
        return found.name

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(act, range(64))) == [f"m{n}" for n in range(64)]
    assert cloud.count() == {}
    assert len(cloud.requests) == 64 * 4
    assert caplog.text.count("Starting new HTTP connection") <= 8


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_closed_meanwhile(method: str) -> None:
    """A kept connection that the server has closed since is not used again, so nothing is lost with it."""

    def answer_and_close(connection: socket.socket) -> None:
        connection.sendall(answer())

    with Loopback(answer_and_close) as server:
        client = client_of(server)
        for _ in range(3):
            client.call(method, "/disks")
            while server.connections[-1].fileno() != -1:
                time.sleep(0.01)
        assert (len(server.requests), len(server.connections)) == (3, 3)


def test_no_cookies() -> None:
    """Cookies are not kept: one thread's would travel with another's request."""
    with Loopback(answer(b"[]", "200 OK", "Set-Cookie: session=1")) as server:
        client = client_of(server)
        client.list(models.Disk)
        client.list(models.Disk)
        assert "cookie" not in server.requests[1].lower()

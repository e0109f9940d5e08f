"""Connections: the limit, waiting for a free one, and reuse."""

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
from tests.api.calls import KEY, SOON, client_of, fails_after, wait_for_a_request
from tests.api.loopback import Loopback, answer


def test_max_concurrency_limits_the_requests_in_flight(cloud: Emulator) -> None:
    """With enough callers, exactly maxConcurrency requests are in flight."""
    cloud.fail("GET /disks", delay=0.1, until=lambda: len(cloud.requests) >= 3, times=100)
    client = client_of(cloud, width=3)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(client.list, [models.Disk] * 12))
    arrived = sorted(request.time for request in cloud.requests)
    assert all(later - earlier >= 0.095 for earlier, later in zip(arrived, arrived[3:], strict=False))
    assert arrived[-1] - arrived[0] < SOON


def test_no_free_connection_before_the_deadline(cloud: Emulator) -> None:
    """A call that gets no free connection ends at its deadline, and sends nothing."""
    over = threading.Event()
    cloud.fail("GET /disks", until=over.is_set)
    client = client_of(cloud, width=1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.list, models.Disk)
        wait_for_a_request(cloud)
        soon = client.until(Deadline.after(0.2))
        text = fails_after(0.2, lambda: soon.call("POST", "/public_keys", {"name": "n", "key": KEY}))
        over.set()
    assert text == "POST /public_keys was not sent: no time was left"
    assert [request.operation for request in cloud.requests] == ["GET /disks"]


def test_a_pause_holds_no_connection(cloud: Emulator) -> None:
    """A call that pauses before a retry does not block others."""
    cloud.fail("GET /disks", status=503)
    client = client_of(cloud, width=1, first_retry=3.0)
    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(client.list, models.Disk)
        wait_for_a_request(cloud)
        client.list(models.Region)
        assert not paused.done()
        assert paused.result() == []


def test_connections_are_reused() -> None:
    """Sequential requests share one connection."""
    with Loopback(answer()) as server:
        client = client_of(server)
        for _ in range(5):
            client.list(models.Disk)
        client.until(Deadline.after(5)).list(models.Disk)
        assert (len(server.requests), len(server.connections)) == (6, 1)


def test_thirty_two_threads(cloud: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """Threads share a client: each gets its own responses, over at most maxConcurrency connections."""
    caplog.set_level(logging.DEBUG, "urllib3")
    client = client_of(cloud, width=8)

    def act(n: int) -> str:
        created = client.create(models.PublicKey, {"name": f"n{n}", "key": KEY})
        client.update(models.PublicKey, created.id, {"name": f"m{n}"})
        found = client.get(models.PublicKey, created.id)
        client.delete(models.PublicKey, created.id)
        return found.name

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(act, range(64))) == [f"m{n}" for n in range(64)]
    assert cloud.count() == {}
    assert len(cloud.requests) == 64 * 4
    assert caplog.text.count("Starting new HTTP connection") <= 8


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_closed_by_the_server_is_not_reused(method: str) -> None:
    """A connection that the server has closed is not reused, so no request is lost on it."""

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
    """Cookies are not stored: those of one thread would be sent with requests of another."""
    with Loopback(answer(b"[]", "200 OK", "Set-Cookie: session=1")) as server:
        client = client_of(server)
        client.list(models.Disk)
        client.list(models.Disk)
        assert "cookie" not in server.requests[1].lower()

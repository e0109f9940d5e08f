"""Time limits of a call: its deadline, and the timeouts of connections and responses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    Unreachable,
)
from pulumi_joviam.api.pace import Pace
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator
from tests.api.calls import client_of, fails_after, failure
from tests.api.loopback import HEAD, Loopback, answer, drip, flood, free_port, silence

ENDLESS: dict[str, Callable[[socket.socket], object]] = {
    "silence": silence,
    "a slow status line": drip(b"HTTP/1.1 200 "),
    "slow headers": drip(HEAD + b"X: "),
    "a slow body": drip(HEAD + b"Content-Length: 100000\r\n\r\n"),
    "a slow body without length": drip(HEAD + b"\r\n"),
    "slow chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a slow chunk": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"),
    "slow provisional responses": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "quick provisional responses": flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}


@pytest.mark.parametrize("how", ENDLESS)
def test_an_endless_response_ends_at_the_deadline(how: str) -> None:
    """A call ends at its deadline, in whatever part of the response bytes arrive slowly or endlessly."""
    with Loopback(ENDLESS[how]) as server:
        text = fails_after(1.0, lambda: client_of(server, 1.0).call("GET", "/disks"))
        assert text == "GET /disks was sent, but no complete response arrived: timed out"
        assert len(server.requests) == 1


def test_the_connect_timeout() -> None:
    """A host that accepts no connections costs the connect timeout, and even a POST is retried."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        # the kernel queues the connections of the backlog, and does not respond to the next ones
        queued = [socket.socket() for _ in range(3)]
        for each in queued:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        client = client_of(f"http://127.0.0.1:{port}", 1.0, connect=0.2)
        text = fails_after(1.0, lambda: client.call("POST", "/disks"))
        for each in queued:
            each.close()
    assert text == (
        f"cannot reach http://127.0.0.1:{port}: timed out. Is joviam:endpoint right, and is the network up?"
    )


def test_the_read_timeout() -> None:
    """A server that sends nothing costs the read timeout, not the whole deadline."""
    with Loopback(silence) as server:
        text = fails_after(1.0, lambda: client_of(server, silence=1.0).call("POST", "/disks"))
        assert text == "POST /disks was sent, but no complete response arrived: timed out"


def test_nothing_is_sent_after_the_deadline(cloud: Emulator) -> None:
    """A call whose deadline has passed sends nothing."""
    text = failure(Unreachable, lambda: client_of(cloud, -1).list(models.Disk))
    assert text == "GET /disks was not sent: no time was left"
    assert cloud.requests == []


def test_a_client_without_a_deadline(cloud: Emulator) -> None:
    """Each call of a client without a deadline has the same limit."""
    over = threading.Event()
    cloud.fail("GET /disks", until=over.is_set, times=2)
    script = Client(Settings(cloud.token, cloud.url, pace=Pace(script_call=1.0)))
    for _ in range(2):
        fails_after(1.0, lambda: script.list(models.Disk))
    over.set()
    assert script.list(models.Disk) == []


def test_a_server_that_was_never_reached() -> None:
    """It is given up long before the deadline, also for a POST."""
    where = f"http://127.0.0.1:{free_port()}/api/v1"
    text = fails_after(0.4, lambda: client_of(where, first_contact=0.5).call("POST", "/disks"))
    assert text == f"cannot reach {where}: connection refused. Is joviam:endpoint right, and is the network up?"


def test_a_server_that_was_reached_before() -> None:
    """Requests are retried until the deadline."""
    with Loopback(answer()) as server:
        client = client_of(server, first_contact=0.1)
        client.list(models.Disk)
    fails_after(0.6, lambda: client.until(Deadline.after(0.7)).list(models.Disk))

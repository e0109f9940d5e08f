"""Answers: too large, broken off, garbled, compressed, or without what must be in them."""

from __future__ import annotations

import gzip
import socket

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api import transport as transport_module
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import (
    AnswerLost,
    BadAnswer,
)
from pulumi_joviam.emulator import Emulator
from tests.api.calls import ID, KEY, client_of, failure, fit_for_a_user
from tests.api.loopback import HEAD, Loopback, answer, flood

NOT_JSON = "(status 200): not JSON (application/json). Is joviam:endpoint the API's address, or did a proxy respond?"


BROKEN: dict[str, tuple[bytes, str]] = {
    "fewer bytes than announced": (HEAD + b"Content-Length: 100\r\n\r\n[]", "it ended early"),
    "two lengths": (
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        "content-Length contained multiple ",
    ),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[", "it ended early"),
    "a chunk of no length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n", "it ended early"),
    "not what gzip makes": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
        "error -3 while decompressing data",
    ),
    "half of what gzip makes": (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"[]" * 99)[:25], NOT_JSON),
    "headers only": (HEAD, NOT_JSON),
    "half a status line": (b"HTTP/1.1 2", "invalid HTTP"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", "invalid HTTP"),
    "a status that is none": (b"HTTP/1.1 abc OK\r\n\r\n", "invalid HTTP"),
    "headers without end": (HEAD + b"X: y\r\n" * 200 + b"\r\n", "got more than 100 headers"),
    "an endless header": (HEAD + b"X: " + b"y" * 70_000, "got more than 65536 bytes"),
    "nothing": (b"", "the connection was dropped"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer(how: str) -> None:
    """Whatever is broken about an answer, a POST ends in AnswerLost and a GET succeeds the next time."""
    sent, expected = BROKEN[how]

    def step(connection: socket.socket) -> None:
        connection.sendall(sent)

    with Loopback(step, step, answer()) as server:
        text = failure(AnswerLost, lambda: client_of(server).call("POST", "/disks"))
        lost = f"POST /disks was sent, but no complete response arrived: {expected}"
        assert text.startswith(f"unexpected response to POST /disks {NOT_JSON}" if expected is NOT_JSON else lost)
        assert fit_for_a_user(text)
        assert len(server.requests) == 1
        assert client_of(server).call("GET", "/disks") == []
        assert len(server.requests) == 3


def test_what_gzip_makes() -> None:
    """A compressed answer is read."""
    body = gzip.compress(b'[{"id": 1}]')
    with Loopback(answer(body, "200 OK", "Content-Encoding: gzip")) as server:
        assert client_of(server).call("GET", "/disks") == [{"id": 1}]


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is not read beyond the largest that makes sense, and the next one would be no smaller."""
    monkeypatch.setattr(transport_module, "LARGEST_ANSWER", 1_000_000)
    with Loopback(flood(b"x" * 10_000, HEAD + b"\r\n")) as server:
        expected = "(status 200): too large. Is joviam:endpoint the API"
        client = client_of(server)
        for ask in (client.list, client.states, client.list):
            assert f"GET /disks {expected}" in failure(BadAnswer, lambda: ask(models.Disk))  # noqa: B023 - called at once
        assert len(server.requests) == 1
        assert f"POST /disks {expected}" in failure(AnswerLost, lambda: client.call("POST", "/disks"))
        assert len(server.requests) == 2


def test_what_is_missing_in_an_answer(cloud: Emulator, client: Client) -> None:
    """An answer that lacks something says what, and of which kind of object."""
    cloud.fail("GET /regions", body=b'[{"id": "x", "name": "AU East"}]')
    text = failure(BadAnswer, lambda: client.list(models.Region))
    assert text == "cannot parse the region in the API's response (id, code)"
    cloud.fail("GET /regions", body=b"{}")
    assert failure(BadAnswer, lambda: client.list(models.Region)) == "the response to GET /regions is not a list"
    cloud.fail("GET /disks/{disk_id}/state", body=b'{"state": 7}', status=200)
    assert failure(BadAnswer, lambda: client.state(models.Disk, ID)) == (
        f"cannot parse the state of the disk {ID} in the API's response"
    )
    cloud.fail("POST /public_keys", body=b"7", status=201)
    text = failure(AnswerLost, lambda: client.create(models.PublicKey, {"name": "n", "key": KEY}))
    assert text == "cannot parse the public key in the API's response (not an object)"

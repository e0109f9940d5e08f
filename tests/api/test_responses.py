"""Responses that are too large, truncated, malformed, compressed or incomplete."""

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
from tests.api.calls import ID, KEY, client_of, failure, readable_by_a_user
from tests.api.loopback import HEAD, Loopback, answer, flood

NOT_JSON = "(status 200): not JSON (application/json). Is joviam:endpoint the API's address, or did a proxy respond?"


BROKEN: dict[str, tuple[bytes, str]] = {
    "shorter than Content-Length": (HEAD + b"Content-Length: 100\r\n\r\n[]", "it ended early"),
    "two lengths": (
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        "content-Length contained multiple ",
    ),
    "a truncated chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[", "it ended early"),
    "an invalid chunk length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n", "it ended early"),
    "not gzip": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
        "error -3 while decompressing data",
    ),
    "truncated gzip": (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"[]" * 99)[:25], NOT_JSON),
    "headers only": (HEAD, NOT_JSON),
    "a truncated status line": (b"HTTP/1.1 2", "invalid HTTP"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", "invalid HTTP"),
    "an invalid status": (b"HTTP/1.1 abc OK\r\n\r\n", "invalid HTTP"),
    "too many headers": (HEAD + b"X: y\r\n" * 200 + b"\r\n", "got more than 100 headers"),
    "an endless header": (HEAD + b"X: " + b"y" * 70_000, "got more than 65536 bytes"),
    "nothing": (b"", "the connection was dropped"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_get_is_retried_after_a_malformed_response(how: str) -> None:
    """After any malformed response a POST raises AnswerLost, and a GET is retried."""
    sent, expected = BROKEN[how]

    def step(connection: socket.socket) -> None:
        connection.sendall(sent)

    with Loopback(step, step, answer()) as server:
        text = failure(AnswerLost, lambda: client_of(server).call("POST", "/disks"))
        lost = f"POST /disks was sent, but no complete response arrived: {expected}"
        assert text.startswith(f"unexpected response to POST /disks {NOT_JSON}" if expected is NOT_JSON else lost)
        assert readable_by_a_user(text)
        assert len(server.requests) == 1
        assert client_of(server).call("GET", "/disks") == []
        assert len(server.requests) == 3


def test_a_gzip_response_is_decoded() -> None:
    """A compressed response is decoded."""
    body = gzip.compress(b'[{"id": 1}]')
    with Loopback(answer(body, "200 OK", "Content-Encoding: gzip")) as server:
        assert client_of(server).call("GET", "/disks") == [{"id": 1}]


def test_a_response_that_is_too_large_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the size limit, and a retry would not make the response smaller."""
    monkeypatch.setattr(transport_module, "LARGEST_ANSWER", 1_000_000)
    with Loopback(flood(b"x" * 10_000, HEAD + b"\r\n")) as server:
        expected = "(status 200): too large. Is joviam:endpoint the API"
        client = client_of(server)
        for request in (client.list, client.snapshots, client.list):
            assert f"GET /disks {expected}" in failure(BadAnswer, lambda: request(models.Disk))  # noqa: B023 - called at once
        assert len(server.requests) == 1
        assert f"POST /disks {expected}" in failure(AnswerLost, lambda: client.call("POST", "/disks"))
        assert len(server.requests) == 2


def test_a_response_without_required_fields(cloud: Emulator, client: Client) -> None:
    """The error names the missing fields and the kind of object."""
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

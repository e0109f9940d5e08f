"""Every request over real sockets: what is sent again, until when, and what a failure says."""

from __future__ import annotations

import gzip
import logging
import re
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from pytest_mock import MockerFixture

from pulumi_joviam.api import client as client_module
from pulumi_joviam.api import models
from pulumi_joviam.api import transport as transport_module
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    AnswerLost,
    ArgumentError,
    BadAnswer,
    Cancelled,
    ConfigError,
    JoviamError,
    NotFound,
    ServerError,
    Unreachable,
)
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator

ID = "0f442f96-09e5-d4cc-9452-34896246cce7"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8TXOOeLEfLLXhXmVdHTcYLVAsmZ6vWZNTRnmiUuIvm me@host"


class Loopback(socketserver.ThreadingTCPServer):
    """A server on a free port that plays a script, for what the emulator is too well-behaved for.

    The n-th request gets the n-th step, and all further ones the last. A step is bytes to answer, after which the
    connection stays open, or a function of the socket, after which it is closed.
    """

    daemon_threads = True

    def __init__(self, *script: bytes | Callable[[socket.socket], object], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.script, self.tls = script, tls
        self.requests: list[str] = []
        self.connections: list[socket.socket] = []
        self.lock = threading.Lock()

    def __enter__(self) -> Loopback:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """The API's root here."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}/api/v1"

    @property
    def lines(self) -> list[str]:
        """The first line of each request."""
        return [request.partition(" HTTP/1.1\r\n")[0] for request in self.requests]


class _Conversation(socketserver.BaseRequestHandler):
    server: Loopback

    def handle(self) -> None:
        with suppress(OSError):
            tls = self.server.tls
            with tls.wrap_socket(self.request, server_side=True) if tls else self.request as connection:
                self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        server = self.server
        server.connections.append(connection)
        with connection.makefile("rb") as reader:
            while request := _one_request(reader):
                with server.lock:
                    server.requests.append(request)
                    step = server.script[min(len(server.requests), len(server.script)) - 1]
                if callable(step):
                    step(connection)
                    return
                connection.sendall(step)


def _one_request(reader: Any) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return ""
        head += line
    length = re.search(rb"content-length: (\d+)", head.lower())
    return str((head + reader.read(int(length[1]) if length else 0)).decode("latin-1"))


def answer(body: bytes = b"[]", status: str = "200 OK", *headers: str) -> bytes:
    """One whole answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def drip(text: bytes, again: bytes = b"x") -> Callable[[socket.socket], None]:
    """Send some bytes one by one, and then others for ever."""

    def step(connection: socket.socket) -> None:
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.01)
        while True:
            connection.sendall(again)
            time.sleep(0.01)

    return step


def flood(again: bytes, start: bytes = b"") -> Callable[[socket.socket], None]:
    """Send some bytes, and then others for ever, as fast as they are taken."""

    def step(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(again)

    return step


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def client_of(where: Loopback | Emulator | str, seconds: float = 20, token: str = "", width: int = 32) -> Client:
    """A client whose calls have some seconds."""
    url = where if isinstance(where, str) else where.url
    token = where.token if isinstance(where, Emulator) else token or "a-token-that-must-not-be-seen"
    return Client(Settings(token, url, max_concurrency=width)).until(Deadline.after(seconds))


def failure(kind: type[JoviamError], act: Callable[[], object]) -> str:
    """The text with which something fails."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """First pauses are short, and the proxies of whoever runs the tests do not take part."""
    monkeypatch.setattr(client_module, "FIRST_PAUSE", 0.02)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def client(cloud: Emulator) -> Client:
    return client_of(cloud)


@pytest.fixture
def key(client: Client) -> str:
    """The id of a public key in the cloud."""
    return client.create(models.PublicKey, {"name": "before", "key": KEY}).id


ACTS: dict[str, tuple[str, Callable[[Client, str], object]]] = {
    "GET": ("GET /public_keys", lambda client, _key: client.list(models.PublicKey)),
    "POST": ("POST /public_keys", lambda client, _key: client.create(models.PublicKey, {"name": "n", "key": KEY})),
    "PUT": (
        "PUT /public_keys/{public_key_id}",
        lambda client, key: client.update(models.PublicKey, key, {"name": "n"}),
    ),
    "DELETE": ("DELETE /public_keys/{public_key_id}", lambda client, key: client.delete(models.PublicKey, key)),
}

Ends = dict[str, type[JoviamError] | None]
"""How a call of each method ends when something goes wrong with it once; None is success."""

NEVER_ACTED: Ends = {"GET": None, "POST": None, "PUT": None, "DELETE": None}
"""The request is sent a second time, and that succeeds, whatever its method."""
MAY_HAVE_ACTED: Ends = {"GET": None, "POST": AnswerLost, "PUT": None, "DELETE": None}
HAS_ACTED: Ends = {"GET": None, "POST": AnswerLost, "PUT": None, "DELETE": NotFound}
"""The same, but what the first request did shows: a second deletion finds nothing."""

FAULTS: dict[str, tuple[dict[str, Any], Ends]] = {
    "429": ({"status": 429}, NEVER_ACTED),
    "503": ({"status": 503}, NEVER_ACTED),
    "503, Retry-After: 0": ({"status": 503, "retry_after": 0}, NEVER_ACTED),
    "503, Retry-After: -1": ({"status": 503, "retry_after": -1}, NEVER_ACTED),
    "503, Retry-After: soon": ({"status": 503, "retry_after": "soon"}, NEVER_ACTED),
    "503, Retry-After in the past": (
        {"status": 503, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        NEVER_ACTED,
    ),
    "502": ({"status": 502}, MAY_HAVE_ACTED),
    "504": ({"status": 504}, MAY_HAVE_ACTED),
    "502 after acting": ({"status": 502, "act": "before"}, HAS_ACTED),
    "dropped": ({"drop": "before"}, MAY_HAVE_ACTED),
    "dropped after acting": ({"drop": "after"}, HAS_ACTED),
    "timeout": ({"delay": 1.3, "act": "before"}, HAS_ACTED),
    "garbage": ({"body": b"\x1f\x8b garbage"}, HAS_ACTED),
    "half": ({"body": b'{"id": "0f442f'}, HAS_ACTED),
    "empty": ({"body": b""}, HAS_ACTED),
    "too deep": ({"body": b"[" * 200_000}, HAS_ACTED),
    "not UTF-8": ({"body": b'"\xff\xfe\xfd"'}, HAS_ACTED),
    "500 in HTML": ({"status": 500, "body": b"<html>"}, MAY_HAVE_ACTED),
    "520 of a gateway": ({"status": 520, "body": b'{"error": "unknown"}'}, MAY_HAVE_ACTED),
    "500": ({"status": 500}, {"GET": None, "POST": ServerError, "PUT": ServerError, "DELETE": ServerError}),
    "another type": (
        {"body": b'"text"'},
        {"GET": BadAnswer, "POST": AnswerLost, "PUT": BadAnswer, "DELETE": None},
    ),
    "a list": ({"body": b"[[]]"}, {"GET": BadAnswer, "POST": AnswerLost, "PUT": BadAnswer, "DELETE": None}),
    "403 in HTML": ({"status": 403, "body": b"<html>"}, dict.fromkeys(ACTS, BadAnswer)),
    "413 in HTML": ({"status": 413, "body": b"<html>"}, dict.fromkeys(ACTS, BadAnswer)),
    "304": ({"status": 304}, dict.fromkeys(ACTS, BadAnswer)),
}
ONCE = {"403 in HTML", "413 in HTML", "304", "another type", "a list"}
"""What a repetition cannot help."""


@pytest.mark.parametrize("method", ACTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_sent_again(
    cloud: Emulator, client: Client, key: str, method: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is repeated only where it is safe, and a POST never after the server may have acted."""
    how, ends = FAULTS[fault]
    operation, act = ACTS[method]
    if "delay" in how:
        monkeypatch.setattr(transport_module, "READ_SECONDS", 1.0)
    cloud.fail(operation, **how)
    before = len(cloud.requests)
    expected = ends[method]
    if expected is None:
        act(client, key)
    else:
        with pytest.raises(JoviamError) as caught:
            act(client, key)
        assert isinstance(caught.value, expected), repr(caught.value)
        assert fit_for_a_user(str(caught.value))
    sent = [request.operation for request in cloud.requests[before:]]
    repeated = fault not in ONCE and expected in (None, NotFound)
    assert sent == [operation] * (2 if repeated else 1)


def fit_for_a_user(text: str) -> bool:
    """Say whether a message is free of what only a programmer could read."""
    return not re.search(r"urllib3|requests|Pool\(|object at|Errno|Traceback|Caused by|<class|\('", text)


@pytest.mark.parametrize(
    ("fault", "kind", "sent"),
    [
        ({"status": 500}, ServerError, 5),
        ({"body": b"<html>"}, BadAnswer, 5),
        ({"status": 502}, AnswerLost, None),
        ({"drop": "before"}, AnswerLost, None),
        ({"status": 503}, Unreachable, None),
    ],
)
def test_how_often(cloud: Emulator, fault: dict[str, Any], kind: type[JoviamError], sent: int | None) -> None:
    """A GET is asked five times after errors that tend to stay, and until the deadline after those that pass."""
    cloud.fail("GET /regions", times=1000, **fault)
    started = time.monotonic()
    with pytest.raises(kind):
        client_of(cloud, 0.5).list(models.Region)
    if sent:
        assert len(cloud.requests) == sent
    else:
        assert 0.1 < time.monotonic() - started < 0.9
        assert 3 < len(cloud.requests) < 20


def test_pauses_grow(mocker: MockerFixture, cloud: Emulator, client: Client) -> None:
    """Pauses double from about the first one on, with jitter, and never exceed 8 seconds."""
    pauses: list[float] = []
    mocker.patch.object(Deadline, "sleep", autospec=True, side_effect=lambda _self, pause: pauses.append(pause))
    cloud.fail("GET /regions", status=503, times=20)
    client.until(Deadline.after(1000)).list(models.Region)
    expected = [min(0.02 * 2**n, 8) for n in range(20)]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(pauses, expected, strict=True)), pauses
    assert len({round(pause, 6) for pause in pauses[-8:]}) > 1


# Retry-After


def test_the_server_says_when(cloud: Emulator, client: Client) -> None:
    """A request that is asked to wait a second comes back after that second, also if it is a POST."""
    cloud.fail("POST /public_keys", status=429, retry_after=1)
    client.create(models.PublicKey, {"name": "n", "key": KEY})
    first, second = [request.time for request in cloud.requests]
    assert 1.0 <= second - first < 1.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 3600"], 3600),
        (["Date: Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After: Wed, 21 Oct 2015 08:28:00 GMT"], 3600),
        (["Date: Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After: Wed, 21 Oct 2015 10:28:00 +0200"], 3600),
        ([f"Retry-After: {'9' * 5000}"], 999999999),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_server_asks_for_too_much_patience(headers: list[str], seconds: int, method: str) -> None:
    """A Retry-After beyond the deadline fails at once, and says so."""
    with Loopback(answer(b"", "503 Busy", *headers)) as server:
        started = time.monotonic()
        text = failure(Unreachable, lambda: client_of(server).call(method, "/disks"))
        assert time.monotonic() - started < 0.5
        assert text == (
            f"the API is too busy for {method} /disks (503) and asks to come back in {seconds} s. Try again later"
        )
        assert len(server.requests) == 1


# Until when


def lasts(seconds: float, act: Callable[[], object]) -> str:
    """The text with which something fails, within 0.5 seconds around the moment it should."""
    started = time.monotonic()
    text = failure(JoviamError, act)
    assert seconds - 0.3 < time.monotonic() - started < seconds + 0.3
    assert fit_for_a_user(text), text
    return text


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS: dict[str, Callable[[socket.socket], object]] = {
    "silence": lambda _connection: time.sleep(1),
    "a slow status line": drip(b"HTTP/1.1 200 "),
    "slow headers": drip(HEAD + b"X: "),
    "a slow body": drip(HEAD + b"Content-Length: 100000\r\n\r\n"),
    "a slow body without length": drip(HEAD + b"\r\n"),
    "slow chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a slow chunk": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"),
    "slow provisional answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "quick provisional answers": flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}


@pytest.mark.parametrize("how", ENDLESS)
def test_an_answer_without_end(how: str) -> None:
    """A call ends at its deadline, wherever in the answer bytes begin to drip or to repeat."""
    with Loopback(ENDLESS[how]) as server:
        text = lasts(0.2, lambda: client_of(server, 0.2).call("GET", "/disks"))
        assert text == "GET /disks was sent, but no whole answer arrived: timed out"
        assert len(server.requests) == 1


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is not read beyond the largest that makes sense, and the next one would be no smaller."""
    monkeypatch.setattr(transport_module, "LARGEST_ANSWER", 1_000_000)
    with Loopback(flood(b"x" * 10_000, HEAD + b"\r\n")) as server:
        said = "was answered with 200 and more bytes than are read of an answer. Is joviam:endpoint the API"
        client = client_of(server)
        for ask in (client.list, client.states, client.list):
            assert f"GET /disks {said}" in failure(BadAnswer, lambda: ask(models.Disk))  # noqa: B023 - called at once
        assert len(server.requests) == 1
        assert f"POST /disks {said}" in failure(AnswerLost, lambda: client.call("POST", "/disks"))
        assert len(server.requests) == 2


def test_a_connection_that_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not take connections costs the connect timeout, and even a POST is tried again there."""
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        # the kernel lets the backlog's connections wait, and the next ones never hear of it
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        text = lasts(0.5, lambda: client_of(f"http://127.0.0.1:{port}", 0.5).call("POST", "/disks"))
        for each in waiting:
            each.close()
    assert text == (
        f"cannot reach http://127.0.0.1:{port}: timed out. Is joviam:endpoint right, and is the network up?"
    )


def test_a_read_without_deadline_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that falls silent costs the read timeout, not the whole deadline."""
    monkeypatch.setattr(transport_module, "READ_SECONDS", 0.2)
    with Loopback(lambda _connection: time.sleep(1)) as server:
        text = lasts(0.2, lambda: client_of(server).call("POST", "/disks"))
        assert text == "POST /disks was sent, but no whole answer arrived: timed out"


def test_nothing_is_sent_after_the_deadline(cloud: Emulator) -> None:
    """A call whose deadline has passed sends nothing."""
    text = failure(Unreachable, lambda: client_of(cloud, -1).list(models.Disk))
    assert text == "GET /disks was not sent: no time was left for it"
    assert cloud.requests == []


def test_a_script_has_a_minute(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without a deadline gives each call the same time."""
    monkeypatch.setattr(client_module, "SCRIPT_SECONDS", 0.3)
    cloud.fail("GET /disks", delay=1, times=2)
    script = Client(Settings(cloud.token, cloud.url))
    for _ in range(2):
        lasts(0.3, lambda: script.list(models.Disk))
    assert script.list(models.Disk) == []


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was never reached is given up long before the deadline, also for a POST."""
    monkeypatch.setattr(client_module, "FIRST_CONTACT_SECONDS", 0.5)
    where = f"http://127.0.0.1:{free_port()}/api/v1"
    text = lasts(0.4, lambda: client_of(where).call("POST", "/disks"))
    assert text == f"cannot reach {where}: connection refused. Is joviam:endpoint right, and is the network up?"


def test_a_server_that_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was reached before is tried until the deadline."""
    monkeypatch.setattr(client_module, "FIRST_CONTACT_SECONDS", 0.1)
    with Loopback(answer()) as server:
        client = client_of(server)
        client.list(models.Disk)
    lasts(0.6, lambda: client.until(Deadline.after(0.7)).list(models.Disk))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_server_that_starts_late(method: str) -> None:
    """A request that finds nobody listening is sent once, when somebody does."""
    with Emulator(token="t") as cloud:
        key = client_of(cloud).create(models.PublicKey, {"name": "n", "key": KEY}).id
        cloud.stop()
        before = len(cloud.requests)
        starting = threading.Timer(0.1, cloud.start)
        starting.start()
        operation, act = ACTS[method]
        act(client_of(cloud), key)
        starting.join()
        assert [request.operation for request in cloud.requests[before:]] == [operation]


def test_a_name_that_does_not_resolve(mocker: MockerFixture) -> None:
    """A host that does not exist is said in the words of the resolver."""
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    mocker.patch("socket.getaddrinfo", side_effect=unknown)
    text = failure(Unreachable, lambda: client_of("https://nowhere.invalid/api", 0.5).call("POST", "/disks"))
    assert text == (
        "cannot reach https://nowhere.invalid/api: name or service not known. "
        "Is joviam:endpoint right, and is the network up?"
    )


# Ctrl-C


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
        assert 0 <= interrupted(lambda client: client.call(method, "/disks"), server) < 0.3
        assert len(server.requests) == 1


def test_ctrl_c_ends_the_wait_for_a_connection(cloud: Emulator) -> None:
    """Ctrl-C ends the wait of a call for its turn."""
    cloud.fail("GET /disks", delay=0.6)

    def act(client: Client) -> None:
        with ThreadPoolExecutor(1) as pool:
            busy = pool.submit(client.list, models.Disk)
            time.sleep(0.1)
            client.list(models.Region)
            busy.result()

    with ThreadPoolExecutor(1):
        assert 0 <= interrupted(act, cloud, width=1) < 1
    assert [request.operation for request in cloud.requests] == ["GET /disks"]


def test_ctrl_c_does_not_lose_an_answer(cloud: Emulator) -> None:
    """An answer that is already under way at Ctrl-C arrives: it may hold the id of something new."""
    event = threading.Event()
    cloud.fail("POST /public_keys", delay=0.3)
    client = Client(Settings(cloud.token, cloud.url), event)
    threading.Timer(0.1, event.set).start()
    made = client.create(models.PublicKey, {"name": "n", "key": KEY})
    assert event.is_set()
    assert [each["id"] for each in cloud.objects("public_keys")] == [made.id]
    with pytest.raises(Cancelled):
        client.list(models.PublicKey)
    assert len(cloud.requests) == 1


def test_ctrl_c_does_not_hide_a_lost_answer(cloud: Emulator) -> None:
    """A POST whose answer is lost after Ctrl-C says so, because the server may have acted."""
    event = threading.Event()
    cloud.fail("POST /public_keys", delay=0.2, drop="after")
    client = Client(Settings(cloud.token, cloud.url), event)
    threading.Timer(0.1, event.set).start()
    with pytest.raises(AnswerLost):
        client.create(models.PublicKey, {"name": "n", "key": KEY})


def test_a_deadline_of_its_own(cloud: Emulator) -> None:
    """A client with a deadline that Ctrl-C does not end goes on after Ctrl-C."""
    event = threading.Event()
    client = Client(Settings(cloud.token, cloud.url), event)
    event.set()
    cloud.fail("GET /disks", status=503)
    assert client.until(Deadline.after(5)).list(models.Disk) == []


# Connections


def test_so_many_at_once_and_no_more(cloud: Emulator) -> None:
    """No more requests than maxConcurrency are in flight, and no fewer where more are wanted."""
    cloud.fail("GET /disks", delay=0.1, times=100)
    client = client_of(cloud, width=3)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _n: client.list(models.Disk), range(12)))
    arrived = sorted(request.time for request in cloud.requests)
    assert all(later - earlier >= 0.095 for earlier, later in zip(arrived, arrived[3:], strict=False))
    assert arrived[-1] - arrived[0] < 0.8


def test_the_last_try_that_comes_too_late(mocker: MockerFixture) -> None:
    """What went wrong with the request that was sent is told, not that there was no time to send it again."""
    tries = [Unreachable("refused"), transport_module.Unsent("no time")]
    mocker.patch.object(transport_module.Transport, "exchange", side_effect=tries)
    assert failure(Unreachable, lambda: client_of("http://127.0.0.1").call("POST", "/disks")) == "refused"


def test_a_turn_that_comes_too_late(cloud: Emulator) -> None:
    """A call that does not get its turn before its deadline ends there, and has sent nothing."""
    cloud.fail("GET /disks", delay=0.6)
    client = client_of(cloud, width=1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.list, models.Disk)
        time.sleep(0.1)
        soon = client.until(Deadline.after(0.2))
        text = lasts(0.2, lambda: soon.call("POST", "/public_keys", {"name": "n", "key": KEY}))
    assert text == "POST /public_keys was not sent: no time was left for it"
    assert [request.operation for request in cloud.requests] == ["GET /disks"]


def test_a_pause_holds_no_turn(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that pauses before a repetition lets others go first."""
    monkeypatch.setattr(client_module, "FIRST_PAUSE", 0.6)
    cloud.fail("GET /disks", status=503)
    client = client_of(cloud, width=1)
    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(client.list, models.Disk)
        while not cloud.requests:
            time.sleep(0.01)
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
            time.sleep(0.05)
        assert (len(server.requests), len(server.connections)) == (3, 3)


def test_no_cookies() -> None:
    """Cookies are not kept: one thread's would travel with another's request."""
    with Loopback(answer(b"[]", "200 OK", "Set-Cookie: session=1")) as server:
        client = client_of(server)
        client.list(models.Disk)
        client.list(models.Disk)
        assert "cookie" not in server.requests[1].lower()


# Broken answers


NOT_JSON = (
    "was answered with 200 and something that is not JSON (application/json). "
    "Is joviam:endpoint the API, or does a proxy answer?"
)
BROKEN: dict[str, tuple[bytes, str]] = {
    "fewer bytes than announced": (HEAD + b"Content-Length: 100\r\n\r\n[]", "it broke off"),
    "two lengths": (
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        "content-Length contained multiple ",
    ),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[", "it broke off"),
    "a chunk of no length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n", "it broke off"),
    "not what gzip makes": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
        "error -3 while decompressing data",
    ),
    "half of what gzip makes": (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"[]" * 99)[:25], NOT_JSON),
    "headers only": (HEAD, NOT_JSON),
    "half a status line": (b"HTTP/1.1 2", "it is not HTTP"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", "it is not HTTP"),
    "a status that is none": (b"HTTP/1.1 abc OK\r\n\r\n", "it is not HTTP"),
    "headers without end": (HEAD + b"X: y\r\n" * 200 + b"\r\n", "got more than 100 headers"),
    "an endless header": (HEAD + b"X: " + b"y" * 70_000, "got more than 65536 bytes"),
    "nothing": (b"", "the connection was dropped"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer(how: str) -> None:
    """Whatever is broken about an answer, a POST ends in AnswerLost and a GET succeeds the next time."""
    sent, said = BROKEN[how]

    def step(connection: socket.socket) -> None:
        connection.sendall(sent)

    with Loopback(step, step, answer()) as server:
        text = failure(AnswerLost, lambda: client_of(server).call("POST", "/disks"))
        lost = f"was sent, but no whole answer arrived: {said}"
        assert text.startswith(f"POST /disks {said if said is NOT_JSON else lost}")
        assert fit_for_a_user(text)
        assert len(server.requests) == 1
        assert client_of(server).call("GET", "/disks") == []
        assert len(server.requests) == 3


def test_what_gzip_makes() -> None:
    """A compressed answer is read."""
    body = gzip.compress(b'[{"id": 1}]')
    with Loopback(answer(body, "200 OK", "Content-Encoding: gzip")) as server:
        assert client_of(server).call("GET", "/disks") == [{"id": 1}]


def test_what_is_missing_in_an_answer(cloud: Emulator, client: Client) -> None:
    """An answer that lacks something says what, and of which kind of object."""
    cloud.fail("GET /regions", body=b'[{"id": "x", "name": "AU East"}]')
    text = failure(BadAnswer, lambda: client.list(models.Region))
    assert text == "the API's answer about a region could not be read (id, code)"
    cloud.fail("GET /regions", body=b"{}")
    assert failure(BadAnswer, lambda: client.list(models.Region)) == "GET /regions was not answered with a list"
    cloud.fail("GET /disks/{disk_id}/state", body=b'{"state": 7}', status=200)
    assert failure(BadAnswer, lambda: client.state(models.Disk, ID)) == (
        f"the API's answer about the state of the disk {ID} could not be read"
    )
    cloud.fail("POST /public_keys", body=b"7", status=201)
    text = failure(AnswerLost, lambda: client.create(models.PublicKey, {"name": "n", "key": KEY}))
    assert text == "the API's answer about a public key could not be read (all of it)"


# Exceptions of requests

MEANINGS: dict[str, type[JoviamError]] = {
    "ChunkedEncodingError": AnswerLost,
    "ConnectTimeout": Unreachable,
    "ConnectionError": AnswerLost,
    "ContentDecodingError": AnswerLost,
    "HTTPError": AnswerLost,
    "InvalidHeader": AnswerLost,
    "InvalidJSONError": AnswerLost,
    "InvalidProxyURL": ConfigError,
    "InvalidSchema": ConfigError,
    "InvalidURL": ConfigError,
    "JSONDecodeError": AnswerLost,
    "MissingSchema": ConfigError,
    "ProxyError": AnswerLost,
    "ReadTimeout": AnswerLost,
    "RequestException": AnswerLost,
    "RetryError": AnswerLost,
    "SSLError": AnswerLost,
    "StreamConsumedError": AnswerLost,
    "Timeout": AnswerLost,
    "TooManyRedirects": AnswerLost,
    "URLRequired": ConfigError,
    "UnrewindableBodyError": AnswerLost,
}
"""What each exception says about a POST when nothing more is known: unless it is sure, the server may have acted."""


def test_every_exception_of_requests_is_known() -> None:
    """Every exception class of requests has a meaning here; a new one needs a decision."""
    found = {
        name
        for name, each in vars(requests.exceptions).items()
        if isinstance(each, type) and issubclass(each, requests.RequestException)
    }
    assert found == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_no_exception_of_requests_gets_out(mocker: MockerFixture, name: str) -> None:
    """No exception of requests reaches a caller as it is."""
    kind = getattr(requests.exceptions, name)
    error = kind("why", "doc", 0) if name == "JSONDecodeError" else kind("why")
    mocker.patch.object(requests.Session, "request", side_effect=error)
    with pytest.raises(JoviamError) as caught:
        client_of("http://127.0.0.1", 0.5).call("POST", "/disks")
    assert isinstance(caught.value, MEANINGS[name])
    assert "why" in str(caught.value)


def test_a_host_that_no_library_takes() -> None:
    """An endpoint that passes for an address until somebody looks it up ends at once, as a setting to correct."""
    started = time.monotonic()
    text = failure(ConfigError, lambda: client_of("https://a..b").call("GET", "/disks"))
    assert text.startswith("cannot reach https://a..b: ")
    assert text.endswith("Are joviam:endpoint and the proxy variables right?")
    assert time.monotonic() - started < 1


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, and its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return both


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_certificate_that_nobody_trusts(tls: ssl.SSLContext, method: str) -> None:
    """A server whose certificate is not trusted hears nothing, once, and the message says what to do."""
    with Loopback(answer(), tls=tls) as server:
        started = time.monotonic()
        text = failure(Unreachable, lambda: client_of(server).call(method, "/disks"))
        assert time.monotonic() - started < 1
        assert server.requests == []
        assert re.fullmatch(
            rf"cannot reach {server.url}: its certificate is not trusted \(self.signed certificate\). "
            "The certificate of a private authority goes into the file that REQUESTS_CA_BUNDLE names.",
            text,
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_CA_BUNDLE", ""),
        ("CURL_CA_BUNDLE", ""),
        ("PYTHONHTTPSVERIFY", "0"),
        ("SSL_VERIFY", "false"),
        ("SSL_CERT_FILE", "{certificate}"),
    ],
)
def test_nothing_turns_verification_off(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """No variable that other programs obey makes a certificate trusted, or nobody look at it."""
    monkeypatch.setenv(name, value.format(certificate=certificate))
    with Loopback(answer(), tls=tls) as server:
        assert "is not trusted" in failure(Unreachable, lambda: client_of(server).call("GET", "/disks"))
        assert server.requests == []


def test_a_certificate_of_ones_own(tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its certificate in REQUESTS_CA_BUNDLE the server is trusted, as that message says."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answer(), tls=tls) as server:
        client = client_of(server)
        assert client.list(models.Disk) == []
        assert client.list(models.Disk) == []
        assert len(server.connections) == 1


def test_a_certificate_for_another_name(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate of another host is none."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answer(), tls=tls) as server:
        text = failure(Unreachable, lambda: client_of(server.url.replace("127.0.0.1", "localhost")).call("GET", "/x"))
        assert "its certificate is not trusted (Hostname mismatch" in text
        assert server.requests == []


def test_an_answer_without_end_over_tls(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also over TLS a call ends at its deadline."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(drip(HEAD + b"X: "), tls=tls) as server:
        lasts(0.4, lambda: client_of(server, 0.4).call("POST", "/disks"))


def test_https_where_http_is_spoken(cloud: Emulator) -> None:
    """An endpoint that is http, not https, is found out at once."""
    where = cloud.url.replace("http:", "https:")
    started = time.monotonic()
    text = failure(Unreachable, lambda: client_of(where).call("POST", "/disks"))
    assert time.monotonic() - started < 1
    assert re.fullmatch(rf"cannot reach {where}: [a-z ]+\. Is it https that is spoken there\?", text), text


def test_a_handshake_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never says hello costs the connect timeout."""
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.2)
    with Loopback(answer()) as server:
        where = server.url.replace("http:", "https:")
        text = lasts(0.2, lambda: client_of(where).call("POST", "/disks"))
        assert text == "POST /disks was sent, but no whole answer arrived: timed out"


# The token


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(status: int, method: str) -> None:
    """A redirect ends the call at once; where it leads to hears nothing."""
    with Loopback(answer()) as elsewhere:
        there = f"{elsewhere.url}/disks"
        with Loopback(answer(b"moved", f"{status} Moved", f"Location: {there}")) as server:
            text = failure(BadAnswer, lambda: client_of(server).call(method, "/disks"))
            assert text == (
                f"{method} /disks was redirected to {there}, which is not followed: "
                "the token goes to joviam:endpoint only. Is that the address of the API?"
            )
            assert len(server.requests) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("location", ["http://[::1", "\x1b[31m", "//", "http://\xff\xfe", "http://a..b/"])
def test_a_redirect_to_nowhere(location: str) -> None:
    """A redirect to what is no address is refused like any other, without the characters a terminal obeys."""
    with Loopback(answer(b"", "302 Found", f"Location: {location}")) as server:
        text = failure(BadAnswer, lambda: client_of(server).call("GET", "/disks"))
        assert text.startswith("GET /disks was redirected to ")
        assert text.isprintable()


def test_a_netrc_does_not_replace_the_token(cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ~/.netrc that names the API's host changes nothing."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(cloud.url) == ("somebody", "else")
    assert client_of(cloud).list(models.Disk) == []


def test_the_token_is_nowhere(cloud: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """The token is in no repr, log record, message or traceback, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    client = client_of(cloud, 0.3)
    seen = [repr(client), str(client), repr(client.settings), repr(vars(client))]
    faults: list[dict[str, Any]] = [how for how, _ends in FAULTS.values() if "delay" not in how]
    for fault in [*faults, {"error": "invalid_token"}, {"error": "forbidden"}, {"delay": 0.3}]:
        cloud.fail("POST /public_keys", **fault)
        with suppress(JoviamError):
            client.until(Deadline.after(0.2)).create(models.PublicKey, {"name": "n", "key": KEY})
        cloud.fail("POST /public_keys", times=9, **fault)
        try:
            client.until(Deadline.after(0.05)).create(models.PublicKey, {"name": "n", "key": KEY})
        except JoviamError as error:
            seen += [repr(error), str(error), *traceback.format_exception(error)]
        cloud.reset()
    seen += [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    assert "/public_keys" in caplog.text
    assert len(seen) > 100
    assert not [text for text in seen if cloud.token in text]


# Proxies


def test_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy from the environment is used, as everywhere with requests."""
    with Loopback(answer()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/v1"))
        client = client_of("http://joviam.localhost/api/v1")
        client.list(models.Disk)
        client.list(models.Disk)
        assert proxy.lines == ["GET http://joviam.localhost/api/v1/disks"] * 2
        assert len(proxy.connections) == 1


def test_no_proxy_for_some(monkeypatch: pytest.MonkeyPatch, cloud: Emulator) -> None:
    """NO_PROXY exempts the API's host."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert client_of(cloud).list(models.Disk) == []


def test_a_proxy_that_loses_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST that was lost behind a proxy may have arrived, and is not sent again."""
    with Loopback(lambda _connection: None) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/v1"))
        with pytest.raises(AnswerLost):
            client_of("http://joviam.localhost/api/v1").call("POST", "/disks")
        assert proxy.lines == ["POST http://joviam.localhost/api/v1/disks"]


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be reached is not mistaken for the API."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    text = failure(Unreachable, lambda: client_of("http://joviam.localhost/api/v1", 0.5).call("POST", "/disks"))
    assert text == (
        "cannot reach http://joviam.localhost/api/v1 through the proxy: connection refused. "
        "Is joviam:endpoint right, and is the network up?"
    )


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not let https through is quoted, and has heard no token."""
    with Loopback(answer(b"", "407 Proxy Authentication Required", "Connection: close")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/api/v1"))
        text = failure(Unreachable, lambda: client_of("https://joviam.invalid/api", 0.5).call("POST", "/disks"))
        assert text.startswith(
            "cannot reach https://joviam.invalid/api through the proxy: "
            "tunnel connection failed: 407 Proxy Authentication Required."
        )
        assert "Bearer" not in "".join(proxy.requests)


def test_a_proxy_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable that is no address is a setting to correct."""
    monkeypatch.setenv("HTTP_PROXY", "foo://proxy")
    text = failure(ConfigError, lambda: client_of("http://joviam.localhost").call("GET", "/disks"))
    assert text.endswith("Are joviam:endpoint and the proxy variables right?")


# Paths


@pytest.mark.parametrize(
    "id",
    ["", "x", "..", "../regions", f"{ID}/", f"{ID}/state", f"{ID}\n", f" {ID}", ID[:-1], f"{ID}0", ID.replace("-", "")],
)
def test_only_ids_reach_a_path(cloud: Emulator, client: Client, id: str) -> None:
    """What is not an id is refused, and nothing is sent."""
    acts: list[Callable[[], object]] = [
        lambda: client.get(models.Disk, id),
        lambda: client.state(models.Disk, id),
        lambda: client.update(models.Disk, id, {}),
        lambda: client.delete(models.Disk, id),
    ]
    for act in acts:
        text = failure(ArgumentError, act)
        assert text.startswith("id: ")
        assert text.endswith("is not an id of the API (they look like 00000000-0000-…)")
    assert cloud.requests == []


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("plain-KEY_1.~", "plain-KEY_1.~"),
        ("a/b", "a%2Fb"),
        ("a b+c", "a%20b%2Bc"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("..%2f", "..%252f"),
        ("%2e%2e", "%252e%252e"),
        ("../..", "..%2F.."),
        ("...", "..."),
        ("é\n", "%C3%A9%0A"),
        ("\\..\\", "%5C..%5C"),
    ],
)
def test_what_lies_under_an_object(key: str, sent: str) -> None:
    """Each part of a path is encoded, so it stays one part of that path."""
    with Loopback(answer(b"{}")) as server:
        client_of(server).call("DELETE", Client.path(models.Instance, ID, "context", key))
        assert server.lines == [f"DELETE /api/v1/instances/{ID}/context/{sent}"]


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_parts_that_would_mean_another_object(key: str) -> None:
    """A part that would make the path mean something else (the whole instance) is refused."""
    text = failure(ArgumentError, lambda: Client.path(models.Instance, ID, "context", key))
    assert text == f"key: {key!r} cannot be part of an address of the API"


# Verbs


def test_the_verbs(cloud: Emulator, client: Client) -> None:
    """The verbs do what they say, each with one request."""
    made = client.create(models.PublicKey, {"name": "one", "key": KEY})
    assert client.update(models.PublicKey, made.id, {"name": "two"}).name == "two"
    assert client.get(models.PublicKey, made.id).name == "two"
    assert [each.id for each in client.list(models.PublicKey)] == [made.id]
    client.delete(models.PublicKey, made.id)
    assert [request.operation for request in cloud.requests] == [
        "POST /public_keys",
        "PUT /public_keys/{public_key_id}",
        "GET /public_keys/{public_key_id}",
        "GET /public_keys",
        "DELETE /public_keys/{public_key_id}",
    ]
    with pytest.raises(NotFound):
        client.get(models.PublicKey, made.id)


def test_other_paths(cloud: Emulator, client: Client) -> None:
    """A list and a creation may live elsewhere than their kind."""
    assert all(network.is_public for network in client.list(models.Network, "/networks/public"))
    assert [request.operation for request in cloud.requests] == ["GET /networks/public"]
    text = failure(NotFound, lambda: client.create(models.Disk, {}, client.path(models.Disk, str(uuid4()), "clone")))
    assert text.startswith("there is no such object (404 not_found, POST /disks/")


def test_a_client_shows_where_it_goes(client: Client, cloud: Emulator) -> None:
    """The repr of a client names its endpoint."""
    assert repr(client) == f"Client({cloud.url})"


@pytest.fixture(autouse=True)
def _no_thread_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing fails unseen in a server's thread."""
    failed: list[object] = []
    monkeypatch.setattr(Loopback, "handle_error", lambda *_args: failed.append(traceback.format_exc()))
    yield
    assert failed == []

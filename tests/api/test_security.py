"""A hostile server, and careless surroundings: what they say neither hangs us, nor grows, nor gets where it harms.

What ends by its deadline, redirects, TLS, ~/.netrc and the paths of requests are under test beside this, what a
whole run leaves on disk and screen in tests/engine/test_security.py.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import (
    AnswerLost,
    BadAnswer,
    ConfigError,
    JoviamError,
    Unauthorized,
    Unreachable,
    ValidationFail,
)
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.lifecycle.host import Call
from pulumi_joviam.resources.instance_args import InstanceArgs
from tests.api.calls import ID, client_of, failure
from tests.api.loopback import HEAD, Loopback, answer, flood
from tests.conftest import TOKEN
from tests.miniature import Miniature, plugin

PASSWORD = "hunter2"
LARGE = 16_000_000
"""Bytes that are still read."""

REGION = {"id": ID, "name": "AU East", "code": "SY3"}
TIER = {"id": ID, "name": "Fast", "region": REGION}
INSTANCE: dict[str, Any] = {
    "id": ID,
    "name": "vm",
    "hostname": "vm",
    "state": "running",
    "memory": 512,
    "performance_tier": TIER,
    "region": REGION,
    "virtualization": "hvm",
    "boot_device": "disk",
    "start_on_crash": True,
    "start_on_reboot": True,
    "start_on_shutdown": False,
    "disks": [],
    "network_adapters": [],
    "public_keys": [],
    "availability_group": [],
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def refusal(details: object) -> bytes:
    """A 422 with these details."""
    return answer(json.dumps({"error": "validation_fail", "details": details}).encode(), "422 Refused")


def fit_for_a_terminal(text: str) -> bool:
    """Say whether a text is short, and free of what a terminal would obey."""
    return len(text) < 15_000 and all(line.isprintable() for line in text.split("\n"))


# Much


def squeezed(times: int = 1) -> bytes:
    """Two gigabytes of nothing, gzipped so often."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = stream.compress(b"") + stream.flush(zlib.Z_FULL_FLUSH)
    megabyte = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    small = start + 2048 * megabyte
    return small if times == 1 else gzip.compress(small)


def repeated(item: bytes) -> bytes:
    """As large a list of one item as is still read."""
    return b"[" + b",".join([item] * (LARGE // (len(item) + 1))) + b"]"


def encoded(body: bytes, how: str) -> bytes:
    return answer(body, "200 OK", f"Content-Encoding: {how}")


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NOT_JSON = "(status 200): not JSON"
TOO_MUCH = "too large"
MUCH: dict[str, tuple[Callable[[], bytes | Callable[[socket.socket], None]], str]] = {
    "a body without end": (lambda: flood(b" " * 65536, HEAD + b"\r\n"), TOO_MUCH),
    "a body that is said to have no end": (
        lambda: flood(b" " * 65536, HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n"),
        TOO_MUCH,
    ),
    "a chunk of less than nothing": (lambda: flood(b" ", CHUNKED + b"-5\r\n"), "no complete response arrived"),
    "a chunk's line without end": (lambda: flood(b"1" * 65536, CHUNKED), "no complete response arrived"),
    "a trailer's line without end": (lambda: flood(b"x" * 65536, CHUNKED + b"0\r\n"), "no complete response arrived"),
    "trailers without end": (lambda: flood(b"x: y\r\n" * 10_000, CHUNKED + b"0\r\n"), "no complete response arrived"),
    "headers without end": (lambda: flood(b"x: y\r\n" * 10_000, HEAD), "got more than 100 headers"),
    "a gigabyte in a megabyte": (lambda: encoded(squeezed(), "gzip"), TOO_MUCH),
    "gzip within gzip": (lambda: encoded(squeezed(2), "gzip, gzip"), NOT_JSON),
    "an encoding that nobody asked for": (lambda: encoded(squeezed(), "br"), NOT_JSON),
    "lists": (lambda: answer(repeated(b"[]")), "(not an object)"),
    "objects": (lambda: answer(repeated(b"{}")), "(not an object)"),
    "digits": (lambda: answer(b"9" * LARGE), NOT_JSON),
    "depth": (lambda: answer(b'{"a":' * (LARGE // 5)), NOT_JSON),
    "mistakes": (
        lambda: answer(json.dumps({**INSTANCE, "disks": [0] * (LARGE // 3 - 1000)}).encode()),
        "(disks.0)",
    ),
    "text of an error": (lambda: refusal("no " * (LARGE // 4)), "no no no"),
    "fields of an error": (lambda: refusal({f"{n}": "no" for n in range(LARGE // 20)}), "more"),
    "depth of an error": (
        lambda: answer(b'{"error":"validation_fail","details":%s1%s}' % (b'{"a":' * 900, b"}" * 900), "422 Refused"),
        "a: {'a': ",
    ),
}
ROOM = 1_000 * 2**20
"""All the memory that a process has to survive this: JSON of 16 MB is up to thirty times as large as objects."""

ASKS = f"""
import contextlib, json, resource, sys, time
from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import JoviamError

with contextlib.suppress(ValueError):  # macOS knows no such limit
    resource.setrlimit(resource.RLIMIT_AS, ({ROOM}, {ROOM}))
for url in sys.argv[1:]:
    began = time.monotonic()
    try:
        Client(Settings("t", url)).until(Deadline.after(30)).create(models.Instance, {{}})
    except JoviamError as error:
        print(json.dumps([str(error), time.monotonic() - began]), flush=True)
"""


@pytest.mark.slow
def test_however_much_it_sends() -> None:
    """Whatever a server sends much of costs seconds, some hundred megabytes at most, and one clear message."""
    with ExitStack() as servers:
        urls = [servers.enter_context(Loopback(make())).url for make, _ in MUCH.values()]
        done = subprocess.run(
            [sys.executable, "-c", ASKS, *urls],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for (name, (_, said)), (text, seconds) in zip(MUCH.items(), told, strict=True):
        assert said in text, (name, text)
        assert fit_for_a_terminal(text), name
        assert seconds < 25, name


# What gets into a path


@pytest.mark.parametrize(
    "id",
    [
        "../../instances",
        "..",
        "",
        f"{ID}/../../instances",
        f"{ID}?x",
        f"{ID}\n",
        f"{ID}%2f..",
        f" {ID}",
        ID.replace("0", "０"),  # noqa: RUF001 - a digit, but not one of an id
        7,
        None,
        [ID],
    ],
)
@pytest.mark.parametrize("where", ["id", "region", "availability_group"])
def test_an_id_that_is_a_path(id: object, where: str) -> None:
    """An answer with an id that is none is not an answer, so its id is in no request."""
    said = {"id": id, "region": {**REGION, "id": id}, "availability_group": [id]}[where]
    body = json.dumps({**INSTANCE, where: said}).encode()
    with Loopback(answer(body), answer(b"[" + body + b"]"), answer(body)) as server:
        client = client_of(server)
        texts = [
            failure(AnswerLost, lambda: client.create(models.Instance, {})),
            failure(BadAnswer, lambda: client.list(models.Instance)),
            failure(BadAnswer, lambda: client.get(models.Instance, ID)),
        ]
        assert len(server.requests) == 3
    for text in texts:
        assert re.fullmatch(rf"cannot parse the instance in the API's response \({where}[a-z0-9.]*\)", text), text


def test_an_id_that_is_said_twice() -> None:
    """Of two equal names in one answer the last counts, and it is the one that is checked."""
    good, bad = f'"id": "{ID}"', '"id": "../../instances"'
    rest = json.dumps({**INSTANCE, "id": 0}).removeprefix('{"id": 0, ')
    with Loopback(answer(f"{{{good}, {bad}, {rest}".encode()), answer(f"{{{bad}, {good}, {rest}".encode())) as server:
        client = client_of(server)
        assert "(id)" in failure(AnswerLost, lambda: client.create(models.Instance, {}))
        assert client.create(models.Instance, {}).id == ID


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "9" * 5000, "9" * 300, "1e999", "1.5"])
def test_a_number_that_is_none(number: str) -> None:
    """What is no number of JSON, or not one that survives its way to the engine, is no answer."""
    body = json.dumps(INSTANCE).replace("512", number).encode()
    with Loopback(answer(body)) as server:
        text = failure(AnswerLost, lambda: client_of(server).create(models.Instance, {}))
        assert NOT_JSON in text or text.endswith("(memory)")


@pytest.mark.parametrize("state", ["\x1b[2J", "running\n", "a state", "x" * 41, 7, None])
def test_a_state_that_is_none(state: object) -> None:
    """A state that is not one word is no answer: states are shown as they are."""
    with Loopback(answer(json.dumps({**INSTANCE, "state": state}).encode())) as server:
        assert "(state)" in failure(AnswerLost, lambda: client_of(server).create(models.Instance, {}))


@pytest.mark.parametrize(
    "item", [{}, 7, "x", [], {"id": ID}, {"id": ID, "state": "\x1b[2J"}, {"id": "..", "state": "running"}]
)
def test_states_that_are_none(item: object) -> None:
    """The answers that tell nothing but states are looked at as closely."""
    with Loopback(answer(json.dumps([item]).encode()), answer(json.dumps(item).encode())) as server:
        client = client_of(server)
        assert failure(BadAnswer, lambda: client.states(models.Disk)) == (
            "the response to GET /disks is not a list of objects"
        )
        if not isinstance(item, dict) or item.get("state") != "running":
            assert failure(BadAnswer, lambda: client.state(models.Disk, ID)) == (
                f"cannot parse the state of the disk {ID} in the API's response"
            )


def test_an_answer_to_another_question() -> None:
    """What a server sends beyond an answer is not taken for the answer to the next request."""
    forged = answer(b'["forged"]')
    with Loopback(answer(b"[1]") + forged, answer(b"[2]") + forged, answer(b"[3]")) as server:
        client = client_of(server)
        assert [client.call("GET", "/disks") for _ in range(3)] == [[1], [2], [3]]


# What gets to a terminal, and into a state

OBEYED = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\n\x00gone"


def evil(texts: dict[str, Any]) -> bytes:
    return json.dumps(texts).encode()


@pytest.mark.parametrize(
    "sent",
    [
        answer(evil({"error": "validation_fail", "details": {OBEYED: [OBEYED, {OBEYED: OBEYED}]}}), "422 Refused"),
        answer(evil({"error": "bad_request", "details": OBEYED}), "400 Bad"),
        answer(evil({"error": "invalid_token", "error_description": OBEYED}), "401 Who"),
        answer(evil({"error": OBEYED, "details": OBEYED}), "422 Refused"),
        answer(b"", "302 Found", "Location: /\x1b[2J\x9b31m"),
        answer(b"<html>", "200 OK").replace(b"application/json", b"text/\x1b[2J\x9b31m"),
        answer(b"[]", "200 OK", "Content-Length: \x1b[2J"),
        answer(evil({OBEYED: OBEYED})),
        b"HTTP/1.1 \x1b[2J OK\r\n\r\n",
        CHUNKED + b"\x1b[2J\r\n",
    ],
)
def test_what_a_terminal_would_obey(sent: bytes) -> None:
    """Whatever part of an answer gets into a message, a terminal obeys nothing of it."""

    def step(connection: socket.socket) -> None:
        connection.sendall(sent)

    with Loopback(step) as server:
        text = failure(JoviamError, lambda: client_of(server).create(models.Instance, {}))
    assert fit_for_a_terminal(text), repr(text)


def test_a_proxy_that_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of a proxy are shown without what a terminal would obey."""
    with Loopback(answer(b"", "407 \x1b[2Jno", "Connection: close")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/api/v1"))
        client = client_of("https://joviam.invalid/api", first_contact=0.3)
        text = failure(Unreachable, lambda: client.call("POST", "/disks"))
    assert "407 [2Jno" in text
    assert fit_for_a_terminal(text)


def test_a_name_that_draws(cloud: Emulator, tmp_path: Path) -> None:
    """The name of somebody else's machine is shown without what a terminal would obey."""
    with plugin(cloud, tmp_path) as running:
        ours, theirs = Miniature(running, "ours"), Miniature(running, "theirs")
        ours.up({"d": {"kind": "Disk", "size": 1, "performance_tier": "Fast"}})
        theirs.up({"i": {"kind": "Instance", "memory": 512, "performance_tier": "Standard"}})
        cloud.change(theirs.state["i"].id, name=OBEYED, disks=[ours.state["d"].id])
        error = ours.destroy().error
    assert 'is attached to the instance "[2J ]0;owned 31m gone" (' in error
    assert fit_for_a_terminal(error)


def test_a_token_that_is_repeated() -> None:
    """A server that repeats the token gets it into no message and no object."""
    said = f"Bearer {TOKEN} is unknown"
    with Loopback(
        answer(evil({"error": "invalid_token", "error_description": said}), "401 Who"),
        answer(evil({"error": "validation_fail", "details": {TOKEN: [said], "name": said}}), "422 Refused"),
        answer(json.dumps({**INSTANCE, "name": said}).encode()),
    ) as server:
        client = client_of(server, token=TOKEN)
        texts = [
            failure(Unauthorized, lambda: client.call("POST", "/disks")),
            failure(ValidationFail, lambda: client.call("POST", "/disks")),
            repr(client.create(models.Instance, {})),
        ]
        assert all(f"Authorization: Bearer {TOKEN}\r\n" in request for request in server.requests)
    for text in texts:
        assert "Bearer [token] is unknown" in text
        assert TOKEN not in text


def test_a_context_is_in_no_repr() -> None:
    """What an instance may be told in confidence is in no repr: its own, its arguments', that of a call."""
    seen = models.Instance.model_validate(INSTANCE).with_details(note="a note", context={"password": PASSWORD})
    assert seen.context == {"password": PASSWORD}
    assert "a note" in repr(seen)
    args = InstanceArgs._declaration.model.model_construct(memory=512, context={"password": PASSWORD})
    call = Call(urn="urn:pulumi:a", inputs={"password": PASSWORD}, hidden={"__kept": PASSWORD})
    shown = f"{seen!r} {seen} {args!r} {args} {call!r}"
    assert {"memory=512", "urn:pulumi:a"} <= set(re.split("[ (',)]", shown))
    assert PASSWORD not in shown


@pytest.mark.parametrize(
    "date",
    ["Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 +99999999999999", "9" * 6000, "\xff"],
)
def test_a_date_that_is_none(date: str) -> None:
    """A moment that no clock shows neither makes an answer unreadable nor a pause endless."""
    busy = answer(b"", "503 Busy", f"Retry-After: {date}".replace("9" * 6000, "x"))
    with Loopback(busy, answer(b"[1]", "200 OK", f"Date: {date}")) as server:
        assert client_of(server).call("POST", "/disks") == [1]
        assert len(server.requests) == 2


# Proxies, and files of certificates


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://somebody:{PASSWORD}@",
        f"http://somebody:{PASSWORD}@host:port",
        f"foo://somebody:{PASSWORD}@host",
        f"http://somebody:{PASSWORD}/x@host",
        f"http://somebody:{PASSWORD}#x@host",
        f"http://somebody:{PASSWORD}?x@host",
        f"http://somebody:{PASSWORD}[x@host",
        f"http://somebody:{PASSWORD}€@host",
        f"http:/somebody:{PASSWORD}@host",
        f"somebody:{PASSWORD}@host:80",
        f":::{PASSWORD}",
    ],
)
@pytest.mark.parametrize("endpoint", ["https://joviam.invalid/api", "http://joviam.localhost/api"])
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str, endpoint: str) -> None:
    """A proxy variable that is no address is a setting to correct, and no part of its password is shown."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert failure(ConfigError, lambda: client_of(endpoint).call("POST", "/disks")) == (
        f"cannot reach {endpoint}: the address of the proxy is invalid. "
        "Are joviam:endpoint and the proxy variables right?"
    )


def test_the_password_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy gets its password and no token on the way to https; a failure shows neither."""
    with Loopback(answer(b"", "403 Forbidden", "Connection: close")) as proxy:
        address = proxy.url.removesuffix("/api/v1").replace("://", f"://somebody:{PASSWORD}@")
        monkeypatch.setenv("HTTPS_PROXY", address)
        client = client_of("https://joviam.invalid/api", token=TOKEN, first_contact=0.3)
        text = failure(Unreachable, lambda: client.call("POST", "/disks")) + repr(vars(client))
        assert proxy.requests
        assert all("Proxy-Authorization: Basic " in request for request in proxy.requests)
        assert TOKEN not in "".join(proxy.requests)
    for secret in (PASSWORD, TOKEN):
        assert secret not in text


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, content: str | None) -> None:
    """A file without certificates is told before any request: it never means that any certificate will do."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    text = failure(ConfigError, lambda: client_of("https://127.0.0.1:1/api").call("GET", "/disks"))
    assert text.startswith(f"cannot reach https://127.0.0.1:1/api: cannot read certificates from the file {file} (")
    assert text.endswith("). Is REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) right?")
    assert fit_for_a_terminal(text)

"""A hostile server and a bad environment: no hangs, no memory exhaustion, no injection.

Other files here test deadlines, redirects, TLS, ~/.netrc and paths of requests; tests/engine/test_security.py tests
what a whole run writes to the disk and the screen.
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
from pulumi_joviam.lifecycle.call import Call
from pulumi_joviam.resources.instance_args import InstanceArgs
from tests.api.calls import ID, client_of, failure
from tests.api.loopback import HEAD, Loopback, answer, flood
from tests.conftest import TOKEN
from tests.miniature import Miniature, plugin

PASSWORD = "hunter2"
LARGE = 16_000_000
"""A size in bytes below the limit."""

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


def safe_for_a_terminal(text: str) -> bool:
    """Whether a text is short and has no control characters."""
    return len(text) < 15_000 and all(line.isprintable() for line in text.split("\n"))


# Large responses


def bomb(times: int = 1) -> bytes:
    """Two gigabytes of zeros, gzipped ``times`` times."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = stream.compress(b"") + stream.flush(zlib.Z_FULL_FLUSH)
    megabyte = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    small = start + 2048 * megabyte
    return small if times == 1 else gzip.compress(small)


def repeated(item: bytes) -> bytes:
    """The largest list of one item below the limit."""
    return b"[" + b",".join([item] * (LARGE // (len(item) + 1))) + b"]"


def encoded(body: bytes, how: str) -> bytes:
    return answer(body, "200 OK", f"Content-Encoding: {how}")


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NOT_JSON = "(status 200): not JSON"
TOO_LARGE = "too large"
LARGE_RESPONSES: dict[str, tuple[Callable[[], bytes | Callable[[socket.socket], None]], str]] = {
    "an endless body": (lambda: flood(b" " * 65536, HEAD + b"\r\n"), TOO_LARGE),
    "a huge Content-Length": (
        lambda: flood(b" " * 65536, HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n"),
        TOO_LARGE,
    ),
    "a negative chunk size": (lambda: flood(b" ", CHUNKED + b"-5\r\n"), "no complete response arrived"),
    "an endless chunk size": (lambda: flood(b"1" * 65536, CHUNKED), "no complete response arrived"),
    "an endless trailer line": (lambda: flood(b"x" * 65536, CHUNKED + b"0\r\n"), "no complete response arrived"),
    "endless trailers": (lambda: flood(b"x: y\r\n" * 10_000, CHUNKED + b"0\r\n"), "no complete response arrived"),
    "endless headers": (lambda: flood(b"x: y\r\n" * 10_000, HEAD), "got more than 100 headers"),
    "a gigabyte in a megabyte": (lambda: encoded(bomb(), "gzip"), TOO_LARGE),
    "gzip within gzip": (lambda: encoded(bomb(2), "gzip, gzip"), NOT_JSON),
    "an encoding that was not requested": (lambda: encoded(bomb(), "br"), NOT_JSON),
    "lists": (lambda: answer(repeated(b"[]")), "(not an object)"),
    "objects": (lambda: answer(repeated(b"{}")), "(not an object)"),
    "digits": (lambda: answer(b"9" * LARGE), NOT_JSON),
    "depth": (lambda: answer(b'{"a":' * (LARGE // 5)), NOT_JSON),
    "validation errors": (
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
MEMORY_LIMIT = 1_000 * 2**20
"""The memory limit of the process, in bytes: 16 MB of JSON take up to thirty times as much when parsed."""

SCRIPT = f"""
import contextlib, json, resource, sys, time
from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import JoviamError

with contextlib.suppress(ValueError):  # macOS has no such limit
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_LIMIT}, {MEMORY_LIMIT}))
for url in sys.argv[1:]:
    began = time.monotonic()
    try:
        Client(Settings("t", url)).until(Deadline.after(30)).create(models.Instance, {{}})
    except JoviamError as error:
        print(json.dumps([str(error), time.monotonic() - began]), flush=True)
"""


@pytest.mark.slow
def test_large_responses_take_limited_time_and_memory() -> None:
    """Each large response ends within seconds and the memory limit, with one clear message."""
    with ExitStack() as servers:
        urls = [servers.enter_context(Loopback(make())).url for make, _ in LARGE_RESPONSES.values()]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *urls],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    for (name, (_, expected)), (text, seconds) in zip(LARGE_RESPONSES.items(), results, strict=True):
        assert expected in text, (name, text)
        assert safe_for_a_terminal(text), name
        assert seconds < 25, name


# Ids and other values


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
        ID.replace("0", "０"),  # noqa: RUF001 - a digit, but not ASCII
        7,
        None,
        [ID],
    ],
)
@pytest.mark.parametrize("where", ["id", "region", "availability_group"])
def test_an_invalid_id_in_a_response(id: object, where: str) -> None:
    """A response with an invalid id is rejected, so the id reaches no request."""
    value = {"id": id, "region": {**REGION, "id": id}, "availability_group": [id]}[where]
    body = json.dumps({**INSTANCE, where: value}).encode()
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


def test_duplicate_keys_in_a_response() -> None:
    """Of duplicate keys in a response the last one counts, and that one is validated."""
    good, bad = f'"id": "{ID}"', '"id": "../../instances"'
    rest = json.dumps({**INSTANCE, "id": 0}).removeprefix('{"id": 0, ')
    with Loopback(answer(f"{{{good}, {bad}, {rest}".encode()), answer(f"{{{bad}, {good}, {rest}".encode())) as server:
        client = client_of(server)
        assert "(id)" in failure(AnswerLost, lambda: client.create(models.Instance, {}))
        assert client.create(models.Instance, {}).id == ID


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "9" * 5000, "9" * 300, "1e999", "1.5"])
def test_an_invalid_number(number: str) -> None:
    """A number that JSON does not allow, or that a float cannot hold exactly, is rejected."""
    body = json.dumps(INSTANCE).replace("512", number).encode()
    with Loopback(answer(body)) as server:
        text = failure(AnswerLost, lambda: client_of(server).create(models.Instance, {}))
        assert NOT_JSON in text or text.endswith("(memory)")


@pytest.mark.parametrize("state", ["\x1b[2J", "running\n", "a state", "x" * 41, 7, None])
def test_an_invalid_state(state: object) -> None:
    """A state that is not one word is rejected: states are printed as they are."""
    with Loopback(answer(json.dumps({**INSTANCE, "state": state}).encode())) as server:
        assert "(state)" in failure(AnswerLost, lambda: client_of(server).create(models.Instance, {}))


@pytest.mark.parametrize(
    "item", [{}, 7, "x", [], {"id": ID}, {"id": ID, "state": "\x1b[2J"}, {"id": "..", "state": "running"}]
)
def test_invalid_states(item: object) -> None:
    """Responses with only states are validated as strictly."""
    with Loopback(answer(json.dumps([item]).encode()), answer(json.dumps(item).encode())) as server:
        client = client_of(server)
        assert failure(BadAnswer, lambda: client.snapshots(models.Disk)) == (
            "the response to GET /disks is not a list of objects"
        )
        if item != {"id": "..", "state": "running"}:
            assert failure(BadAnswer, lambda: client.state(models.Disk, ID)) == (
                f"cannot parse the state of the disk {ID} in the API's response"
            )


def test_a_response_smuggled_behind_another() -> None:
    """Bytes after a response are not taken for the response to the next request."""
    forged = answer(b'["forged"]')
    with Loopback(answer(b"[1]") + forged, answer(b"[2]") + forged, answer(b"[3]")) as server:
        client = client_of(server)
        assert [client.call("GET", "/disks") for _ in range(3)] == [[1], [2], [3]]


# Untrusted text in messages and in the state

CONTROL_CHARACTERS = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\n\x00gone"


def as_json(texts: dict[str, Any]) -> bytes:
    return json.dumps(texts).encode()


@pytest.mark.parametrize(
    "sent",
    [
        answer(
            as_json(
                {
                    "error": "validation_fail",
                    "details": {CONTROL_CHARACTERS: [CONTROL_CHARACTERS, {CONTROL_CHARACTERS: CONTROL_CHARACTERS}]},
                }
            ),
            "422 Refused",
        ),
        answer(as_json({"error": "bad_request", "details": CONTROL_CHARACTERS}), "400 Bad"),
        answer(as_json({"error": "invalid_token", "error_description": CONTROL_CHARACTERS}), "401 Who"),
        answer(as_json({"error": CONTROL_CHARACTERS, "details": CONTROL_CHARACTERS}), "422 Refused"),
        answer(b"", "302 Found", "Location: /\x1b[2J\x9b31m"),
        answer(b"<html>", "200 OK").replace(b"application/json", b"text/\x1b[2J\x9b31m"),
        answer(b"[]", "200 OK", "Content-Length: \x1b[2J"),
        answer(as_json({CONTROL_CHARACTERS: CONTROL_CHARACTERS})),
        b"HTTP/1.1 \x1b[2J OK\r\n\r\n",
        CHUNKED + b"\x1b[2J\r\n",
    ],
)
def test_control_characters_are_removed(sent: bytes) -> None:
    """No part of a response brings control characters into a message."""

    def step(connection: socket.socket) -> None:
        connection.sendall(sent)

    with Loopback(step) as server:
        text = failure(JoviamError, lambda: client_of(server).create(models.Instance, {}))
    assert safe_for_a_terminal(text), repr(text)


def test_control_characters_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a proxy is printed without control characters."""
    with Loopback(answer(b"", "407 \x1b[2Jno", "Connection: close")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/api/v1"))
        client = client_of("https://joviam.invalid/api", first_contact=0.3)
        text = failure(Unreachable, lambda: client.call("POST", "/disks"))
    assert "407 [2Jno" in text
    assert safe_for_a_terminal(text)


def test_control_characters_in_a_name(cloud: Emulator, tmp_path: Path) -> None:
    """The name of an instance outside the stack is printed without control characters."""
    with plugin(cloud, tmp_path) as running:
        ours, theirs = Miniature(running, "ours"), Miniature(running, "theirs")
        ours.up({"d": {"kind": "Disk", "size": 1, "performance_tier": "Fast"}})
        theirs.up({"i": {"kind": "Instance", "memory": 512, "performance_tier": "Standard"}})
        cloud.change(theirs.state["i"].id, name=CONTROL_CHARACTERS, disks=[ours.state["d"].id])
        error = ours.destroy().error
    assert 'is attached to the instance "[2J ]0;owned 31m gone" (' in error
    assert safe_for_a_terminal(error)


def test_the_token_is_masked_in_responses() -> None:
    """If the server repeats the token, no message or object has it."""
    text = f"Bearer {TOKEN} is unknown"
    with Loopback(
        answer(as_json({"error": "invalid_token", "error_description": text}), "401 Who"),
        answer(as_json({"error": "validation_fail", "details": {TOKEN: [text], "name": text}}), "422 Refused"),
        answer(json.dumps({**INSTANCE, "name": text}).encode()),
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
    """The context of an instance is in no repr: not of the model, the arguments or the call."""
    seen = models.Instance.model_validate(INSTANCE).with_details(note="a note", context={"password": PASSWORD})
    assert seen.context == {"password": PASSWORD}
    assert "a note" in repr(seen)
    args = InstanceArgs._declaration.model.model_construct(memory=512, context={"password": PASSWORD})
    call = Call(urn="urn:pulumi:a", inputs={"password": PASSWORD}, hidden_outputs={"__kept": PASSWORD})
    shown = f"{seen!r} {seen} {args!r} {args} {call!r}"
    assert {"memory=512", "urn:pulumi:a"} <= set(re.split("[ (',)]", shown))
    assert PASSWORD not in shown


@pytest.mark.parametrize(
    "date",
    ["Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 +99999999999999", "9" * 6000, "\xff"],
)
def test_an_invalid_date(date: str) -> None:
    """An invalid date makes neither the response unreadable nor the pause endless."""
    busy = answer(b"", "503 Busy", f"Retry-After: {date}".replace("9" * 6000, "x"))
    with Loopback(busy, answer(b"[1]", "200 OK", f"Date: {date}")) as server:
        assert client_of(server).call("POST", "/disks") == [1]
        assert len(server.requests) == 2


# Proxies and certificate files


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
def test_an_invalid_proxy_hides_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str, endpoint: str) -> None:
    """An invalid proxy variable is a ConfigError, and no part of its password is printed."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert failure(ConfigError, lambda: client_of(endpoint).call("POST", "/disks")) == (
        f"cannot reach {endpoint}: the address of the proxy is invalid. "
        "Are joviam:endpoint and the proxy variables right?"
    )


def test_the_token_is_not_sent_to_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """For https a proxy gets its password and not the token; an error shows neither."""
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
    """It is an error before any request: it never turns verification off."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    text = failure(ConfigError, lambda: client_of("https://127.0.0.1:1/api").call("GET", "/disks"))
    assert text.startswith(f"cannot reach https://127.0.0.1:1/api: cannot read certificates from the file {file} (")
    assert text.endswith("). Is REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) right?")
    assert safe_for_a_terminal(text)

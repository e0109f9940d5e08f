"""The token: it is sent to the endpoint only, and never printed."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_joviam.api import models
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    BadAnswer,
    JoviamError,
)
from pulumi_joviam.emulator import Emulator
from tests.api.calls import KEY, client_of, failure
from tests.api.faults import FAULTS
from tests.api.loopback import Loopback, answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(status: int, method: str) -> None:
    """A redirect ends the call at once, and nothing is sent to its target."""
    with Loopback(answer()) as elsewhere:
        target = f"{elsewhere.url}/disks"
        with Loopback(answer(b"moved", f"{status} Moved", f"Location: {target}")) as server:
            text = failure(BadAnswer, lambda: client_of(server).call(method, "/disks"))
            assert text == (
                f"{method} /disks was redirected to {target}, which is not followed: "
                "the token is sent to joviam:endpoint only. Is that the API's address?"
            )
            assert len(server.requests) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("location", ["http://[::1", "\x1b[31m", "//", "http://\xff\xfe", "http://a..b/"])
def test_a_redirect_to_an_invalid_address(location: str) -> None:
    """It is refused like any other redirect, and the message has no control characters."""
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


def test_the_token_is_never_printed(cloud: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """The token is in no repr, log record, message or traceback, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    client = client_of(cloud, 0.3)
    seen = [repr(client), str(client), repr(client.settings), repr(vars(client))]
    faults: list[dict[str, Any]] = [how for how, _ends in FAULTS.values() if "delay" not in how]
    faults += [{"error": "invalid_token"}, {"error": "forbidden"}, {"delay": 0.3}]
    for fault in faults:
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

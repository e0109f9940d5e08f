"""What the libraries below raise: no exception of theirs gets out, and each has a meaning."""

from __future__ import annotations

import socket
import time

import pytest
import requests
from pytest_mock import MockerFixture

from pulumi_joviam.api.errors import (
    AnswerLost,
    ConfigError,
    JoviamError,
    Unreachable,
)
from tests.api.calls import SOON, client_of, failure

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


def test_a_name_that_does_not_resolve(mocker: MockerFixture) -> None:
    """A host that does not exist is said in the words of the resolver."""
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    mocker.patch("socket.getaddrinfo", side_effect=unknown)
    client = client_of("https://nowhere.invalid/api", first_contact=0.3)
    text = failure(Unreachable, lambda: client.call("POST", "/disks"))
    assert text == (
        "cannot reach https://nowhere.invalid/api: name or service not known. "
        "Is joviam:endpoint right, and is the network up?"
    )


def test_a_host_that_no_library_takes() -> None:
    """An endpoint that passes for an address until somebody looks it up ends at once, as a setting to correct."""
    started = time.monotonic()
    text = failure(ConfigError, lambda: client_of("https://a..b").call("GET", "/disks"))
    assert text.startswith("cannot reach https://a..b: ")
    assert text.endswith("Are joviam:endpoint and the proxy variables right?")
    assert time.monotonic() - started < SOON

"""Every exception of requests becomes one of our errors."""

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

TRANSLATED: dict[str, type[JoviamError]] = {
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
"""The error for each exception during a POST: when in doubt, the server may have acted."""


def test_every_exception_of_requests_is_known() -> None:
    """The table has every exception class of requests; a new one needs a decision."""
    found = {
        name
        for name, each in vars(requests.exceptions).items()
        if isinstance(each, type) and issubclass(each, requests.RequestException)
    }
    assert found == set(TRANSLATED)


@pytest.mark.parametrize("name", TRANSLATED)
def test_no_exception_of_requests_reaches_a_caller(mocker: MockerFixture, name: str) -> None:
    """The caller gets our error, with the reason of the exception."""
    kind = getattr(requests.exceptions, name)
    error = kind("why", "doc", 0) if name == "JSONDecodeError" else kind("why")
    mocker.patch.object(requests.Session, "request", side_effect=error)
    with pytest.raises(JoviamError) as caught:
        client_of("http://127.0.0.1", 0.5).call("POST", "/disks")
    assert isinstance(caught.value, TRANSLATED[name])
    assert "why" in str(caught.value)


def test_a_name_that_does_not_resolve(mocker: MockerFixture) -> None:
    """The message has the resolver's reason."""
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    mocker.patch("socket.getaddrinfo", side_effect=unknown)
    client = client_of("https://nowhere.invalid/api", first_contact=0.3)
    text = failure(Unreachable, lambda: client.call("POST", "/disks"))
    assert text == (
        "cannot reach https://nowhere.invalid/api: name or service not known. "
        "Is joviam:endpoint right, and is the network up?"
    )


def test_a_host_that_urllib3_rejects() -> None:
    """A host that only fails when it is looked up is a ConfigError, without a retry."""
    started = time.monotonic()
    text = failure(ConfigError, lambda: client_of("https://a..b").call("GET", "/disks"))
    assert text.startswith("cannot reach https://a..b: ")
    assert text.endswith("Are joviam:endpoint and the proxy variables right?")
    assert time.monotonic() - started < SOON

"""Proxies: when one is used, and errors for one that cannot be used."""

from __future__ import annotations

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import (
    AnswerLost,
    ConfigError,
    Unreachable,
)
from pulumi_joviam.emulator import Emulator
from tests.api.calls import client_of, failure
from tests.api.loopback import Loopback, answer, free_port


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy from the environment is used, as always with requests."""
    with Loopback(answer()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/v1"))
        client = client_of("http://joviam.localhost/api/v1")
        client.list(models.Disk)
        client.list(models.Disk)
        assert proxy.lines == ["GET http://joviam.localhost/api/v1/disks"] * 2
        assert len(proxy.connections) == 1


def test_no_proxy_exempts_the_host(monkeypatch: pytest.MonkeyPatch, cloud: Emulator) -> None:
    """NO_PROXY exempts the API's host."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert client_of(cloud).list(models.Disk) == []


def test_a_post_lost_behind_a_proxy_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST that was lost behind a proxy may have arrived, so it is not retried."""
    with Loopback(lambda _connection: None) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/v1"))
        with pytest.raises(AnswerLost):
            client_of("http://joviam.localhost/api/v1").call("POST", "/disks")
        assert proxy.lines == ["POST http://joviam.localhost/api/v1/disks"]


def test_a_proxy_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the proxy, not the API."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    client = client_of("http://joviam.localhost/api/v1", first_contact=0.3)
    text = failure(Unreachable, lambda: client.call("POST", "/disks"))
    assert text == (
        "cannot reach http://joviam.localhost/api/v1 through the proxy: connection refused. "
        "Is joviam:endpoint right, and is the network up?"
    )


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The response of a proxy that refuses to connect is quoted, and the proxy gets no token."""
    with Loopback(answer(b"", "407 Proxy Authentication Required", "Connection: close")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/api/v1"))
        client = client_of("https://joviam.invalid/api", first_contact=0.3)
        text = failure(Unreachable, lambda: client.call("POST", "/disks"))
        assert text.startswith(
            "cannot reach https://joviam.invalid/api through the proxy: "
            "tunnel connection failed: 407 Proxy Authentication Required."
        )
        assert "Bearer" not in "".join(proxy.requests)


def test_an_invalid_proxy_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid proxy variable is a ConfigError."""
    monkeypatch.setenv("HTTP_PROXY", "foo://proxy")
    text = failure(ConfigError, lambda: client_of("http://joviam.localhost").call("GET", "/disks"))
    assert text.endswith("Are joviam:endpoint and the proxy variables right?")

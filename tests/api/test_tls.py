"""TLS: whose certificate is trusted, and what is said where none is."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import (
    Unreachable,
)
from pulumi_joviam.emulator import Emulator
from tests.api.calls import SOON, client_of, failure, lasts
from tests.api.loopback import HEAD, Loopback, answer, drip


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
        assert time.monotonic() - started < SOON
        assert server.requests == []
        assert re.fullmatch(
            rf"cannot reach {server.url}: its certificate is not trusted \(self.signed certificate\). "
            "For a private certificate authority, set REQUESTS_CA_BUNDLE to the file with its certificate.",
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
        lasts(1.0, lambda: client_of(server, 1.0).call("POST", "/disks"))


def test_https_where_http_is_spoken(cloud: Emulator) -> None:
    """An endpoint that is http, not https, is found out at once."""
    where = cloud.url.replace("http:", "https:")
    started = time.monotonic()
    text = failure(Unreachable, lambda: client_of(where).call("POST", "/disks"))
    assert time.monotonic() - started < SOON
    assert re.fullmatch(rf"cannot reach {where}: [a-z ]+\. Does that port speak HTTPS\?", text), text


def test_a_handshake_without_end() -> None:
    """A server that never says hello costs the connect timeout."""
    with Loopback(answer()) as server:
        where = server.url.replace("http:", "https:")
        text = lasts(0.2, lambda: client_of(where, connect=0.2).call("POST", "/disks"))
        assert text == "POST /disks was sent, but no complete response arrived: timed out"

"""TLS: trusted and untrusted certificates, and errors."""

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
from tests.api.calls import SOON, client_of, fails_after, failure
from tests.api.loopback import HEAD, Loopback, answer, drip


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
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
def test_an_untrusted_certificate(tls: ssl.SSLContext, method: str) -> None:
    """Nothing is sent to the server or retried, and the message says what to do."""
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
    """No environment variable of other programs makes a certificate trusted, or skips its check."""
    monkeypatch.setenv(name, value.format(certificate=certificate))
    with Loopback(answer(), tls=tls) as server:
        assert "is not trusted" in failure(Unreachable, lambda: client_of(server).call("GET", "/disks"))
        assert server.requests == []


def test_a_private_authority(tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate in REQUESTS_CA_BUNDLE is trusted."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answer(), tls=tls) as server:
        client = client_of(server)
        assert client.list(models.Disk) == []
        assert client.list(models.Disk) == []
        assert len(server.connections) == 1


def test_a_certificate_for_another_name(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate of another host is rejected."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answer(), tls=tls) as server:
        text = failure(Unreachable, lambda: client_of(server.url.replace("127.0.0.1", "localhost")).call("GET", "/x"))
        assert "its certificate is not trusted (Hostname mismatch" in text
        assert server.requests == []


def test_an_endless_response_over_tls(tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call over TLS ends at its deadline, too."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(drip(HEAD + b"X: "), tls=tls) as server:
        fails_after(1.0, lambda: client_of(server, 1.0).call("POST", "/disks"))


def test_https_to_a_port_that_speaks_http(cloud: Emulator) -> None:
    """It fails at once, without a retry."""
    where = cloud.url.replace("http:", "https:")
    started = time.monotonic()
    text = failure(Unreachable, lambda: client_of(where).call("POST", "/disks"))
    assert time.monotonic() - started < SOON
    assert re.fullmatch(rf"cannot reach {where}: [a-z ]+\. Does that port speak HTTPS\?", text), text


def test_an_endless_handshake() -> None:
    """A server that never completes the handshake costs the connect timeout."""
    with Loopback(answer()) as server:
        where = server.url.replace("http:", "https:")
        text = fails_after(0.2, lambda: client_of(where, connect=0.2).call("POST", "/disks"))
        assert text == "POST /disks was sent, but no complete response arrived: timed out"

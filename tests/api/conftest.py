"""Fixtures: calls over real sockets."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.emulator import Emulator
from tests.api.calls import KEY, client_of
from tests.api.loopback import Loopback


@pytest.fixture
def client(cloud: Emulator) -> Client:
    return client_of(cloud)


@pytest.fixture
def key(client: Client) -> str:
    """The id of a public key in the cloud."""
    return client.create(models.PublicKey, {"name": "before", "key": KEY}).id


@pytest.fixture(autouse=True)
def _no_thread_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail the test if a server thread fails."""
    failed: list[object] = []

    def note(*_args: object) -> None:
        failed.append(traceback.format_exc())

    monkeypatch.setattr(Loopback, "handle_error", note)
    yield
    assert failed == []

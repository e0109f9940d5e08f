"""Fixtures: an emulated account whose states end only when the test calls `account.settle()`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_joviam.emulator import Emulator
from tests.emulator.account import NEVER, Account


@pytest.fixture(scope="session")
def server() -> Iterator[Emulator]:
    """One server for all tests of the emulator."""
    with Emulator(token="s3cret", provision_seconds=NEVER) as cloud:
        yield cloud


@pytest.fixture
def cloud(server: Emulator) -> Emulator:
    """An empty cloud."""
    server.reset()
    return server


@pytest.fixture
def account(cloud: Emulator) -> Account:
    """A client of the empty cloud."""
    return Account(cloud)

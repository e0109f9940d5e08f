"""The fixture `joviam_emulator`: an empty account for each test, on one server for the whole run.

pytest loads this file in every run where the package is installed. It is not in pulumi_joviam.emulator, so that only
tests that use the fixture need the extra and the time to import it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pulumi_joviam.emulator import Emulator


@pytest.fixture(scope="session")
def joviam_emulator_server() -> Iterator[Emulator]:
    """The server behind `joviam_emulator`. Override it to choose other switches for all tests."""
    from pulumi_joviam.emulator import Emulator

    with Emulator(token="emulator") as cloud:  # noqa: S106 - not a secret
        yield cloud


@pytest.fixture
def joviam_emulator(joviam_emulator_server: Emulator) -> Emulator:
    """An empty emulated Joviam account: `url`, `token`, `requests`, `fail`, `change` and more."""
    joviam_emulator_server.reset()
    return joviam_emulator_server

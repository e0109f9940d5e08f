"""Every endpoint of the reference, with its status and the shape of its response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.emulator.documentation import document
from pulumi_joviam.emulator.operations import OPERATIONS
from tests.conftest import ROOT
from tests.emulator.account import NEVER, Account
from tests.emulator.reference import ENDPOINTS, Shape, differences
from tests.emulator.tour import walk

NAMES = [f"{method} {path}" for method, path, _, _ in ENDPOINTS]


def test_the_emulator_has_every_endpoint() -> None:
    """The emulator has the endpoints of the reference and no others: as many as README says."""
    operations = [operation.name for operation in OPERATIONS]
    assert not set(NAMES) - set(operations), "not in OPERATIONS of a file of pulumi_joviam/emulator/"
    assert not set(operations) - set(NAMES), "not in ENDPOINTS of tests/emulator/reference.py"
    assert len(operations) == len(NAMES)
    assert f"[all {len(set(NAMES))} endpoints]" in (ROOT / "README.md").read_text()


def test_document() -> None:
    """The OpenAPI document describes those endpoints, with the reference's status as the first response."""
    paths = document("/api/v1")["paths"]
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": next(iter(operation["responses"]))
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    assert described == {f"{method} {path}": str(status) for method, path, status, _ in ENDPOINTS}


def test_docs_page(cloud: Emulator) -> None:
    """`/docs` shows the document that `/openapi.json` serves, without a token."""
    root = cloud.url.removesuffix("/api/v1")
    assert "swagger" in requests.get(f"{root}/docs", timeout=10).text
    assert requests.get(f"{root}/openapi.json", timeout=10).json() == document("/api/v1")


@pytest.fixture(scope="module")
def replies() -> dict[str, requests.Response]:
    """One successful response of every endpoint, from a tour."""
    with Emulator(token="t", provision_seconds=NEVER) as cloud:
        return walk(Account(cloud))


@pytest.mark.parametrize(("method", "path", "status", "shape"), ENDPOINTS, ids=NAMES)
def test_responses(replies: dict[str, requests.Response], method: str, path: str, status: int, shape: Shape) -> None:
    """Every response has the status and the shape of the example in the reference."""
    assert f"{method} {path}" in replies, "no step of tests/emulator/tour.py, no example in tests/emulator/reference.py"
    reply = replies[f"{method} {path}"]
    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "application/json"
    assert differences(shape, reply.json()) == []


NESTED: list[tuple[str, Callable[[Any], Any]]] = [
    ("GET /disks", lambda instance: instance["disks"]),
    ("GET /public_keys", lambda instance: instance["public_keys"]),
    ("PUT /instances/{instance_id}/network_adapters", lambda instance: instance["network_adapters"]),
    ("GET /ip_addresses", lambda instance: instance["network_adapters"][0]["ip_addresses"]),
]


@pytest.mark.parametrize(("operation", "pick"), NESTED, ids=[operation for operation, _ in NESTED])
def test_nested_objects(replies: dict[str, requests.Response], operation: str, pick: Callable[[Any], Any]) -> None:
    """Objects nested in an instance have the same shape as on their own."""
    shapes = {f"{method} {path}": shape for method, path, _, shape in ENDPOINTS}
    instance = replies["POST /instances/{instance_id}/start"].json()
    assert differences(shapes[operation], pick(instance)) == []

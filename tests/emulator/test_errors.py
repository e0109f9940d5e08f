"""Errors of requests, with the codes of the reference's table of errors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from pulumi_joviam.emulator import Emulator
from tests.emulator.account import Account
from tests.emulator.reference import ENDPOINTS, KEY

NOWHERE = "00000000-0000-4000-8000-000000000000"

ERRORS = [
    ("bad_request", 400, "details"),
    ("unauthorized", 401, None),
    ("invalid_token", 401, "error_description"),
    ("invalid_client", 401, "error_description"),
    ("invalid_request", 401, "error_description"),
    ("forbidden", 403, None),
    ("not_found", 404, None),
    ("validation_fail", 422, "details"),
    ("internal_server_error", 500, None),
]


@pytest.mark.parametrize(("error", "status", "explained_in"), ERRORS, ids=[error for error, _, _ in ERRORS])
def test_each_error_of_the_reference(account: Account, error: str, status: int, explained_in: str | None) -> None:
    """Every row of the reference's table can be produced, with its status and the field with the explanation."""
    account.cloud.fail("GET /regions", error=error)
    response = account.send("GET", "/regions")
    assert response.status_code == status
    assert response.json().keys() == {"error", explained_in} - {None}
    assert response.json()["error"] == error
    account.cloud.fail("GET /regions", error=error, details="why")
    assert account.send("GET", "/regions").json() == {"error": error, explained_in or "details": "why"}


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, "unauthorized"),
        ("", "unauthorized"),
        ("Basic czNjcmV0", "unauthorized"),
        ("s3cret", "unauthorized"),
        ("Bearer wrong", "invalid_token"),
        ("Bearer ", "invalid_token"),
    ],
)
def test_credentials(cloud: Emulator, header: str | None, error: str) -> None:
    """Without the right token the response does not even reveal whether a URL exists."""
    for path in ("/regions", "/nowhere"):
        headers = {} if header is None else {"Authorization": header}
        response = requests.get(cloud.url + path, headers=headers, timeout=10)
        assert response.status_code == 401
        assert response.json()["error"] == error
        assert ("error_description" in response.json()) == (error == "invalid_token")


def test_forbidden(account: Account) -> None:
    """An account cannot change public networks."""
    path = f"/networks/{account.public_network()}"
    for refusal in (account.refused("PUT", path, {"name": "mine"}), account.refused("DELETE", path)):
        assert (refusal.status, refusal.error) == (403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/disks/{NOWHERE}"),
        ("PUT", f"/disks/{NOWHERE}"),
        ("DELETE", f"/instances/{NOWHERE}"),
        ("GET", "/disks/not-an-id"),
        ("GET", "/disks/"),
        ("GET", "/nowhere"),
        ("GET", "/performance_tiers"),
        ("POST", "/regions"),
        ("DELETE", "/disks"),
        ("PATCH", "/disks"),
        ("GET", "/../../v2/disks"),
    ],
)
def test_not_found(account: Account, method: str, path: str) -> None:
    """Unknown ids, malformed ids, unknown URLs and wrong methods are all 404 not_found."""
    refusal = account.refused(method, path)
    assert (refusal.status, refusal.error) == (404, "not_found")


GOOD_DISK = {"name": "d", "size": 10, "region": NOWHERE, "performance_tier": NOWHERE}
GOOD_NETWORK = {"name": None, "region": NOWHERE, "specification": "10.0.0.0/24"}
MALFORMED: list[tuple[str, str, Any, list[str]]] = [
    ("POST", "/disks", {}, ["name", "size", "region", "performance_tier"]),
    ("POST", "/disks", {**GOOD_DISK, "size": "10", "name": 5}, ["name", "size"]),
    ("POST", "/disks", {**GOOD_DISK, "size": True}, ["size"]),
    ("POST", "/disks", {**GOOD_DISK, "size": 10.0}, ["size"]),
    ("POST", "/disks", {**GOOD_DISK, "cdrom": 1}, ["cdrom"]),
    ("POST", "/disks", {**GOOD_DISK, "template": None}, ["template"]),
    ("POST", "/disks", {**GOOD_DISK, "region": "SY3"}, ["region"]),
    ("POST", "/disks", {**GOOD_DISK, "region": NOWHERE.replace("-", "")}, ["region"]),
    ("PUT", f"/disks/{NOWHERE}", {"name": None}, ["name"]),
    ("POST", "/networks", {key: GOOD_NETWORK[key] for key in ("region", "specification")}, ["name"]),
    ("POST", "/networks", {**GOOD_NETWORK, "gateway": "10.0.0.300"}, ["gateway"]),
    ("POST", "/ip_addresses", {"address": "here"}, ["address"]),
    ("POST", "/ip_addresses", {"address": None}, ["address"]),
    ("PUT", f"/instances/{NOWHERE}/disks", {"disks": NOWHERE}, ["disks"]),
    ("PUT", f"/instances/{NOWHERE}/disks", {"disks": [1]}, ["disks.0"]),
    ("PUT", f"/instances/{NOWHERE}/network_adapters", {"network_adapters": [{}]}, ["network_adapters.0.network"]),
    (
        "PUT",
        f"/instances/{NOWHERE}/network_adapters",
        {"network_adapters": [{"network": NOWHERE, "ip_addresses": "static"}]},
        ["network_adapters.0.ip_addresses"],
    ),
    ("POST", f"/instances/{NOWHERE}/context", {"": "v", "a/b": "v", "c": 1}, ["slash", "a/b", "c"]),
]


@pytest.mark.parametrize(("method", "path", "body", "fields"), MALFORMED)
def test_malformed(account: Account, method: str, path: str, body: Any, fields: list[str]) -> None:
    """Missing fields, wrong types and malformed ids get 400, and the message names them all."""
    refusal = account.refused(method, path, body)
    assert (refusal.status, refusal.error) == (400, "bad_request")
    assert isinstance(refusal.details, str)
    for field in fields:
        assert re.search(rf"(^|; |a name without a ){re.escape(field)}\b", refusal.details), refusal.details


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for method, path, _, _ in ENDPOINTS if method != "GET"],
)
def test_unknown_field(account: Account, method: str, path: str) -> None:
    """Every endpoint that writes rejects unknown fields."""
    refusal = account.refused(method, re.sub(r"{\w+}", NOWHERE, path), {"surprise": 1})
    assert (refusal.status, refusal.error) == (400, "bad_request")
    assert "surprise: " in refusal.details


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "5", "null", "\udcff"])
def test_not_a_json_object(account: Account, body: str) -> None:
    """A body that is not a JSON object is a bad request."""
    headers = {"Content-Type": "application/json"}
    response = account.send("POST", "/disks", data=body.encode(errors="surrogateescape"), headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "bad_request")
    assert "JSON" in response.json()["details"]


def test_content_type(account: Account) -> None:
    """A body needs a JSON Content-Type."""
    body = json.dumps({"name": "laptop", "key": KEY})
    response = account.send("POST", "/public_keys", data=body)
    assert (response.status_code, response.json()["error"]) == (400, "bad_request")
    assert "Content-Type" in response.json()["details"]
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    assert account.send("POST", "/public_keys", data=body, headers=json_type).status_code == 201


def test_query_parameter(account: Account) -> None:
    """The API has no query parameters, so one is rejected."""
    refusal = account.refused("GET", "/disks?page=2")
    assert (refusal.status, refusal.error) == (400, "bad_request")


def test_no_body(account: Account) -> None:
    """The body can be omitted if every parameter is optional."""
    disk = account.disk()
    assert account.send("PUT", f"/disks/{disk}").status_code == 200
    assert account.send("POST", f"/disks/{disk}/clone").status_code == 201


def test_a_bug_is_an_internal_server_error(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in the emulator is a 500 with the reason in the log, not a lost connection."""
    key = account.key()
    account.cloud.change(key, name=object())
    refusal = account.refused("GET", f"/public_keys/{key}")
    assert (refusal.status, refusal.error) == (500, "internal_server_error")
    assert "Unable to serialize unknown type" in caplog.text

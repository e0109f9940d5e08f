"""Faults: which calls they apply to, and what they do."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.emulator.account import Account
from tests.emulator.reference import KEY

UPLOAD = {"name": "laptop", "key": KEY}


def keys(account: Account) -> int:
    """The number of keys that were created."""
    return len(account.cloud.objects("public_keys"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
def test_status(account: Account, status: int) -> None:
    """A status of the reference returns its error code, and the cloud does not act."""
    account.cloud.fail("POST /public_keys", status=status)
    refusal = account.refused("POST", "/public_keys", UPLOAD)
    codes = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 422: "validation_fail"}
    assert (refusal.status, refusal.error) == (status, codes.get(status, "internal_server_error"))
    assert keys(account) == 0


def test_status_outside_the_reference(account: Account) -> None:
    """A status that is not in the reference, such as a proxy's, returns its standard name."""
    account.cloud.fail("GET /regions", status=503, retry_after=7)
    response = account.send("GET", "/regions")
    assert (response.status_code, response.json()) == (503, {"error": "service_unavailable"})
    assert response.headers["Retry-After"] == "7"


def test_status_of_success(account: Account) -> None:
    """A status of success replaces that of the real response."""
    account.cloud.fail("POST /public_keys", status=202)
    response = account.send("POST", "/public_keys", UPLOAD)
    assert (response.status_code, response.json()["name"]) == (202, "laptop")


def test_error_and_details(account: Account) -> None:
    """An error code implies its status, and the response has the given details."""
    account.cloud.fail("POST /disks", error="validation_fail", details={"size": ["is odd"]})
    assert account.invalid("POST", "/disks", account.disk_body()) == {"size": ["is odd"]}


def test_error_after_acting(account: Account) -> None:
    """With act="before" the cloud acts and then returns the error."""
    account.cloud.fail("POST /public_keys", status=500, act="before")
    assert account.refused("POST", "/public_keys", UPLOAD).status == 500
    assert keys(account) == 1


@pytest.mark.parametrize(("drop", "created"), [("before", 0), ("after", 1)])
def test_drop(account: Account, drop: Any, created: int) -> None:
    """The connection closes without a response, before or after the cloud acts."""
    account.cloud.fail("POST /public_keys", drop=drop)
    with pytest.raises(requests.ConnectionError):
        account.send("POST", "/public_keys", UPLOAD)
    assert keys(account) == created
    assert [request.status for request in account.cloud.requests] == [None]
    account.call("POST", "/public_keys", UPLOAD)


@pytest.mark.parametrize(("act", "created_early"), [(None, 1), ("before", 1), ("after", 0)])
def test_delay(account: Account, act: Any, created_early: int) -> None:
    """The response is late; the cloud acts before or after the delay, even if the client has given up."""
    account.cloud.fail("POST /public_keys", delay=0.3, act=act)
    with pytest.raises(requests.ReadTimeout):
        account.session.post(f"{account.cloud.url}/public_keys", json=UPLOAD, timeout=0.1)
    assert keys(account) == created_early
    deadline = time.monotonic() + 5
    while not account.cloud.requests[0].status and time.monotonic() < deadline:
        time.sleep(0.01)
    assert keys(account) == 1


@pytest.mark.parametrize("lost", [{"drop": "before"}, {"status": 502}, {"body": b"<html>"}], ids=str)
def test_act_after(account: Account, lost: dict[str, Any]) -> None:
    """The cloud acts some time after the connection was dropped or another response was sent."""
    account.cloud.fail("POST /public_keys", act_after=0.3, **lost)
    started = time.monotonic()
    with contextlib.suppress(requests.ConnectionError):
        account.send("POST", "/public_keys", UPLOAD)
    assert keys(account) == 0
    while not keys(account) and time.monotonic() < started + 5:
        time.sleep(0.01)
    assert keys(account) == 1
    assert time.monotonic() - started > 0.25


def test_a_delay_does_not_block_other_clients(account: Account) -> None:
    """Other clients are served while one waits."""
    served = threading.Event()
    account.cloud.fail("GET /regions", until=served.is_set)
    waiting = threading.Thread(target=account.send, args=("GET", "/regions"))
    waiting.start()
    while not account.cloud.requests:
        time.sleep(0.001)
    Account(account.cloud).call("GET", "/regions")
    served.set()
    waiting.join()
    assert [request.status for request in account.cloud.requests] == [200, 200]


def test_until(account: Account) -> None:
    """The response waits for a condition, which may use the emulator; a reset ends the wait."""
    cloud = account.cloud
    cloud.fail("GET /regions", until=lambda: keys(account) == 1)
    with ThreadPoolExecutor(1) as pool:
        delayed = pool.submit(account.send, "GET", "/regions")
        while not cloud.requests:
            time.sleep(0.001)
        assert not delayed.done()
        Account(cloud).key()
        assert delayed.result().status_code == 200
        cloud.fail("GET /regions", until=lambda: False)
        delayed = pool.submit(account.send, "GET", "/regions")
        while len(cloud.requests) < 3:
            time.sleep(0.001)
        cloud.reset()
        assert delayed.result().status_code == 200


@pytest.mark.parametrize(
    ("options", "status", "created"), [({}, 201, 1), ({"status": 200}, 200, 1), ({"act": "never"}, 201, 0)]
)
def test_body(account: Account, options: dict[str, Any], status: int, created: int) -> None:
    """The body comes with the operation's own status or another one, whether the cloud acts or not."""
    account.cloud.fail("POST /public_keys", body=b"<html>oops", **options)
    response = account.send("POST", "/public_keys", UPLOAD)
    assert (response.status_code, response.content) == (status, b"<html>oops")
    assert keys(account) == created


def test_times_and_skip(account: Account) -> None:
    """A fault applies to `times` calls of its operation, after `skip` good ones."""
    account.cloud.fail("GET /regions", status=500, times=2, skip=1)
    paths = ("/regions", "/templates", "/regions", "/templates", "/regions", "/regions")
    statuses = [(path, account.send("GET", path).status_code) for path in paths]
    assert [status for path, status in statuses if path == "/regions"] == [200, 500, 500, 200]
    assert [status for path, status in statuses if path == "/templates"] == [200, 200]


def test_several_faults_of_one_operation(account: Account) -> None:
    """They apply in the order in which they were added."""
    for status in (503, 500):
        account.cloud.fail("GET /regions", status=status)
    assert [account.send("GET", "/regions").status_code for _ in range(3)] == [503, 500, 200]


def test_any_operation(account: Account) -> None:
    """`*` applies to any request, even with an unknown URL or a wrong token."""
    account.cloud.fail("*", status=502, times=3)
    assert account.send("GET", "/templates").status_code == 502
    assert account.send("GET", "/nowhere").status_code == 502
    assert requests.get(f"{account.cloud.url}/regions", timeout=10).status_code == 502
    assert account.send("GET", "/templates").status_code == 200


def test_same_path_other_method(account: Account) -> None:
    """A fault applies only to its method of a path."""
    disk = account.disk()
    account.cloud.fail("PUT /disks/{disk_id}", status=500)
    assert account.send("GET", f"/disks/{disk}").status_code == 200
    assert account.send("PUT", f"/disks/{disk}", {}).status_code == 500


def test_invalid_faults(account: Account) -> None:
    """An unknown operation and contradictory options are a ValueError."""
    invalid: list[tuple[str, dict[str, Any]]] = [
        ("GET /disk", {}),
        ("GET /disks/1", {}),
        ("GET /disks", {"drop": "after", "act": "never"}),
        ("POST /disks", {"drop": "after", "act_after": 1}),
        ("POST /disks", {"status": 502, "act": "before", "act_after": 1}),
        ("POST /disks", {"act_after": 1}),
    ]
    for operation, options in invalid:
        with pytest.raises(ValueError, match=r"operation|drop|act_after"):
            account.cloud.fail(operation, **options)

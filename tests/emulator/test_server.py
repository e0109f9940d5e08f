"""The server: start, stop, the log of requests, imports and the pytest fixture."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

import pulumi_joviam.emulator
from pulumi_joviam.emulator import Emulator, Request
from tests.emulator.account import Account
from tests.emulator.reference import KEY

FOLDER = Path(pulumi_joviam.emulator.__file__).parent


def test_url(cloud: Emulator) -> None:
    """The default is a free port of the loopback interface, with the API's path."""
    assert cloud.url.startswith("http://127.0.0.1:")
    assert cloud.url.endswith("/api/v1")
    with Emulator(token="t") as other:
        assert other.url != cloud.url


def test_stop() -> None:
    """It stops within a second, even with open connections and a request in flight, and keeps the account."""
    cloud = Emulator(token="t").start()
    account = Account(cloud)
    key = account.key()
    cloud.fail("GET /regions", delay=60)
    lost: list[Exception] = []

    def wait() -> None:
        try:
            Account(cloud).send("GET", "/regions")
        except requests.ConnectionError as error:
            lost.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not any(request.path == "/regions" for request in cloud.requests):
        time.sleep(0.001)
    url, started = cloud.url, time.monotonic()
    cloud.stop()
    assert time.monotonic() - started < 1
    waiting.join()
    assert len(lost) == 1
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/regions", timeout=10)
    with cloud.start() as again:
        assert again.url == url
        assert account.call("GET", f"/public_keys/{key}")["id"] == key
    cloud.stop()  # a second time does nothing


def test_port_taken(cloud: Emulator) -> None:
    """A port in use is an error at once."""
    port = int(cloud.url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="in use"):
        Emulator(token="t", port=port).start()


def test_requests(account: Account) -> None:
    """The log has every request in order of arrival, with body and status, but without the token."""
    before = time.monotonic()
    key = account.key()
    account.refused("PUT", f"/public_keys/{key}", {"name": 5})
    account.refused("GET", "/nowhere")
    account.send("POST", "/disks", data="garbage", headers={"Content-Type": "application/json"})
    log = account.cloud.requests
    assert all(before < request.time < time.monotonic() for request in log)
    assert [(each.method, each.path, each.operation, each.body, each.status) for each in log] == [
        ("POST", "/public_keys", "POST /public_keys", {"name": "laptop", "key": KEY}, 201),
        ("PUT", f"/public_keys/{key}", "PUT /public_keys/{public_key_id}", {"name": 5}, 400),
        ("GET", "/nowhere", None, None, 404),
        ("POST", "/disks", "POST /disks", None, 400),
    ]
    assert account.cloud.token not in repr(log)
    with pytest.raises(AttributeError):
        log[0].status = 1  # type: ignore[misc] # it is frozen
    log.clear()
    assert isinstance(account.cloud.requests[0], Request)


def test_the_log_is_limited(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last requests are logged, even if an older one still has no response."""
    monkeypatch.setattr("pulumi_joviam.emulator.server.MOST_REQUESTS", 3)
    account.cloud.fail("GET /regions", delay=0.3)
    waiting = threading.Thread(target=account.send, args=("GET", "/regions"))
    waiting.start()
    while not account.cloud.requests:
        time.sleep(0.001)
    other = Account(account.cloud)
    for _ in range(4):
        other.send("GET", "/templates")
    waiting.join()
    assert [request.path for request in account.cloud.requests] == ["/templates"] * 3


def test_token_is_in_no_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """The token is not in the emulator's own log, whatever fails."""
    caplog.set_level(0)
    account.cloud.change(account.key(), name=object())
    assert account.refused("GET", "/public_keys").status == 500
    account.send("POST", "/disks", data="{")
    account.cloud.fail("GET /regions", drop="after")
    with pytest.raises(requests.ConnectionError):
        account.send("GET", "/regions")
    ours = [record for record in caplog.records if not record.name.startswith("urllib3")]
    assert "GET /public_keys failed" in caplog.text
    assert not [record for record in ours if account.cloud.token in f"{record.getMessage()} {record.exc_text}"]


def test_late_request_does_not_reach_a_reset_account(account: Account) -> None:
    """A request that is delayed during a reset does not change the new account."""
    account.cloud.fail("POST /public_keys", delay=0.1, act="after")
    waiting = threading.Thread(target=account.send, args=("POST", "/public_keys", {"name": "laptop", "key": KEY}))
    waiting.start()
    while not account.cloud.requests:
        time.sleep(0.001)
    account.cloud.reset()
    waiting.join()
    assert account.cloud.count() == {}
    assert account.cloud.requests == []


def test_imports_nothing_else() -> None:
    """The emulator imports nothing from the rest of the package, so that they cannot share a mistake."""
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                assert module.startswith("pulumi_joviam.emulator") or not module.startswith("pulumi"), file.name


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a new Python process, so that its imports do not matter here."""
    root = str(FOLDER.parent.parent)
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env={"PYTHONPATH": root}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["fastapi", "fastapi_offline", "uvicorn"])
def test_missing_extra(tmp_path: Path, module: str) -> None:
    """Without the extra, the error says which one to install."""
    code = f"import sys; sys.modules[{module!r}] = None; import pulumi_joviam.emulator"
    error = run("-c", code, folder=tmp_path).stderr.splitlines()[-1]
    assert error.startswith("ImportError: the emulator needs")
    assert "pulumi-joviam[emulator]" in error


def test_pytest_plugin(tmp_path: Path) -> None:
    """The fixture gives every test an empty account on the same server."""
    (tmp_path / "test_it.py").write_text(
        """
import requests

urls = set()

def upload(cloud):
    urls.add(cloud.url)
    assert cloud.count() == {}
    body = {"name": "laptop", "key": "ssh-rsa AAAA"}
    headers = {"Authorization": f"Bearer {cloud.token}"}
    assert requests.post(f"{cloud.url}/public_keys", json=body, headers=headers).status_code == 201
    assert cloud.count() == {"public_keys": 1}
    assert len(urls) == 1

def test_one(joviam_emulator):
    upload(joviam_emulator)

def test_two(joviam_emulator):
    upload(joviam_emulator)
"""
    )
    result = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", folder=tmp_path)
    assert "2 passed" in result.stdout, result.stdout

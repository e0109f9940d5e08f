"""Console sessions: for running instances only, with credentials when ready."""

from __future__ import annotations

import pytest

from tests.emulator.account import Account


@pytest.mark.parametrize(
    ("body", "present", "absent"),
    [
        ({}, {"url", "token"}, {"host", "port"}),
        ({"type": "vnc"}, {"url", "token"}, {"host", "port"}),
        ({"type": "serial"}, {"host", "port", "token"}, {"url"}),
    ],
)
def test_ready(account: Account, body: dict[str, str], present: set[str], absent: set[str]) -> None:
    """A session has no credentials while it is initiating, then those of its type."""
    instance = account.instance(running=True)
    session = account.call("POST", f"/instances/{instance}/remote_access", body)
    assert (session["state"], session["type"]) == ("initiating", body.get("type", "vnc"))
    assert all(session[field] is None for field in present | absent)
    account.settle()
    session = account.call("GET", f"/console_sessions/{session['id']}")
    assert session["state"] == "ready"
    assert {field for field in present | absent if session[field]} == present


def test_rejected(account: Account) -> None:
    """A stopped instance and an unknown type are rejected."""
    instance = account.instance()
    assert account.invalid("POST", f"/instances/{instance}/remote_access") == {"state": ["is stopped"]}
    details = account.invalid("POST", f"/instances/{instance}/remote_access", {"type": "telnet"})
    assert details == {"type": ["must be one of serial, vnc"]}


def test_deleted_with_the_instance(account: Account) -> None:
    """A session is deleted with its instance."""
    instance = account.instance(running=True)
    session = account.call("POST", f"/instances/{instance}/remote_access")["id"]
    account.cloud.remove(instance)
    assert account.refused("GET", f"/console_sessions/{session}").status == 404

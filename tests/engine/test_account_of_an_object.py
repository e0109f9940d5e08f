"""An object belongs to the account it was created in: with a token of another account it does not look deleted."""

from __future__ import annotations

from pulumi_joviam.emulator import Emulator
from tests.keys import key
from tests.stack import Stack

OTHER = "another-token-that-must-not-be-seen"
KEYS = {name: {"kind": "PublicKey", "key": key(name)} for name in "abc"}


def test_a_token_of_another_organization_is_refused(stack: Stack) -> None:
    """Each command says so, nothing is deleted, and the objects stay in the state."""
    stack.program(KEYS)
    stack.up()
    token = stack.cloud.token
    with Emulator(token=OTHER, provision_seconds=0.0) as other:
        stack.pulumi("config", "set", "--secret", "joviam:token", OTHER)
        stack.pulumi("config", "set", "joviam:endpoint", other.url)
        for run in (stack.preview(fails=True), stack.pulumi("destroy", "--yes", "--run-program", fails=True)):
            assert (
                "was created with another token, and is not in the account of the stack config joviam:token" in run.text
            )
        assert [it for it in other.requests if it.method != "GET"] == []
    stack.pulumi("config", "set", "--secret", "joviam:token", token)
    stack.pulumi("config", "set", "joviam:endpoint", stack.cloud.url)
    assert stack.up().empty  # destroy uses the settings of the last up
    stack.destroy()
    assert stack.cloud.count() == {}


def test_a_rotated_token_of_the_same_account_works(stack: Stack) -> None:
    """This holds even if an object was deleted: one existing object proves that the account is the same."""
    stack.program(KEYS)
    stack.up()
    stack.cloud.token = OTHER
    try:
        stack.pulumi("config", "set", "--secret", "joviam:token", OTHER)
        before = len(stack.cloud.requests)
        assert stack.preview().empty
        assert len(stack.cloud.requests) == before + 1
        stack.program({"a": KEYS["a"], "b": KEYS["b"] | {"name": "renamed"}})
        assert stack.up().steps == {"b": "update", "c": "delete"}
        assert stack.refresh().empty
        before = len(stack.cloud.requests)
        assert stack.preview().empty
        assert len(stack.cloud.requests) == before
    finally:
        stack.cloud.token = "a-token-that-must-not-be-seen"

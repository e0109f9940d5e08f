"""Public keys: OpenSSH only, created and deleted at once."""

from __future__ import annotations

import pytest

from tests.emulator.account import Account
from tests.emulator.reference import KEY


@pytest.mark.parametrize(
    "key",
    [
        "ssh-rsa AAAAB3NzaC1yc2E=",
        "ssh-ed25519 AAAAC3Nz somebody's laptop",
        "ecdsa-sha2-nistp256 AAAA",
        "sk-ssh-ed25519@openssh.com AAAA",
        f"{KEY}\n",
    ],
)
def test_openssh(account: Account, key: str) -> None:
    """Every type of OpenSSH key is accepted, and stored as it was sent."""
    made = account.call("POST", "/public_keys", {"name": "laptop", "key": key})
    assert account.call("GET", f"/public_keys/{made['id']}")["key"] == key


@pytest.mark.parametrize(
    "key", ["", "AAAA", "ssh-rsa", "ssh-rsa !!!!", "ssh-foo AAAA", "-----BEGIN PUBLIC KEY-----", f"{KEY}\n{KEY}"]
)
def test_not_openssh(account: Account, key: str) -> None:
    """Anything else is rejected."""
    details = account.invalid("POST", "/public_keys", {"name": "laptop", "key": key})
    assert details == {"key": ["is not a public key in OpenSSH format"]}


def test_name(account: Account) -> None:
    """A name must not be blank or longer than 255 characters."""
    key = account.key()
    for name in (" ", "x" * 256):
        assert account.invalid("PUT", f"/public_keys/{key}", {"name": name}).keys() == {"name"}
    assert account.call("PUT", f"/public_keys/{key}", {"name": "x" * 255})["name"] == "x" * 255


def test_delete_in_use(account: Account) -> None:
    """A key in use can be deleted, and the instance loses it."""
    key, other = account.key(), account.key("other")
    instance = account.instance(public_keys=[key, other])
    assert account.call("DELETE", f"/public_keys/{key}") == {}
    assert account.refused("GET", f"/public_keys/{key}").status == 404
    assert [each["id"] for each in account.call("GET", f"/instances/{instance}")["public_keys"]] == [other]

"""Disks: validation, growing only, and no operations in transitional states."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.account import Account


def test_life_cycle(account: Account) -> None:
    """A disk is provisioned, then unattached until it is attached to an instance."""
    disk = account.call("POST", "/disks", account.disk_body())
    assert (disk["state"], disk["instance_id"], disk["position"], disk["template"]) == (
        "provisioning",
        None,
        None,
        None,
    )
    account.settle()
    assert account.state(f"/disks/{disk['id']}/state") == "unattached"
    instance = account.instance(disks=[disk["id"]])
    disk = account.call("GET", f"/disks/{disk['id']}")
    assert (disk["state"], disk["instance_id"], disk["position"]) == ("attached", instance, 0)


@pytest.mark.parametrize(
    ("fields", "rejected"),
    [
        ({"size": 0}, "size"),
        ({"size": 10_001}, "size"),
        ({"size": 9, "template": "ubuntu-16-04"}, "size"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"template": "no-such-template"}, "template"),
        ({"template": ""}, "template"),
        ({"region": "00000000-0000-4000-8000-000000000000"}, "region"),
        ({"performance_tier": "00000000-0000-4000-8000-000000000000"}, "performance_tier"),
    ],
)
def test_values(account: Account, fields: dict[str, object], rejected: str) -> None:
    """Invalid values are rejected with the name of their field."""
    assert account.invalid("POST", "/disks", {**account.disk_body(), **fields}).keys() == {rejected}


def test_wrong_tier(account: Account) -> None:
    """The tier must be one for disks, in the disk's region."""
    for tier in (account.tier("instances"), account.tier("disks", region="ML1")):
        body = account.disk_body(performance_tier=tier)
        assert account.invalid("POST", "/disks", body).keys() == {"performance_tier"}


def test_template(account: Account) -> None:
    """A slug refers to the newest version in the disk's region; an id must be of that region, too."""
    disk = account.call("POST", "/disks", account.disk_body(template="ubuntu-16-04"))
    assert disk["template"]["id"] == account.template("ubuntu-16-04", version=2)
    old = account.template("ubuntu-16-04", version=1)
    assert account.call("POST", "/disks", account.disk_body(template=old))["template"]["version"] == 1
    elsewhere = account.template("debian-9", region="ML1")
    assert account.invalid("POST", "/disks", account.disk_body(template=elsewhere)).keys() == {"template"}


def test_resize(account: Account) -> None:
    """A disk grows through the state `resizing` and never shrinks."""
    disk = account.disk(size=10)
    for size in (9, 10, 10_001):
        assert account.invalid("POST", f"/disks/{disk}/resize", {"size": size}).keys() == {"size"}
    result = account.call("POST", f"/disks/{disk}/resize", {"size": 20})
    assert (result["size"], result["state"]) == (20, "resizing")
    account.settle()
    assert account.state(f"/disks/{disk}") == "unattached"


def test_resize_attached(account: Account) -> None:
    """While an attached disk is resized, its instance cannot start, be deleted or detach it."""
    disk = account.disk()
    instance = account.instance(disks=[disk])
    account.call("POST", f"/disks/{disk}/resize", {"size": 20})
    refused: list[tuple[str, str, Any]] = [
        ("POST", f"/instances/{instance}/start", None),
        ("DELETE", f"/instances/{instance}", None),
        ("PUT", f"/instances/{instance}/disks", {"disks": []}),
        ("PUT", f"/instances/{instance}/disks", {"disks": [disk]}),
    ]
    for method, path, body in refused:
        assert account.invalid(method, path, body) == {"disks": [f"{disk} is resizing"]}
    account.settle()
    assert account.state(f"/disks/{disk}") == "attached"
    account.call("POST", f"/instances/{instance}/start")
    assert account.invalid("POST", f"/disks/{disk}/resize", {"size": 30}) == {"state": ["is starting"]}


def test_clone(account: Account) -> None:
    """A clone equals its source, except for the parameters of the request."""
    source = account.disk(size=30, template="debian-9", cdrom=True, is_template=True, name="golden")
    clone = account.call("POST", f"/disks/{source}/clone")
    assert (clone["name"], clone["size"], clone["cdrom"], clone["is_template"]) == ("golden", 30, True, False)
    assert (clone["state"], clone["template"]["slug"]) == ("provisioning", "debian-9")
    fast = account.tier("disks", "Fast")
    body = {"name": "copy", "performance_tier": fast, "is_template": True}
    clone = account.call("POST", f"/disks/{source}/clone", body)
    assert (clone["name"], clone["performance_tier"]["id"], clone["is_template"]) == ("copy", fast, True)
    elsewhere = {"performance_tier": account.tier("disks", region="ML1")}
    assert account.invalid("POST", f"/disks/{source}/clone", elsewhere).keys() == {"performance_tier"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/resize", {"size": 99}),
        ("POST", "/clone", {}),
    ],
)
def test_rejected_while_provisioning(account: Account, method: str, path: str, body: dict[str, object] | None) -> None:
    """Operations on a disk that is provisioning are rejected."""
    disk = account.call("POST", "/disks", account.disk_body())["id"]
    assert account.invalid(method, f"/disks/{disk}{path}", body) == {"state": ["is provisioning"]}


def test_delete(account: Account) -> None:
    """An unattached disk is `terminating` and then deleted; an attached one is rejected."""
    disk = account.disk()
    instance = account.instance(disks=[disk])
    assert account.invalid("DELETE", f"/disks/{disk}") == {"state": ["is attached"]}
    account.call("PUT", f"/instances/{instance}/disks", {"disks": []})
    assert account.call("DELETE", f"/disks/{disk}")["state"] == "terminating"
    account.settle()
    assert account.refused("GET", f"/disks/{disk}").status == 404
    assert account.call("GET", "/disks") == []

"""Templates: those of the system, and new versions from the account's disks."""

from __future__ import annotations

from tests.emulator.account import Account


def test_seed(account: Account) -> None:
    """Both regions have the same system templates; version 2 of Ubuntu supersedes version 1."""
    templates = account.call("GET", "/templates")
    assert sorted((each["region"]["code"], each["slug"], each["version"]) for each in templates) == [
        (code, slug, version)
        for code in ("ML1", "SY3")
        for slug, version in (("debian-9", 1), ("ubuntu-16-04", 1), ("ubuntu-16-04", 2), ("windows-2016", 1))
    ]
    old = account.call("GET", f"/templates/{account.template('ubuntu-16-04', version=1)}")
    assert old["superseded_by_id"] == account.template("ubuntu-16-04", version=2)


def test_supersede(account: Account) -> None:
    """A disk becomes the next version; from then on the slug refers to it, in its region only."""
    old = account.template("debian-9")
    disk = account.disk(size=25)
    new = account.call("POST", "/templates", {"disk": disk, "supersedes": old})
    assert (new["slug"], new["version"], new["disk_id"], new["minimum_disk_size"]) == ("debian-9", 2, disk, 25)
    assert account.call("GET", f"/templates/{old}")["superseded_by_id"] == new["id"]
    made = account.call("POST", "/disks", account.disk_body(template="debian-9", size=25))
    assert made["template"]["id"] == new["id"]
    made = account.call("POST", "/disks", account.disk_body("ML1", template="debian-9"))
    assert made["template"]["version"] == 1


def test_supersede_rejected(account: Account) -> None:
    """A version can be superseded once, by a ready disk of its region."""
    body = {"disk": account.disk(), "supersedes": account.template("ubuntu-16-04", version=1)}
    assert account.invalid("POST", "/templates", body) == {"supersedes": ["has already been superseded"]}
    body = {"disk": account.disk("ML1"), "supersedes": account.template("debian-9")}
    assert account.invalid("POST", "/templates", body).keys() == {"disk"}
    busy = account.call("POST", "/disks", account.disk_body())["id"]
    body = {"disk": busy, "supersedes": account.template("debian-9")}
    assert account.invalid("POST", "/templates", body) == {"disk": ["is provisioning"]}

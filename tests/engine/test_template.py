"""Templates: new versions of existing ones."""

from __future__ import annotations

from typing import Any

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator
from tests.stack import Stack

Json = dict[str, Any]

DISK: Json = {"kind": "Disk", "size": 10, "performance_tier": "Standard"}


def template(disk: str, supersedes: str = "ubuntu-16-04") -> Json:
    return {"kind": "Template", "disk": {"ref": f"{disk}.id"}, "supersedes": supersedes}


def versions(cloud: Emulator, slug: str = "ubuntu-16-04") -> dict[int, models.Template]:
    """Return all versions of a template in the region."""
    found = Client(Settings(cloud.token, cloud.url)).list(models.Template)
    return {item.version: item for item in found if item.slug == slug and item.region.code == "SY3"}


def test_the_lifecycle_of_a_version(stack: Stack) -> None:
    """A version is created; equivalent inputs are no change; another disk creates a new version; none is deleted."""
    args: Json = {"d": DISK, "d2": DISK | {"size": 20}, "t": template("d")}
    # a disk whose template is unknown until the new version exists
    args["copy"] = DISK | {"template": {"ref": "t.slug"}}
    stack.program(args)
    stack.up()
    made = versions(stack.cloud)
    assert list(made) == [2, 1, 3]
    assert made[2].superseded_by_id == made[3].id
    state = stack.resources()
    assert state["t"]["id"] == made[3].id
    outputs = state["t"]["outputs"]
    assert (outputs["version"], outputs["slug"], outputs["name"]) == (3, "ubuntu-16-04", "Ubuntu 16.04")
    assert (outputs["region"], outputs["minimum_disk_size"]) == ("SY3", 10)
    assert (outputs["allows_public_key_auth"], outputs["recommended_virtualization"]) == (True, "hvm")
    assert state["copy"]["outputs"]["template_id"] == made[3].id
    assert stack.settled()

    # all of these are aliases of the new version by now
    for same in ("Ubuntu 16.04", made[1].id, made[2].id, made[3].id, "ubuntu-16-04"):
        args["t"]["supersedes"] = same
        stack.program(args)
        assert stack.preview().empty

    args["t"] = template("d2")
    stack.program(args)
    assert stack.preview().steps["t"] == "replace"
    run = stack.up()
    made = versions(stack.cloud)
    assert [made[number].superseded_by_id for number in (3, 4)] == [made[4].id, None]
    warning = f"the API cannot delete templates: ubuntu-16-04 version 3 ({made[3].id}) is only removed from the stack\n"
    assert ("t", warning) in run.warnings
    assert stack.preview().empty

    stack.cloud.remove(made[4].id)
    stack.cloud.change(made[3].id, superseded_by_id=None)
    assert stack.refresh().steps == {"t": "delete"}
    assert stack.up().steps == {"t": "create"}
    assert stack.refresh().empty

    run = stack.destroy()
    assert [name for name, message in run.warnings if "is only removed from the stack" in message] == ["t"]
    assert set(stack.cloud.count()) == {"templates"}


def test_an_old_version_refers_to_the_newest(stack: Stack) -> None:
    """So does a slug, also if one run creates two versions of the same template."""
    first = versions(stack.cloud)[1].id
    stack.program({"d": DISK, "t": template("d", first), "t2": template("d"), "other": template("d", "debian-9")})
    stack.up()
    made = versions(stack.cloud)
    assert sorted(made) == [1, 2, 3, 4]
    assert [made[number].superseded_by_id for number in (2, 3)] == [made[3].id, made[4].id]
    assert sorted(versions(stack.cloud, "debian-9")) == [1, 2]
    assert stack.settled()


def test_an_invalid_supersedes_is_refused(stack: Stack) -> None:
    """The error lists the templates in the disk's region; preview refuses an empty name."""
    stack.program({"d": DISK | {"region": "ML1"}, "t": template("d", versions(stack.cloud)[1].id)})
    run = stack.up(fails=True)
    assert 'creating template "t": supersedes:' in run.text
    assert "is not in region ML1; available: debian-9, ubuntu-16-04, windows-2016" in run.text
    assert list(stack.resources()) == ["d"]
    stack.program({"d": DISK | {"region": "ML1"}, "t": template("d", "")})
    assert "supersedes" in stack.preview(fails=True).text
    stack.program({"d": DISK | {"region": "ML1"}, "t": template("d", "debian-9")})
    assert stack.up().steps == {"t": "create"}
    assert versions(stack.cloud, "debian-9")[1].superseded_by_id is None  # that of SY3

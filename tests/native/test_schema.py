"""The schema of the native plugin: it is derived from the declarations, and Pulumi accepts it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pulumi_joviam as joviam
from pulumi_joviam.lifecycle.names import Shape, camel
from pulumi_joviam.native import schema
from tools.schema import GOLDEN, source

SCHEMA: dict[str, Any] = json.loads(GOLDEN.read_text())


def test_the_schema_is_current() -> None:
    """`python tools/schema.py` would change nothing."""
    assert GOLDEN.read_text() == source(), "run python tools/schema.py"


def test_everything_that_can_be_called_is_in_it() -> None:
    """The schema has each resource with its arguments and outputs, and each look-up."""
    names = [name for name in joviam.__all__ if name.startswith("get_") and not name.endswith("_output")]
    assert list(SCHEMA["functions"]) == [f"joviam:index:{camel(name)}" for name in names]
    for token, resource in schema.resources().items():
        found, declaration = SCHEMA["resources"][token], resource._declaration
        assert list(found["inputProperties"]) == list(map(camel, declaration.specs))
        assert found["properties"].keys() == set(map(camel, [*declaration.specs, *declaration.outputs]))
        assert all(it["description"].endswith(".") for it in found["properties"].values())
        assert found["aliases"] == [{"type": f"pulumi-python:dynamic/joviam:{resource.__name__}"}]


def test_what_markers_say_is_in_it() -> None:
    """It marks arguments that replace, secrets and required arguments, and lists the allowed values."""
    disk, instance = (SCHEMA["resources"][f"joviam:index:{name}"] for name in ("Disk", "Instance"))
    replacing = {name for name, it in disk["inputProperties"].items() if it.get("willReplaceOnChanges")}
    assert replacing == {"performanceTier", "template", "sourceDisk", "region"}
    assert disk["requiredInputs"] == ["size", "performanceTier"]
    assert "templateId" not in disk["required"]
    session = SCHEMA["resources"]["joviam:index:ConsoleSession"]
    for resource, secret in ((instance, "context"), (session, "token")):
        assert [name for name, it in resource["properties"].items() if it.get("secret")] == [secret]
    power = SCHEMA["types"]["joviam:index:InstancePowerState"]["enum"]
    assert [it["value"] for it in power] == ["running", "stopped", "unmanaged"]
    assert SCHEMA["types"]["joviam:index:BootDisk"]["required"] == ["template", "size", "performanceTier"]
    token = SCHEMA["provider"]["inputProperties"]["token"]
    assert (token["secret"], token["defaultInfo"]) == (True, {"environment": ["JOVIAM_TOKEN"]})


def test_names_of_a_user_stay() -> None:
    """Names of this package are translated at every depth, but not a user's variables in a context."""
    names = schema.names(joviam.Instance)
    ours = {
        "boot_disk": {"performance_tier": "Fast"},
        "network_adapters": [{"network": "1", "ip_addresses": ["2"]}],
        "context": {"boot_disk": "a", "inner_key": "b"},
        "disk_ids": ["3"],
    }
    theirs = {
        "bootDisk": {"performanceTier": "Fast"},
        "networkAdapters": [{"network": "1", "ipAddresses": ["2"]}],
        "context": {"boot_disk": "a", "inner_key": "b"},
        "diskIds": ["3"],
    }
    assert names.outward(ours) == theirs
    assert names.inward(theirs) == names.inward(ours) == ours


def test_paths_and_messages() -> None:
    """Messages and paths have the names that the program uses."""
    names = schema.names(joviam.Instance)
    paths = {
        "boot_disk.performance_tier": "bootDisk.performanceTier",
        "network_adapters[1].ip_addresses[0]": "networkAdapters[1].ipAddresses[0]",
        "context.boot_disk": "context.boot_disk",
        'context["ip_addresses"]': 'context["ip_addresses"]',
        "start_on_crash": "startOnCrash",
        "*": "*",
    }
    for ours, theirs in paths.items():
        assert names.path(ours) == theirs
        assert names.ours(theirs) == ours
    told = 'changing boot_disk of "boot_disk" (disk_ids, /ip_addresses, some_word) needs allow_stopping=True'
    assert names.text(told) == (
        'changing bootDisk of "boot_disk" (diskIds, /ip_addresses, some_word) needs allowStopping=True'
    )
    assert Shape().path("a_b") == "a_b"


def test_pulumi_accepts_it(engine_folder: str, tmp_path: Path) -> None:
    """`pulumi schema check` finds no errors."""
    file = tmp_path / "schema.json"
    file.write_text(schema.schema())
    done = subprocess.run([f"{engine_folder}/pulumi", "schema", "check", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

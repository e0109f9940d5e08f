"""`pulumi-joviam audit` with stacks of the real CLI."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pulumi_joviam.emulator import Emulator
from tests.doors import NATIVE
from tests.emulator.account import Account
from tests.kill import ended, kill
from tests.stack import Spec, Stack

SECRET = "hunter2"
MACHINE: dict[str, Any] = {"kind": "Instance", "memory": 512, "performance_tier": "Fast"}
BOOT = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"}
DISK: dict[str, Any] = {"kind": "Disk", "size": 5, "performance_tier": "Fast"}
PROGRAM: Spec = {
    "web": MACHINE | {"boot_disk": BOOT, "allocate_public_ip": True, "context": {"secret": {"PASSWORD": SECRET}}},
    "data": DISK,
}


def audit(stack: Stack, *options: str, folder: Path | None = None) -> dict[str, Any]:
    """Run the command in the project, or in another folder, and return the JSON."""
    account = {"JOVIAM_TOKEN": stack.cloud.token, "JOVIAM_ENDPOINT": stack.cloud.url}
    done = subprocess.run(
        [Path(sys.executable).parent / "pulumi-joviam", "audit", "--json", *options],
        cwd=folder or stack.project, env={**stack.environ, **account}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_what_a_killed_run_leaves_behind(stack: Stack) -> None:
    """The machine that ran `up` is gone, with its journal: the audit finds the object that no state has."""
    stack.plain_python()
    stack.program(PROGRAM)
    stack.up()
    before = audit(stack, "--stack", "dev")
    assert (before["managed"], before["of"], before["unmanaged"], before["gone"]) == (4, 4, [], [])
    stack.cloud.configure(provision_seconds=5.0)
    stack.program({**PROGRAM, "late": DISK})
    kill(stack, "cli", lambda: stack.cloud.count()["disks"] == 3)
    assert ended(stack)
    stack.pulumi("cancel", "--yes")
    shutil.rmtree(stack.folder / "home" / "joviam")
    stack.cloud.configure(provision_seconds=0.1)
    said = audit(stack, "--all", folder=stack.folder)
    [orphan] = said["unmanaged"]
    assert (orphan["kind"], orphan["name"], said["managed"], said["gone"]) == ("disk", "late", 4, [])
    assert [it["candidates"] for it in said["interrupted"]] == [[orphan["id"]]]


def test_a_stack_of_either_plugin(cloud: Emulator, stack: Stack) -> None:
    """What the native plugin writes is read as what the dynamic one writes; clicks in the console are found."""
    stack.program(PROGRAM)
    stack.up()
    stack.serve(NATIVE)
    stack.up()
    stack.refresh()
    cloud.configure(provision_seconds=0)
    by_hand = Account(cloud).disk(name="by hand")
    [data] = [it["id"] for it in cloud.objects("disks") if it["name"] == "data"]
    cloud.remove(data)
    said = audit(stack, "--stack", "dev")
    assert (said["stacks"], said["managed"], said["of"]) == (["project/dev"], 3, 4)
    assert [it["id"] for it in said["unmanaged"]] == [by_hand]
    assert [it["id"] for it in said["gone"]] == [data]

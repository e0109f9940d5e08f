"""`pulumi-joviam audit` with stacks of the real CLI."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pulumi_joviam.emulator import Emulator
from tests.doors import DYNAMIC, NATIVE
from tests.emulator.account import Account
from tests.kill import ended, kill
from tests.stack import Spec, Stack

SECRET = "hunter2"
LONG_AGO = "2026-01-01T00:00:00Z"
"""An audit leaves out what may have been created since it started."""
MACHINE: dict[str, Any] = {"kind": "Instance", "memory": 512, "performance_tier": "Fast"}
BOOT = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"}
DISK: dict[str, Any] = {"kind": "Disk", "size": 5, "performance_tier": "Fast"}
PROGRAM: Spec = {
    "web": MACHINE | {"boot_disk": BOOT, "allocate_public_ip": True, "context": {"secret": {"PASSWORD": SECRET}}},
    "data": DISK,
}


def report(stack: Stack, *options: str, folder: Path | None = None) -> list[str]:
    """Run the command in the project, or in another folder, and return the lines that it prints."""
    return shell(stack, shlex.join(["pulumi-joviam", "audit", *options]), folder).splitlines()


def audit(stack: Stack, *options: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the findings as JSON."""
    said: dict[str, Any] = json.loads("\n".join(report(stack, "--json", *options, folder=folder)))
    return said


def shell(stack: Stack, command: str, folder: Path | None = None) -> str:
    """Run a command as a user of the account, and return what it prints. It must succeed and print no secret."""
    account = {"JOVIAM_TOKEN": stack.cloud.token, "JOVIAM_ENDPOINT": stack.cloud.url}
    done = subprocess.run(  # noqa: S602 - lines of this test, or that the command printed
        command, shell=True, cwd=folder or stack.project, env={**stack.environ, **account},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert SECRET not in done.stdout + done.stderr
    return done.stdout


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
    for disk in stack.cloud.objects("disks"):
        stack.cloud.change(disk["id"], created_at=LONG_AGO)
    said = audit(stack, "--all", folder=stack.folder)
    [orphan] = said["unmanaged"]
    assert (orphan["kind"], orphan["name"], said["managed"], said["gone"]) == ("disk", "late", 4, [])
    assert [it["candidates"] for it in said["interrupted"]] == [[orphan["id"]]]
    [command] = [line for line in report(stack, "--stack", "dev") if line.startswith("pulumi-joviam import")]
    [then, _] = shell(stack, command).splitlines()
    shell(stack, f"{then} --yes")
    after = audit(stack, "--stack", "dev")
    assert (after["managed"], after["of"], after["unmanaged"], after["interrupted"]) == (5, 5, [], [])


def test_a_stack_of_either_plugin(cloud: Emulator, stack: Stack) -> None:
    """What the native plugin writes is read as what the dynamic one writes; clicks in the console are found."""
    stack.program(PROGRAM)
    stack.up()
    stack.serve(NATIVE if stack.door is DYNAMIC else DYNAMIC)
    stack.up()
    stack.refresh()
    cloud.configure(provision_seconds=0)
    by_hand = Account(cloud).disk(name="by hand")
    cloud.change(by_hand, created_at=LONG_AGO)
    [data] = [it["id"] for it in cloud.objects("disks") if it["name"] == "data"]
    cloud.remove(data)
    said = audit(stack, "--stack", "dev")
    assert (said["stacks"], said["managed"], said["of"]) == (["project/dev"], 3, 4)
    assert [it["id"] for it in said["unmanaged"]] == [by_hand]
    assert [it["id"] for it in said["gone"]] == [data]

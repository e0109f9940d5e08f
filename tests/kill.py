"""Kill the CLI or its plugin at random moments of an `up` of 30 resources, then recover as the docs describe.

    python -m tests.kill [--door native] [ROUNDS] [SEED]

prints one line per kill, and exits with status 1 if an object was lost or created twice, or a plugin keeps running.
Half of the rounds use PULUMI_SKIP_CHECKPOINTS, with which the state is written only at the end.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pulumi_joviam.emulator import Emulator
from tests.doors import DOORS, DYNAMIC, Door
from tests.keys import key
from tests.stack import Stack

ALL = {"public_keys": 4, "networks": 3, "ip_addresses": 8, "disks": 12, "instances": 7}
"""What the program below creates, with the disks and addresses that are created with instances."""
OBJECTS = sum(ALL.values())
ENGINE = Path(__file__).parent.parent / "tools/engine/install.py"


def thirty() -> dict[str, dict[str, Any]]:
    """Return a program of 30 resources, some of which depend on others."""
    spec: dict[str, dict[str, Any]] = {f"key{i}": {"kind": "PublicKey", "key": key(f"key{i}")} for i in range(4)}
    spec |= {f"net{i}": {"kind": "Network", "specification": f"10.{i}.0.0/24"} for i in range(3)}
    spec |= {f"ip{i}": {"kind": "IpAddress", "network": {"ref": f"net{i % 3}.id"}} for i in range(6)}
    spec |= {f"disk{i}": {"kind": "Disk", "size": 5, "performance_tier": "Fast", "name": "data"} for i in range(10)}
    machine = {"kind": "Instance", "memory": 512, "performance_tier": "Standard"}
    for i in range(5):
        disk, address = {"ref": f"disk{i}.id"}, {"ref": f"ip{i}.id"}
        spec[f"vm{i}"] = machine | {"disks": [disk], "ip_addresses": [address], "public_keys": [{"ref": "key0.id"}]}
    boot = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"}
    spec |= {f"web{i}": machine | {"boot_disk": boot, "allocate_public_ip": True} for i in range(2)}
    return spec


def has(cloud: Emulator, objects: int) -> bool:
    """Return whether so many objects have been created."""
    return sum(cloud.count().values()) >= objects


def kill(stack: Stack, who: Literal["cli", "plugin"], now: Callable[[], bool]) -> int:
    """Start an `up`, kill it as soon as ``now`` is true, and return how many objects existed then."""
    up = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.project,
        env=stack.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not now() and up.poll() is None:
        time.sleep(0.002)
    if who == "cli":
        up.kill()
    else:
        end(stack.environ["PULUMI_HOME"], stack.door.module)
    there = sum(stack.cloud.count().values())
    up.wait(60)
    end(stack.environ["PULUMI_HOME"], "pulumi-language-python")  # survives a killed CLI
    return there


def end(home: str, name: str) -> None:
    """Kill the processes with this name that use a Pulumi home."""
    for process in running(home, name):
        os.kill(process, signal.SIGKILL)


def running(home: str, name: str) -> list[int]:
    """Return the ids of the processes with this name that use a Pulumi home."""
    found = subprocess.run(["pgrep", "-f", name], capture_output=True, text=True, check=False)
    theirs = f"PULUMI_HOME={home}\0".encode()
    mine: list[int] = []
    for pid in found.stdout.split():
        try:
            if theirs in Path(f"/proc/{pid}/environ").read_bytes():
                mine.append(int(pid))
        except OSError:
            continue  # it has ended
    return mine


def ended(stack: Stack) -> bool:
    """Wait until no plugin of this package runs for a stack, which ends soon after its CLI was killed.

    A plugin that has not served any resource yet keeps running: it has not loaded our code.
    """
    until = time.monotonic() + 10
    while lives := [
        process for process in running(stack.environ["PULUMI_HOME"], stack.door.module) if _is_ours(process)
    ]:
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return not lives


def _is_ours(plugin: int) -> bool:
    """Return whether a plugin has loaded our provider, and with it pydantic."""
    try:
        return "pydantic_core" in Path(f"/proc/{plugin}/maps").read_text()
    except OSError:
        return False  # it has ended


def recover(stack: Stack) -> str:
    """Recover from a kill as the docs describe. Return what is wrong then, or ""."""
    stack.pulumi("cancel", "--yes", fails=None)
    stack.up()
    if not ended(stack):  # the preview only tidies up journals whose process has ended
        return "a plugin keeps running"
    held = stack.resources()
    cloud = {it["id"]: kind for kind in stack.cloud.count() for it in stack.cloud.objects(kind)}
    mine = {held[name]["id"] for name in held}
    made_with = {id for name in held for id in held[name]["outputs"].get("disk_ids", [])}
    made_with |= {address["id"] for address in stack.cloud.objects("ip_addresses") if address["instance_ids"]}
    lost, orphans = mine - cloud.keys(), cloud.keys() - mine - made_with
    counts = stack.cloud.count()
    if lost or orphans or counts != ALL:
        return f"lost {lost}, orphans {[(cloud[id], id) for id in orphans]}, {dict(counts)}"
    preview = stack.preview()
    if not preview.empty:
        return f"the preview is not empty: {preview.steps}"
    left = list((Path(stack.environ["PULUMI_HOME"]) / "joviam").rglob("*.jsonl"))
    return f"the journal is not empty: {left}" if left else ""


def main(rounds: int, seed: int, door: Door) -> int:
    """Run the rounds, and print a line for each."""
    random.seed(seed)
    engine = subprocess.run([sys.executable, ENGINE], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, Emulator(token="t", provision_seconds=0.5) as cloud:
        stack = Stack(Path(folder), cloud, engine, door=door)
        stack.plain_python()
        stack.program(thirty())
        for number in range(rounds):
            skip = number % 4 >= 2
            stack.environ["PULUMI_SKIP_CHECKPOINTS"] = "true" if skip else ""
            who: Literal["cli", "plugin"] = "plugin" if number % 2 else "cli"
            there = kill(stack, who, functools.partial(has, cloud, random.randint(1, OBJECTS)))  # noqa: S311 - no secret
            problem = recover(stack)
            wrong += bool(problem)
            skipping = ", without checkpoints" if skip else ""
            print(f"{who} killed with {there} objects{skipping}: {problem or 'nothing lost'}", flush=True)
            stack.destroy()
            end(stack.environ["PULUMI_HOME"], stack.door.module)
            if cloud.count():
                print(f"  not destroyed: {dict(cloud.count())}")
                wrong += 1
            cloud.reset()
    print(f"{rounds} kills, {wrong} with an object lost or created twice")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=20)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--door", choices=DOORS, default=DYNAMIC.name)
    given = parser.parse_args()
    sys.exit(main(given.rounds, given.seed, DOORS[given.door]))

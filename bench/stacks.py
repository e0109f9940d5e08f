"""Stacks for the real CLI, and how long its commands take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.cloud import Cloud
from bench.report import NAIVE, NOTHING, OURS, Sample

ROOT = Path(__file__).resolve().parent.parent
MODULES = {OURS: "pulumi_joviam", NAIVE: "bench.naive", NOTHING: "bench.nothing"}
"""{contestant: the provider that its program imports}."""
EXAMPLE = (ROOT / "examples/03-private-network/__main__.py").read_text()

DISKS = """
import os
import pulumi_joviam as joviam
for number in range(int(os.environ["BENCH_COUNT"])):
    joviam.Disk(f"disk-{number:04}", size=10, performance_tier="Standard")
"""


@dataclass
class Lab:
    """The environment of a run. A ``quick`` run has small sizes."""

    cloud: Cloud
    folder: Path
    quick: bool = False

    @property
    def rounds(self) -> int:
        """How often to measure everything."""
        return 1 if self.quick else 3

    @cached_property
    def environ(self) -> dict[str, str]:
        """The environment variables of every measured process."""
        engine = subprocess.run(
            [sys.executable, ROOT / "tools/engine/install.py"], check=True, stdout=subprocess.PIPE, text=True
        )
        state = self.folder / "state"
        state.mkdir()
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), engine.stdout.strip(), os.environ["PATH"]]),
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            **self.cloud.environ,
        }

    def stack(self, contestant: str, program: str, **environ: str) -> Stack:
        """Create a stack for a program that imports the contestant's provider instead of ours."""
        return Stack(self, contestant, program, environ)

    def measure(self, command: Sequence[str], folder: Path | None = None, **environ: str) -> Sample:
        """Run a command that must succeed."""
        self.cloud.requests()
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder or self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))} exited with status {done.returncode}:\n{done.stdout[-4000:]}")
        return Sample(seconds, self.cloud.requests())

    def script(self, task: str, *numbers: int) -> Sample:
        """Run the bare script."""
        return self.measure([sys.executable, "-m", "bench.script", task, *map(str, numbers)])

    @cached_property
    def padding(self) -> str:
        """What nothing.py must add to a resource of each kind, so that its state is as large as ours."""
        self.cloud.prepare()
        sizes = []
        for contestant in (OURS, NOTHING):
            stack = self.stack(contestant, EXAMPLE)
            stack.up()
            sizes.append({kind: max(found) for kind, found in stack.bytes().items()})
        ours, theirs = sizes
        return json.dumps({kind: max(0, ours[kind] - theirs[kind] - len(',"__padding":""')) for kind in ours})


class Stack:
    """A stack in its own folder, in the backend of the run."""

    made = 0

    def __init__(self, lab: Lab, contestant: str, program: str, environ: Mapping[str, str]) -> None:
        Stack.made += 1
        self._lab, self._environ = lab, environ
        self._name = f"bench{Stack.made}"
        self.folder = lab.folder / self._name
        self.folder.mkdir()
        (self.folder / "Pulumi.yaml").write_text(f"name: {self._name}\nruntime: python\n")
        module = MODULES[contestant]
        (self.folder / "__main__.py").write_text(program.replace("import pulumi_joviam as", f"import {module} as"))
        self.run("stack", "init", "dev")
        with (self.folder / "Pulumi.dev.yaml").open("a") as settings:
            settings.write('config:\n  joviam:region: "SY3"\n')

    def run(self, *command: str, **environ: str) -> Sample:
        environ = {**self._environ, **environ}
        return self._lab.measure(["pulumi", *command, "--non-interactive"], self.folder, **environ)

    def up(self, *options: str, **environ: str) -> Sample:
        return self.run("up", "--yes", "--skip-preview", *options, **environ)

    def preview(self, *options: str) -> Sample:
        """Preview. Ends the benchmark if there are changes."""
        return self.run("preview", "--expect-no-changes", *options)

    def refresh(self, *options: str) -> Sample:
        """Refresh. Ends the benchmark if there is drift."""
        return self.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", *options)

    def destroy(self, *options: str) -> Sample:
        return self.run("destroy", "--yes", "--skip-preview", *options)

    def resources(self) -> list[dict[str, Any]]:
        """Return the state of each resource of this package."""
        file = self._lab.folder / f"state/.pulumi/stacks/{self._name}/dev.json"
        found = json.loads(file.read_text())["checkpoint"]["latest"]["resources"]
        return [resource for resource in found if "joviam:" in resource["type"]]

    def bytes(self) -> dict[str, list[int]]:
        """Return {kind: the bytes of state of each resource}."""
        found: dict[str, list[int]] = {}
        for resource in self.resources():
            found.setdefault(resource["type"].rsplit(":", 1)[-1], []).append(size(resource))
        return found


def size(resource: Mapping[str, Any]) -> int:
    """Return the bytes of a resource in the state, without indentation."""
    return len(json.dumps(resource, separators=(",", ":")).encode())

"""A Pulumi stack that is run by the real CLI, as users do."""

from __future__ import annotations

import functools
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pulumi_joviam.emulator import Emulator
from tests import fork_server, forks
from tests.doors import DYNAMIC, NATIVE, Door
from tests.vault import vault

_made: dict[str, tuple[dict[str, Any], dict[Path, bytes]]] = {}
"""{token: the config of a new stack with only this token, and the files of its backend}."""

Spec = Mapping[str, Mapping[str, Any]]
"""{resource name: {"kind": "Disk", "opts": {…}, …arguments}}.

{"ref": "name.output"} stands for an output, {"after": "name", "say": value} for a value that is unknown until the
resource with that name exists, and {"secret": value} for a secret.
"""

PIP_LIST = "-m pip list -v --format json"
"""How the language host asks which packages contain a plugin."""

HURRIED = """
import dataclasses, runpy, sys
from pulumi_joviam.api import pace, settings
load = settings.Settings.load
settings.Settings.load = lambda *said: dataclasses.replace(load(*said), pace=pace.Pace(late_create=1.0))
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""

LOGGED = {"preview", "up", "refresh", "destroy"}

PROGRAM = """
import json, os
import pulumi
import pulumi_joviam as joviam

made = {}

def value(said):
    if isinstance(said, dict) and set(said) == {"ref"}:
        name, output = said["ref"].split(".")
        return getattr(made[name], output)
    if isinstance(said, dict) and set(said) == {"after", "say"}:
        return pulumi.Output.all(made[said["after"]].id, value(said["say"])).apply(lambda known: known[1])
    if isinstance(said, dict) and set(said) == {"secret"}:
        return pulumi.Output.secret(said["secret"])
    if isinstance(said, dict):
        return {key: value(item) for key, item in said.items()}
    return [value(item) for item in said] if isinstance(said, list) else said

with open("spec.json") as file:
    spec = json.load(file)
for name, said in spec.items():
    timeouts = said.pop("timeouts", None)
    opts = pulumi.ResourceOptions(
        custom_timeouts=pulumi.CustomTimeouts(**timeouts) if timeouts else None, **said.pop("opts", {})
    )
    kind = getattr(joviam, said.pop("kind"))
    made[name] = kind(name, opts, **{key: value(item) for key, item in said.items()})
    for output in ("id", *kind._lifecycle.outputs) if issubclass(kind, pulumi.CustomResource) else ():
        pulumi.export(f"{name}.{output}", getattr(made[name], output))
"""


@dataclass
class Run:
    """The result of a CLI command."""

    status: int
    text: str
    """What was printed, with the names of a program in Python."""
    printed: str
    """The same as it was printed."""
    steps: dict[str, str] = field(default_factory=dict)
    """{resource name: operation}, without unchanged resources."""
    changed: dict[str, set[str]] = field(default_factory=dict)
    """{resource name: the properties listed as changed}."""
    warnings: list[tuple[str, str]] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    """(resource name, message)."""

    @property
    def empty(self) -> bool:
        """Whether the command succeeded and had nothing to do."""
        return self.status == 0 and not self.steps


class Stack:
    """A stack in its own folder, with its own backend and Pulumi home.

    Whatever door serves it, programs and results have the names of a program in Python.
    """

    def __init__(
        self,
        folder: Path,
        cloud: Emulator,
        engine: str,
        config: Mapping[str, str] | None = None,
        door: Door = DYNAMIC,
    ) -> None:
        self.folder = folder
        self.cloud = cloud
        self.state = folder / "state"
        self.state.mkdir()
        self.project = folder / "project"
        self.project.mkdir()
        self._previewed = False
        self.environ = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), engine, os.environ["PATH"]]),
            "HOME": str(folder),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "VAULT_ADDR": vault(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
            "PULUMI_PYTHON_CMD": str(_python(folder)),
            "PULUMI_STACK": "dev",
            "FORKED": forks.server(),
            "GOGC": "off",  # commands are too short for garbage collection to pay off
        }
        self.serve(door)
        self.program({})
        self._configure({"joviam:endpoint": cloud.url, "joviam:region": "SY3", **(config or {})})

    def _configure(self, settings: Mapping[str, str]) -> None:
        """Create the stack. The CLI creates the first one of a process, and the others are copies of it."""
        file, token = self.project / "Pulumi.dev.yaml", self.cloud.token
        if token not in _made:
            self.pulumi("stack", "init", "dev", "--secrets-provider=hashivault://tests")
            self.pulumi("config", "set", "--secret", "joviam:token", token)
            files = {
                path.relative_to(self.state): path.read_bytes() for path in self.state.rglob("*") if path.is_file()
            }
            _made[token] = yaml.safe_load(file.read_text()), files
        sealed, files = _made[token]
        written = {**sealed, "config": {**sealed["config"], **settings}}
        file.write_text(yaml.safe_dump(written))  # pyright: ignore[reportUnknownMemberType] # incomplete stubs
        for path, content in files.items():
            (self.state / path).parent.mkdir(parents=True, exist_ok=True)
            (self.state / path).write_bytes(content)

    def serve(self, door: Door) -> None:
        """From now on, serve the program through this door."""
        self.door = door
        settings: dict[str, Any] = {"name": "project", "runtime": "python"}
        if door is NATIVE:
            settings["plugins"] = {"providers": [{"name": "joviam", "path": str(self.folder)}]}
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump(settings))  # pyright: ignore[reportUnknownMemberType] # incomplete stubs
        self.write(PROGRAM)

    def write(self, program: str) -> None:
        """Write a program in Python, in place of the one that reads a `Spec`."""
        program = program.replace("import pulumi_joviam as joviam", f"import {self.door.package} as joviam")
        (self.project / "__main__.py").write_text(program)

    def plain_python(self) -> None:
        """Start each Python process anew, as for users: for tests that inspect or kill processes."""
        self.environ["FORKED"] = ""

    def hurry(self) -> None:
        """After a lost response, search for the object for one second only: a local server takes no longer."""
        self.environ["HURRIED"] = HURRIED

    def program(self, spec: Spec) -> None:
        """Write the program."""
        (self.project / "spec.json").write_text(json.dumps(spec))

    def pulumi(self, *command: str, fails: bool | None = False, seconds: float = 120) -> Run:
        """Run a command. The test fails unless the command succeeds, or ``fails`` as expected; None allows both."""
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        # the working folder does not contain the package, so the installed one is imported
        done = subprocess.run(
            ["pulumi", *command, "--non-interactive", *([f"--event-log={log}"] if command[0] in LOGGED else [])],
            cwd=self.project,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        run = _read(Run(done.returncode, self.door.text(done.stdout), done.stdout), log, self.door)
        assert fails is None or (run.status != 0) == fails, (
            f"pulumi {' '.join(command)} ended with {run.status}:\n{run.text}"
        )
        return run

    def preview(self, *options: str, fails: bool = False) -> Run:
        self._previewed = True
        return self.pulumi("preview", "--diff", *options, fails=fails)

    def up(self, *options: str, fails: bool = False) -> Run:
        """Run `up`. The first one includes a preview, unless there was one before (which saves seconds)."""
        skip = ["--skip-preview"] if self._previewed else []
        self._previewed = True
        return self.pulumi("up", "--yes", *skip, *options, fails=fails)

    def refresh(self, *options: str, fails: bool = False) -> Run:
        return self.pulumi("refresh", "--yes", "--skip-preview", *options, fails=fails)

    def settled(self) -> bool:
        """Whether nothing is left to do: a refresh finds no drift, and the next preview is empty."""
        return self.preview("--refresh").empty

    def destroy(self, *options: str, fails: bool = False) -> Run:
        return self.pulumi("destroy", "--yes", "--skip-preview", *options, fails=fails)

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return {resource name: its state}, as the engine has written it."""
        checkpoint = json.loads((self.state / ".pulumi/stacks/project/dev.json").read_text())["checkpoint"]
        held: dict[str, Any] = checkpoint["latest"] or {}
        found: list[dict[str, Any]] = held.get("resources") or []
        return {item["urn"].split("::", 3)[-1]: item for item in found if "joviam:" in item["type"]}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return {resource name: its state}, with the names of a program."""
        return {name: {**item, **self._inward(item)} for name, item in self.stored().items()}

    def _inward(self, item: Mapping[str, Any]) -> dict[str, Any]:
        kind = item["type"].rpartition(":")[2]
        return {part: self.door.inward(kind, item[part]) for part in ("inputs", "outputs") if part in item}


def _python(folder: Path) -> Path:
    """Write a Python wrapper that caches its version and packages, which every command asks for (half a second).

    Beside it is the native plugin, which runs in it.
    """
    path, packages, python = folder / "python", folder / "python.json", shlex.quote(sys.executable)
    packages.write_text(_packages())
    plugin = folder / "pulumi-resource-joviam"
    plugin.write_text(f'#!/bin/sh\nexec {shlex.quote(str(path))} -u -m {NATIVE.module} "$@"\n')
    plugin.chmod(0o700)
    path.write_text(
        f"""#!/bin/sh
[ "$*" = "{PIP_LIST}" ] && exec cat {shlex.quote(str(packages))}
[ "$*" = --version ] && echo Python {platform.python_version()} && exit
case "$3" in {DYNAMIC.module} | {NATIVE.module}) [ "$HURRIED" ] && set -- -u -c "$HURRIED" "$3" "$4" ;; esac
[ "$FORKED" ] && trap "" INT TERM && exec {python} -ISE {shlex.quote(fork_server.__file__)} "$FORKED" "$@"
exec {python} "$@"
"""
    )
    path.chmod(0o700)
    return path


@functools.cache
def _packages() -> str:
    return subprocess.run([sys.executable, *PIP_LIST.split()], stdout=subprocess.PIPE, check=True, text=True).stdout


def _read(run: Run, log: Path, door: Door) -> Run:
    for line in log.read_text().splitlines() if log.exists() else ():
        event: dict[str, Any] = json.loads(line)
        # a refresh has its result only after the step, but `up` has its operation before
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            content: dict[str, Any] = event.get(kind) or {}
            if step := content.get("metadata"):
                name = step["urn"].split("::", 3)[-1]
                if step["op"] not in ("same", "refresh") and "joviam:" in step["type"]:
                    run.steps[name] = "replace" if run.steps.get(name) == "replace" else step["op"]
                    changed = {door.path(step["type"].rpartition(":")[2], path) for path in step.get("diffs") or ()}
                    run.changed.setdefault(name, set()).update(changed)
        if said := event.get("diagnosticEvent"):
            urn: str = said.get("urn", "")
            if said["severity"] in ("warning", "error"):
                text = door.text(said["message"])
                assert "joviam:" not in urn or door.is_spelled_right(said["message"]), said["message"]
                getattr(run, f"{said['severity']}s").append((urn.split("::", 3)[-1], text))
    return run

"""The wheel, installed as a user installs it: on each CPython, with the lowest and with the newest dependencies.

    python -m tests.matrix

prints one line per cell and ends with status 1 if any failed; a CPython that is not on this machine is left out. A
cell is an empty virtual environment, into which the wheel goes with its extras; from it the real CLI runs the first two
examples, against its own emulator.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.api.settings import Settings

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "pyproject.toml"
VERSIONS = re.findall(r"Python :: (3\.\d+)", PROJECT.read_text())
BEGAN_WITH = dict(os.environ)
"""The environment before tests take the proxies out of it: the index may be behind one."""
OWNED = (models.PublicKey, models.Network, models.IpAddress, models.Disk, models.Instance)

Resolution = Literal["lowest", "newest"]
RESOLUTIONS: tuple[Resolution, ...] = ("lowest", "newest")

IMPORT_ALL = """
import importlib, pkgutil, pulumi_joviam
for module in pkgutil.walk_packages(pulumi_joviam.__path__, "pulumi_joviam."):
    if module.name != "pulumi_joviam.pytest_plugin":  # pytest alone loads it
        importlib.import_module(module.name)
for name in pulumi_joviam.__all__:
    getattr(pulumi_joviam, name)
"""


class Failed(Exception):
    """A command ended otherwise than it should; the message is what it printed."""


def run(*command: str | Path, folder: Path = ROOT, environ: dict[str, str] | None = None) -> str:
    """Run a command that must succeed, and return what it printed."""
    done = subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def build(target: Literal["wheel", "sdist"], folder: Path, source: Path = ROOT) -> Path:
    """Build the wheel or the sdist of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder, folder=source)
    [built] = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def interpreter(version: str) -> str | None:
    """Return a CPython of this version that works: from PATH, or one of pyenv's that is not chosen now."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [*filter(None, [shutil.which(f"python{version}")])]
    candidates += map(str, pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    tell = "import platform; print(platform.python_implementation(), *platform.python_version_tuple()[:2])"
    for candidate in candidates:
        done = subprocess.run([candidate, "-c", tell], capture_output=True, text=True, check=False)
        if done.stdout.split() == ["CPython", *version.split(".")]:
            return candidate
    return None


@cache
def surroundings() -> dict[str, str]:
    """Return an environment in which uv asks the index that pip is told to ask."""
    listed = run(sys.executable, "-m", "pip", "config", "list", environ=BEGAN_WITH)
    variables = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
    said = {}
    for line in sorted(listed.splitlines(), reverse=True):  # ":env:", which wins, comes last
        if (found := re.match(r"[\w:]+\.([\w-]+)=('.*'|\".*\")$", line)) and found[1] in variables:
            said[variables[found[1]]] = " ".join(ast.literal_eval(found[2]).split())
    return {**said, **BEGAN_WITH, "UV_PYTHON_DOWNLOADS": "never"}


def environment(folder: Path, python: str) -> Path:
    """Make an empty virtual environment, which is one with pip, and return the folder of its commands."""
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--seed", "--python", python, folder, environ=surroundings())
    return folder / "bin"


def install(commands: Path, *packages: str, lowest: Sequence[str] = ()) -> None:
    """Install into an environment; with ``lowest`` the lowest versions that the project and these extras allow."""
    # of a wheel's dependencies uv would take the newest: only those of a project are direct
    options = ["--resolution=lowest-direct", f"--requirements={PROJECT}", *(f"--extra={extra}" for extra in lowest)]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", f"--python={commands / 'python'}"]
    run(*uv, *(options if lowest else ()), *packages, environ=surroundings())


def cell(folder: Path, wheel: Path, python: str, resolution: Resolution) -> Path:
    """Install the wheel with its extras into an empty environment; return the folder of its commands."""
    commands = environment(folder, python)
    install(commands, f"{wheel}[emulator,cli]", lowest=("emulator", "cli") if resolution == "lowest" else ())
    run(commands / "python", "-c", IMPORT_ALL, folder=folder)
    return commands


def versions(commands: Path) -> list[str]:
    """Return the versions of Python, pulumi and pydantic in an environment."""
    tell = "import platform; from importlib.metadata import version as of; "
    tell += "print(platform.python_version(), of('pulumi'), of('pydantic'))"
    return run(commands / "python", "-c", tell).split()


@contextmanager
def emulator(commands: Path) -> Iterator[list[str]]:
    """Run the environment's own emulator, and give the lines that it prints to be pasted."""
    with subprocess.Popen(
        [commands / "pulumi-joviam", "emulator", "--port=0", "--provision-seconds=0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        try:
            first, *lines = [process.stdout.readline().strip() for _ in range(4)]
            if not all(line.startswith("pulumi config set") for line in lines):
                raise Failed("\n".join([first, *lines]))
            yield lines
        finally:
            process.terminate()


def held(lines: Sequence[str]) -> set[str]:
    """Return the ids of what the account holds."""
    said = dict(line.removeprefix("pulumi config set ").removeprefix("--secret ").split() for line in lines)
    client = Client(Settings(said["joviam:token"], said["joviam:endpoint"]))
    return {found.id for model in OWNED for found in client.list(model)}


def example(name: str, folder: Path, commands: Path, engine: str) -> None:
    """Do as the reader of an example does: paste what the emulator prints, up, up again, refresh, destroy."""
    project = Path(shutil.copytree(ROOT / "examples" / name, folder / "project"))
    (folder / "state").mkdir()
    environ = {
        "PATH": os.pathsep.join([str(commands), engine, os.environ["PATH"]]),
        "HOME": str(folder),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_PYTHON_CMD": str(commands / "python"),
    }

    def pulumi(*command: str) -> None:
        run("pulumi", *command, "--non-interactive", folder=project, environ=environ)

    with emulator(commands) as lines:
        pulumi("stack", "init", "dev")
        for line in lines:
            pulumi(*line.split()[1:])
        before = held(lines)
        pulumi("up", "--yes")
        if held(lines) == before:
            raise Failed("up made nothing")
        pulumi("up", "--yes", "--expect-no-changes")
        pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
        pulumi("destroy", "--yes", "--skip-preview")
        if held(lines) != before:
            raise Failed("destroy left something")


def main() -> int:
    """Run every cell and print a line for each."""
    engine = run(sys.executable, ROOT / "tools/engine/install.py").splitlines()[-1]
    failed = 0
    _print_row("CPython", "resolved", "pulumi", "pydantic", "seconds", "result")
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build("wheel", Path(temporary))
        for version, resolution in itertools.product(VERSIONS, RESOLUTIONS):
            if not (python := interpreter(version)):
                _print_row(version, resolution, "", "", "", "left out: it is not on this machine")
                continue
            folder, began = Path(temporary) / f"{version}-{resolution}", time.monotonic()
            found, result = [version, "", ""], "works"
            try:
                commands = cell(folder, wheel, python, resolution)
                found = versions(commands)
                for name in ("01-public-key", "02-instance"):
                    (folder / name).mkdir()
                    example(name, folder / name, commands, engine)
            except (Failed, JoviamError, subprocess.TimeoutExpired) as error:
                failed += 1
                result = f"FAILED: {error}"
            python_version, pulumi, pydantic = found
            _print_row(python_version, resolution, pulumi, pydantic, f"{time.monotonic() - began:.0f}", result)
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def _print_row(python: str, resolution: str, pulumi: str, pydantic: str, seconds: str, result: str) -> None:
    print(f"{python:<9}{resolution:<10}{pulumi:<10}{pydantic:<10}{seconds:>7}  {result}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

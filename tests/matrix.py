"""Install the wheel as a user would, on each CPython, with the lowest and with the newest dependencies.

    python -m tests.matrix

prints one line per combination, and exits with status 1 if any failed. A CPython that is not installed is left out.
For each combination, the wheel is installed with its extras in an empty virtual environment, and the real CLI runs the
first two examples in it, against the emulator of the wheel.
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
from collections.abc import Generator, Sequence
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
"""The environment before tests remove proxies from it: the package index may be behind one."""
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
    """A command failed. The message is its output."""


def run(*command: str | Path, folder: Path = ROOT, environ: dict[str, str] | None = None) -> str:
    """Run a command that must succeed, and return its output."""
    done = subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))} exited with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def build(target: Literal["wheel", "sdist"], folder: Path, source: Path = ROOT) -> Path:
    """Build the wheel or the sdist of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder, folder=source)
    [built] = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def interpreter(version: str) -> str | None:
    """Return a working CPython of this version, from PATH or from pyenv."""
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
def uv_environment() -> dict[str, str]:
    """Return an environment in which uv uses the package index that pip is configured for."""
    listed = run(sys.executable, "-m", "pip", "config", "list", environ=BEGAN_WITH)
    variables = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
    found_variables = {}
    for line in sorted(listed.splitlines(), reverse=True):  # ":env:" last, because it overrides the others
        if (found := re.match(r"[\w:]+\.([\w-]+)=('.*'|\".*\")$", line)) and found[1] in variables:
            found_variables[variables[found[1]]] = " ".join(ast.literal_eval(found[2]).split())
    return {**found_variables, **BEGAN_WITH, "UV_PYTHON_DOWNLOADS": "never"}


def environment(folder: Path, python: str) -> Path:
    """Create a virtual environment with nothing but pip, and return the folder of its commands."""
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--seed", "--python", python, folder, environ=uv_environment())
    return folder / "bin"


def install(commands: Path, *packages: str, lowest: Sequence[str] = ()) -> None:
    """Install packages. With ``lowest``, use the lowest versions that the project and these extras allow."""
    # from the project, because uv treats the dependencies of a wheel as indirect and would take the newest
    options = ["--resolution=lowest-direct", f"--requirements={PROJECT}", *(f"--extra={extra}" for extra in lowest)]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", f"--python={commands / 'python'}"]
    run(*uv, *(options if lowest else ()), *packages, environ=uv_environment())


def cell(folder: Path, wheel: Path, python: str, resolution: Resolution) -> Path:
    """Install the wheel with its extras in a new environment, and return the folder of its commands."""
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
def emulator(commands: Path) -> Generator[list[str], None, None]:
    """Run the emulator of the environment, and yield the commands that it prints."""
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


def ids(lines: Sequence[str]) -> set[str]:
    """Return the ids of all objects in the account."""
    config = dict(line.removeprefix("pulumi config set ").removeprefix("--secret ").split() for line in lines)
    client = Client(Settings(config["joviam:token"], config["joviam:endpoint"]))
    return {found.id for model in OWNED for found in client.list(model)}


def example(name: str, folder: Path, commands: Path, engine: str) -> None:
    """Run an example as a reader would: the emulator's commands, up, up again, refresh, destroy."""
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
        before = ids(lines)
        pulumi("up", "--yes")
        if ids(lines) == before:
            raise Failed("up created nothing")
        pulumi("up", "--yes", "--expect-no-changes")
        pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
        pulumi("destroy", "--yes", "--skip-preview")
        if ids(lines) != before:
            raise Failed("destroy left something")


def main() -> int:
    """Run every combination, and print a line for each."""
    engine = run(sys.executable, ROOT / "tools/engine/install.py").splitlines()[-1]
    failed = 0
    _print_row("CPython", "resolved", "pulumi", "pydantic", "seconds", "result")
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build("wheel", Path(temporary))
        for version, resolution in itertools.product(VERSIONS, RESOLUTIONS):
            if not (python := interpreter(version)):
                _print_row(version, resolution, "", "", "", "left out: not installed")
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

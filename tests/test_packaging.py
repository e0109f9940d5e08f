"""The wheel and the sdist have the right content, and the wheel works when it is installed from an index."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.matrix import VERSIONS, Resolution, build, cell, environment, example, install, interpreter, run

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist of this source tree."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", folder)) as archive:
        archive.extractall(folder, filter="data")
    [unpacked] = folder.glob("*/")
    return unpacked


def test_the_wheel(wheel: Path) -> None:
    """The wheel contains every file of the package, its license and metadata, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = [path for path in (ROOT / "pulumi_joviam").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    about = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    assert names == {path.relative_to(ROOT).as_posix() for path in files} | {f"{info}/{name}" for name in about}
    needed = ("py.typed", "pulumi-plugin.json", "emulator/assets/live.js", "cli/__init__.py", "pytest_plugin.py")
    assert names >= {f"pulumi_joviam/{name}" for name in needed}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is not a git clone")
def test_the_sdist(sdist: Path) -> None:
    """The sdist contains every file in git, so that its tests can run."""
    listed = run("git", "ls-files", "-z").split("\0")
    tracked = {name for name in listed if (ROOT / name).is_file()}
    assert len(tracked) > 100
    assert tracked - {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()} == set()


def test_a_wheel_from_the_sdist(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    """The wheel built from the sdist is identical."""
    assert build("wheel", tmp_path, source=sdist).read_bytes() == wheel.read_bytes()


def test_the_metadata(wheel: Path) -> None:
    """README has the required versions and the extras of the metadata, and the license is an SPDX id."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    assert (metadata["License-Expression"], metadata["License-File"]) == ("Apache-2.0", "LICENSE")
    needed = " ".join(metadata.get_all("Requires-Dist", []))
    [pulumi] = re.findall(r"\bpulumi<4,>=([\d.]+)", needed)
    assert f"CPython {VERSIONS[0]} to {VERSIONS[-1]}," in README
    assert f"`pulumi` ≥ {pulumi}." in README
    assert metadata["Requires-Python"] == f">={VERSIONS[0]}"
    extras = {"cli", "emulator"}
    assert set(metadata.get_all("Provides-Extra", [])) == extras | {"dev", "docs"}
    assert set(re.findall(r"\w+", " ".join(re.findall(r"pip install 'pulumi-joviam\[(.+?)\]'", README)))) == extras


def test_without_extras(wheel: Path, tmp_path: Path) -> None:
    """Without extras, programs work, commands say what to install, and pytest fails only emulator tests."""
    commands = environment(tmp_path / "venv", sys.executable)
    install(commands, str(wheel), "pytest")
    everything = "import pulumi_joviam; [getattr(pulumi_joviam, name) for name in pulumi_joviam.__all__]"
    run(commands / "python", "-W", "error", "-c", everything, folder=tmp_path)

    def emulator() -> tuple[int, str]:
        done = subprocess.run([commands / "pulumi-joviam", "emulator"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    needs = "which comes with an extra: pip install"
    assert emulator() == (1, f"pulumi-joviam: the command needs typer, {needs} 'pulumi-joviam[cli]'\n")
    install(commands, f"{wheel}[cli]")
    assert emulator() == (1, f"pulumi-joviam: the emulator needs fastapi, {needs} 'pulumi-joviam[emulator]'\n")

    (tmp_path / "test_mine.py").write_text("def test_one(): pass\n\ndef test_two(joviam_emulator): pass\n")
    done = subprocess.run(
        [commands / "python", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert f"ImportError: the emulator needs fastapi, {needs} 'pulumi-joviam[emulator]'" in done.stdout


@pytest.mark.parametrize(("version", "resolution"), [(VERSIONS[0], "lowest"), (VERSIONS[-1], "newest")])
def test_an_installed_wheel(
    wheel: Path, engine_folder: str, tmp_path: Path, version: str, resolution: Resolution
) -> None:
    """The first example needs only the wheel with its extras, in an empty environment, and a CLI on PATH."""
    python = interpreter(version)
    if not python:
        pytest.skip(f"there is no CPython {version} on this machine")
    commands = cell(tmp_path / "venv", wheel, python, resolution)
    example("01-public-key", tmp_path, commands, engine_folder)

"""The backend: the same one however it is written, another one in another folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_joviam.lifecycle import backend

STACK = "urn:pulumi:dev::shop"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which there is no backend but what a test says."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["not a plugin"])
    (tmp_path / "shop" / "state").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    (tmp_path / "shop" / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "link").symlink_to("shop")
    return tmp_path


@pytest.mark.parametrize(
    "url",
    [
        "{here}/shop/state", "{here}/shop/state/", "{here}/shop/../shop/./state", "{here}/link/state",
        "./state", "state", "../link/state", "~/shop/state", "{here}/shop/state?no_tmp_dir=true", "{here}/shop/st%61te",
    ],
)  # fmt: skip
def test_a_folder_is_one_backend(folder: Path, url: str) -> None:
    assert backend.place(f"file://{url.format(here=folder)}") == f"file://{folder.resolve()}/shop/state"


def test_other_backends_are_what_they_are_called() -> None:
    """The password in a URL may change between a kill and the next run."""
    assert backend.place("postgres://team@db.example.com/pulumi") == "postgres://db.example.com/pulumi"
    assert backend.place("postgres://team:secret@db.example.com/pulumi") == "postgres://db.example.com/pulumi"
    assert backend.place("s3://bucket/a?region=x") != backend.place("s3://bucket/b?region=x")


def test_a_relative_one_lies_where_the_cli_runs(folder: Path) -> None:
    """The engine starts its plugins, through a script, in the folder of the project."""
    plugin = "from pulumi_joviam.lifecycle import backend; print(backend.place('file://./state'))"
    (folder / "plugin.sh").write_text(f'"{sys.executable}" -c "{plugin}" "$1"\nexit\n')
    cli = "import subprocess; subprocess.run(['sh', 'plugin.sh', '127.0.0.1:1'], cwd='..', check=True)"
    done = subprocess.run([sys.executable, "-c", cli], cwd=folder / "shop", capture_output=True, text=True, check=True)
    assert done.stdout == f"file://{folder.resolve()}/shop/state\n"


def test_where_it_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment before the project, that before the login: as the CLI reads them."""
    assert backend.url(folder) == ""
    (folder / "credentials.json").write_text(json.dumps({"current": "file://~"}))
    assert backend.url(folder) == "file://~"
    project = folder / "shop" / "Pulumi.yaml"
    project.write_text(project.read_text() + "backend:\n  url: file://./state\n")
    monkeypatch.chdir(folder / "shop" / "state")
    assert backend.url(folder) == "file://./state"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert backend.url(folder) == "s3://bucket"


@pytest.mark.parametrize("text", ["", "- a", "backend: x", "backend: {url: }", "{", "backend: [", "\x00"])
def test_an_odd_project_file_says_nothing(folder: Path, text: str) -> None:
    (folder / "shop" / "Pulumi.yaml").write_text(text)
    assert backend.url(folder) == ""


def test_whether_a_stack_is_there(folder: Path) -> None:
    place = backend.place("file://./state")
    assert backend.holds(place, STACK) is None  # no backend at all, as far as can be seen
    stacks = folder / "shop" / "state" / ".pulumi" / "stacks"
    (stacks / "shop").mkdir(parents=True)
    assert backend.holds(place, STACK) is False
    for file in ("dev.json.bak", "development.json", "dev.json.attrs"):
        (stacks / "shop" / file).touch()
    assert backend.holds(place, STACK) is False
    (stacks / "shop" / "dev.json.gz").touch()
    assert backend.holds(place, STACK) is True
    (stacks / "other.json").touch()
    assert backend.holds(place, "urn:pulumi:other::shop") is True
    assert backend.holds("s3://bucket", STACK) is None

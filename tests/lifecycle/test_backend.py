"""The backend: its URL is normalized, and the stacks in it are found."""

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
    """A project without a backend; a test can set one."""
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
def test_all_urls_of_a_folder_are_the_same_backend(folder: Path, url: str) -> None:
    assert backend.place(f"file://{url.format(here=folder)}") == f"file://{folder.resolve()}/shop/state"


def test_the_urls_of_other_backends() -> None:
    """They lose their user and password, which may change between a kill and the next run."""
    assert backend.place("postgres://team@db.example.com/pulumi") == "postgres://db.example.com/pulumi"
    assert backend.place("postgres://team:secret@db.example.com/pulumi") == "postgres://db.example.com/pulumi"
    assert backend.place("s3://bucket/a?region=x") != backend.place("s3://bucket/b?region=x")


def test_a_relative_url_starts_at_the_folder_of_the_cli(folder: Path) -> None:
    """Not at the folder of the project, where the engine starts its plugins through a script."""
    plugin = "from pulumi_joviam.lifecycle import backend; print(backend.place('file://./state'))"
    (folder / "plugin.sh").write_text(f'"{sys.executable}" -c "{plugin}" "$1"\nexit\n')
    cli = "import subprocess; subprocess.run(['sh', 'plugin.sh', '127.0.0.1:1'], cwd='..', check=True)"
    done = subprocess.run([sys.executable, "-c", cli], cwd=folder / "shop", capture_output=True, text=True, check=True)
    assert done.stdout == f"file://{folder.resolve()}/shop/state\n"


def test_where_the_url_is_read_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the CLI: the environment, then the project, then the login."""
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
def test_an_invalid_project_file_has_no_url(folder: Path, text: str) -> None:
    (folder / "shop" / "Pulumi.yaml").write_text(text)
    assert backend.url(folder) == ""


def test_whether_a_stack_exists(folder: Path) -> None:
    place = backend.place("file://./state")
    assert backend.holds(place, STACK) is None  # no backend in this folder: unknown
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

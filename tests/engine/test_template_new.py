"""`pulumi new` from the template, on a terminal, as somebody does who has nothing yet."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
import yaml

from pulumi_joviam.emulator import Emulator
from tests.conftest import ROOT, TOKEN

SECONDS = 120


def on_a_terminal(command: list[str], answers: dict[str, str], folder: Path, environ: dict[str, str]) -> str:
    """Run a command as a person does: wait for each question, answer it. Return what stood on the screen."""
    keyboard, screen = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdin=screen, stdout=screen, stderr=screen, start_new_session=True
    ) as running:
        os.close(screen)
        shown, asked, deadline = "", list(answers), time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if not select.select([keyboard], [], [], 1)[0]:
                continue
            try:
                shown += os.read(keyboard, 65536).decode(errors="replace")
            except OSError:  # the command has closed the terminal
                break
            if asked and asked[0] in shown:
                os.write(keyboard, f"{answers[asked.pop(0)]}\r".encode())
        else:
            running.kill()
        os.close(keyboard)
    assert running.returncode == 0, shown
    assert not asked, shown
    return shown


@pytest.fixture
def surroundings(tmp_path: Path, engine_folder: str) -> dict[str, str]:
    """A machine with Pulumi, on which pip needs no index: all that a new project wants is there already."""
    there = tmp_path / "there"
    for package in ("setuptools", "wheel"):  # what Pulumi has pip upgrade first, and newer Pythons come without
        (there / f"{package}-99.dist-info").mkdir(parents=True)
        (there / f"{package}-99.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 99\n"
        )
    (tmp_path / "state").mkdir()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), engine_folder, os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": os.pathsep.join([sysconfig.get_path("purelib"), str(there)]),
    }


def test_a_new_project_from_the_template(cloud: Emulator, tmp_path: Path, surroundings: dict[str, str]) -> None:
    """Five questions and `pulumi up` create a server with a key; a second up is empty, a destroy deletes all."""
    project = tmp_path / "shop"
    project.mkdir()
    answers = {
        "Project name": "",
        "Project description": "",
        "Stack name": "",
        "joviam:region": "",
        "joviam:token": TOKEN,
    }
    template = ROOT / "templates" / "joviam-python"
    shown = on_a_terminal(["pulumi", "new", str(template)], answers, project, surroundings)
    assert TOKEN not in shown
    assert "Your new project is ready to go!" in shown
    assert 'pulumi config set publicKey "$(cat ~/.ssh/id_ed25519.pub)"' in shown

    if not (project / "venv").exists():  # the language host that tools/engine builds makes it in the project itself
        (project / "venv").symlink_to(project)

    written = yaml.safe_load((project / "Pulumi.dev.yaml").read_text())["config"]
    assert written["joviam:region"] == "SY3"
    assert set(written["joviam:token"]) == {"secure"}
    assert "${" not in "".join(path.read_text() for path in project.glob("*.*") if path.is_file())

    def pulumi(*command: str) -> str:
        done = subprocess.run(
            ["pulumi", *command, "--non-interactive"], cwd=project, env=surroundings | {"JOVIAM_ENDPOINT": cloud.url},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    pulumi(
        "config", "set", "publicKey", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMt6BEwZpwJ1qV32yFowI1HtEhLGfM0fEwRRRSj7piFi"
    )
    pulumi("up", "--yes")
    assert cloud.count() == {"public_keys": 1, "disks": 1, "ip_addresses": 1, "instances": 1}
    [instance] = cloud.objects("instances")
    assert (instance["name"], instance["state"], len(instance["public_keys"])) == ("web", "running", 1)
    assert pulumi("stack", "output", "ip").strip() == cloud.objects("ip_addresses")[0]["address"]
    pulumi("up", "--yes", "--expect-no-changes")
    pulumi("destroy", "--yes", "--skip-preview")
    assert cloud.count() == {}

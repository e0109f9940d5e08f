"""`pulumi new` from the template, on a terminal, for a user without a project."""

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
    """Run a command on a terminal: wait for each question, answer it. Return the output."""
    keyboard, screen = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdin=screen, stdout=screen, stderr=screen, start_new_session=True
    ) as running:
        os.close(screen)
        output, questions, deadline = "", list(answers), time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if not select.select([keyboard], [], [], 1)[0]:
                continue
            try:
                output += os.read(keyboard, 65536).decode(errors="replace")
            except OSError:  # the command has closed the terminal
                break
            if questions and questions[0] in output:
                os.write(keyboard, f"{answers[questions.pop(0)]}\r".encode())
        else:
            running.kill()
        os.close(keyboard)
    assert running.returncode == 0, output
    assert not questions, output
    return output


@pytest.fixture
def surroundings(tmp_path: Path, engine_folder: str) -> dict[str, str]:
    """An environment with Pulumi in which pip needs no index, because everything is installed."""
    packages = tmp_path / "packages"
    for package in ("setuptools", "wheel"):  # Pulumi upgrades them first, and newer Pythons do not contain them
        (packages / f"{package}-99.dist-info").mkdir(parents=True)
        (packages / f"{package}-99.dist-info" / "METADATA").write_text(
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
        "PYTHONPATH": os.pathsep.join([sysconfig.get_path("purelib"), str(packages)]),
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
    output = on_a_terminal(["pulumi", "new", str(template)], answers, project, surroundings)
    assert TOKEN not in output
    assert "Your new project is ready to go!" in output
    assert 'pulumi config set publicKey "$(cat ~/.ssh/id_ed25519.pub)"' in output

    if not (
        project / "venv"
    ).exists():  # the language host that tools/engine builds creates the venv in the project itself
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

"""Every example runs offline, as a reader would run it, and the demo does what it announces."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_joviam.emulator import Emulator
from tests.conftest import ROOT
from tests.stack import Stack

EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text()
PROGRAMS = sorted(EXAMPLES.glob("0[2-4]-*"))
"""The first example is run with the commands of README, and the others have their own tests."""


@pytest.fixture
def environment(engine_folder: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has Pulumi and this package, with an empty state."""
    (tmp_path / "state").mkdir()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), engine_folder, os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def test_the_list_of_examples() -> None:
    """README lists each example once, in order."""
    folders = sorted(path.name for path in EXAMPLES.iterdir() if path.name[0].isdigit())
    assert re.findall(r"^\| \[(.+?)\]\(\1\) \|", README, re.MULTILINE) == folders


def test_the_first_example_with_the_commands_of_readme(
    cloud: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    """The commands of README, with those that the emulator prints, create and destroy the first example."""
    [lines] = re.findall(r"```sh\n(cd .*?)```", README, re.DOTALL)
    assert "http://127.0.0.1:8765/api/v1" in lines
    lines = lines.replace("http://127.0.0.1:8765/api/v1", cloud.url).replace("token emulator", f"token {cloud.token}")
    shutil.copytree(EXAMPLES / "01-public-key", tmp_path / "01-public-key")
    done = subprocess.run(
        ["bash", "-ec", lines], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert [request.method for request in cloud.requests if request.method != "GET"] == ["POST", "DELETE"]
    assert cloud.count() == {}


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.name)
def test_an_example(stack: Stack, example: Path) -> None:
    """Up creates everything, a second up and a refresh find nothing to do, and destroy deletes everything."""
    shutil.copy(example / "__main__.py", stack.project)
    created = stack.preview().steps
    assert set(created.values()) == {"create"}
    assert stack.up().steps == created
    assert stack.up().empty
    assert stack.refresh().empty
    stack.destroy()
    assert stack.cloud.count() == {}


def test_tenants(cloud: Emulator, environment: dict[str, str], tmp_path: Path) -> None:
    """Three tenants are created in parallel. If one fails, the others continue, and the next up completes it."""

    def tenants(*arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, EXAMPLES / "05-automation-api" / "tenants.py", *arguments],
            env=environment | {"JOVIAM_ENDPOINT": cloud.url, "JOVIAM_TOKEN": cloud.token},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == fails, done.stdout
        return done.stdout

    cloud.configure(provision_seconds=2)
    cloud.fail("POST /disks", status=422, skip=1)
    printed = tenants("up", fails=True)
    [created, other] = re.findall(r"^(\w+): 5 to create; 203\.0\.113\.\d+$", printed, re.MULTILINE)
    [failed] = {"bakery", "florist", "garage"} - {created, other}
    assert f'error: creating disk "{failed}-disk": the API refused it (422' in printed
    requests = [request.operation for request in cloud.requests]
    assert requests[: requests.index("POST /instances/assemble")].count("POST /disks") >= 2, "not in parallel"

    cloud.configure(provision_seconds=0.1)
    again = dict(line.split(": ", 1) for line in tenants("up", created, failed).splitlines())
    assert again[created].startswith("no changes; ")
    assert re.match("[23] to create; ", again[failed])  # its address may have been created before the failure
    assert cloud.count() == {"ip_addresses": 3, "disks": 3, "instances": 3}

    tenants("destroy")
    assert cloud.count() == {}
    assert not list((tmp_path / "state" / ".pulumi" / "stacks").rglob("*.json"))


def test_the_tests_of_a_stack(environment: dict[str, str], tmp_path: Path) -> None:
    """The tests of the example pass when a user runs them."""
    shutil.copytree(EXAMPLES / "07-testing-your-stack", tmp_path / "stack")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path / "stack", env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.engine
def test_the_demo() -> None:
    """`make demo` ends with an empty cloud, and every step does what it announces."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools/demo.py"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("==> The cloud is empty. Every step did what was announced.\n")
    assert done.stdout.count("\n==> ") >= 10

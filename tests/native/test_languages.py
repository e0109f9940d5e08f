"""Programs in TypeScript, Go and YAML, on the real engine: the examples, with SDKs generated from the schema."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.native import schema
from tests.conftest import ROOT
from tests.emulator.account import Account
from tests.keys import key
from tests.stack import Stack

EXAMPLES = ROOT / "examples/languages"
SCRIPTS = Path(sys.executable).parent
"""Where the native plugin is."""
SDK_IN_GO = "github.com/pulumi-joviam/pulumi-joviam/sdk/go"


@dataclass
class Program:
    """An example in a folder of its own, built."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings in Pulumi.yaml."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its host needs in the environment, because a test has a home folder of its own."""


def run(folder: Path, *command: str, **environ: str) -> str:
    """Return the output of a command, which must succeed."""
    assert shutil.which(command[0]), f"the tests of programs in {folder.name} need `{command[0]}`: install it"
    done = subprocess.run(command, cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def generate(folder: Path, engine: str, language: str) -> None:
    """Write the SDK of a language into the folder that `pulumi package add` uses for it."""
    sdks = folder / "sdks"
    sdks.mkdir()
    if shutil.which("pulumi-gen-sdk", path=engine):
        # the hosts that are built from Go modules cannot
        (folder / "schema.json").write_text(schema.schema())
        run(folder, f"{engine}/pulumi-gen-sdk", language, "schema.json", "sdks/joviam")
    else:
        plugin = f"{SCRIPTS}/pulumi-resource-joviam"
        options = ("--language", language, "--local", "--out", "sdks")
        run(folder, f"{engine}/pulumi", "package", "gen-sdk", plugin, *options, PULUMI_SKIP_UPDATE_CHECK="true")
        (sdks / language).rename(sdks / "joviam")


def typescript(folder: Path) -> Program:
    """The SDK and the program compile in strict mode. What is compiled runs, because that starts faster."""
    run(folder, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")  # which compiles the SDK
    run(folder, "node", "node_modules/typescript/bin/tsc")
    return Program(folder, settings={"main": "bin/"})


def go(folder: Path) -> Program:
    """`go vet` compiles the SDK and the program, and finds nothing in them. The host builds the rest."""
    # builds in other folders find this one in Go's cache, and this one finds that of the engine
    flags = f"{os.environ.get('GOFLAGS', '')} -trimpath -ldflags=-w"
    run(folder, "go", "vet", "./...", f"{SDK_IN_GO}/...", GOFLAGS=flags)
    caches: dict[str, str] = json.loads(run(folder, "go", "env", "-json", "GOCACHE", "GOENV", "GOMODCACHE"))
    return Program(folder, environ={**caches, "GOFLAGS": flags})


PROGRAMS = [
    pytest.param((name, sdk, build), id=name, marks=pytest.mark.xdist_group(name))
    for name, sdk, build in (("typescript", "nodejs", typescript), ("go", "go", go), ("yaml", "", Program))
]
"""Name, language of the SDK and what builds it. All tests of one are in one process, which builds it once."""


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request: pytest.FixtureRequest, engine_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The same stack in each language."""
    name, sdk, build = request.param
    folder = tmp_path_factory.mktemp("program") / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("sdks", "node_modules", "bin"))
    if sdk:
        generate(folder, engine_folder, sdk)
    built: Program = build(folder)
    return built


@pytest.fixture
def stack(program: Program, cloud: Emulator, engine_folder: str, tmp_path: Path) -> Stack:
    made = Stack(tmp_path, cloud, engine_folder, {"project:publicKey": key("one")})
    made.environ |= program.environ
    said = yaml.safe_load((program.folder / "Pulumi.yaml").read_text())
    plugins = {"providers": [{"name": "joviam", "path": str(SCRIPTS)}]}
    settings = {**said, "name": "project", "plugins": plugins, **program.settings}
    settings.pop("packages", None)
    for path in program.folder.iterdir():
        if path.name != "Pulumi.yaml":
            (made.project / path.name).symlink_to(path)
    (made.project / "Pulumi.yaml").write_text(yaml.safe_dump(settings))  # pyright: ignore[reportUnknownMemberType] # incomplete stubs
    return made


def configure(stack: Stack, **settings: str) -> None:
    said = [word for name, value in settings.items() for word in ("--plaintext", f"{name}={value}")]
    stack.pulumi("config", "set-all", *said)


def interrupted(stack: Stack, *, at: set[str]) -> str:
    """Interrupt `up` when there are objects of these kinds, and return what it printed."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(
        command, cwd=stack.project, env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        while running.poll() is None and not at <= stack.cloud.count().keys():
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        printed, _ = running.communicate(timeout=60)
    return printed


def test_a_life(stack: Stack) -> None:
    """Interrupted, failed, finished, drifted, changed and destroyed: nothing is lost, and nothing is there twice."""
    cloud = stack.cloud
    cloud.configure(provision_seconds=60.0)
    assert "interrupted" in interrupted(stack, at={"disks", "networks"})
    held = stack.resources()
    [disk], [network] = cloud.objects("disks"), cloud.objects("networks")
    assert (held["data"]["id"], held["office"]["id"]) == (disk["id"], network["id"])
    assert "web" not in held

    cloud.configure(provision_seconds=0.1)
    cloud.change(disk["id"], state="unattached")
    cloud.change(network["id"], state="ready")
    cloud.fail_provisioning("instances")
    failed = stack.up("--skip-preview", fails=True)
    assert failed.steps.items() >= {"data": "update", "office": "update", "web": "create", "db": "create"}.items()
    [broken] = [name for name, it in stack.resources().items() if it.get("initErrors")]
    finished = stack.up()
    assert finished.steps == {broken: "replace", "apart": "create"}
    held = stack.resources()
    assert held["data"]["inputs"]["template"] == Account(cloud).template("debian-9")
    # an output without a value is "", and not missing or unknown
    assert f'webAddress: "{held["outside"]["outputs"]["address"]}"' in finished.text
    assert 'dbAddress : ""' in finished.text

    cloud.change(disk["id"], name="by hand")
    configure(stack, dataDisk="30", publicKey=key("two"))
    changed = stack.up("--refresh")
    assert changed.steps == {"data": "update", "laptop": "replace", "web": "update"}
    assert changed.changed == {"data": {"name", "size"}, "laptop": {"key"}, "web": {"publicKeys"}}
    assert stack.settled()
    stack.destroy()
    assert not cloud.count()


@pytest.mark.parametrize("program", PROGRAMS[-1:], indirect=True)
def test_what_is_wrong_is_called_what_the_program_calls_it(stack: Stack) -> None:
    """A message names the argument as the program does, and is the one of Python otherwise."""
    configure(stack, webDisk="0")
    run = stack.preview(fails=True)
    [message] = [message for name, message in run.errors if name == "web"]
    assert message == "joviam:index:Instance resource 'web' has a problem: bootDisk.size: must be greater than 0\n"

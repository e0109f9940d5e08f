"""The command `pulumi-joviam`, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
import requests

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.cli import list_
from pulumi_joviam.emulator import Emulator
from tests import forks

COMMAND = str(Path(sys.executable).parent / "pulumi-joviam")
MISSING = "00000000-0000-0000-0000-000000000001"


@dataclass
class Result:
    status: int
    out: str
    err: str


def run(*arguments: str, **environ: str) -> Result:
    done = subprocess.run(
        [*forks.python(), COMMAND, *arguments],
        env={**plain(), **environ}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def plain() -> Mapping[str, str]:
    """Return an environment without JOVIAM variables, and with a terminal too wide to break lines."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JOVIAM_")}
    return {**environ, "COLUMNS": "400", "NO_COLOR": "1"}


@pytest.fixture
def account(cloud: Emulator) -> dict[str, str]:
    """The environment variables of the emulated account."""
    return {"JOVIAM_TOKEN": cloud.token, "JOVIAM_ENDPOINT": cloud.url}


def machine(cloud: Emulator, name: str) -> str:
    """Create a running instance, and return its id."""
    client = Client(Settings(cloud.token, cloud.url))
    [tier] = [tier for tier in client.list(models.PerformanceTier, "/performance_tiers/instances")
              if (tier.name, tier.region.code) == ("Fast", "SY3")]  # fmt: skip
    body = {"name": name, "memory": 1024, "region": tier.region.id, "performance_tier": tier.id}
    made = client.create(models.Instance, body, "/instances/assemble")
    cloud.change(made.id, state="running")
    return made.id


def test_a_vnc_console(cloud: Emulator, account: dict[str, str]) -> None:
    """An instance is given by name or id; stdout has only the URL and the password of the ready session."""
    id = machine(cloud, "web")
    for argument in ("web", id):
        done = run("console", argument, **account)
        session = cloud.objects("console_sessions")[-1]
        assert (done.status, session["type"], session["instance_id"]) == (0, "vnc", id)
        assert done.out == f"url:      {session['url']}\npassword: {session['token']}\n"
        assert done.err.startswith(f'requesting a vnc console of "web" ({id})\n')
        assert session["token"] not in done.err


def test_a_serial_console(cloud: Emulator, account: dict[str, str]) -> None:
    """The output is a shell command that starts Mosh with the key."""
    machine(cloud, "web")
    done = run("console", "web", "--type", "serial", **account)
    [session] = cloud.objects("console_sessions")
    assert done.out == f"MOSH_KEY={session['token']} mosh-client {session['host']} {session['port']}\n"


def test_json(cloud: Emulator, account: dict[str, str]) -> None:
    """With --json, stdout is the session as in the API."""
    machine(cloud, "web")
    done = run("console", "--json", "web", **account)
    [session] = cloud.objects("console_sessions")
    assert json.loads(done.out) == session


def test_an_unknown_or_ambiguous_instance(cloud: Emulator, account: dict[str, str]) -> None:
    """A name of no or of several instances is refused with a list, an unknown id with the API's error."""
    assert run("console", "web", **account).err == "pulumi-joviam: there is no instance 'web'; available:\n  nothing\n"
    ids = [machine(cloud, name) for name in ("web", "db", "web")]
    done = run("console", "mail", **account)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("pulumi-joviam: there is no instance 'mail'; available:\n")
    assert f"  {ids[1]}  db (running)\n" in done.err
    done = run("console", "web", **account)
    assert (done.status, done.out) == (1, "")
    assert "several instances are named 'web'; use an id:\n" in done.err
    assert set(re.findall(r"^  (\S+)", done.err, re.MULTILINE)) == {ids[0], ids[2]}
    done = run("console", MISSING, **account)
    assert (done.status, done.out) == (1, "")
    assert f"there is no such object (404 not_found, GET /instances/{MISSING})" in done.err
    assert cloud.count() == {"instances": 3}


@pytest.mark.slow
def test_refused_requests(cloud: Emulator, account: dict[str, str]) -> None:
    """Each is one message and status 1: a failed session, a stopped instance, another token, no token."""
    id = machine(cloud, "web")
    cloud.fail_provisioning("console_sessions")
    done = run("console", "web", **account)
    assert (done.status, done.out) == (1, "")
    assert "ended in state failed" in done.err
    cloud.change(id, state="stopped")
    done = run("console", "web", **account)
    assert (done.status, done.out) == (1, "")
    assert "the API refused it (422 validation_fail" in done.err
    assert "  state: is stopped" in done.err
    done = run("console", "web", **{**account, "JOVIAM_TOKEN": "another"})
    assert (done.status, done.out) == (1, "")
    assert "The token came from the environment variable JOVIAM_TOKEN." in done.err
    assert "another" not in done.err
    assert "pulumi refresh" not in done.err
    for command in (["console", "web"], ["import"], ["list", "disks"]):
        done = run(*command)
        assert (done.status, done.out) == (1, "")
        assert done.err == "pulumi-joviam: no Joviam token: set the environment variable JOVIAM_TOKEN\n"
    done = run("console", "web", **{**account, "JOVIAM_ENDPOINT": "http://127.0.0.1:9/api"})
    assert "Is JOVIAM_ENDPOINT right, and is the network up?" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["console"],
        ["console", "web", "--type", "tape"],
        ["consol"],
        ["emulator", "--port", "70000"],
        ["list", "servers"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str]) -> None:
    """A wrong command line ends with status 2 and prints the usage."""
    done = run(*arguments)
    assert done.status == 2
    assert "Usage: pulumi-joviam" in done.out + done.err


def test_lists(cloud: Emulator, account: dict[str, str]) -> None:
    """Each kind is listed with the names that a program may use, and with --json as in the API."""
    id = machine(cloud, "web \x1b[31m")
    lines = {kind: run("list", kind, **account).out.splitlines() for kind in list_.KINDS}
    assert lines["regions"][1].split("  ")[0] == "SY3"
    assert [line.split() for line in lines["regions"][:1]] == [["IN", "A", "PROGRAM", "NAME", "ID"]]
    assert {tuple(line.split()[:3]) for line in lines["tiers"][1:]} == {
        (name, use, region)
        for name in ("Standard", "Fast")
        for use in ("disks", "instances")
        for region in ("SY3", "ML1")
    }
    ubuntu = [line for line in lines["templates"] if "Ubuntu 16.04" in line and "SY3" in line]
    assert [line.startswith("ubuntu-16-04 ") for line in ubuntu] == ["superseded" not in line for line in ubuntu]
    assert len(ubuntu) == 2
    assert [line.split("  ")[0] for line in lines["networks"][1:]] == ["Public SY3", "Public ML1"]
    assert lines["instances"][1] == f"web [31m  running  1024 MB  Fast  SY3     {id}"
    assert lines["keys"] == lines["addresses"] == lines["disks"] == []
    assert run("list", "addresses", **account).err == "there are no IP addresses\n"
    [shown] = json.loads(run("list", "instances", "--json", **account).out)
    [live] = cloud.objects("instances")
    assert shown == {field: live[field] for field in shown}
    assert shown["performance_tier"]["name"] == "Fast"
    assert {"id", "name", "state", "memory", "disks", "network_adapters"} <= shown.keys()
    tiers = json.loads(run("list", "tiers", "--json", **account).out)
    assert {it["use"] for it in tiers} == {"disk", "instance"}


def test_version() -> None:
    """--version prints the version of the package, and needs no token."""
    done = run("--version")
    assert (done.status, done.out) == (0, f"{version('pulumi-joviam')}\n")


def test_help() -> None:
    """--help lists the commands, and the options of each command."""
    text = run("--help").out
    assert "console" in text
    assert "emulator" in text
    assert {"--type", "--json"} <= set(run("console", "--help").out.split())
    assert {"--port", "--host", "--token", "--provision-seconds", "--data"} <= set(
        run("emulator", "--help").out.split()
    )


@contextmanager
def emulator(*options: str) -> Generator[tuple[subprocess.Popen[str], list[str]], None, None]:
    """Start the command, and yield the process and the four lines that it prints."""
    with subprocess.Popen(
        [COMMAND, "emulator", "--port", "0", *options],
        env=plain(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        try:
            yield process, [process.stdout.readline().rstrip("\n") for _ in range(4)]
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_emulated_cloud(ending: signal.Signals) -> None:
    """The printed commands configure a stack, a signal ends it cleanly, and no request makes it print its token."""
    with emulator("--token", "it's-mine", "--provision-seconds", "0") as (process, lines):
        url = re.findall(r"http://127\.0\.0\.1:\d+/api/v1", lines[0])[0]
        assert lines[1:] == [
            f"pulumi config set joviam:endpoint {url}",
            "pulumi config set joviam:region SY3",
            "pulumi config set --secret joviam:token 'it'\"'\"'s-mine'",
        ]
        page = re.findall(r"watch it at (\S+)", lines[0])[0]
        assert "Joviam cloud" in requests.get(page, timeout=10).text
        mine = {"Authorization": "Bearer it's-mine"}
        assert len(requests.get(f"{url}/regions", headers=mine, timeout=10).json()) == 2
        requests.post(f"{url}/disks", data="{", headers=mine, timeout=10)
        with socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) as connection:
            connection.sendall(b"Bearer it's-mine\r\n\r\n")
            connection.recv(1000)
            process.send_signal(ending)
            out, err = process.communicate(timeout=10)
        assert (process.returncode, out) == (0, "")
        assert err == "Ctrl-C stops it\nstopped\n"


@pytest.mark.slow
def test_an_emulated_cloud_with_a_data_file(tmp_path: Path) -> None:
    """With --data, the account survives a restart, even after a kill, and its objects go on provisioning."""
    file = tmp_path / "cloud.json"
    options = ("--token", "mine", "--provision-seconds", "3", "--data", str(file))

    def client(lines: list[str]) -> Client:
        return Client(Settings("mine", re.findall(r"http://\S+/api/v1", lines[0])[0]))

    with emulator(*options) as (process, lines):
        first = client(lines)
        [tier] = [tier for tier in first.list(models.PerformanceTier, "/performance_tiers/disks")
                  if (tier.name, tier.region.code) == ("Fast", "SY3")]  # fmt: skip
        body = {"name": "data", "size": 10, "region": tier.region.id, "performance_tier": tier.id}
        made = first.create(models.Disk, body)
        assert made.state == "provisioning"
        deadline = time.monotonic() + 5
        while made.id not in file.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
    with emulator(*options) as (process, lines):
        again = client(lines)
        assert [disk.id for disk in again.list(models.Disk)] == [made.id]
        while again.get(models.Disk, made.id).state != "unattached":
            assert time.monotonic() < deadline + 5
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[1].startswith(f"the account is saved in {file}\n")
    file.write_text("my notes")
    done = run("emulator", "--port", "0", "--data", str(file))
    assert (done.status, done.out, file.read_text()) == (1, "", "my notes")
    assert done.err.startswith(f"pulumi-joviam: {file} does not hold an account of the emulator")
    assert done.err.count("\n") == 1


def test_an_emulated_cloud_for_the_console() -> None:
    """The two commands work together, and the error for a port in use says what to do."""
    with emulator("--token", "mine") as (_, lines):
        [url] = re.findall(r"http://\S+/api/v1", lines[0])
        done = run("console", "web", JOVIAM_TOKEN="mine", JOVIAM_ENDPOINT=url)
        assert done.err == "pulumi-joviam: there is no instance 'web'; available:\n  nothing\n"
        port = url.split(":")[2].split("/")[0]
        done = run("emulator", "--port", port)
        assert (done.status, done.out) == (1, "")
        assert done.err == (
            f"pulumi-joviam: port {port} on 127.0.0.1 is in use: use another --port, or 0 for a free one\n"
        )


def test_a_host_of_another_machine() -> None:
    """The error names the host and port that it cannot listen on."""
    done = run("emulator", "--port", "0", "--host", "192.0.2.1")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("pulumi-joviam: cannot listen on 192.0.2.1:0: ")


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"), [("typer", ["console", "web"], "cli"), ("fastapi", ["emulator"], "emulator")]
)
def test_a_missing_extra(tmp_path: Path, missing: str, arguments: list[str], extra: str) -> None:
    """Without a package of an extra, the message names the extra."""
    (tmp_path / f"{missing}.py").write_text(f"raise ModuleNotFoundError('no {missing}', name={missing!r})\n")
    done = run(*arguments, PYTHONPATH=str(tmp_path))
    assert (done.status, done.out) == (1, "")
    assert missing in done.err
    assert f"pip install 'pulumi-joviam[{extra}]'" in done.err

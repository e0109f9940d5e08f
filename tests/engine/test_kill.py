"""The CLI or its plugin is killed during an `up`, with and without checkpoints. More: `python -m tests.kill`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic import CreateResult, ResourceProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider  # pyright: ignore[reportUnknownVariableType] # partly untyped
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_joviam.emulator import Emulator
from tests import miniature
from tests.conftest import ROOT
from tests.doors import DYNAMIC, Door
from tests.kill import ended, kill, recover, thirty
from tests.stack import Run, Spec, Stack

WANTED = {"size": 5, "performance_tier": "Fast", "region": "SY3", "name": "d"}


@pytest.fixture
def stack(stack: Stack) -> Stack:
    """Start all processes without the fork server, because the tests kill them and search for them."""
    stack.plain_python()
    return stack


@pytest.mark.both_doors
@pytest.mark.parametrize(("who", "skip"), [("cli", "true"), ("plugin", "")])
def test_objects_being_created_are_adopted(stack: Stack, who: Literal["cli", "plugin"], skip: str) -> None:
    stack.environ["PULUMI_SKIP_CHECKPOINTS"] = skip
    stack.program(thirty())
    created = kill(stack, who, lambda: sum(stack.cloud.count().values()) >= 12)
    assert created >= 12
    assert recover(stack) == ""


def kill_with(stack: Stack, program: Spec) -> None:
    """Kill an `up` as soon as all disks of its program exist, and let the cloud finish them."""
    stack.cloud.configure(provision_seconds=5.0)
    stack.program(program)
    kill(stack, "cli", lambda: stack.cloud.count()["disks"] == len(program))
    assert ended(stack)
    stack.pulumi("cancel", "--yes")
    stack.cloud.configure(provision_seconds=0.1)


def journal_warnings(run: Run) -> list[str]:
    """Return the warnings about earlier runs at the end of a run."""
    return [message for name, message in run.warnings if not name and message.startswith("an interrupted")]


def test_orphans_that_the_program_no_longer_names_are_reported(stack: Stack) -> None:
    """`up` adopts what the program names, and lists the ids of the others, to be deleted by hand."""
    disks: Spec = {name: {"kind": "Disk", "size": 5, "performance_tier": "Fast"} for name in ("one", "two")}
    kill_with(stack, disks)
    [before] = journal_warnings(stack.preview())
    assert "The next `pulumi up` continues with that." in before
    assert "by hand" not in before
    stack.program({"one": disks["one"]})
    (stack.folder / "link").symlink_to("state")
    stack.environ["PULUMI_BACKEND_URL"] = "file://../link/"  # the same backend, by another path
    [after] = journal_warnings(stack.up())
    [orphan] = {it["id"] for it in stack.cloud.objects("disks")} - {stack.resources()["one"]["id"]}
    [file] = (stack.folder / "home" / "joviam").rglob("*.jsonl")
    assert after.startswith(f"an interrupted or failed run created {orphan} (two), which")
    assert after.endswith(f"adopts nor deletes, and then {file}.\n")


def test_orphans_of_a_renamed_stack_are_reported(stack: Stack) -> None:
    kill_with(stack, {"one": {"kind": "Disk", "size": 5, "performance_tier": "Fast"}})
    [orphan] = stack.cloud.objects("disks")
    stack.pulumi("stack", "rename", "new")
    stack.environ["PULUMI_STACK"] = "new"
    [warning] = journal_warnings(stack.up())
    assert warning.startswith(
        f"an interrupted or failed run of the stack dev, which no longer exists, created {orphan['id']} (one)."
    )


@pytest.mark.parametrize("received", [True, False], ids=["in the state", "lost"])
def test_a_partial_failure_stays_in_the_journal_until_it_is_in_the_state(
    cloud: Emulator, door: Door, tmp_path: Path, received: bool
) -> None:
    """It outlives its run, because the engine may not have received the response."""
    cloud.fail("GET /disks/{disk_id}/state", status=403, times=5)
    news, urn = properties(door, **WANTED), f"urn:pulumi:dev::shop::{door.token('Disk')}::d"
    with miniature.plugin(cloud, tmp_path, door) as first:
        with pytest.raises(grpc.RpcError):
            first.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=news))
        first.stub.Cancel(Empty())
    [disk] = cloud.objects("disks")
    [file] = tmp_path.rglob("*.jsonl")
    cloud.change(disk["id"], state="unattached")
    with miniature.plugin(cloud, tmp_path, door) as second:
        second.stub.Check(provider_pb2.CheckRequest(urn=urn, olds=news, news=news))
        if received:
            second.stub.Diff(provider_pb2.DiffRequest(urn=urn, id=disk["id"], olds=news, news=news))
        else:
            made = second.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=news))
            assert made.id == disk["id"]
            assert any("adopted the disk" in message for message in second.warnings())
        second.stub.Cancel(Empty())
        assert second.warnings() == []
    assert not file.exists()
    assert len(cloud.objects("disks")) == 1


def test_an_undelivered_response_stays_in_the_journal(cloud: Emulator, door: Door, tmp_path: Path) -> None:
    """A huge error of another provider may break the connection while the engine lives."""
    news, urn = properties(door, **WANTED), f"urn:pulumi:dev::shop::{door.token('Disk')}::d"
    with miniature.plugin(cloud, tmp_path, door) as plugin:
        call = plugin.stub.Create.future(provider_pb2.CreateRequest(urn=urn, properties=news))
        while not cloud.objects("disks"):
            time.sleep(0.01)
        call.cancel()
        [disk] = cloud.objects("disks")
        while cloud.requests[-1].operation != "GET /disks/{disk_id}":  # the last request of the step
            time.sleep(0.01)
        text, until = "", time.monotonic() + 30
        while '"ended": true' not in text and time.monotonic() < until:
            plugin.stub.Cancel(Empty())  # ends the run as soon as the step has ended
            text = "".join(file.read_text() for file in tmp_path.rglob("*.jsonl"))
            time.sleep(0.05)
    assert f'"id": "{disk["id"]}", "ended": true' in text


class Slow(ResourceProvider):
    """A provider of another package in our plugin process."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Write a file slowly."""
        Path(props["file"]).write_text("begun")
        time.sleep(1.5)
        Path(props["file"]).write_text("made")
        return CreateResult("id", {})


@contextmanager
def plugin(folder: Path, engine: socket.socket, door: Door) -> Generator[tuple[subprocess.Popen[str], Any], None, None]:
    """Run a plugin with one of our providers configured; yield the process and a gRPC stub."""
    command = [sys.executable, "-u", "-m", door.module, f"127.0.0.1:{engine.getsockname()[1]}"]
    environ = {**os.environ, "JOVIAM_TOKEN": "t", "PULUMI_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest())
                urn = f"urn:pulumi:dev::shop::{door.token('Disk')}::d"
                stub.Check(provider_pb2.CheckRequest(urn=urn, olds=Struct(), news=properties(door, size=5)))
                yield process, stub
        finally:
            process.kill()


def properties(door: Door, **said: Any) -> Struct:
    made = Struct()
    made.update(door.outward("Disk", said))
    return made


def test_a_plugin_exits_after_its_engine(door: Door, tmp_path: Path) -> None:
    """This holds even if the engine was killed before the plugin connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as engine, plugin(tmp_path, engine, door) as (process, _):
        engine.close()  # it has listened, but never answered
        assert process.wait(30) == 1


def test_a_plugin_exits_even_if_the_port_of_its_engine_closes_late(door: Door, tmp_path: Path) -> None:
    """A killed engine may lose its connections before its port."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    behind = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with socket.create_server(("127.0.0.1", 0)) as engine, plugin(tmp_path, engine, door) as (process, _):
        ours, theirs = _connected(engine, behind)
        for end in (ours, theirs):
            end.shutdown(socket.SHUT_RDWR)
            end.close()
        engine.accept()[0].close()  # the plugin checks whether the engine still listens
        engine.close()
        assert process.wait(30) == 1
    server.stop(None)


def _connected(engine: socket.socket, behind: int) -> tuple[socket.socket, socket.socket]:
    """Forward the data between a plugin and its engine, on the first connection on which both send some."""
    while True:
        ours = engine.accept()[0]
        if not ours.recv(1, socket.MSG_PEEK):  # it only checked whether the port is open
            ours.close()
            continue
        theirs = socket.create_connection(("127.0.0.1", behind))
        answered = threading.Event()
        threading.Thread(target=_forward, args=(ours, theirs, threading.Event()), daemon=True).start()
        threading.Thread(target=_forward, args=(theirs, ours, answered), daemon=True).start()
        assert answered.wait(30)
        return ours, theirs


def _forward(source: socket.socket, to: socket.socket, begun: threading.Event) -> None:
    try:
        while data := source.recv(65536):
            to.sendall(data)
            begun.set()
    except OSError:
        return


def test_a_plugin_exits_only_after_the_steps_of_other_providers(tmp_path: Path) -> None:
    """It does not interrupt their create calls."""
    file, inputs = tmp_path / "file", Struct()
    inputs.update({"file": str(file), PROVIDER_KEY: serialize_provider(Slow())})
    with socket.create_server(("127.0.0.1", 0)) as engine, plugin(tmp_path, engine, DYNAMIC) as (process, stub):
        call = stub.Create.future(provider_pb2.CreateRequest(urn="urn", properties=inputs))
        while not file.exists() and not call.done():
            time.sleep(0.01)
        engine.close()
        assert process.wait(60) == 1
        assert file.read_text() == "made"

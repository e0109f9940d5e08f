"""The CLI or its plugin dies in the middle of an `up`, with and without checkpoints. More: `python -m tests.kill`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_joviam.resources.disk import DiskProvider
from tests.kill import PLUGIN, kill, recover, thirty, until_ended
from tests.stack import Spec, Stack


@pytest.mark.parametrize(("who", "skip"), [("cli", "true"), ("plugin", "")])
def test_what_was_under_way_is_taken_over(stack: Stack, who: Literal["cli", "plugin"], skip: str) -> None:
    stack.environ["PULUMI_SKIP_CHECKPOINTS"] = skip
    stack.program(thirty())
    there = kill(stack, who, lambda: sum(stack.cloud.count().values()) >= 12)
    assert there >= 12
    assert recover(stack) == ""


def test_what_the_program_names_no_more_is_named(stack: Stack) -> None:
    """An object that no `up` takes over is told with its id, so that somebody can delete it."""
    disks: Spec = {name: {"kind": "Disk", "size": 5, "performance_tier": "Fast"} for name in ("one", "two")}
    stack.cloud.configure(provision_seconds=5.0)
    stack.program(disks)
    kill(stack, "cli", lambda: stack.cloud.count()["disks"] == 2)
    until_ended(stack, PLUGIN)
    stack.pulumi("cancel", "--yes")
    stack.cloud.configure(provision_seconds=0.1)
    stack.program({"one": disks["one"]})
    told = " ".join(message for _, message in stack.up().warnings)
    [orphan] = {it["id"] for it in stack.cloud.objects("disks")} - {stack.resources()["one"]["id"]}
    assert f"{orphan} (two)" in told


def test_a_plugin_whose_engine_is_gone_ends(tmp_path: Path) -> None:
    """It ends also where the engine was killed before the plugin had ever spoken to it."""
    said = Struct()
    said.update({"__provider": serialize_provider(DiskProvider()), "size": 5})
    with socket.create_server(("127.0.0.1", 0)) as engine:  # listens, and says nothing
        command = [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{engine.getsockname()[1]}"]
        environ = {**os.environ, "JOVIAM_TOKEN": "t"}
        plugin = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True)
        assert plugin.stdout
        with grpc.insecure_channel(f"127.0.0.1:{plugin.stdout.readline().strip()}") as channel:
            stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Configure(provider_pb2.ConfigureRequest())
            stub.Check(provider_pb2.CheckRequest(urn="urn:pulumi:dev::shop::Disk::d", olds=Struct(), news=said))
    try:
        assert plugin.wait(30) == 1
    finally:
        plugin.kill()
        plugin.stdout.close()

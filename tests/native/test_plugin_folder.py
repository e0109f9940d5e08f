"""The folder plugin/, from which Pulumi installs and starts the native plugin in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import grpc
import yaml
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_joviam.native import schema
from tests.conftest import ROOT

FOLDER = ROOT / "plugin"


def test_it_says_what_it_installs() -> None:
    """The name is that of the schema, and the package is the one of the same version."""
    assert yaml.safe_load((FOLDER / "PulumiPlugin.yaml").read_text())["name"] == schema.PACKAGE
    assert (FOLDER / "requirements.txt").read_text() == f"pulumi-joviam=={version('pulumi-joviam')}\n"


def test_it_starts_as_a_folder_and_ends_with_the_engine() -> None:
    """Pulumi starts the folder and calls it at the port that it prints. Some commands end without a last call."""
    engine = grpc.server(ThreadPoolExecutor(1))
    address = f"127.0.0.1:{engine.add_insecure_port('127.0.0.1:0')}"
    engine.start()
    with subprocess.Popen([sys.executable, FOLDER, address], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        port = int(running.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
            found = stub.GetPluginInfo(Empty(), timeout=30)
        engine.stop(None)
        try:
            running.wait(60)
        finally:
            running.kill()
    assert found.version == version("pulumi-joviam")

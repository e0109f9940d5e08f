"""The folder plugin/, from which Pulumi installs and starts the native plugin in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
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


def test_it_starts_as_a_folder() -> None:
    """Pulumi starts the folder, waits for the line with its port, and calls it there."""
    with subprocess.Popen([sys.executable, FOLDER, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        port = int(running.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
            found = stub.GetPluginInfo(Empty(), timeout=30)
        running.terminate()
    assert found.version == version("pulumi-joviam")

"""Start-up: the time that a program and the plugin need before anything happens."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from typing_extensions import override

from bench import naive, nothing
from bench.report import NAIVE, NOTHING, OURS, Findings, Limit, Row, Sample, alternate
from bench.stacks import MODULES, Lab
from pulumi_joviam.resources.disk import DiskProvider

KINDS = ("Disk", "Instance", "IpAddress", "Network", "PublicKey")
"""The classes that a typical program uses: loading them takes as long as the import itself."""


def imports(lab: Lab) -> Findings:
    """Import the package and use five of its classes, in a new process."""
    alone = {name: f"import pulumi, {MODULES[name]}" for name in (OURS, NAIVE)}
    used = {
        name: f"import pulumi, {MODULES[name]} as joviam; {', '.join(f'joviam.{kind}' for kind in KINDS)}"
        for name in (OURS, NAIVE)
    }

    def of(code: str) -> dict[str, Sample]:
        seconds = lab.measure([sys.executable, "-c", code]).value
        return {"import": Sample(1000 * seconds, unit="ms")}

    def compared(codes: dict[str, str]) -> dict[str, Sample]:
        codes = {NOTHING: "import pulumi", **codes}
        for code in codes.values():  # the first run writes bytecode
            of(code)
        contest = {name: partial(of, code) for name, code in codes.items()}
        return alternate(5 if lab.quick else 31, contest)["import"]

    imported, using = compared(alone), compared(used)
    what = f"import and use of {len(KINDS)} classes"
    return Findings(
        [
            Row("import, new process (engine alone: `import pulumi`)", imported),
            Row(f"{what}, new process (engine alone: `import pulumi`)", using),
        ],
        [Limit("import: over `import pulumi`", imported[OURS].value - imported[NOTHING].value, 60, "ms")],
        [
            f"Classes are loaded at first use: {what} takes {using[OURS].value - using[NOTHING].value:.0f} ms beyond "
            f"`import pulumi`, by package (`-X importtime`): {_breakdown(lab, used[OURS])}"
        ],
    )


def _breakdown(lab: Lab, code: str) -> str:
    known = _import_times(lab, "import pulumi")
    packages = Counter[str]()
    for module, seconds in _import_times(lab, code).items():
        if module not in known:
            packages[module.split(".")[0]] += seconds
    most = [f"{name} {value / 1000:.1f} ms" for name, value in packages.most_common(8)]
    return f"{', '.join(most)}; all {packages.total() / 1000:.1f} ms."


def _import_times(lab: Lab, code: str) -> dict[str, int]:
    """Return {module: microseconds for its own code}."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], env=lab.environ, capture_output=True, text=True, check=True
    )
    lines = re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", done.stderr, re.MULTILINE)
    return {module: int(own) for own, module in lines}


_number = count()


def plugin(lab: Lab) -> Findings:
    """Time from the start of the plugin to its first response, and to its first disk."""
    lab.cloud.prepare()
    providers = {NOTHING: nothing.DiskProvider(), OURS: DiskProvider(), NAIVE: naive.DiskProvider()}
    for provider in providers.values():  # the first run writes bytecode
        _start(lab, provider)
    found = alternate(3 if lab.quick else 11, {name: partial(_start, lab, it) for name, it in providers.items()})
    return Findings([Row(f"plugin, from its start to {what}", found[what]) for what in found])


def _start(lab: Lab, provider: ResourceProvider) -> dict[str, Sample]:
    """Start a plugin as the engine does, and let it check and create a disk."""
    name = f"data-{next(_number)}"  # the journal would let ours adopt a disk that an earlier start has created
    disk = {"name": name, "size": 10, "performance_tier": "Standard", "region": "SY3"}
    props = _struct(disk | {"__provider": serialize_provider(provider)})
    urn = f"urn:pulumi:dev::bench::pulumi-python:dynamic/joviam:Disk::{name}"
    found: dict[str, Sample] = {}
    lab.cloud.requests()
    began = time.perf_counter()

    def reached(what: str) -> None:
        found[what] = Sample(time.perf_counter() - began, lab.cloud.requests())

    with (
        _engine() as engine,
        subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi.dynamic", engine],
            cwd=lab.folder,
            env=lab.environ,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(args=_struct({})))
                checked = stub.Check(provider_pb2.CheckRequest(urn=urn, olds=_struct({}), news=props))
                reached("its first response")
                stub.Create(provider_pb2.CreateRequest(urn=urn, properties=checked.inputs))
                reached("its first disk")
        finally:
            process.kill()
    return found


class _Engine(engine_pb2_grpc.EngineServicer):
    """The part of the engine that a plugin calls: the log."""

    @override
    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Empty()


@contextmanager
def _engine() -> Iterator[str]:
    """Serve the engine's log. Returns its address."""
    server = grpc.server(ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


def _struct(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made

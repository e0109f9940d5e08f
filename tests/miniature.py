"""A miniature of Pulumi's engine, as a provider sees it: thousands of runs in the time of one CLI call.

It calls the real plugin of either door, a separate process, over gRPC, one step at a time: check, diff, create,
update, replace, delete, read, partial failures. test_miniature.py compares it with the real engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

import pulumi_joviam as joviam
from pulumi_joviam.emulator import Emulator
from tests.doors import DYNAMIC, Door
from tests.stack import Spec

# the long timeouts are for real networks: on one machine, a response that takes a second never arrives
LAUNCHER = """
import dataclasses, runpy, sys
from pulumi_joviam.api import catalog, settings
from pulumi_joviam.api.pace import Pace
pace = Pace(silence=1.0, longest_retry=0.5, late_create=1.0, longest_search=0.5, step=6.0, power_seen=2.0,
            reads_fresh=0.0)
load = settings.Settings.load
settings.Settings.load = lambda *said: dataclasses.replace(load(*said), pace=pace)
# one process serves many commands here, and each must read the current objects
catalog.Catalog.listed = lambda self, model, path: self._client.list(model, path)
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.said: list[Any] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name of the RPC
        self.said.append(request)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """The process of the plugin, and its log messages."""

    stub: Any
    engine: _Engine
    door: Door

    def warnings(self) -> list[str]:
        """Return the warnings since the last call."""
        said, self.engine.said = self.engine.said, []
        warnings = [it.message for it in said if not it.ephemeral]
        assert all(map(self.door.is_spelled_right, warnings)), warnings
        return list(map(self.door.text, warnings))


@contextmanager
def plugin(cloud: Emulator, home: Path, door: Door = DYNAMIC) -> Generator[Plugin, None, None]:
    """Run a plugin with the configuration of an account."""
    engine = _Engine()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", LAUNCHER, door.module, address],
        stdout=subprocess.PIPE,
        env={**os.environ, "PULUMI_HOME": str(home)},
        text=True,
    )
    assert process.stdout
    try:
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
            config = {"token": cloud.token, "endpoint": cloud.url, "region": "SY3"}
            stub.Configure(
                provider_pb2.ConfigureRequest(args=_struct({door.setting(it): value for it, value in config.items()}))
            )
            yield Plugin(stub, engine, door)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
        server.stop(0).wait()


@dataclass
class Held:
    """The state of one resource."""

    kind: str
    id: str
    inputs: Any
    outputs: Any
    failed: bool = False
    """The last step ended as a partial failure."""
    doomed: bool = False
    """It was replaced, and must still be deleted."""


@dataclass
class Run:
    """The result of a command. ``error`` is the message of the failed step, or ""."""

    steps: dict[str, str] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    """{resource: the arguments that a preview lists}."""
    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """{resource with a step: its known outputs in a preview}."""
    error: str = ""


class StepFailed(Exception):
    """A step failed with a message for the user."""


class Miniature:
    """One stack with the miniature engine. ``program`` is a `tests.stack.Spec`."""

    def __init__(self, plugin: Plugin, name: str) -> None:
        self.plugin = plugin
        self.door = plugin.door
        self.name = name
        self.state: dict[str, Held] = {}
        self.doomed: list[tuple[str, Held]] = []

    def preview(self, program: Spec) -> Run:
        return self._run(lambda run: self._deploy(run, program, dry=True))

    def up(self, program: Spec) -> Run:
        return self._run(lambda run: self._deploy(run, program, dry=False))

    def destroy(self) -> Run:
        return self._run(lambda run: self._deploy(run, {}, dry=False))

    def refresh(self) -> Run:
        """Read everything. A step is how an object differs from the state: "update" or "delete"."""
        return self._run(self._read_all)

    def _run(self, command: Callable[[Run], object]) -> Run:
        run = Run()
        try:
            command(run)
        except StepFailed as failed:
            run.error = str(failed)
        return run

    def _deploy(self, run: Run, program: Spec, dry: bool) -> None:
        early: set[str] = set()
        """Resources that were deleted first, because a dependency had to be replaced."""
        for name, said in program.items():
            held = self.state.get(name)
            checked = self._wanted(name, said, run.shown)
            step = self._step(name, held, checked, said)
            if step == "replace-first" and not dry:
                early |= self._delete_dependents(name, program)
            if step != "same":
                run.steps[name] = "replace" if name in early else step.removesuffix("-first")
            if held and step == "update":
                run.named[name] = self._named(held, checked)
            if dry and step != "same":
                run.shown[name] = self._shown(step, name, held, checked, said)
            if not dry:
                self._take(step, name, held, checked, said)
                self.state[name] = self.state.pop(name)
        # in the engine's state, the resources that it has not reached come first, then those of the program
        for name in [name for name in reversed(self.state) if name not in program]:
            run.steps[name] = "delete"
            if not dry:
                self._delete(name, self.state[name])
                del self.state[name]
        while self.doomed and not dry:
            self._delete(*self.doomed[-1])
            self.doomed.pop()

    def _wanted(self, name: str, said: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return the checked inputs of a resource. ``shown`` are the known outputs of others in this preview."""
        wanted = {key: self._value(it, shown) for key, it in said.items() if key not in ("kind", "opts")}
        held = self.state.get(name)
        before = self.values(held.kind, held.inputs) if held else {}
        wanted |= {field: before.get(field) for field in said.get("opts", {}).get("ignore_changes", ()) if held}
        return self._checked(name, said["kind"], held, wanted)

    def _shown(self, step: str, name: str, held: Held | None, checked: Any, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a preview knows of the outputs after a step."""
        kind = said["kind"]
        if self.door is DYNAMIC:  # whose plugin does not answer in previews: what a program itself knows
            lifecycle, inputs = getattr(joviam, kind)._lifecycle(), self.values(kind, checked)
            known = {
                it: value for it, value in inputs.items() if it not in lifecycle.outputs and not _has_unknown(value)
            }
            known |= lifecycle.foreseen({it: value for it, value in inputs.items() if not _has_unknown(value)})
        elif held and step == "update":
            update = provider_pb2.UpdateRequest(**self._change(name, held, checked, said), preview=True)
            known = self._known(kind, self._call("Update", update))
        else:
            create = provider_pb2.CreateRequest(**self._of(name, kind), properties=checked, preview=True)
            known = self._known(kind, self._call("Create", create))
        return known | ({"id": held.id} if held and step == "update" else {})

    def _known(self, kind: str, answer: Any) -> dict[str, Any]:
        return {key: it for key, it in self.values(kind, answer.properties).items() if not _has_unknown(it)}

    def _delete_dependents(self, name: str, program: Spec) -> set[str]:
        """Delete the dependents that must be replaced with a resource, the last one first. Return their names."""
        later = [other for other in program if other != name and f"'ref': '{name}." in str(program[other])]
        deleted: set[str] = set()
        for other in reversed(later):
            held = self.state.get(other)
            checked = self._wanted(other, program[other], {name: {}}) if held else None
            if held and self._step(other, held, checked, program[other]).startswith("replace"):
                deleted |= self._delete_dependents(other, program) | {other}
                self._delete(other, held)
                del self.state[other]
        return deleted

    def _step(self, name: str, held: Held | None, checked: Any, said: Mapping[str, Any]) -> str:
        if held is None:
            return "create"
        request = provider_pb2.DiffRequest(**self._change(name, held, checked, said))
        diff = self._call("Diff", request)
        if diff.replaces:
            return "replace" + ("-first" if diff.deleteBeforeReplace else "")
        changed = diff.changes == provider_pb2.DiffResponse.DIFF_SOME
        if diff.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN:
            changed = _plain(held.inputs) != _plain(checked)
        return "update" if changed or held.failed else "same"

    def _take(self, step: str, name: str, held: Held | None, checked: Any, said: Mapping[str, Any]) -> None:
        kind = said["kind"]
        if step == "same" and held:
            held.inputs = checked
        elif step == "update" and held:
            request = provider_pb2.UpdateRequest(**self._change(name, held, checked, said))
            self._keep(name, kind, "Update", request, checked, held)
        else:
            if held and step == "replace-first":
                self._delete(name, held)
                del self.state[name]
            elif held:
                # the old object stays in the state until the end of the run
                self.doomed.append((name, held))
            properties = provider_pb2.CreateRequest(**self._of(name, kind), properties=checked)
            try:
                self._keep(name, kind, "Create", properties, checked, None)
            except StepFailed:
                if held and (name, held) in self.doomed and self.state.get(name) is held:
                    self.doomed.remove((name, held))
                raise

    def _keep(self, name: str, kind: str, method: str, request: Any, inputs: Any, held: Held | None) -> None:
        """Take a step and store the result in the state, even if it failed half-way."""
        try:
            answer = getattr(self.plugin.stub, method)(request)
        except grpc.RpcError as error:
            status, half = _details(error)
            if half:
                self.state[name] = Held(kind, half.id, inputs, half.properties, failed=True)
            raise StepFailed(self._text(status)) from None
        id = held.id if held else answer.id
        self.state[name] = Held(kind, id, inputs, answer.properties)

    def _delete(self, name: str, held: Held) -> None:
        self._call(
            "Delete", provider_pb2.DeleteRequest(**self._of(name, held.kind), id=held.id, properties=held.outputs)
        )

    def _read_all(self, run: Run) -> None:
        for name, held in list(self.state.items()):
            request = provider_pb2.ReadRequest(
                **self._of(name, held.kind), id=held.id, properties=held.outputs, inputs=held.inputs
            )
            answer = self._call("Read", request)
            if not answer.id:
                run.steps[name] = "delete"
                del self.state[name]
            elif _plain(held.outputs) != _plain(answer.properties):
                run.steps[name] = "update"
            if answer.id:
                inputs = answer.inputs if answer.HasField("inputs") else held.inputs
                self.state[name] = Held(held.kind, answer.id, inputs, answer.properties)

    def _checked(self, name: str, kind: str, held: Held | None, wanted: Mapping[str, Any]) -> Any:
        news = _struct(self.door.outward(kind, wanted))
        request = provider_pb2.CheckRequest(**self._of(name, kind), olds=held.inputs if held else None, news=news)
        answer = self._call("Check", request)
        if answer.failures:
            assert not any(it.property for it in answer.failures), "the engine would print the value of a property"
            raise StepFailed(self._text("; ".join(f"{name}: {it.reason}" for it in answer.failures)))
        return answer.inputs

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.plugin.stub, method)(request)
        except grpc.RpcError as error:
            raise StepFailed(self._text(_details(error)[0])) from None

    def _text(self, message: str) -> str:
        assert self.door.is_spelled_right(message), message
        return self.door.text(message)

    def _change(self, name: str, held: Held, checked: Any, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that the requests Diff and Update share."""
        given = self._of(name, held.kind) | {"id": held.id, "olds": held.outputs, "old_inputs": held.inputs}
        # this engine only supports whole arguments
        ignored = map(self.door.spelled, said.get("opts", {}).get("ignore_changes", ()))
        return given | {"news": checked, "ignoreChanges": list(ignored)}

    def _of(self, name: str, kind: str) -> dict[str, Any]:
        type_ = self.door.token(kind)
        return {"urn": f"urn:pulumi:{self.name}::miniature::{type_}::{name}", "name": name, "type": type_}

    def outputs(self, name: str) -> dict[str, Any]:
        """Return the id and the outputs of a resource in the state."""
        held = self.state[name]
        return {**self.values(held.kind, held.outputs), "id": held.id}

    def values(self, kind: str, struct: Any) -> dict[str, Any]:
        """Return values of a message with the names of a program."""
        return self.door.inward(kind, _plain(struct))

    def _value(self, said: Any, shown: Mapping[str, Mapping[str, Any]]) -> Any:
        if isinstance(said, list):
            items = cast(Sequence[Any], said)
            return [self._value(it, shown) for it in items]
        if not isinstance(said, dict):
            return said
        parts = cast(dict[str, Any], said)
        if set(parts) == {"ref"}:
            name, output = parts["ref"].split(".")
            value = shown[name].get(output, rpc.UNKNOWN) if name in shown else self.outputs(name)[output]
            return None if value == "" else value  # as a program reads it
        if set(parts) == {"after", "say"}:
            later = "id" not in shown.get(parts["after"], {"id": ""})
            return rpc.UNKNOWN if later else self._value(parts["say"], shown)
        return {key: self._value(it, shown) for key, it in parts.items()}

    def _named(self, held: Held, checked: Any) -> set[str]:
        """Return the arguments that differ from the earlier inputs or the live values; after a failed step, all."""
        wanted, live, said = (self.values(held.kind, it) for it in (checked, held.outputs, held.inputs))
        fields = {*wanted, *said}
        return fields if held.failed else {it for it in fields if not wanted.get(it) == live.get(it) == said.get(it)}


def _has_unknown(value: Any) -> bool:
    return rpc.UNKNOWN in str(value)


def _struct(values: Mapping[str, Any]) -> Any:
    made = Struct()
    made.update({key: value for key, value in values.items() if value is not None})
    return made


def _plain(struct: Any) -> dict[str, Any]:
    """Return the values to compare. Like the engine, include the hidden ones."""
    plain: dict[str, Any] = json.loads(json.dumps(MessageToDict(struct), sort_keys=True))
    return plain


def _details(error: Any) -> tuple[str, Any]:
    """Return the message of an error, and the details of a partial failure."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            for detail in status.details:
                half = provider_pb2.ErrorResourceInitFailed()
                if detail.Unpack(half):
                    return "\n".join(half.reasons), half  # as the engine shows it
            return status.message, None
    return f"{error.code()}: {error.details()}", None

"""The native plugin: it passes the gRPC requests of the engine to the lifecycles, and returns their results.

One process serves one account. Each call has its own thread and ends when its lifecycle is done, as in Pulumi's plugin
for dynamic providers. The methods have the names of the gRPC protocol.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.known_types import is_unknown
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_joviam.api.errors import ArgumentError, JoviamError
from pulumi_joviam.api.models import Model
from pulumi_joviam.lifecycle.arguments import Value
from pulumi_joviam.lifecycle.call import Call, Reported, cancel, connect, end_with_engine, serving
from pulumi_joviam.lifecycle.names import Shape, camel, shapes
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.lifecycle.state import PREFIX
from pulumi_joviam.lookups.query import ask, find_all, find_one
from pulumi_joviam.native import schema

WORKERS = 1000
"""Maximum number of concurrent calls, higher than any `--parallel`. Threads are started on demand."""

LONGEST_MESSAGE = 400 * 1024 * 1024
"""The engine's own limit."""

_DIFF = provider_pb2.DiffResponse
_DETAIL = provider_pb2.PropertyDiff


class Kind:
    """One kind of resource: its lifecycle, and the engine's names of its arguments and outputs."""

    def __init__(self, resource: type[Resource], config: Callable[[str], Any]) -> None:
        self.names: Shape = schema.names(resource)
        self.lifecycle: Lifecycle[Any, Any] = resource._lifecycle()
        self.lifecycle.begin(config)
        self._numbers = {name for name, hint in resource._declaration.types.items() if hint == int | None}

    def in_state(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return outputs with the names in the state. Hidden keys have the same names everywhere.

        A text that is None is stored as "", because a missing output is unknown in every preview. A number is left out.
        """
        hidden = {name: value for name, value in outputs.items() if name.startswith(PREFIX)}
        missing = {name for name in self._numbers if outputs.get(name) == ""}
        shown = {name: value for name, value in outputs.items() if name not in missing | hidden.keys()}
        return {**self.names.outward(shown), **hidden}

    def secret(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values with secrets marked, for objects that no program has declared."""
        bare = {name for name in self.lifecycle.secret if name in values and not rpc.is_rpc_secret(values[name])}
        return {**values, **{name: rpc.wrap_rpc_secret(values[name]) for name in bare}}


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one account."""

    def __init__(self) -> None:
        self._config: dict[str, Any] = {}
        self._kinds: dict[str, Kind] = {}
        self._lock = threading.Lock()

    # -- about the plugin --

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=schema.version())

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.GetSchemaResponse(schema=schema.schema())

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        _meet(request.address)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        cancel()
        return empty_pb2.Empty()

    # -- the account --

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        olds, news = _read(request.old_inputs), _read(request.news)
        changed = sorted(key for key in {*olds, *news} - {"version"} if olds.get(key) != news.get(key))
        return _DIFF(changes=_DIFF.DIFF_SOME if changed else _DIFF.DIFF_NONE, diffs=changed)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        settings = _read(request.args)
        if isinstance(width := settings.get("maxConcurrency"), float):
            settings["maxConcurrency"] = f"{width:g}"
        self._config |= {f"{schema.PACKAGE}:{key}": value for key, value in settings.items()}
        if request.name and not request.name.startswith("default"):
            self._config["joviam-provider:tokenSource"] = f'the Provider "{request.name}"'
        # the engine itself marks secrets by name
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    # -- resources --

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._serving(request, context) as kind:
            found = kind.lifecycle.check(_read(request.olds), kind.names.inward(_read(request.news)))
            failures = [
                provider_pb2.CheckFailure(property=it.property, reason=kind.names.text(it.reason))
                for it in found.failures
            ]
            return provider_pb2.CheckResponse(inputs=_write(kind.names.outward(found.inputs)), failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._serving(request, context) as kind:
            olds, news = _read(request.olds), _read(request.news)
            found = kind.lifecycle.difference(request.id, olds, kind.names.inward(news))
            detail = {
                name: _detail(step == "replace", name in olds, name in news)
                for name, step in zip(map(camel, found.steps), found.steps.values(), strict=True)
            }
            return _DIFF(
                changes=_DIFF.DIFF_SOME if found.changes else _DIFF.DIFF_NONE,
                replaces=list(map(camel, found.replaces)),
                deleteBeforeReplace=found.deletes_first,
                diffs=list(detail),
                detailedDiff=detail,
                hasDetailedDiff=True,
            )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._serving(request, context) as kind:
            inputs = kind.names.inward(_read(request.properties))
            if request.preview:
                id, outputs = "", kind.lifecycle.create_preview(inputs)
            else:
                made = kind.lifecycle.create(inputs)
                id, outputs = made.id, made.outs or {}
            return provider_pb2.CreateResponse(id=id, properties=_write(kind.in_state(outputs)))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._serving(request, context) as kind:
            olds, news = _read(request.olds), kind.names.inward(_read(request.news))
            if request.preview:
                outputs = kind.lifecycle.update_preview(olds, news)
            else:
                outputs = kind.lifecycle.update(request.id, olds, news).outs or {}
            return provider_pb2.UpdateResponse(properties=_write(kind.in_state(outputs)))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        managed = bool(request.inputs.fields)
        with self._serving(request, context) as kind:
            found = kind.lifecycle.read_as_program(request.id, _read(request.properties))
            if not found.id:
                return provider_pb2.ReadResponse()
            outputs, inputs = found.outs or {}, found.inputs or {}
            if not managed:
                outputs, inputs = kind.secret(outputs), kind.secret(inputs)
            return provider_pb2.ReadResponse(
                id=found.id, properties=_write(kind.in_state(outputs)), inputs=_write(kind.names.outward(inputs))
            )

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._serving(request, context) as kind:
            kind.lifecycle.delete(request.id, _read(request.properties))
            return empty_pb2.Empty()

    # -- look-ups --

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.tok not in schema.lookups():
            context.abort(grpc.StatusCode.NOT_FOUND, f"there is no function {request.tok}")
        lookup = schema.lookups()[request.tok]
        parameters, (model, several) = schema.parameters(lookup), schema.found(lookup)
        given = shapes(parameters).inward(_read(request.args))
        try:
            for name in given.keys() - parameters.keys():
                raise ArgumentError(name, "is not an argument")
            how: Callable[..., Any] = find_all if several else find_one
            found = ask(self._config.get, how, model, {**dict.fromkeys(parameters), **given})
        except JoviamError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        answer = {schema.ITEMS: _result(found)} if several else _result(found)
        response: Any = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(_write(answer))
        return response

    # -- helpers --

    def _kind(self, token: str) -> Kind:
        with self._lock:
            if token not in self._kinds:
                self._kinds[token] = Kind(schema.resources()[token], self._config.get)
            return self._kinds[token]

    @contextlib.contextmanager
    def _serving(self, request: Any, context: grpc.ServicerContext) -> Generator[Kind]:
        """Serve a request with the lifecycle of its kind."""
        kind = self._kind(request.urn.split("::", 3)[2].rpartition("$")[2])
        call = Call.read(request, context, in_state=kind.in_state, in_words=kind.names.text)
        with serving(replace(call, ignored=tuple(map(kind.names.ours, call.ignored)))):
            try:
                yield kind
            except Reported as reported:
                context.abort(grpc.StatusCode.UNKNOWN, str(reported))


def _detail(replaces: bool, in_state: bool, in_program: bool) -> Any:
    """Return the entry of the detailed diff: the old value is the one in the state."""
    kind = "UPDATE" if in_state == in_program else "DELETE" if in_state else "ADD"
    return _DETAIL(kind=_DETAIL.Kind.Value(f"{kind}_REPLACE" if replaces else kind), inputDiff=False)


def _result(found: Model | Value) -> Any:
    """Return the result of a look-up."""
    if isinstance(found, Model):
        values = {name: getattr(found, name) for name in schema.attributes(type(found))}
        return {camel(name): _result(value) for name, value in values.items() if value is not None}
    return [_result(item) for item in found] if isinstance(found, list) else found


def _read(struct: Any) -> dict[str, Any]:
    """Return the values of a message; unknown values have a marker."""
    found: dict[str, Any] = rpc.deserialize_properties(struct, True, keep_internal=True)
    return {name: rpc.unwrap_rpc_secret(value) for name, value in found.items()}


def _write(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return the message with these values."""

    def plain(value: Value) -> Any:
        if is_unknown(value):
            return rpc.UNKNOWN
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    struct = struct_pb2.Struct()
    struct.update({name: plain(value) for name, value in values.items() if value is not None})
    return struct


def _meet(address: str) -> None:
    """Send messages to the engine at this address, and end with it. Some commands, as `pulumi install`, only leave."""
    connect(address)
    if address:
        with contextlib.suppress(Exception):
            end_with_engine()


def main() -> None:
    """Serve the engine, whose address is the last argument."""
    _meet(next((it for it in reversed(sys.argv[1:]) if not it.startswith("-")), ""))
    limits = [("grpc.max_receive_message_length", LONGEST_MESSAGE), ("grpc.max_send_message_length", LONGEST_MESSAGE)]
    server = grpc.server(ThreadPoolExecutor(WORKERS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    server.start()
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.wait_for_termination()


if __name__ == "__main__":
    main()

"""A call of the engine: its request, and how to respond. A lifecycle does not know which plugin received it.

There are two: Pulumi's plugin for dynamic providers (dynamic.py) and the native plugin (native/plugin.py). Each one
sets the address of the engine here, and creates a `Call` from a request before it runs a method of a lifecycle.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import struct_pb2
from google.protobuf.message import Message
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2
from typing_extensions import Self

from pulumi_joviam.lifecycle.state import PREFIX, Hidden

TRAILER_BYTES = 5_500
"""The maximum size of an error that is sent to the engine.

It is sent in a gRPC trailer. If that is too long, the engine drops the connection, with all calls in progress. grpc-go
is about to limit trailers to 8 KB, of which the rest needs some 200 bytes.
"""
SHORTEST_MESSAGE = 300

cancelled: threading.Event = threading.Event()
"""Set by the first Ctrl-C, when the engine has ended, and (without effect) at every normal end."""

LAST_STEPS_SECONDS = 75.0
"""How long steps may continue without their engine, for example to restart a machine."""

DETAILS = "grpc-status-details-bin"
"""The trailer in which the engine expects the error."""


class Reported(Exception):
    """Ends a provider method whose error was already sent to the engine in the trailers."""


def _as_it_is(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(outputs)


@dataclass(frozen=True)
class Call:
    """The request of the engine that a method of a lifecycle is serving.

    ``timeout`` is customTimeouts in seconds, 0 if none. ``inputs`` are the inputs of the last change of the object, or
    None if the request has none. ``hidden_outputs`` are those in the state that some SDKs do not pass to
    providers. ``ignored`` are the property paths in ignore_changes.
    """

    urn: str = ""
    timeout: float = 0
    inputs: Mapping[str, Any] | None = field(default=None, repr=False)
    hidden_outputs: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    ignored: tuple[str, ...] = ()
    context: grpc.ServicerContext | None = field(default=None, repr=False)
    in_state: Callable[[Mapping[str, Any]], dict[str, Any]] = field(default=_as_it_is, repr=False)
    """Converts outputs to the form in which this plugin stores them."""
    in_words: Callable[[str], str] = field(default=str, repr=False)
    """Converts a message to the names that programs of this plugin use."""

    @classmethod
    def read(cls, request: Any, context: grpc.ServicerContext, **conversions: Any) -> Self:
        """Read a request. The fields differ between kinds of calls."""
        names = {descriptor.name for descriptor in request.DESCRIPTOR.fields}
        inputs = next((name for name in ("old_inputs", "inputs") if name in names), None)
        state = next((getattr(request, name) for name in ("olds", "properties") if name in names), None)
        return cls(
            urn=request.urn,
            timeout=request.timeout if "timeout" in names else 0,
            inputs=rpc.deserialize_properties(getattr(request, inputs), True) if inputs else None,
            hidden_outputs=_hidden(state) if state is not None else {},
            ignored=tuple(request.ignoreChanges) if "ignoreChanges" in names else (),
            context=context,
            **conversions,
        )

    @functools.cached_property
    def hidden(self) -> Hidden:
        """The hidden outputs."""
        return Hidden.read(self.hidden_outputs)

    @property
    def name(self) -> str:
        """The resource's Pulumi name, which may contain "::"."""
        return self.urn.split("::", 3)[-1]

    @property
    def stack(self) -> str:
        """The stack and project part of the URN."""
        return "::".join(self.urn.split("::")[:2])

    @property
    def is_waited_for(self) -> bool:
        """Whether the engine still waits for the response: not after its connection was lost."""
        return self.context is None or bool(self.context.is_active())

    def say(self, message: str) -> None:
        """Show ``message`` in the resource's row while the step is running."""
        _log(engine_pb2.INFO, self.urn, self.in_words(message), ephemeral=True)

    def warn(self, message: str) -> None:
        """Show a warning on the resource, also in `preview` and `preview --json`."""
        _log(engine_pb2.WARNING, self.urn, self.in_words(message), ephemeral=False)

    def refusal(self, message: str) -> Exception:
        """Return what to raise so that the user sees ``message`` on the resource and no traceback.

        If it is too long, its middle is left out.
        """
        message = self.in_words(message)
        return self._reported(_status(message), message)

    def partial_failure(self, id: str, outputs: dict[str, Any], reason: str) -> Exception:
        """Return what to raise so that the engine keeps the object ``id`` with ``outputs`` although the step failed.

        The next `up` calls update for it. Values that do not fit are left out, the largest first, and named in the
        hidden outputs; if that is not enough, the middle of the reason is left out. All hidden outputs are sent,
        because later steps need them to find objects.
        """
        reason, kept, dropped = self.in_words(reason), dict(outputs), list[str]()
        status = _unfinished(id, self.in_state(kept), reason)
        while _excess(status) > 0 and (shown := [name for name in kept if not name.startswith(PREFIX)]):
            largest = max(shown, key=lambda name: len(str(kept[name])))
            del kept[largest]
            dropped.append(largest)
            kept |= Hidden(dropped=tuple(dropped)).write()
            status = _unfinished(id, self.in_state(kept), reason)
        if _excess(status) > 0:
            room = -_excess(_unfinished(id, self.in_state(kept), ""))
            status = _unfinished(id, self.in_state(kept), _shortened(reason, room))
        return self._reported(status, reason)

    def _reported(self, status: Any, message: str) -> Exception:
        """Pass an error to the engine. Without an engine, the exception itself has the message."""
        context: Any = self.context
        if context is None:
            return Reported(message)
        context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
        hint = f"the message is in {DETAILS}"
        with contextlib.suppress(Exception):
            # newer SDKs add a traceback, which is not shown and may be longer than everything else
            abort: Callable[[Any, str], None] = context.abort

            def without_it(code: Any, _traceback: str) -> None:
                abort(code, hint)

            context.abort = without_it
        return Reported(hint)


NOBODY = Call()
"""The call outside a plugin: its messages are dropped."""
_serving = ContextVar("serving", default=NOBODY)


@contextlib.contextmanager
def serving(call: Call) -> Generator[None, None, None]:
    """Make this the call that the current thread serves."""
    token = _serving.set(call)
    try:
        yield
    finally:
        _serving.reset(token)


def current() -> Call:
    """Return the call that the current thread serves, or `NOBODY`."""
    return _serving.get()


# -- the engine and this process --

_address = ""


def connect(address: str) -> None:
    """Set the address of the engine. Without it, there are no messages, and no end with the engine."""
    global _address
    _address = address


def cancel() -> None:
    """End all waits: the run was interrupted, or is over."""
    cancelled.set()
    with _steps.changed:
        endings = [] if _steps.under_way else _steps.endings
    for end in endings:
        end()


def end_with_engine(calls: Callable[[], int] = lambda: 0) -> None:
    """If the engine is killed, stop all waits, and end this process as soon as its steps have ended.

    ``calls`` returns the number of calls in progress, including those of other providers.
    """

    def changed(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            return
        if not _answers(_address):
            cancelled.set()
            threading.Thread(target=_exit_after, args=[calls], daemon=True).start()
        elif state is grpc.ChannelConnectivity.IDLE:
            # a killed engine may lose its connections before its port; only another connection attempt detects that
            _channel().subscribe(_ignore, try_to_connect=True)
            _channel().unsubscribe(_ignore)

    _channel().subscribe(changed, try_to_connect=True)


@contextlib.contextmanager
def step() -> Generator[None, None, None]:
    """Count a running step."""
    with _steps.changed:
        _steps.under_way += 1
    try:
        yield
    finally:
        with _steps.changed:
            _steps.under_way -= 1
            _steps.changed.notify_all()


def at_end(call: Callable[[], None]) -> None:
    """Call this at the end of the run (or when it is interrupted), once no step is running."""
    _steps.endings.append(call)


@dataclass
class _Steps:
    under_way: int = 0
    endings: list[Callable[[], None]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)


_steps = _Steps()


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
        return True
    return False


def _exit_after(calls: Callable[[], int]) -> None:
    """End this process once all steps, including those of other dynamic providers, have ended or take too long."""
    with _steps.changed:
        _steps.changed.wait_for(lambda: not _steps.under_way, LAST_STEPS_SECONDS)
        while calls() > _steps.under_way:
            _steps.changed.wait(0.1)
    os._exit(1)


def _ignore(_state: grpc.ChannelConnectivity) -> None:
    pass


# -- messages --


def _hidden(state: Any) -> dict[str, Any]:
    """Return the hidden outputs. The plugin itself reads all others."""
    hidden = struct_pb2.Struct()
    for name, value in state.fields.items():
        if name.startswith(PREFIX) and name != "__provider":
            hidden.fields[name].CopyFrom(value)
    found: dict[str, Any] = rpc.deserialize_properties(hidden, True, keep_internal=True)
    return found


def _status(message: str, *details: Message) -> Any:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0])
    for detail in details:
        status.details.add().Pack(detail)
    status.message = _shortened(message, -_excess(status))
    return status


def _unfinished(id: str, outputs: Mapping[str, Any], reason: str) -> Any:
    # for a partial failure, the engine shows only the reasons
    return _status("", provider_pb2.ErrorResourceInitFailed(id=id, properties=pack(outputs), reasons=[reason]))


def _excess(status: Any) -> int:
    """Return by how many bytes a status is too long (negative: room left). It is sent as base64."""
    return int(status.ByteSize()) - TRAILER_BYTES * 3 // 4


def _shortened(text: str, size: int) -> str:
    """Return the text without its middle: what happened is at the start, and what to do at the end."""
    data, size = text.encode(), max(size, SHORTEST_MESSAGE) - 20  # for the ellipsis and the framing of protobuf
    if len(data) <= size:
        return text
    return f"{data[: size // 2].decode(errors='ignore')} … {data[-size // 2 :].decode(errors='ignore')}"


def pack(values: Mapping[str, Any]) -> Any:
    """Return values as a protobuf message."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(rpc.serialize_properties(dict(values), {}))
    finally:
        loop.close()


@functools.cache
def _channel() -> grpc.Channel:
    return grpc.insecure_channel(_address)


@functools.cache
def _engine() -> Any:
    return engine_pb2_grpc.EngineStub(_channel())


def _log(severity: Any, urn: str, message: str, ephemeral: bool) -> None:
    if _address:
        with contextlib.suppress(Exception):
            request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
            _engine().Log(request, timeout=5)

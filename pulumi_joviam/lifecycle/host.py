"""What Pulumi's Python plugin leaves out, reached from inside it. Nothing else here knows frames.

The plugin of dynamic providers serves four calls at a time, shows a traceback for every error, has no
way to say "made, but not ready", none to warn, and ignores Ctrl-C. The engine behind it can do all of
that. Each function below reaches for one of these and falls back quietly where an engine or SDK looks
different: then things are as they are without us. Each has its own test on the real engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.message import Message
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2

from pulumi_joviam.lifecycle.state import PREFIX, Hidden

WORKERS = 64
TRAILER_BYTES = 5_500
"""How long what an error says may be on its way to the engine.

It travels in a gRPC trailer, and over one that is too long the engine drops the connection with all that is under way
in it. grpc-go is about to take no more than 8 KB, of which the rest of the trailer needs some 200 bytes.
"""
SHORTEST_MESSAGE = 300

cancelled: threading.Event = threading.Event()
"""Set by the first Ctrl-C, when the engine is gone, and harmlessly at every normal end."""

LAST_STEPS_SECONDS = 75.0
"""How long steps may go on without their engine: a machine that was stopped for a change is started again."""

_LANGUAGE_HOST = "pulumi-language-python-exec"
_CANCEL = "/pulumirpc.ResourceProvider/Cancel"


class Reported(Exception):
    """Ends a provider method whose error was already handed to the engine: the message travels in trailers."""


@dataclass(frozen=True)
class Call:
    """What the engine said in the call that a provider method is serving.

    ``timeout`` is customTimeouts in seconds, 0 if none. ``inputs`` are what the program said when the object was
    last changed, or None where they cannot be had. ``hidden`` are the values of the state that no display shows: some
    SDKs keep them from providers. ``ignored`` are the property paths that ignore_changes names.
    """

    urn: str = ""
    timeout: float = 0
    inputs: Mapping[str, Any] | None = field(default=None, repr=False)
    hidden: Mapping[str, Any] = field(default_factory=dict, repr=False)
    ignored: tuple[str, ...] = ()
    provider: str = ""
    context: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The resource's Pulumi name, in which more may follow a "::"."""
        return self.urn.split("::", 3)[-1]

    @property
    def stack(self) -> str:
        """The part of the URN that names stack and project."""
        return "::".join(self.urn.split("::")[:2])

    @property
    def is_waited_for(self) -> bool:
        """Whether the engine still hears the answer: it does not once its connection was lost."""
        return self.context is None or bool(self.context.is_active())


def call() -> Call:
    """Return the call that the current thread is serving."""
    for frame in _frames(sys._getframe(1)):
        context = frame.f_locals.get("context")
        request = frame.f_locals.get("request")
        if isinstance(context, grpc.ServicerContext) and isinstance(request, Message):
            return _read_call(request, context)
    return Call()


def widen(workers: int = WORKERS) -> None:
    """Let the plugin serve ``workers`` calls at a time. Falls back to its own four."""
    with contextlib.suppress(Exception):
        for frame in _frames(sys._getframe(1)):
            if frame.f_code.co_name == "_worker":
                executor = frame.f_locals["executor_reference"]()
                executor._max_workers = max(workers, executor._max_workers)
                for _ in range(executor._work_queue.qsize()):  # calls that came before this one
                    executor._adjust_thread_count()
                return


def listen_for_cancel() -> None:
    """Set ``cancelled`` at Ctrl-C. Falls back to waits that end by themselves."""
    with contextlib.suppress(Exception):
        server = _server_state()
        tables = [handler._method_handlers for handler in server.generic_handlers]
        # grpcio keeps registered methods in a second table since 1.64
        tables.append(getattr(server, "registered_method_handlers", None) or {})
        for table in tables:
            if _CANCEL in table:
                table[_CANCEL] = table[_CANCEL]._replace(unary_unary=_cancel)


def end_with_engine() -> None:
    """Stop all waits when the engine is gone (it was killed), and end this process as soon as its calls have ended.

    Falls back to a plugin that goes on with the calls it is in.
    """

    def changed(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            return
        if not _answers(sys.argv[1]):
            cancelled.set()
            threading.Thread(target=_exit_after_calls, daemon=True).start()
        elif state is grpc.ChannelConnectivity.IDLE:
            # a killed engine may lose its connections before its port; without another try nobody would look again
            _channel().subscribe(_ignore, try_to_connect=True)
            _channel().unsubscribe(_ignore)

    with contextlib.suppress(Exception):
        _server_state()  # there is none elsewhere than in a plugin, whose engine is gone if it does not answer
        _channel().subscribe(changed, try_to_connect=True)


@contextlib.contextmanager
def step() -> Iterator[None]:
    """Count a step that is under way."""
    with _steps.changed:
        _steps.under_way += 1
    try:
        yield
    finally:
        with _steps.changed:
            _steps.under_way -= 1
            _steps.changed.notify_all()


def at_end(call: Callable[[], None]) -> None:
    """Call this when the engine says that the run ends (or is interrupted) while no step is under way."""
    _steps.endings.append(call)


def end_quietly() -> None:
    """In a program: end at once and without a traceback when the engine interrupts it, as it does when a step failed.

    Otherwise Python shows where it was, and waits for threads that wait for the engine until that kills it (5 s).
    Only in the process that the language host made for the program: another one belongs to its author.
    """
    if sys.excepthook is sys.__excepthook__ and any(
        frame.f_code.co_filename.endswith(_LANGUAGE_HOST) for frame in _frames(sys._getframe(1))
    ):
        sys.excepthook = _end


def refusal(message: str) -> Exception:
    """Return what to raise so that the user sees ``message`` on the resource and no traceback.

    Of one that is too long the middle is left out.
    """
    return _reported(_status(message), message)


def partial_failure(id: str, outputs: dict[str, Any], reason: str) -> Exception:
    """Return what to raise so that the engine keeps the object ``id`` with ``outputs`` although the step failed.

    The next `up` calls update for it. Values that do not fit are left out, the largest first, and named in the hidden
    outputs; if that is not enough, the middle of the reason. What is hidden is needed to find things again.
    """
    kept, dropped = {**outputs, "__provider": call().provider}, list[str]()
    status = _unfinished(id, kept, reason)
    while _excess(status) > 0 and (shown := [name for name in kept if not name.startswith(PREFIX)]):
        largest = max(shown, key=lambda name: len(str(kept[name])))
        del kept[largest]
        dropped.append(largest)
        kept |= Hidden(dropped=tuple(dropped)).write()
        status = _unfinished(id, kept, reason)
    if _excess(status) > 0:
        status = _unfinished(id, kept, _shortened(reason, -_excess(_unfinished(id, kept, ""))))
    return _reported(status, reason)


def say(urn: str, message: str) -> None:
    """Show ``message`` in the resource's own row while it is worked on."""
    _log(engine_pb2.INFO, urn, message, ephemeral=True)


def warn(urn: str, message: str) -> None:
    """Show a warning on the resource, also in `preview` and `preview --json`."""
    _log(engine_pb2.WARNING, urn, message, ephemeral=False)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _read_call(request: Any, context: Any) -> Call:
    """Return what the request says; every kind of call has other fields."""
    with contextlib.suppress(Exception):
        names = {descriptor.name for descriptor in request.DESCRIPTOR.fields}
        inputs = next((name for name in ("old_inputs", "inputs") if name in names), None)
        bags = [getattr(request, name) for name in ("news", "properties", "inputs", "olds") if name in names]
        state = next((getattr(request, name) for name in ("olds", "properties") if name in names), None)
        return Call(
            urn=request.urn,
            timeout=request.timeout if "timeout" in names else 0,
            inputs=rpc.deserialize_properties(getattr(request, inputs), True) if inputs else None,
            hidden=_hidden(state) if state is not None else {},
            ignored=tuple(request.ignoreChanges) if "ignoreChanges" in names else (),
            provider=next((bag["__provider"] for bag in bags if "__provider" in bag), ""),
            context=context,
        )
    return Call(context=context)


def _hidden(state: Any) -> dict[str, Any]:
    """Return what the state holds and no display shows. All else of it is read by the plugin itself."""
    hidden = struct_pb2.Struct()
    for name, value in state.fields.items():
        if name.startswith(PREFIX) and name != "__provider":
            hidden.fields[name].CopyFrom(value)
    found: dict[str, Any] = rpc.deserialize_properties(hidden, True, keep_internal=True)
    return found


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        os._exit(128 + signal.SIGINT)
    sys.__excepthook__(kind, error, trace)


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


def _exit_after_calls() -> None:
    """End this process when its steps have ended, or take too long, and those of other dynamic providers as well."""
    with _steps.changed:
        _steps.changed.wait_for(lambda: not _steps.under_way, LAST_STEPS_SECONDS)
        while _calls() > _steps.under_way:
            _steps.changed.wait(0.1)
    os._exit(1)


def _calls() -> int:
    """Return how many calls this process serves, ours and others'; 0 where that cannot be known."""
    with contextlib.suppress(Exception):
        return int(_server_state().active_rpc_count)
    return 0


def _server_state() -> Any:
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    found: Any = (it.f_locals["server"] for it in _frames(frame) if isinstance(it.f_locals.get("server"), grpc.Server))
    return next(found)._state


def _ignore(_state: grpc.ChannelConnectivity) -> None:
    pass


def _cancel(_request: Any, _context: Any) -> Any:
    cancelled.set()
    with _steps.changed:
        endings = [] if _steps.under_way else _steps.endings
    for end in endings:
        end()
    return empty_pb2.Empty()


def _reported(status: Any, message: str) -> Exception:
    """Hand an error to the engine. Where there is none, the exception itself says the message."""
    context = call().context
    if context is None:
        return Reported(message)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    told = "the message is in grpc-status-details-bin"
    with contextlib.suppress(Exception):
        # newer SDKs put a traceback beside it that nobody sees: it may be longer than all else
        context.abort = lambda code, _traceback, abort=context.abort: abort(code, told)
    return Reported(told)


def _status(message: str, *details: Message) -> Any:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0])
    for detail in details:
        status.details.add().Pack(detail)
    status.message = _shortened(message, -_excess(status))
    return status


def _unfinished(id: str, outputs: Mapping[str, Any], reason: str) -> Any:
    # of a partial failure the engine shows the reasons only
    return _status("", provider_pb2.ErrorResourceInitFailed(id=id, properties=_pack(outputs), reasons=[reason]))


def _excess(status: Any) -> int:
    """Return by how many bytes a status is too long; less than 0 is room that is left. It travels as base64."""
    return int(status.ByteSize()) - TRAILER_BYTES * 3 // 4


def _shortened(text: str, size: int) -> str:
    """Return the text without its middle, so that it fits: what happened stands first, and what to do now last."""
    said, size = text.encode(), max(size, SHORTEST_MESSAGE) - 20  # for the mark, and for what protobuf needs around it
    if len(said) <= size:
        return text
    return f"{said[: size // 2].decode(errors='ignore')} … {said[-size // 2 :].decode(errors='ignore')}"


def _pack(outputs: Mapping[str, Any]) -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(rpc.serialize_properties(dict(outputs), {}))
    finally:
        loop.close()


@functools.cache
def _channel() -> grpc.Channel:
    return grpc.insecure_channel(sys.argv[1])


@functools.cache
def _engine() -> Any:
    return engine_pb2_grpc.EngineStub(_channel())


def _log(severity: Any, urn: str, message: str, ephemeral: bool) -> None:
    with contextlib.suppress(Exception):
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        _engine().Log(request, timeout=5)

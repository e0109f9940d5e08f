"""The gaps of Pulumi's plugin for dynamic providers, closed from inside it. No other module inspects frames.

That plugin serves four calls at a time, shows a traceback for every error, cannot report "created, but not ready" or
a warning, and ignores Ctrl-C. The engine supports all of that. Each function below closes one gap. If an engine or SDK
is not as expected, it silently does nothing, and the plugin behaves as without it. Each has its own test on the real
engine.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from pulumi_joviam.lifecycle.call import NOBODY, Call, cancel, connect, current, end_with_engine, serving

Self = TypeVar("Self")
T = TypeVar("T")
P = ParamSpec("P")

WORKERS = 64

_LANGUAGE_HOST = "pulumi-language-python-exec"
_CANCEL = "/pulumirpc.ResourceProvider/Cancel"


def serve() -> None:
    """Prepare Pulumi's plugin for dynamic providers to serve our lifecycles."""
    widen()
    listen_for_cancel()
    with contextlib.suppress(Exception):
        connect(sys.argv[1])
        _server_state()  # fails outside a plugin; in a plugin, an engine that does not answer has ended
        end_with_engine(_calls)


def served(method: Callable[Concatenate[Self, P], T]) -> Callable[Concatenate[Self, P], T]:
    """Set the current call for a method that the plugin calls, unless it is set. It is found in the frames."""

    @functools.wraps(method)
    def serve(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if current() is not NOBODY:
            return method(self, *args, **kwargs)
        with serving(_found()):
            return method(self, *args, **kwargs)

    return serve


def widen(workers: int = WORKERS) -> None:
    """Let the plugin serve ``workers`` calls at a time. Falls back to its own four."""
    with contextlib.suppress(Exception):
        for frame in _frames(sys._getframe(1)):
            if frame.f_code.co_name == "_worker":
                executor = frame.f_locals["executor_reference"]()
                executor._max_workers = max(workers, executor._max_workers)
                for _ in range(executor._work_queue.qsize()):  # calls that arrived before this one
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


def end_quietly() -> None:
    """In a program: exit at once, without a traceback, when the engine interrupts it, for example after a failed step.

    Otherwise Python prints a traceback, and waits for threads that wait for the engine, until that kills it (5 s).
    This applies only to a process that the language host started: another one belongs to its author.
    """
    if sys.excepthook is sys.__excepthook__ and any(
        frame.f_code.co_filename.endswith(_LANGUAGE_HOST) for frame in _frames(sys._getframe(1))
    ):
        sys.excepthook = _end


def _found() -> Call:
    """Return the call that the current thread is serving."""
    for frame in _frames(sys._getframe(1)):
        context = frame.f_locals.get("context")
        request = frame.f_locals.get("request")
        if isinstance(context, grpc.ServicerContext) and isinstance(request, Message):
            with contextlib.suppress(Exception):
                return Call.read(request, context, in_state=functools.partial(_with_provider, _provider(request)))
            return Call(context=context)
    return NOBODY


def _provider(request: Any) -> str:
    """Return the pickled lifecycle, which is part of the state here."""
    names = {descriptor.name for descriptor in request.DESCRIPTOR.fields}
    bags = [getattr(request, name) for name in ("news", "properties", "inputs", "olds") if name in names]
    return next((bag["__provider"] for bag in bags if "__provider" in bag), "")


def _with_provider(reference: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {**outputs, "__provider": reference}


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        os._exit(128 + signal.SIGINT)
    sys.__excepthook__(kind, error, trace)


def _calls() -> int:
    """Return the number of calls in progress, including those of other providers; 0 if unknown."""
    with contextlib.suppress(Exception):
        return int(_server_state().active_rpc_count)
    return 0


def _server_state() -> Any:
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    found: Any = (it.f_locals["server"] for it in _frames(frame) if isinstance(it.f_locals.get("server"), grpc.Server))
    return next(found)._state


def _cancel(_request: Any, _context: Any) -> Any:
    cancel()
    return empty_pb2.Empty()

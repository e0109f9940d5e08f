"""Start Python processes with their libraries already imported, because imports take most of the time of a CLI command.

Each test process has a server that has imported the libraries of the package, but not the package itself. For each
process that the engine starts, the server forks one with the same arguments, environment, folder, files and process
group. When one of the two ends, so does the other. Tests that inspect or kill processes do not use this
(`Stack.plain_python`), nor do tests of what a user installs: examples, docs, templates, the wheel.

    python -ISE tests/fork_server.py SOCKET -u -m pulumi.dynamic 127.0.0.1:1234
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import sys

LIBRARIES = ("asyncio", "dill", "grpc", "pulumi", "pulumi.dynamic", "pydantic", "requests", "yaml")
FILES = (0, 1, 2)
ROOM = 1 << 20
"""How many bytes of arguments and environment a process may have."""


def serve(place: str) -> list[str]:
    """Serve a socket until stdin is closed. Returns only in the forked processes, with their arguments."""
    import gc
    import importlib

    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(place)
        listener.listen(64)
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listener.fileno(), 0], [], [])
            if 0 in ready:
                os._exit(0)
            asked, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                return _begin(asked)
            asked.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass  # reap those that have ended


def _begin(asked: socket.socket) -> list[str]:
    """Become the requested process. A parent process waits for it and reports its exit status."""
    request, files, _, _ = socket.recv_fds(asked, ROOM, len(FILES))
    wanted = json.loads(request)
    if child := os.fork():
        for file in files:
            os.close(file)
        _watch(asked, child)
    asked.close()
    os.setpgid(0, wanted["group"])
    for file, number in zip(files, FILES, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environ"])
    arguments: list[str] = wanted["arguments"]
    return arguments


def _watch(asked: socket.socket, child: int) -> None:
    """Report the exit status of a child. Kill it when the requester has ended."""
    for file in FILES:
        os.close(file)
    end = os.pidfd_open(child)
    ready, _, _ = select.select([asked.fileno(), end], [], [])
    if end not in ready:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if end in ready:
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def run(arguments: list[str]) -> None:
    """Do the same as `python [-u] SCRIPT ARGUMENTS`, or as with -m MODULE or -c CODE instead of a script."""
    import io
    import runpy

    for name, number in (("stdout", 1), ("stderr", 2)):  # as with -u
        file = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - until the process ends
        setattr(sys, name, io.TextIOWrapper(file, "utf-8", getattr(sys, name).errors, write_through=True))
    how, *rest = arguments[1:] if arguments[0] == "-u" else arguments
    if how == "-m":
        sys.argv, sys.path[0] = rest, os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif how == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})  # noqa: S102
    else:
        sys.argv, sys.path[0] = [how, *rest], os.path.dirname(how)
        runpy.run_path(how, run_name="__main__")


def ask(place: str, arguments: list[str]) -> int:
    """Request a process, and take its place: the engine waits for this one, and may kill it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the whole process group gets the signal
    wanted = {"arguments": arguments, "environ": dict(os.environ), "folder": os.getcwd(), "group": os.getpgrp()}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(place)
        fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", FILES))]
        server.sendmsg([json.dumps(wanted).encode()], fds)
        for file in FILES:
            os.close(file)
        status = int(server.recv(16) or -signal.SIGKILL)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    if len(sys.argv) > 2:
        os._exit(ask(sys.argv[1], sys.argv[2:]))
    run(serve(sys.argv[1]))

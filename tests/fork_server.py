"""Python processes that begin with their imports done, which is most of the time that a command of the CLI takes.

A server of each test process has imported the package and what it needs. For each process that the engine starts, it
forks one with the arguments, the environment, the folder, the files and the process group of that one. It ends with it,
in both directions. So run the programs and plugins of stacks (tests/stack.py), and `pulumi-joviam` in its tests. Tests
that look at processes, or kill them, do without (`Stack.plain_python`), and so do those that run what a user installs:
examples, templates, the wheel.

    python -ISE tests/fork_server.py SOCKET -u -m pulumi.dynamic 127.0.0.1:1234

What such a command asks for is in `ask`. It runs twice in each command of the CLI, so it imports next to nothing.
"""

from __future__ import annotations

import _socket  # what `socket` adds is half of the time that a client takes
import marshal
import os
import sys

LIBRARIES = (
    *("asyncio", "dill", "grpc", "lazy_loader", "pulumi", "pulumi.dynamic", "pulumi.runtime.proto.status_pb2"),
    *("pydantic.main", "pydantic.types", "pydantic.json_schema", "pydantic._internal._generate_schema"),
    *("requests", "yaml", "zoneinfo"),
)
"""What the package imports, and what these import only when they are used."""
FILES = (0, 1, 2)
SIGKILL = 9
ROOM = 1 << 20
"""Bytes of arguments and environment that one process can begin with."""


def serve(place: str) -> list[str]:
    """Answer on a socket until stdin ends. Returns only in the processes that were asked for: their arguments."""
    import contextlib
    import gc
    import importlib
    import select
    import socket

    for name in LIBRARIES:
        importlib.import_module(name)
    package = importlib.import_module("pulumi_joviam")
    for name in package.__all__:
        getattr(package, name)  # imports it
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
                said, files, _, _ = socket.recv_fds(asked, ROOM, len(FILES))
                return _begin(asked, files, *marshal.loads(said))  # noqa: S302 - what `ask` sends
            asked.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass  # those that have ended since


def _begin(
    asked: _socket.socket, files: list[int], arguments: list[str], environ: dict[str, str], folder: str, group: int
) -> list[str]:
    """Become the process that was asked for; a parent of it stays behind, and tells how it ended."""
    if child := os.fork():
        for file in files:
            os.close(file)
        _watch(asked, child)
    asked.close()
    os.setpgid(0, group)
    for file, number in zip(files, FILES, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    return arguments


def _watch(asked: _socket.socket, child: int) -> None:
    """Tell how a child ends, and end it when nobody wants to know any more."""
    import select

    for file in FILES:
        os.close(file)
    end = os.pidfd_open(child)
    ready, _, _ = select.select([asked.fileno(), end], [], [])
    if end not in ready:
        os.kill(child, SIGKILL)
    _, status = os.waitpid(child, 0)
    if end in ready:
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def run(arguments: list[str]) -> None:
    """Do what `python [-u] SCRIPT ARGUMENTS` does, or the same with -m MODULE or -c CODE instead of a script."""
    import atexit
    import io
    import runpy

    status = 1
    # Python's own end would write to each page that is shared with the server. What is registered first is called last
    atexit.register(lambda: os._exit(status))
    for name, number in (("stdout", 1), ("stderr", 2)):  # as with -u
        file = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - until the process ends
        setattr(sys, name, io.TextIOWrapper(file, "utf-8", getattr(sys, name).errors, write_through=True))
    sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    how, *rest = arguments[1:] if arguments[0] == "-u" else arguments
    try:
        if how == "-m":
            sys.argv, sys.path[0] = rest, os.getcwd()
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        elif how == "-c":
            sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})  # noqa: S102
        else:
            sys.argv, sys.path[0] = [how, *rest], os.path.dirname(how)
            runpy.run_path(how, run_name="__main__")
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise


def ask(place: str, arguments: list[str]) -> int:
    """Have a process forked, and stand for it: the engine waits for this one, and kills it.

    Whoever starts it has it ignore SIGINT and SIGTERM, which the whole group gets.
    """
    wanted = (arguments, dict(os.environ), os.getcwd(), os.getpgrp())
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    server.connect(place)
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in FILES)
    server.sendmsg([marshal.dumps(wanted)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    for file in FILES:
        os.close(file)
    status = int(server.recv(16) or -SIGKILL)
    if status < 0:
        import signal

        signal.signal(-status, signal.SIG_DFL) if status != -SIGKILL else None
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    if len(sys.argv) > 2:
        os._exit(ask(sys.argv[1], sys.argv[2:]))
    run(serve(sys.argv[1]))

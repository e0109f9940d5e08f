"""A fork server: Python processes that start with their imports done, which take most of the time of a CLI command.

Each test process has a server, which has imported the package and its dependencies. The engine starts a small client
instead of Python, and the server forks a process with the arguments, environment, folder, files and process group of
the client. If one of the two ends, so does the other. The programs and plugins of stacks (tests/stack.py) run this way,
and `pulumi-joviam` in its tests. Tests that inspect or kill processes do without it (`Stack.plain_python`), and so do
those that run what a user installs: examples, templates, the wheel.

    python -ISE tests/fork_server.py SOCKET -u -m pulumi.dynamic 127.0.0.1:1234

The client is `ask`. It runs twice in each command of the CLI, so it imports almost nothing.
"""

from __future__ import annotations

import _socket  # importing `socket` would double the time of a client
import marshal
import os
import sys

LIBRARIES = (
    *("asyncio", "dill", "grpc", "lazy_loader", "pulumi", "pulumi.dynamic", "pulumi.runtime.proto.status_pb2"),
    *("pydantic.main", "pydantic.types", "pydantic.json_schema", "pydantic._internal._generate_schema"),
    *("requests", "yaml", "zoneinfo"),
)
"""Modules that the package imports, and that these import later, when they are used."""
FILES = (0, 1, 2)
SIGKILL = 9
LARGEST_REQUEST = 1 << 20
"""The maximum size of the arguments and the environment of a process, in bytes."""


def serve(path: str) -> list[str]:
    """Listen on a socket until stdin ends. In each forked process, return the arguments of its client."""
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
        listener.bind(path)
        listener.listen(64)
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listener.fileno(), 0], [], [])
            if 0 in ready:
                os._exit(0)
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                request, files, _, _ = socket.recv_fds(client, LARGEST_REQUEST, len(FILES))
                return _become(client, files, *marshal.loads(request))  # noqa: S302 - `ask` sends it
            client.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass  # reap the children that have ended


def _become(
    client: _socket.socket, files: list[int], arguments: list[str], environ: dict[str, str], folder: str, group: int
) -> list[str]:
    """Become the process of a client. Its parent stays, to report its exit status."""
    if child := os.fork():
        for file in files:
            os.close(file)
        _watch(client, child)
    client.close()
    os.setpgid(0, group)
    for file, number in zip(files, FILES, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    return arguments


def _watch(client: _socket.socket, child: int) -> None:
    """Send the exit status of a child to its client, and kill the child if the client ends first."""
    import select

    for file in FILES:
        os.close(file)
    end = os.pidfd_open(child)
    ready, _, _ = select.select([client.fileno(), end], [], [])
    if end not in ready:
        os.kill(child, SIGKILL)
    _, status = os.waitpid(child, 0)
    if end in ready:
        client.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def run(arguments: list[str]) -> None:
    """Do the same as `python [-u] SCRIPT ARGUMENTS`, or with -m MODULE or -c CODE instead of a script."""
    import atexit
    import io
    import runpy

    status = 1
    # skip Python's own clean-up, which would copy each page shared with the server; the first registered runs last
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


def ask(path: str, arguments: list[str]) -> int:
    """Request a process, and represent it: the engine waits for this client, or kills it.

    It must be started with SIGINT and SIGTERM ignored, because they are sent to the whole group.
    """
    request = (arguments, dict(os.environ), os.getcwd(), os.getpgrp())
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    server.connect(path)
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in FILES)
    server.sendmsg([marshal.dumps(request)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
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

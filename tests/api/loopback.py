"""A scripted server, for misbehavior that the emulator does not offer."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Loopback(socketserver.ThreadingTCPServer):
    """A server on a free port that plays a script.

    The n-th request gets the n-th step, and all further ones the last. A step is bytes to send, after which the
    connection stays open, or a function of the socket, after which it is closed.
    """

    daemon_threads = True

    def __init__(self, *script: bytes | Callable[[socket.socket], object], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.tls = script, tls
        self.requests: list[str] = []
        self.connections: list[socket.socket] = []
        self.lock = threading.Lock()

    def __enter__(self) -> Loopback:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """The root URL of the API."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}/api/v1"

    @property
    def lines(self) -> list[str]:
        """The first line of each request."""
        return [request.partition(" HTTP/1.1\r\n")[0] for request in self.requests]


class _Handler(socketserver.BaseRequestHandler):
    server: Loopback  # pyright: ignore[reportIncompatibleVariableOverride] # only a Loopback starts one

    def handle(self) -> None:
        with suppress(OSError):
            tls = self.server.tls
            with tls.wrap_socket(self.request, server_side=True) if tls else self.request as connection:
                self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        server = self.server
        server.connections.append(connection)
        with connection.makefile("rb") as reader:
            while request := _one_request(reader):
                with server.lock:
                    server.requests.append(request)
                    step = server.script[min(len(server.requests), len(server.script)) - 1]
                if callable(step):
                    step(connection)
                    return
                connection.sendall(step)


def _one_request(reader: Any) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return ""
        head += line
    length = re.search(rb"content-length: (\d+)", head.lower())
    return str((head + reader.read(int(length[1]) if length else 0)).decode("latin-1"))


def answer(body: bytes = b"[]", status: str = "200 OK", *headers: str) -> bytes:
    """A complete response."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def drip(text: bytes, again: bytes = b"x") -> Callable[[socket.socket], None]:
    """Send some bytes slowly, one by one, and then others forever."""

    def step(connection: socket.socket) -> None:
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.01)
        while True:
            connection.sendall(again)
            time.sleep(0.01)

    return step


def flood(again: bytes, start: bytes = b"") -> Callable[[socket.socket], None]:
    """Send some bytes, and then others forever, as fast as possible."""

    def step(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(again)

    return step


def silence(connection: socket.socket) -> None:
    """Send nothing until the client gives up."""
    connection.recv(1)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])

"""The API over HTTP: routes, authentication, error bodies, faults, the log of requests, and the server's thread.

The operations are in the files of their objects; the pages for a browser are in pages.py.
"""

from __future__ import annotations

import asyncio
import email.utils
import itertools
import json
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, cast

import fastapi
import uvicorn
from fastapi_offline import FastAPIOffline
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pulumi_joviam.emulator import network, performance_tier, region, template
from pulumi_joviam.emulator.body import Nothing, parse
from pulumi_joviam.emulator.data_file import DataFile, UnusableData
from pulumi_joviam.emulator.documentation import document
from pulumi_joviam.emulator.live import Part, picture
from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.operations import NOUNS, OPERATIONS, READS
from pulumi_joviam.emulator.pages import LivePage
from pulumi_joviam.emulator.request import Request
from pulumi_joviam.emulator.store import Accepted, BadRequest, NotFound, Object, Refused, Store, Switches

PREFIX = "/api/v1"

ERRORS: dict[str, tuple[int, str | None, Any]] = {
    "bad_request": (400, "details", "refused on demand"),
    "unauthorized": (401, None, None),
    "invalid_token": (401, "error_description", "The access token is unknown"),
    "invalid_client": (401, "error_description", "The client is unknown"),
    "invalid_request": (401, "error_description", "A parameter is missing"),
    "forbidden": (403, None, None),
    "not_found": (404, None, None),
    "validation_fail": (422, "details", {"base": ["refused on demand"]}),
    "internal_server_error": (500, None, None),
}
"""The API's error codes: the status of each, the field with the explanation, and its default."""

Connections = dict[Any, asyncio.Transport]
"""The open connections by the client's address."""

MOST_REQUESTS = 100_000
"""How many requests are logged, to limit the memory of a long-running emulator."""

logger: logging.Logger = logging.getLogger(__name__)


@dataclass
class Answer:
    """A response to the client."""

    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


def success(status: int, shown: Any) -> Answer:
    """Return the response to a successful operation."""
    return Answer(status, to_json(shown))


def failure(status: int | None, error: str | None, details: Any = None) -> Answer:
    """Return an error response, from its status or its code; the reference's table supplies the rest."""
    if error is None:
        codes = (code for code, (known, _, _) in ERRORS.items() if known == status)
        error = next(codes, None) or HTTPStatus(status or 500).phrase.lower().replace(" ", "_")
    usual, field, explanation = ERRORS.get(error, (500, None, None))
    content = {"error": error}
    if field or details is not None:
        content[field or "details"] = explanation if details is None else details
    return Answer(status or usual, json.dumps(content).encode())


@dataclass
class Fault:
    """A fault in some of the next calls of an operation; see `Emulator.fail`."""

    operation: str = "*"
    status: int | None = None
    error: str | None = None
    details: str | dict[str, list[str]] | None = None
    retry_after: int | str | None = None
    drop: bool = False
    delay: float = 0
    until: Callable[[], bool] = lambda: True
    body: bytes | None = None
    act: Literal["before", "after", "never"] = "before"
    act_after: float | None = None
    times: int = 1
    skip: int = 0

    def strikes(self, operation: str | None) -> bool:
        """Return whether this call gets the fault, and count the call."""
        if self.times < 1 or self.operation not in ("*", operation):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def apply_to(self, answer: Answer) -> Answer:
        """Return the response that the client gets instead of the real one."""
        if self.body is not None:
            answer = Answer(self.status or answer.status, self.body)
        elif self.error or (self.status or 0) >= 400:
            answer = failure(self.status, self.error, self.details)
        elif self.status:
            answer = Answer(self.status, answer.content)
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        return answer


NO_FAULT = Fault()


class Emulator:
    """An emulated Joviam account at `url`, served within the `with` block (or between `start` and `stop`).

    `token` is the only one that it accepts. It listens on `host`; `port` 0 takes a free one. `data` is a file that
    stores the account: it is read now, if it exists, and written soon after each change while the server runs. A file
    that cannot be used raises UnusableData, here or in `start`. `provision_seconds` and all other keywords are fields
    of `store.Switches`: the cloud's speed, and choices that the API reference leaves open.
    """

    def __init__(
        self, token: str, *, host: str = "127.0.0.1", port: int = 0, data: Path | None = None, **switches: Any
    ) -> None:
        self.token = token
        self._address = (host, port)
        self._switches = Switches(**switches)
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._connections: Connections = {}
        self._server: uvicorn.Server | None = None
        self.reset()
        self._data = DataFile(data, self._lend) if data else None
        loaded = Store(self._switches)
        if self._data and self._data.load(loaded):
            self._store = loaded

    # Running

    def start(self) -> Emulator:
        """Start the server, and return when it accepts requests. After a stop, it uses the same port again."""
        if self._server:
            return self
        listener = socket.create_server(self._address, backlog=1024)
        self._address = listener.getsockname()[:2]
        if self._data:
            try:
                self._data.start()
            except UnusableData:
                listener.close()
                raise
        config = uvicorn.Config(
            self._app(),
            http=_tracked(self._connections),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=False,  # ours follows the cloud's clock
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=0,
        )
        self._server = _Server(config, self._connections)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="joviam-emulator", daemon=True
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the emulator did not start")
            time.sleep(0.001)
        return self

    def stop(self) -> None:
        """Close every connection, even with a request in flight, and stop the server. The account is not reset."""
        if self._server:
            self._server.should_exit = True
            self._thread.join()
            self._server = None
            if self._data:
                self._data.stop()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The API's root: `http://127.0.0.1:PORT/api/v1`."""
        return f"{self._root}{PREFIX}"

    @property
    def page(self) -> str:
        """The live page for a browser: `http://127.0.0.1:PORT/`. The API's documentation is at `/docs`."""
        return f"{self._root}/"

    @property
    def _root(self) -> str:
        host, port = self._address
        return f"http://{host}:{port}"

    # Inspecting

    @property
    def requests(self) -> list[Request]:
        """The requests since the start or the last reset, in order of arrival; at most the last MOST_REQUESTS."""
        with self._lock:
            return list(self._requests.values())

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """The account's own objects of a kind, as the API returns them: `public_keys`, `networks` (private ones),
        `ip_addresses`, `disks`, `instances`, `templates` (those created by superseding) or `console_sessions`."""
        nouns = {noun.kind: noun for noun in NOUNS}
        with self._lend() as store:
            return [dict(obj.show(store)) for obj in store.all(nouns[kind]) if obj.owned()]

    def count(self) -> Counter[str]:
        """The number of objects that the account owns, by kind, without zeros: an empty account is `{}`."""
        with self._lend() as store:
            return +Counter({noun.kind: sum(obj.owned() for obj in store.all(noun)) for noun in NOUNS})

    # Controlling

    def reset(self) -> None:
        """Restore the seed data and the constructor's switches; drop all faults and logged requests."""
        store = Store(self._switches)
        for noun in (region, performance_tier, network, template):
            noun.seed(store)
        with self._lock:
            # A request that is still delayed uses the old store and log, so it cannot change the new ones.
            self._store = store
            self._requests: dict[int, Request] = {}
            self._faults: list[Fault] = []

    def configure(self, **switches: Any) -> None:
        """Set switches, until the next reset. A new `provision_seconds` also applies to transitions in progress."""
        with self._lend() as store:
            store.switches = replace(store.switches, **switches)

    def change(self, object_id: str, **fields: Any) -> None:
        """Set fields of any object without the API, to create drift. The rules of the API do not apply.

        Fields have the API's names; an instance also has `note`, `context` and `ip_addresses`. References are ids;
        regions, tiers and templates may be names (`region="ML1"`). `network_adapters` is what
        `PUT …/network_adapters` takes. Both sides of a relation change. A `state` stays until it is changed again.
        """
        with self._lend() as store:
            store.changed()
            obj = self._object(object_id)
            for name, value in fields.items():
                obj.change(store, name, value)

    def remove(self, object_id: str) -> None:
        """Delete an object without the API. What it used becomes free; a network's addresses are deleted with it."""
        with self._lend() as store:
            store.changed()
            self._object(object_id).remove(store)

    def fail_provisioning(self, kind: str, *, times: int = 1) -> None:
        """Let the next `times` new `disks`, `instances`, `networks` or `console_sessions` fail to provision."""
        with self._lock:
            self._store.failing[kind] += times

    def fail_power(self, action: Literal["start", "stop"], *, times: int = 1) -> None:
        """Let the next `times` starts or stops of instances be accepted, but end in the state before."""
        with self._lock:
            self._store.failing[action] += times

    def fail(
        self,
        operation: str,
        *,
        status: int | None = None,
        error: str | None = None,
        details: str | dict[str, list[str]] | None = None,
        retry_after: int | str | None = None,
        drop: Literal["before", "after"] | None = None,
        delay: float = 0,
        until: Callable[[], bool] = lambda: True,
        body: bytes | None = None,
        act: Literal["before", "after", "never"] | None = None,
        act_after: float | None = None,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Let the next `times` calls of an operation fail, after `skip` calls that succeed.

        `operation` is written as in the API reference (`POST /disks`, `GET /disks/{disk_id}`); `*` is any request.
        Several faults of one operation apply one after the other.

        - `status` or `error` (each implies the other) returns that error, with these `details`; a status below 400
          only replaces that of the real response.
        - `body` returns this text, with `status` or the operation's own.
        - `retry_after` adds the header Retry-After.
        - `drop` closes the connection without a response, `before` or `after` the cloud acts.
        - `delay` waits that many seconds before responding.
        - `until` is called every few milliseconds; the response waits until it returns true. It may use the emulator.
        - `act` sets whether the cloud acts `before` that wait, `after` it, or `never`. Default: `never` for an error
          and for `drop="before"`, else `before`.
        - `act_after` makes the cloud act only that many seconds after it responded or dropped the connection, as a
          queue behind a load balancer does. Use it with an error, `body` or `drop="before"`.
        """
        known = {each.name for each in OPERATIONS}
        if operation != "*" and operation not in known:
            raise ValueError(f"no operation {operation!r}; an example is 'GET /disks/{{disk_id}}'")
        if drop and act:
            raise ValueError("drop already sets whether the cloud acts: give drop or act, not both")
        refused = error is not None or (status is not None and status >= 400)
        if act_after is not None and (act or drop == "after" or not (drop or refused or body)):
            raise ValueError('act_after needs an error, a body or drop="before", and no act')
        if act is None and act_after is not None:
            act = "never"  # until act_after
        if act is None:
            act = "never" if refused or drop == "before" else "before"
        fault = Fault(
            operation=operation,
            status=status,
            error=error,
            details=details,
            retry_after=retry_after,
            drop=drop is not None,
            delay=delay,
            until=until,
            body=body,
            act=act,
            act_after=act_after,
            times=times,
            skip=skip,
        )
        with self._lock:
            self._faults.append(fault)

    def heal(self) -> int:
        """Drop all faults; return how many calls would still have failed."""
        with self._lock:
            left = sum(fault.times for fault in self._faults)
            self._faults.clear()
        return left

    def _object(self, object_id: str) -> Object:
        found = self._store.named(object_id)
        if found is None or found.gone():
            raise LookupError(f"no object {object_id!r}")
        return found

    @contextmanager
    def _lend(self) -> Generator[Store, None, None]:
        """Lock the store, bring its states up to date, and return it."""
        with self._lock:
            self._store.settle()
            yield self._store

    # The live page

    def _version(self) -> str:
        with self._lend() as store:
            return f"{store.version}-{next(reversed(self._requests), 0)}"

    def _picture(self) -> Part:
        with self._lend() as store:
            return picture(store, self._requests)

    # Responding

    def _app(self) -> fastapi.FastAPI:
        app = FastAPIOffline(title="Joviam API (emulated)", redoc_url=None, redirect_slashes=False)
        for operation in OPERATIONS:
            app.add_api_route(
                PREFIX + operation.path,
                self._endpoint(operation),
                methods=[operation.method],
                name=operation.name,
                response_model=None,
            )
        app.openapi = lambda: document(PREFIX)  # type: ignore[method-assign] # FastAPI's own way to replace it
        app.router.routes += LivePage(self.page, self.token, version=self._version, picture=self._picture).routes()
        app.mount("/", self._unknown)
        return app

    def _endpoint(self, operation: Operation) -> Any:
        async def endpoint(request: fastapi.Request) -> fastapi.Response:
            return await self._respond(request, operation)

        return endpoint

    async def _unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(fastapi.Request(scope, receive), None)
        await response(scope, receive, send)

    async def _respond(self, request: fastapi.Request, operation: Operation | None) -> fastapi.Response:
        arrived = time.monotonic()
        raw = await request.body()
        name = operation.name if operation else None
        path = request.scope["path"].removeprefix(PREFIX)
        with self._lock:
            store, log = self._store, self._requests
            number = next(self._numbers)
            log[number] = Request(request.method, path, name, _parsed(raw), None, arrived)
            log.pop(number - MOST_REQUESTS, None)
            fault = next((fault for fault in self._faults if fault.strikes(name)), NO_FAULT)

        answer = Answer(operation.status if operation else 404, b"")
        if fault.act == "before":
            answer = self._act(store, request, operation, raw)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        while store is self._store and not fault.until():
            await asyncio.sleep(0.005)
        if fault.act == "after":
            answer = self._act(store, request, operation, raw)
        if fault.act_after is not None:
            asyncio.get_running_loop().call_later(fault.act_after, self._act, store, request, operation, raw)
        if fault.drop:
            return await self._drop_connection(request)
        answer = fault.apply_to(answer)
        with self._lock:
            if number in log:
                log[number] = replace(log[number], status=answer.status)
        if store.switches.date_header:
            answer.headers["Date"] = email.utils.formatdate(store.wall_clock(), usegmt=True)
        return fastapi.Response(answer.content, answer.status, answer.headers, "application/json")

    async def _drop_connection(self, request: fastapi.Request) -> fastapi.Response:
        if request.client in self._connections:
            self._connections[request.client].abort()
        await asyncio.sleep(0)  # until uvicorn has noticed; then it sends nothing
        return fastapi.Response()

    def _act(self, store: Store, request: fastapi.Request, operation: Operation | None, raw: bytes) -> Answer:
        """Do the operation, or return the error."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return failure(401, "unauthorized")
        if token.strip() != self.token:
            return failure(401, "invalid_token")
        try:
            if operation is None:
                raise NotFound
            parameters = self._parameters(request, operation, raw)
            with self._lock:
                store.settle()
                named = store.named(next(iter(request.path_params.values()), ""))
                if named and store.is_new(named, store.switches.new_is_404):
                    raise NotFound
                if operation.method == "PUT" and store.switches.ignored_updates and operation.path in READS:
                    operation, parameters = READS[operation.path], []
                before = store.snapshot(named)
                shown = operation.act(store, *request.path_params.values(), *parameters)
                if operation.method != "GET":
                    store.changed()
                    store.before.update(before)
            if isinstance(shown, Accepted):
                return success(202, cast("Accepted[object]", shown).shown)
            return success(operation.status, shown)
        except Refused as refused:
            return failure(None, refused.error, refused.details)
        except Exception:  # a bug must look like an internal error of the API, not like a lost connection
            logger.exception("%s failed", operation and operation.name)
            return failure(500, "internal_server_error")

    def _parameters(self, request: fastapi.Request, operation: Operation, raw: bytes) -> list[Any]:
        if request.url.query:
            raise BadRequest("the API has no query parameters")
        if operation.method == "GET":
            return []
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if raw and media_type != "application/json":
            raise BadRequest("the Content-Type of the body is not application/json")
        body = parse(operation.body, raw)
        return [] if operation.body is Nothing else [body]


class _Server(uvicorn.Server):
    """uvicorn, but a stop does not wait: it drops the connections of requests in flight."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.connections = connections

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for transport in list(self.connections.values()):
            transport.abort()
        await super().shutdown(sockets)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _tracked(connections: Connections) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which records every open connection so that it can be dropped."""

    class Tracked(AutoHTTPProtocol):  # type: ignore[misc, valid-type] # uvicorn picks its base class at run time
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.peer = transport.get_extra_info("peername")
            connections[self.peer] = cast("asyncio.Transport", transport)
            # asyncio does this only for sockets that name their protocol. Without it every response takes 40 ms.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.peer, None)
            super().connection_lost(exc)

    return Tracked

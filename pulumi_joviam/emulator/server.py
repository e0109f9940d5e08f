"""The API over HTTP: routes, token check, error bodies, faults, the log of requests, and the server's thread.

What the API does with a request is in the files named after its nouns; what a browser gets to see is in pages.py.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import fastapi
import uvicorn
from fastapi_offline import FastAPIOffline
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pulumi_joviam.emulator import network, performance_tier, region, template
from pulumi_joviam.emulator.body import Nothing, parse
from pulumi_joviam.emulator.console_session import ConsoleSession
from pulumi_joviam.emulator.data_file import DataFile, UnusableData
from pulumi_joviam.emulator.disk import Disk
from pulumi_joviam.emulator.documentation import document
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.ip_address import IpAddress
from pulumi_joviam.emulator.live import Part, picture
from pulumi_joviam.emulator.operations import OPERATIONS, READS, Operation
from pulumi_joviam.emulator.pages import LivePage
from pulumi_joviam.emulator.public_key import PublicKey
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
"""The API's words for errors: the status of each, the field that explains it, and what it says by default."""

OWNED = (PublicKey, network.Network, IpAddress, Disk, Instance, template.Template, ConsoleSession)

Connections = dict[Any, asyncio.Transport]
"""Every open connection by the client's address."""

MOST_REQUESTS = 100_000
"""How many requests are remembered, so that an emulator in use for days does not grow without end."""

logger = logging.getLogger(__name__)


@dataclass
class Answer:
    """What goes back to the client."""

    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


def success(status: int, shown: Any) -> Answer:
    """The answer to an operation that did what was asked."""
    return Answer(status, to_json(shown))


def failure(status: int | None, error: str | None, details: Any = None) -> Answer:
    """An error as the API writes it, from its status or its word; the reference's table supplies the rest."""
    if error is None:
        words = (word for word, (known, _, _) in ERRORS.items() if known == status)
        error = next(words, None) or HTTPStatus(status or 500).phrase.lower().replace(" ", "_")
    usual, field, explanation = ERRORS.get(error, (500, None, None))
    content = {"error": error}
    if field or details is not None:
        content[field or "details"] = explanation if details is None else details
    return Answer(status or usual, json.dumps(content).encode())


@dataclass
class Fault:
    """What goes wrong with some of the next calls of an operation; see `Emulator.fail`."""

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
        """Whether it is this call's turn."""
        if self.times < 1 or self.operation not in ("*", operation):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def disguise(self, answer: Answer) -> Answer:
        """What the client gets to see instead of the real answer."""
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
    """A Joviam account of your own, at `url`, for as long as the `with` block (or between `start` and `stop`).

    `token` is the only one that it accepts. It listens on `host`; `port` 0 takes a free one. `data` is a file that
    keeps the account: it is read now, if there is one, and written soon after each change while the server runs; a file
    that cannot be used raises UnusableData, here or when starting. `provision_seconds` and every other keyword are
    fields of `store.Switches`: the cloud's pace, and what the API reference leaves open.
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
        kept = Store(self._switches)
        if self._data and self._data.load(kept):
            self._store = kept

    # Running

    def start(self) -> Emulator:
        """Listen, and return when requests are answered. Started again after a stop, it takes the same port."""
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
        """Close every connection, also those with a request under way, and stop listening. What it holds stays."""
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
        """The live page for a browser: `http://127.0.0.1:PORT/`. Beside it, at `/docs`, is the API's documentation."""
        return f"{self._root}/"

    @property
    def _root(self) -> str:
        host, port = self._address
        return f"http://{host}:{port}"

    # Looking

    @property
    def requests(self) -> list[Request]:
        """The requests since the start or the last reset, in order of arrival; of very many the last MOST_REQUESTS."""
        with self._lock:
            return list(self._requests.values())

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """The account's own objects of a kind, as the API shows them: `public_keys`, `networks` (private ones),
        `ip_addresses`, `disks`, `instances`, `templates` (those made by supersede) or `console_sessions`."""
        nouns: dict[str, type[Object]] = {noun.kind: noun for noun in OWNED}
        with self._lend() as store:
            return [dict(obj.show(store)) for obj in store.all(nouns[kind]) if obj.owned()]

    def count(self) -> Counter[str]:
        """How many objects the account owns, by kind; kinds without any are left out, so an empty account is `{}`."""
        with self._lend() as store:
            return +Counter({noun.kind: sum(obj.owned() for obj in store.all(noun)) for noun in OWNED})

    # Arranging

    def reset(self) -> None:
        """Go back to the seed and to the constructor's switches; forget faults and requests."""
        store = Store(self._switches)
        for noun in (region, performance_tier, network, template):
            noun.seed(store)
        with self._lock:
            # A request that is still delayed keeps the old store and log, and cannot disturb the new ones.
            self._store = store
            self._requests: dict[int, Request] = {}
            self._faults: list[Fault] = []

    def configure(self, **switches: Any) -> None:
        """Set switches while it runs, until the next reset. The pace counts for what is already under way, too."""
        with self._lend() as store:
            store.switches = replace(store.switches, **switches)

    def change(self, object_id: str, **fields: Any) -> None:
        """Set fields of any object behind everybody's back, whatever the rules say.

        Fields are named as the API shows them, and an instance's `note`, `context` and `ip_addresses`. References are
        ids; regions, tiers and templates may be words (`region="ML1"`). `network_adapters` is what
        `PUT …/network_adapters` takes. Both sides of a relation change. A `state` stays until it is changed again.
        """
        with self._lend() as store:
            store.changed()
            obj = self._object(object_id)
            for name, value in fields.items():
                obj.change(store, name, value)

    def remove(self, object_id: str) -> None:
        """Let an object vanish behind everybody's back. What it used becomes free; a network's addresses go with it."""
        with self._lend() as store:
            store.changed()
            self._object(object_id).remove(store)

    def fail_provisioning(self, kind: str, *, times: int = 1) -> None:
        """Let the next `times` new `disks`, `instances`, `networks` or `console_sessions` fail for good."""
        with self._lock:
            self._store.failing[kind] += times

    def fail_power(self, action: Literal["start", "stop"], *, times: int = 1) -> None:
        """Let the next `times` starts or stops of instances be accepted, go on for a while, and fall back."""
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
        """Let the next `times` calls of an operation go wrong, after `skip` calls that go well.

        `operation` is written as in the API reference (`POST /disks`, `GET /disks/{disk_id}`); `*` is any request.
        Several faults of one operation strike one after the other.

        - `status` or `error` (either implies the other) answers that error, with these `details`; a status below 400
          only replaces that of the real answer.
        - `body` answers this text, with `status` or the operation's own.
        - `retry_after` adds that header.
        - `drop` closes the connection without an answer, `before` or `after` acting.
        - `delay` waits that many seconds before answering.
        - `until` waits before answering until it returns true; it is asked every few milliseconds, and may look at
          the cloud.
        - `act` says whether the cloud does what it was asked `before` that wait, `after` it, or `never`. Default:
          `never` for an error and for `drop="before"`, else `before`.
        - `act_after` lets the cloud act only that many seconds after it has answered or dropped the connection, as a
          queue behind a balancer does. It goes with what tells nothing of the act: an error, `body` or `drop="before"`.
        """
        known = {each.name for each in OPERATIONS}
        if operation != "*" and operation not in known:
            raise ValueError(f"no operation {operation!r}; an example is 'GET /disks/{{disk_id}}'")
        if drop and act:
            raise ValueError("drop says itself whether the cloud acts: give drop or act")
        refused = error is not None or (status is not None and status >= 400)
        if act_after is not None and (act or drop == "after" or not (drop or refused or body)):
            raise ValueError('act_after goes with an error, a body or drop="before", and without act')
        if act is None and act_after is not None:
            act = "never"  # as far as the answer goes
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
        """Forget all faults; return how many calls had still to go wrong."""
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
    def _lend(self) -> Iterator[Store]:
        """The store as it is by now, for one at a time."""
        with self._lock:
            self._store.settle()
            yield self._store

    # Watching

    def _version(self) -> str:
        with self._lend() as store:
            return f"{store.version}-{next(reversed(self._requests), 0)}"

    def _picture(self) -> Part:
        with self._lend() as store:
            return picture(store, self._requests)

    # Answering

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
            return await self._hang_up(request)
        answer = fault.disguise(answer)
        with self._lock:
            if number in log:
                log[number] = replace(log[number], status=answer.status)
        if store.switches.date_header:
            answer.headers["Date"] = email.utils.formatdate(store.wall_clock(), usegmt=True)
        return fastapi.Response(answer.content, answer.status, answer.headers, "application/json")

    async def _hang_up(self, request: fastapi.Request) -> fastapi.Response:
        if request.client in self._connections:
            self._connections[request.client].abort()
        await asyncio.sleep(0)  # until uvicorn has noticed; then it sends nothing
        return fastapi.Response()

    def _act(self, store: Store, request: fastapi.Request, operation: Operation | None, raw: bytes) -> Answer:
        """Do what was asked, or answer why not."""
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
                before = store.seen(named)
                shown = operation.act(store, *request.path_params.values(), *parameters)
                if operation.method != "GET":
                    store.changed()
                    store.before.update(before)
            if isinstance(shown, Accepted):
                return success(202, shown.shown)
            return success(operation.status, shown)
        except Refused as refused:
            return failure(None, refused.error, refused.details)
        except Exception:  # a mistake of ours must look like one of the API, not like a lost connection
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
    """uvicorn, but a stop waits for nobody: a request under way loses its connection."""

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
    """uvicorn's protocol, noting every open connection so that we can hang up."""

    class Tracked(AutoHTTPProtocol):  # type: ignore[misc, valid-type] # uvicorn picks its base class at run time
        def connection_made(self, transport: asyncio.Transport) -> None:
            self.peer = transport.get_extra_info("peername")
            connections[self.peer] = transport
            # asyncio does this only for sockets that name their protocol. Without it every answer takes 40 ms.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            connections.pop(self.peer, None)
            super().connection_lost(error)

    return Tracked

"""Sends one request and reads its response, within a deadline. The only user of requests and urllib3.

What these two lack: their timeouts restart with every byte, waiting for a free connection has no timeout, a
redirect is resolved even if it is not followed, and their exceptions say where something failed, not whether
the server may have acted. Here a request ends by its deadline, and every failure becomes one of our errors:
Unreachable if the server cannot have seen it, AnswerLost if it may have acted, ConfigError if nothing could
be sent at all.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, HTTPResponse, IncompleteRead, RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import AnswerLost, ConfigError, JoviamError, Unreachable, readable
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.writes import Writes

LARGEST_ANSWER = 16 * 1024 * 1024
"""In bytes: about 2,000 instances with 8 disks each. Parsed JSON can take thirty times as much memory."""
SHORTEST_SECRET = 8
"""A shorter token is not secret, and could be part of any word."""

# Nothing was sent: the endpoint, or a proxy in the environment, is not a valid address.
_UNUSABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.URLRequired,
    urllib3.exceptions.LocationValueError,
)
_NEVER_CONNECTED = (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError)
# The first match counts: RemoteDisconnected is a BadStatusLine, too.
_WORDS = {
    TimeoutError: "timed out",
    IncompleteRead: "it ended early",
    RemoteDisconnected: "the connection was dropped",
    BadStatusLine: "invalid HTTP",
}


class Unsent(Unreachable):
    """There was no time left to send the request."""


class Untrusted(Unreachable):
    """The server cannot be reached safely, and a retry would not help."""


@dataclass(frozen=True)
class Answer:
    """A response. ``whole`` is False if it exceeded the size limit."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    whole: bool

    def json(self) -> Any:
        """Return the decoded content. Raises ValueError if it is not JSON."""
        try:
            return json.loads(self.content, parse_constant=_no_json)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class Transport:
    """Sends requests to one endpoint with one token. Safe to share between threads.

    At most ``settings.max_concurrency`` requests are in flight; the others wait, but not beyond their deadlines.
    ``reached`` is set by the first response. ``ahead`` is by how many seconds the server's clock is ahead of this
    machine's (or up to 1 more), by the last response with a date; None before the first one.
    """

    def __init__(self, settings: Settings) -> None:
        self.reached: threading.Event = threading.Event()
        self.ahead: float | None = None
        self.quiet_until: float = 0.0
        self._lock = threading.Lock()
        self.writes: Writes = Writes()
        self._endpoint, self._token = settings.endpoint, settings.token.encode()
        self._setting, self._pace = settings.endpoint_name, settings.pace
        self._slots = threading.BoundedSemaphore(settings.max_concurrency)
        self._session = _Session()
        self._session.auth = _Token(settings.token)
        self._session.headers.update(
            {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "pulumi-joviam"}
        )
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.mount(settings.endpoint, _Adapter(pool_maxsize=settings.max_concurrency))
        self._session.read_environment(settings)

    def be_quiet(self, seconds: float) -> None:
        """Ask all callers to send nothing for so long: sets ``quiet_until``, by time.monotonic()."""
        with self._lock:
            self.quiet_until = max(self.quiet_until, time.monotonic() + seconds)

    def exchange(self, method: str, path: str, body: Mapping[str, Any] | None, deadline: Deadline) -> Answer:
        """Send a request once, and return the response. Raises NoAnswer or ConfigError, or Cancelled before sending."""
        request, content = f"{method} {path}", bytearray()
        if not deadline.acquire(self._slots):
            raise Unsent(f"{request} was not sent: no time was left")
        _due.set((deadline, self._pace.silence))
        left = max(deadline.left, 0.001)  # for sockets, 0 means no timeout
        try:
            with (
                self.writes.sending(method, path),
                self._session.request(
                    method,
                    self._endpoint + path,
                    json=body,
                    timeout=(min(self._pace.connect, left), min(self._pace.silence, left)),
                    stream=True,
                ) as response,
            ):
                self.reached.set()
                self._compare_clocks(response.headers)
                if response.headers.get("Content-Encoding", "").lower() != "gzip":
                    # do not decode what was not requested: Brotli, or gzip within gzip, can expand a millionfold
                    response.raw.headers.discard("Content-Encoding")
                for chunk in response.iter_content(65536):
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        return Answer(response.status_code, response.headers, b"", whole=False)
                return Answer(response.status_code, response.headers, self._untold(bytes(content)), whole=True)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:  # exceptions of requests are OSErrors
            raise self._translate(error, request) from None
        finally:
            self._slots.release()

    def _compare_clocks(self, headers: Mapping[str, str]) -> None:
        with contextlib.suppress(TypeError, ValueError, OverflowError):  # no Date, or an unreadable one
            self.ahead = parsedate_to_datetime(headers.get("Date", "")).timestamp() - time.time()

    def _untold(self, content: bytes) -> bytes:
        """Return the content with the token masked: parts of responses are printed and stored."""
        return content if len(self._token) < SHORTEST_SECRET else content.replace(self._token, b"[token]")

    def _translate(self, error: Exception, request: str) -> JoviamError:
        """Return our exception for one of theirs. A request that may have reached the server counts as sent."""
        chain = list(_chain(error))
        reason, where = _reason(chain[-1]), f"cannot reach {self._endpoint}"
        if isinstance(error, _UNUSABLE):
            return ConfigError(f"{where}: {reason}. Are {self._setting} and the proxy variables right?")
        tls = next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None)
        if isinstance(tls, ssl.SSLCertVerificationError):
            return Untrusted(
                f"{where}: its certificate is not trusted ({tls.verify_message}). "
                "For a private certificate authority, set REQUESTS_CA_BUNDLE to the file with its certificate."
            )
        if tls and not isinstance(tls, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) and not self.reached.is_set():
            return Untrusted(f"{where}: {reason}. Does that port speak HTTPS?")
        by = " through the proxy" if any(isinstance(it, urllib3.exceptions.ProxyError) for it in chain) else ""
        # http.client has only this text for a proxy that refuses to connect
        never = any(isinstance(it, _NEVER_CONNECTED) for it in chain)
        if never or reason.startswith("tunnel connection failed"):
            return Unreachable(f"{where}{by}: {reason}. Is {self._setting} right, and is the network up?")
        late = isinstance(chain[-1], TimeoutError)
        return AnswerLost(f"{request} was sent, but no complete response arrived: {reason}", timed_out=late)


class _Token(AuthBase):
    """Send the token. As an auth object it also keeps a ~/.netrc from replacing it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: it would send the token elsewhere."""

    def read_environment(self, settings: Settings) -> None:
        """Read proxies and certificates from the environment, once. Raises ConfigError for unusable ones.

        requests would read them twice for each request, a third of its time, and raise exceptions of any kind, some of
        which show a part of the proxy's password.
        """
        endpoint = settings.endpoint
        try:
            said: Any = self.merge_environment_settings(endpoint, {}, None, None, None)
            proxies, authorities = said["proxies"], said["verify"]
            if requests.utils.select_proxy(endpoint, proxies):
                request = requests.Request("GET", endpoint).prepare()
                adapter: Any = self.get_adapter(endpoint)
                adapter.get_connection_with_tls_context(request, authorities, proxies)
                adapter.request_url(request, proxies)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, TypeError):
            raise ConfigError(
                f"cannot reach {endpoint}: the address of the proxy is invalid. "
                f"Are {settings.endpoint_name} and the proxy variables right?"
            ) from None
        try:
            if endpoint.startswith("https:") and authorities is not True and not os.path.isdir(authorities):
                ssl.create_default_context(cafile=authorities)
        except OSError as error:
            raise ConfigError(
                f"cannot reach {endpoint}: cannot read certificates from the file {authorities} ({_reason(error)}). "
                "Is REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) right?"
            ) from None
        self.proxies, self.verify, self.trust_env = proxies, authorities, False


class _Adapter(HTTPAdapter):
    """requests' adapter, but a response must be complete by the deadline, from its status line on."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if pool.ConnectionCls.response_class is not _response:
            pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": staticmethod(_response)})
        return pool


_due: ContextVar[tuple[Deadline, float]] = ContextVar("_due")
"""The deadline of the request under way, and how long the server may send nothing."""


def _no_json(constant: str) -> None:
    """Refuse NaN and Infinity, which Python would accept as numbers."""
    raise ValueError(constant)


def _response(sock: Any, *args: Any, **kwargs: Any) -> HTTPResponse:
    punctual: Any = _Punctual(sock)
    return HTTPResponse(punctual, *args, **kwargs)


class _Punctual(io.RawIOBase):
    """Reads from a socket until the deadline of the request in flight, and up to the size limit.

    It has what HTTPResponse needs of a socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        self._deadline, self._silence = _due.get()
        self._room = 2 * LARGEST_ANSWER  # includes headers and chunk framing

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left
        if not left:  # also if bytes never stop arriving
            raise TimeoutError("timed out")
        self._sock.settimeout(min(self._silence, left))
        size = self._raw.readinto(buffer)
        self._room -= size or 0
        if self._room < 0:
            raise OSError("too large")
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, the root cause last. urllib3 stores causes in several places."""
    while error:
        yield error
        nested = (getattr(error, "reason", None), *error.args, error.__cause__)
        error = next((it for it in nested if isinstance(it, BaseException)), None)


def _reason(error: BaseException) -> str:
    """Return the text of an exception as part of a sentence, without technical details."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    text = readable(getattr(error, "strerror", None) or error)
    text = re.sub(r"\[[A-Z0-9_: ]+\] | \(_ssl\.c:\d+\)|\.$", "", text)
    text = type(error).__name__ if not text or " object at 0x" in text else text
    return text if text[1:2].isupper() else text[0].lower() + text[1:]

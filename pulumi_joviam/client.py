"""All HTTP, and the only user of requests. Knows nothing of Pulumi: it works in a plain script.

    client = Client(Settings(token="…"))
    for disk in client.list(models.Disk):
        print(disk.name, disk.size)

What is sent again, with growing pauses, until the deadline of the call:

- any request that the server cannot have seen or acted on: connection refused, 429, 503
  (after the time the server asks for in Retry-After);
- GET, PUT and DELETE, which may be done twice: also after a dropped connection, a timeout, an
  unreadable answer, 502 and 504; GET also after 500, a few times.

A POST is never sent again after the server may have acted: it ends in AnswerLost (or ServerError).
A server that was never reached is given up after 10 seconds, whatever the deadline.
"""

from __future__ import annotations

import copy
import json
import re
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pulumi_joviam.config import Settings
from pulumi_joviam.deadline import Deadline
from pulumi_joviam.errors import (
    BY_WORD,
    AnswerLost,
    ArgumentError,
    BadAnswer,
    JoviamError,
    NotFound,
    ServerError,
    Unauthorized,
    Unreachable,
)
from pulumi_joviam.models import Model

M = TypeVar("M", bound=Model)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
SCRIPT_SECONDS = 60.0
FIRST_CONTACT_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024 * 1024
TRIES_AFTER_ERRORS = 5

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# The server did not act: its own words for "not now", so even a POST can go out again.
_NOT_NOW = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
# Something between us and the API answered: whether the API acted is unknown.
_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}


class _NotNow(Unreachable):
    """The server asked to come back ``after`` seconds."""

    def __init__(self, message: str, after: float | None) -> None:
        super().__init__(message)
        self.after = after


class _Token(requests.auth.AuthBase):
    """Send the token. As an auth object it also keeps a ~/.netrc from replacing it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Client:
    """Typed verbs over the API of one account. Safe to share between threads.

    ``settings``: token, endpoint and how many requests may be in flight at once.
    ``cancelled``: an event that ends every call at its next pause. Each call has 60 seconds; `until` gives
    another limit.
    """

    def __init__(self, settings: Settings, cancelled: threading.Event | None = None) -> None:
        self.settings = settings
        self._cancelled = cancelled or threading.Event()
        self._deadline: Deadline | None = None
        self._reached = threading.Event()
        self._session = requests.Session()
        self._session.auth = _Token(settings.token)
        self._session.headers.update({"Accept": "application/json", "User-Agent": "pulumi-joviam"})
        # pool_block makes the pool the limit of requests in flight; our own loop below does the retries,
        # because pauses must end at Ctrl-C and bodies must be read before an answer counts as arrived
        pool = HTTPAdapter(
            pool_connections=1, pool_maxsize=settings.max_concurrency, pool_block=True, max_retries=Retry(0, read=False)
        )
        self._session.mount(settings.endpoint, pool)

    def __repr__(self) -> str:
        return f"Client({self.settings.endpoint})"

    def until(self, deadline: Deadline) -> Client:
        """Return the same client, its connections shared, whose calls end at ``deadline``."""
        other = copy.copy(self)
        other._deadline = deadline
        return other

    def get(self, model: type[M], id: str) -> M:
        """Return the object. Raises NotFound if it is gone."""
        return self._parse(model, self.call("GET", self.path(model, id)))

    def list(self, model: type[M], path: str | None = None) -> list[M]:
        """Return all objects of a kind, or those at another ``path`` (``/networks/public``)."""
        answer = self.call("GET", path or model.path)
        if not isinstance(answer, list):
            raise BadAnswer(f"GET {path or model.path} did not answer with a list")
        return [self._parse(model, item) for item in answer]

    def create(self, model: type[M], body: Mapping[str, Any], path: str | None = None) -> M:
        """Create an object, and return it as soon as it has an id: it may still be provisioning."""
        return self._parse(model, self.call("POST", path or model.path, body), lost=True)

    def update(self, model: type[M], id: str, body: Mapping[str, Any]) -> M:
        """Change what ``body`` names and return the object."""
        return self._parse(model, self.call("PUT", self.path(model, id), body))

    def delete(self, model: type[Model], id: str) -> None:
        """Ask for the deletion. Raises NotFound if it is gone already."""
        self.call("DELETE", self.path(model, id))

    def state(self, model: type[Model], id: str) -> str:
        """Return the state of a disk or an instance, the cheapest thing that can be asked of it."""
        answer = self.call("GET", self.path(model, id, "state"))
        if not isinstance(answer, dict) or not isinstance(answer.get("state"), str):
            raise BadAnswer(f"the state of {model.noun} {id} could not be read")
        return str(answer["state"])

    @staticmethod
    def path(model: type[Model], id: str, *rest: str) -> str:
        """Return the path of an object, or of what lies under it. Raises ArgumentError for what is not an id."""
        if not _UUID.fullmatch(id):
            raise ArgumentError("id", f"{id!r} is not an id of the API (they look like {'0' * 8}-0000-…)")
        return "/".join([model.path, id, *(quote(part, safe="") for part in rest)])

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, again where that is safe, and return the decoded answer. Raises JoviamError."""
        deadline = self._deadline or Deadline.after(SCRIPT_SECONDS, self._cancelled)
        started = time.monotonic()
        pauses = Retry(total=None, backoff_factor=0.2, backoff_max=8, backoff_jitter=0.2)
        while True:
            pauses = pauses.increment(method, path, error=OSError())
            try:
                return self._send(method, path, body, deadline)
            except (Unreachable, AnswerLost, BadAnswer, ServerError) as error:
                tries = len(pauses.history)
                if not _may_repeat(method, error, tries):
                    raise
                pause = getattr(error, "after", None) or pauses.get_backoff_time() or 0.1
                if pause >= deadline.remaining() or (
                    not self._reached.is_set() and time.monotonic() + pause - started > FIRST_CONTACT_SECONDS
                ):
                    raise
                deadline.sleep(pause)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, deadline: Deadline) -> Any:
        """Send one request once."""
        request = f"{method} {path}"
        left = max(deadline.remaining(), 0.1)
        try:
            with self._session.request(
                method,
                self.settings.endpoint + path,
                json=body,
                timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
                allow_redirects=False,  # a redirect would carry the token elsewhere
                stream=True,
            ) as response:
                self._reached.set()
                content = self._read(response, deadline)
        except requests.RequestException as error:
            raise self._translate(error, request) from None
        status = response.status_code
        if status in _NOT_NOW:
            after = Retry().get_retry_after(response.raw) if response.raw is not None else None
            raise _NotNow(f"the API is busy ({status}, {request})", after)
        if status in _GATEWAY:
            raise AnswerLost(f"a gateway before the API answered {status} to {request}")
        try:
            answer = json.loads(content)
        except ValueError:
            kind = response.headers.get("Content-Type", "no type")
            message = f"{request} was answered with {status} and something that is not JSON ({kind})"
            raise (AnswerLost if method == "POST" and response.ok else BadAnswer)(message) from None
        if response.ok and status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        raise self._refusal(request, status, answer)

    def _read(self, response: requests.Response, deadline: Deadline) -> bytes:
        """Read the body, but neither without end nor beyond the deadline."""
        content = bytearray()
        for chunk in response.iter_content(65536):
            content += chunk
            if len(content) > LARGEST_ANSWER or not deadline.remaining():
                raise requests.ReadTimeout("the answer does not end")
        return bytes(content)

    def _refusal(self, request: str, status: int, answer: Any) -> JoviamError:
        """Return the exception for an error answer, chosen by the API's own word."""
        word = answer.get("error") if isinstance(answer, dict) else None
        kind = BY_WORD.get(word) if isinstance(word, str) else None
        if kind is None:
            return BadAnswer(f"{request} was answered with {status}, but not in the words of the Joviam API")
        details = answer.get("details", "")
        if isinstance(details, dict):
            details = {
                str(field): [str(text) for text in (said if isinstance(said, list) else [said])]
                for field, said in details.items()
            }
        error = kind(request, status, str(word), details, str(answer.get("error_description") or "")[:500])
        if isinstance(error, Unauthorized):
            error.advice = (
                f"The token came from {self.settings.token_source}. `refresh` and `destroy` use the token of the "
                "last `up`: after a change of token give them --run-program."
            )
        return error

    def _translate(self, error: requests.RequestException, request: str) -> JoviamError:
        """Return our exception for one of requests'."""
        reason = str(error.args[0] if error.args else error) if not isinstance(error, requests.Timeout) else "timeout"
        where = self.settings.endpoint
        if isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError)):
            return Unreachable(f"cannot reach {where}: {_short(reason)}")
        if (
            isinstance(error, requests.exceptions.ConnectTimeout)
            or "NewConnectionError" in reason
            or ("NameResolutionError" in reason)
        ):
            return Unreachable(
                f"cannot reach {where}: {_short(reason)}. Is joviam:endpoint right, and is the network up?"
            )
        return AnswerLost(f"{request} was sent, but no answer arrived: {_short(reason)}")

    @staticmethod
    def _parse(model: type[M], answer: Any, lost: bool = False) -> M:
        """Return the model. ``lost`` says that an unreadable answer may hide a new object."""
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) or "all of it" for problem in error.errors())
            message = f"the API's answer about a {model.noun} could not be read ({fields})"
            raise (AnswerLost if lost else BadAnswer)(message) from None


def _may_repeat(method: str, error: JoviamError, tries: int) -> bool:
    """Say whether a request may go out again after ``error``, by the rules at the top of this file."""
    if isinstance(error, Unreachable):
        return "certificate" not in str(error).lower()
    if method == "POST" or isinstance(error, NotFound):
        return False
    if isinstance(error, AnswerLost):
        return True
    return tries < TRIES_AFTER_ERRORS and (isinstance(error, BadAnswer) or method == "GET")


def _short(reason: str) -> str:
    """Return the telling end of an exception's text: urllib3 nests them, the cause comes last."""
    return reason.rsplit(": ", 1)[-1].strip("()'\" ")[:200]

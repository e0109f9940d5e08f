"""Typed access to the API: which requests are retried, and what a response means. transport.py sends the bytes.

It does not import Pulumi, so it works in a plain script.

    client = Client(Settings(token="…"))
    for disk in client.list(models.Disk):
        print(disk.name, disk.size)

Retried, with exponential backoff, until the deadline of the call:

- any request that the server cannot have processed: connection refused, 429, 503
  (after the time in Retry-After);
  a 429 limits the whole account, so it pauses every thread;
- GET, PUT and DELETE, which are idempotent: also after a dropped connection, a timeout, 502 and
  504; and a few times after an unreadable response, GET also after 500.

A POST is never retried once the server may have acted: it raises AnswerLost (or ServerError).
A server that was never reached is given up after 10 seconds, whatever the deadline. Errors that a retry
cannot fix are raised at once: the API rejects the request, a redirect, a response from something other
than the API, an untrusted certificate, and a Retry-After beyond the deadline.
"""

from __future__ import annotations

import copy
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from pydantic import ValidationError

from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    BY_WORD,
    AnswerLost,
    ArgumentError,
    BadAnswer,
    JoviamError,
    NoAnswer,
    ServerError,
    TooLarge,
    Unauthorized,
    Unreachable,
    readable,
)
from pulumi_joviam.api.models import UUID, Instance, Model, prepare
from pulumi_joviam.api.settings import ENVIRONMENT, Settings
from pulumi_joviam.api.transport import Transport, Unsent, Untrusted
from pulumi_joviam.api.writes import Writes

M = TypeVar("M", bound=Model)

A_FEW = 5

# The server did not act, so even a POST can be retried.
_NOT_NOW = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
# A gateway responded: whether the API acted is unknown.
_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}


class _NotNow(Unreachable):
    """The server asked to retry later, ``after`` some seconds if it said how many."""

    def __init__(self, request: str, status: int, after: float) -> None:
        asks = f" and asks to retry in {after:.0f} s" if after > 0 else ""
        super().__init__(f"the API is too busy for {request} ({status}){asks}. Try again later")
        self.after = after
        self.all_of_us = status == HTTPStatus.TOO_MANY_REQUESTS


class _Garbled(BadAnswer):
    """The response may have been damaged in transit: a retry may help."""


@dataclass(frozen=True)
class Snapshot(Generic[M]):
    """An object in a list. ``read`` returns the whole object; it raises BadAnswer if it cannot be parsed."""

    state: str
    read: Callable[[], M]


class Client:
    """Typed access to the API of one account. Safe to share between threads.

    ``settings``: token, endpoint and the maximum number of requests in flight.
    ``cancelled``: an event that ends every call at its next pause. Each call has a limit of 60 seconds; `until`
    sets another.
    """

    def __init__(self, settings: Settings, cancelled: threading.Event | None = None) -> None:
        prepare()
        self.settings = settings
        self._cancelled = cancelled or threading.Event()
        self._deadline: Deadline | None = None
        self._transport = Transport(settings)
        self._too_large: dict[str, tuple[float, str]] = {}

    def __repr__(self) -> str:
        return f"Client({self.settings.endpoint})"

    @property
    def ahead(self) -> float | None:
        """By how many seconds the server's clock is ahead of this machine's (or up to 1 more), by the last response
        with a date; None if there was none."""
        return self._transport.ahead

    def until(self, deadline: Deadline) -> Client:
        """Return a client that shares these connections and whose calls end at ``deadline``."""
        other = copy.copy(self)
        other._deadline = deadline
        return other

    @property
    def writes(self) -> Writes:
        """The writing requests that were sent so far."""
        return self._transport.writes

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the deadline of all calls; None if each call has its own."""
        return self._deadline.left if self._deadline else None

    def get(self, model: type[M], id: str) -> M:
        """Return the object. Raises NotFound if it is gone."""
        return self._parse(model, self.call("GET", self.path(model, id)))

    def list(self, model: type[M], path: str | None = None) -> list[M]:
        """Return all objects of a kind, or those at another ``path`` (``/networks/public``)."""
        return [self._parse(model, item) for item in self._items(path or model.path)]

    def create(self, model: type[M], body: Mapping[str, Any], path: str | None = None) -> M:
        """Create an object, and return it as soon as it has an id: it may still be provisioning."""
        return self._parse(model, self.call("POST", path or model.path, body), lost=True)

    def update(self, model: type[M], id: str, body: Mapping[str, Any]) -> M:
        """Change the fields in ``body`` and return the object."""
        return self._parse(model, self.call("PUT", self.path(model, id), body))

    def delete(self, model: type[Model], id: str) -> None:
        """Request the deletion. Raises NotFound if the object is already gone."""
        self.call("DELETE", self.path(model, id))
        self.writes.deleted(id)

    def state(self, model: type[Model], id: str) -> str:
        """Return the state of an object, by the cheapest request."""
        if not model.has_state_path:
            return self.get(model, id).state
        answer = self.call("GET", self.path(model, id, "state"))
        try:
            return Model.model_validate({"id": id, "state": answer["state"]}).state
        except (KeyError, TypeError, ValidationError):
            raise BadAnswer(f"cannot parse the state of the {model.noun} {id} in the API's response") from None

    def snapshots(self, model: type[M]) -> dict[str, Snapshot[M]]:
        """Return {id: the state, and the object once it is asked for} of all objects of a kind."""
        try:
            seen = [
                (item, Model.model_validate({"id": item["id"], "state": "" if "" in model.ready else item["state"]}))
                for item in self._items(model.path)
            ]
            return {it.id: Snapshot(it.state, partial(self._parse, model, item)) for item, it in seen}
        except (AttributeError, KeyError, TypeError, ValidationError):
            raise BadAnswer(f"the response to GET {model.path} is not a list of objects") from None

    def _items(self, path: str) -> Any:
        """Return the items of a list. One that was too large is not requested again for a while: it is expensive."""
        until, said = self._too_large.get(path, (0.0, ""))
        if said and time.monotonic() < until:
            raise TooLarge(said)
        try:
            answer: list[Any] | dict[str, Any] = self.call("GET", path)
        except TooLarge as large:
            self._too_large[path] = time.monotonic() + self.settings.pace.too_large, str(large)
            raise
        if not isinstance(answer, list):
            raise BadAnswer(f"the response to GET {path} is not a list")
        return answer

    def note(self, instance_id: str) -> str:
        """Return the note of an instance."""
        path = self.path(Instance, instance_id, "note")
        try:
            return str(self.call("GET", path)["note"] or "")
        except (KeyError, TypeError):
            raise BadAnswer(f"the response to GET {path} is not a note") from None

    def context(self, instance_id: str) -> dict[str, str]:
        """Return the context of an instance."""
        path = self.path(Instance, instance_id, "context")
        answer: dict[str, Any] | list[Any] = self.call("GET", path)
        if not isinstance(answer, dict) or not all(isinstance(value, str) for value in answer.values()):
            raise BadAnswer(f"the response to GET {path} is not a set of variables")
        return answer

    @staticmethod
    def path(model: type[Model], id: str, *rest: str) -> str:
        """Return the path of an object, or a path below it. Raises ArgumentError for invalid parts."""
        if not re.fullmatch(UUID, id):
            raise ArgumentError("id", f"is not a valid id (ids look like {'0' * 8}-0000-…)")
        for part in rest:
            if part in ("", ".", ".."):  # these would address another object
                raise ArgumentError("key", f"{part!r} cannot be part of an API path")
        return "/".join([model.path, id.lower(), *(quote(part, safe="") for part in rest)])

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request, retry it where that is safe, and return the decoded response. Raises JoviamError."""
        pace = self.settings.pace
        deadline = self._deadline or Deadline.after(pace.script_call, self._cancelled)
        contact = Deadline.after(pace.first_contact, deadline.cancelled)
        longest, tries = pace.first_retry, 1
        before: JoviamError | None = None
        while True:
            quiet = self._transport.quiet_until - time.monotonic()
            if 0 < quiet < deadline.remaining():
                deadline.sleep(quiet)
            try:
                return self._send(method, path, body, deadline)
            except (NoAnswer, BadAnswer, ServerError) as error:
                if before and isinstance(error, Unsent):
                    raise before from None  # the error of the request that was sent matters more
                if not _may_repeat(method, error, tries):
                    raise
                before = error
                pause = longest * random.uniform(0.5, 1)  # noqa: S311 - so that many clients do not retry at the same moment
                if isinstance(error, _NotNow):
                    pause = max(pause, error.after)
                    if error.all_of_us:
                        self._transport.be_quiet(pause)
                if pause >= deadline.remaining():
                    raise
                if pause >= contact.remaining() and not self._transport.reached.is_set():
                    raise
            deadline.sleep(pause)
            longest, tries = min(2 * longest, pace.longest_retry), tries + 1

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, deadline: Deadline) -> Any:
        """Send a request once, and return the decoded response or raise an error."""
        request = f"{method} {path}"
        answer = self._transport.exchange(method, path, body, deadline)
        if answer.status in _NOT_NOW:
            raise _NotNow(request, answer.status, _retry_after(answer.headers))
        if answer.status in _GATEWAY:
            raise AnswerLost(
                f"a gateway in front of the API answered {answer.status} to {request}",
                timed_out=answer.status == HTTPStatus.GATEWAY_TIMEOUT,
            )
        if 300 <= answer.status < 400 and "Location" in answer.headers:
            raise BadAnswer(
                f"{request} was redirected to {readable(answer.headers['Location'])}, which is not followed: "
                f"the token is sent to {self.settings.endpoint_name} only. Is that the API's address?"
            )
        if not answer.whole:
            error = self._foreign(method, request, answer.status, "too large")
            raise TooLarge(str(error)) if method == "GET" else error
        try:
            said = answer.json()
        except ValueError:
            what = f"not JSON ({readable(answer.headers.get('Content-Type', 'no Content-Type'))})"
            raise self._foreign(method, request, answer.status, what) from None
        if 200 <= answer.status < 300:
            return said
        refusal = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
        word = refusal.get("error")
        if not isinstance(word, str) or word not in BY_WORD:
            raise self._foreign(method, request, answer.status, "an error that the Joviam API does not define")
        error = BY_WORD[word](request, answer.status, word, refusal.get("details"), refusal.get("error_description"))
        if isinstance(error, Unauthorized):
            source = self.settings.token_source
            advice = "" if source == ENVIRONMENT else f" {error.advice}"  # that advice is about the stack config
            error.advice = f"The token came from {source}.{advice}"
        raise error

    def _foreign(self, method: str, request: str, status: int, what: str) -> JoviamError:
        """Return the exception for a response that the API does not send."""
        advice = f"Is {self.settings.endpoint_name} the API's address, or did a proxy respond?"
        message = f"unexpected response to {request} (status {status}): {what}. {advice}"
        if 300 <= status < 500:
            return BadAnswer(message)
        return AnswerLost(message) if method == "POST" else _Garbled(message)

    @staticmethod
    def _parse(model: type[M], answer: Any, lost: bool = False) -> M:
        """Return the model. ``lost``: an unreadable response may be about a new object."""
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) or "not an object" for problem in error.errors())
            message = f"cannot parse the {model.noun} in the API's response ({readable(fields)})"
            raise (AnswerLost if lost else BadAnswer)(message) from None


def _may_repeat(method: str, error: JoviamError, tries: int) -> bool:
    """Return whether to retry a request after ``error``, by the rules at the top of this file."""
    if isinstance(error, Unreachable):
        return not isinstance(error, Untrusted)
    if method == "POST":
        return False
    if isinstance(error, AnswerLost):
        return True
    return tries < A_FEW and (isinstance(error, _Garbled) or (isinstance(error, ServerError) and method == "GET"))


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds in Retry-After; 0 if it is missing or unreadable."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]+", said):
        return float(said[:9])
    try:  # a date by the server's clock, which may differ from ours
        now = parsedate_to_datetime(headers.get("Date") or formatdate(usegmt=True))
        return (parsedate_to_datetime(said) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0

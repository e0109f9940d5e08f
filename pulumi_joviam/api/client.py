"""Typed verbs over the API: what is sent again, and what an answer means. The bytes are transport.py's.

Knows nothing of Pulumi: it works in a plain script.

    client = Client(Settings(token="…"))
    for disk in client.list(models.Disk):
        print(disk.name, disk.size)

What is sent again, with growing pauses, until the deadline of the call:

- any request that the server cannot have seen or acted on: connection refused, 429, 503
  (after the time the server asks for in Retry-After);
  a 429 is for all, so one is enough to let every thread keep quiet;
- GET, PUT and DELETE, which may be done twice: also after a dropped connection, a timeout, 502 and
  504; and a few times after an unreadable answer, GET also after 500.

A POST is never sent again after the server may have acted: it ends in AnswerLost (or ServerError).
A server that was never reached is given up after 10 seconds, whatever the deadline. What no repetition
can help ends at once: a refusal of the API, a redirect, an answer of something else, a certificate that
is not trusted, and a server that asks for more patience than the deadline has.
"""

from __future__ import annotations

import copy
import random
import re
import threading
import time
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
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

M = TypeVar("M", bound=Model)

A_FEW = 5

# The server did not act: its own words for "not now", so even a POST can go out again.
_NOT_NOW = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
# Something between us and the API answered: whether the API acted is unknown.
_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}


class _NotNow(Unreachable):
    """The server asked to come back, perhaps ``after`` some seconds."""

    def __init__(self, request: str, status: int, after: float) -> None:
        asks = f" and asks to come back in {after:.0f} s" if after > 0 else ""
        super().__init__(f"the API is too busy for {request} ({status}){asks}. Try again later")
        self.after = after
        self.all_of_us = status == HTTPStatus.TOO_MANY_REQUESTS


class _Garbled(BadAnswer):
    """The answer may have been damaged on its way: the next one may be readable."""


class Client:
    """Typed verbs over the API of one account. Safe to share between threads.

    ``settings``: token, endpoint and how many requests may be in flight at once.
    ``cancelled``: an event that ends every call at its next pause. Each call has 60 seconds; `until` gives
    another limit.
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
        """The seconds by which the server's clock was ahead of this machine's in the last answer that told (or up to
        1 less); None if none did."""
        return self._transport.ahead

    def until(self, deadline: Deadline) -> Client:
        """Return the same client, its connections shared, whose calls end at ``deadline``."""
        other = copy.copy(self)
        other._deadline = deadline
        return other

    @property
    def writes(self) -> int | None:
        """How many requests that write were sent so far; None while one is under way."""
        return self._transport.writes

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the deadline of all calls; None where each has its own."""
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
        """Change what ``body`` names and return the object."""
        return self._parse(model, self.call("PUT", self.path(model, id), body))

    def delete(self, model: type[Model], id: str) -> None:
        """Ask for the deletion. Raises NotFound if it is gone already."""
        self.call("DELETE", self.path(model, id))

    def state(self, model: type[Model], id: str) -> str:
        """Return the state of an object, by the cheapest request that tells it."""
        if not model.has_state_path:
            return self.get(model, id).state
        answer = self.call("GET", self.path(model, id, "state"))
        try:
            return Model.model_validate({"id": id, "state": answer["state"]}).state
        except (KeyError, TypeError, ValidationError):
            raise BadAnswer(f"the API's answer about the state of the {model.noun} {id} could not be read") from None

    def states(self, model: type[Model]) -> dict[str, str]:
        """Return {id: state} of all objects of a kind."""
        try:
            seen = [
                Model.model_validate({"id": item["id"], "state": item["state"]}) for item in self._items(model.path)
            ]
            return {item.id: item.state for item in seen}
        except (KeyError, TypeError, ValidationError):
            raise BadAnswer(f"GET {model.path} was not answered with a list of objects") from None

    def _items(self, path: str) -> Any:
        """Return what a list holds. One that was too large is not asked for again at once: that is no small request."""
        until, said = self._too_large.get(path, (0.0, ""))
        if said and time.monotonic() < until:
            raise TooLarge(said)
        try:
            answer = self.call("GET", path)
        except TooLarge as large:
            self._too_large[path] = time.monotonic() + self.settings.pace.too_large, str(large)
            raise
        if not isinstance(answer, list):
            raise BadAnswer(f"GET {path} was not answered with a list")
        return answer

    def note(self, instance_id: str) -> str:
        """Return the note of an instance."""
        path = self.path(Instance, instance_id, "note")
        try:
            return str(self.call("GET", path)["note"] or "")
        except (KeyError, TypeError):
            raise BadAnswer(f"GET {path} was not answered with a note") from None

    def context(self, instance_id: str) -> dict[str, str]:
        """Return the context of an instance."""
        path = self.path(Instance, instance_id, "context")
        answer = self.call("GET", path)
        if not isinstance(answer, dict) or not all(isinstance(value, str) for value in answer.values()):
            raise BadAnswer(f"GET {path} was not answered with variables")
        return answer

    @staticmethod
    def path(model: type[Model], id: str, *rest: str) -> str:
        """Return the path of an object, or of what lies under it. Raises ArgumentError for what cannot be one."""
        if not re.fullmatch(UUID, id):
            raise ArgumentError("id", f"is not an id of the API (they look like {'0' * 8}-0000-…)")
        for part in rest:
            if part in ("", ".", ".."):  # an address with these means another one: the object itself
                raise ArgumentError("key", f"{part!r} cannot be part of an address of the API")
        return "/".join([model.path, id.lower(), *(quote(part, safe="") for part in rest)])

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, again where that is safe, and return the decoded answer. Raises JoviamError."""
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
                    raise before from None  # what happened to the one that was sent is the news
                if not _may_repeat(method, error, tries):
                    raise
                before = error
                pause = longest * random.uniform(0.5, 1)  # noqa: S311 - so that many do not come back as one
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
        """Send one request once, and judge the answer."""
        request = f"{method} {path}"
        answer = self._transport.exchange(method, path, body, deadline)
        if answer.status in _NOT_NOW:
            raise _NotNow(request, answer.status, _retry_after(answer.headers))
        if answer.status in _GATEWAY:
            raise AnswerLost(
                f"a gateway before the API answered {answer.status} to {request}",
                timed_out=answer.status == HTTPStatus.GATEWAY_TIMEOUT,
            )
        if 300 <= answer.status < 400 and "Location" in answer.headers:
            raise BadAnswer(
                f"{request} was redirected to {readable(answer.headers['Location'])}, which is not followed: "
                f"the token goes to {self.settings.endpoint_name} only. Is that the address of the API?"
            )
        if not answer.whole:
            error = self._foreign(method, request, answer.status, "more bytes than are read of an answer")
            raise TooLarge(str(error)) if method == "GET" else error
        try:
            said = answer.json()
        except ValueError:
            what = f"something that is not JSON ({readable(answer.headers.get('Content-Type', 'of no type'))})"
            raise self._foreign(method, request, answer.status, what) from None
        if 200 <= answer.status < 300:
            return said
        word = said.get("error") if isinstance(said, dict) else None
        if not isinstance(word, str) or word not in BY_WORD:
            raise self._foreign(method, request, answer.status, "an error that is none of the Joviam API's")
        error = BY_WORD[word](request, answer.status, word, said.get("details"), said.get("error_description"))
        if isinstance(error, Unauthorized):
            source = self.settings.token_source
            advice = "" if source == ENVIRONMENT else f" {error.advice}"  # which is about a stack's config
            error.advice = f"The token came from {source}.{advice}"
        raise error

    def _foreign(self, method: str, request: str, status: int, what: str) -> JoviamError:
        """Return the exception for an answer that the API does not give."""
        asked = f"Is {self.settings.endpoint_name} the API, or does a proxy answer?"
        message = f"{request} was answered with {status} and {what}. {asked}"
        if 300 <= status < 500:
            return BadAnswer(message)
        return AnswerLost(message) if method == "POST" else _Garbled(message)

    @staticmethod
    def _parse(model: type[M], answer: Any, lost: bool = False) -> M:
        """Return the model. ``lost`` says that an unreadable answer may hide a new object."""
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) or "all of it" for problem in error.errors())
            message = f"the API's answer about a {model.noun} could not be read ({readable(fields)})"
            raise (AnswerLost if lost else BadAnswer)(message) from None


def _may_repeat(method: str, error: JoviamError, tries: int) -> bool:
    """Say whether a request may go out again after ``error``, by the rules at the top of this file."""
    if isinstance(error, Unreachable):
        return not isinstance(error, Untrusted)
    if method == "POST":
        return False
    if isinstance(error, AnswerLost):
        return True
    return tries < A_FEW and (isinstance(error, _Garbled) or (isinstance(error, ServerError) and method == "GET"))


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that the server asks for: 0 if it does not, or not in a way that can be read."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]+", said):
        return float(said[:9])
    try:  # a moment on the server's clock, which may differ from ours
        now = parsedate_to_datetime(headers.get("Date") or formatdate(usegmt=True))
        return (parsedate_to_datetime(said) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0

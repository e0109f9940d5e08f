"""All errors that are not bugs of this package.

    JoviamError
    ├── ConfigError            no token, or a setting that cannot be used
    ├── ArgumentError          an argument names something that does not exist
    ├── ApiError               the API returned one of its errors
    │   ├── BadRequest             400 bad_request
    │   ├── Unauthorized           401 unauthorized, invalid_token, invalid_client, invalid_request
    │   ├── Forbidden              403 forbidden
    │   ├── NotFound               404 not_found
    │   ├── ValidationFail         422 validation_fail
    │   └── ServerError            500 internal_server_error
    ├── BadAnswer              the response is not one that the API sends
    │   └── TooLarge               the response exceeds the size limit
    ├── NoAnswer               the request got no response
    │   ├── Unreachable            the server cannot have seen it
    │   └── AnswerLost             the server may have acted
    ├── Taken                  another instance has what this one needs
    ├── WaitError
    │   ├── Failed                 the object ended in a state from which it does not recover
    │   ├── Vanished               the object was deleted while waiting
    │   └── TimedOut               the deadline passed
    └── Cancelled              the user pressed Ctrl-C

A bug is never one of these: it stays a plain exception with its traceback.
The API distinguishes its errors by the code in ``error``, not by the status alone (401 has four
meanings), so that code selects the class. Source: reference, "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from reprlib import Repr
from typing import ClassVar, cast

from typing_extensions import Self

LONGEST_TEXT = 500
MOST_FIELDS = 20
SECRET_PREFIX = 8
"""A text that contains this many leading characters of a secret is hidden."""

_STATE = re.compile(r"\b(state|power|powered|running|runs|stop|stopped)\b", re.IGNORECASE)
_short = Repr()  # limits the text of deeply or widely nested data
_short.maxstring = _short.maxother = LONGEST_TEXT


class JoviamError(Exception):
    """Base of all errors that a caller can act on. Its text is written for the user."""


class ConfigError(JoviamError):
    """A setting is missing or cannot be used."""


class ArgumentError(JoviamError):
    """``argument`` names something that does not exist, or cannot be combined with another."""

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"{argument}: {message}")
        self.argument = argument
        self.message = message


class ApiError(JoviamError):
    """The API responded with ``status`` and the error code ``error``.

    ``details`` holds the messages by field ({field: [messages]}) or, for a bad request, one string; anything
    else that the API sends there is converted to one of the two.
    """

    words: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str] = "the API returned an error"
    advice: str = ""

    def __init__(
        self,
        request: str,
        status: int,
        error: str,
        details: object = "",
        description: object = "",
    ) -> None:
        super().__init__(request, status, error)
        self.request = request
        self.status = status
        self.error = error
        self.details = _details(details)
        self.description: str = "" if description is None else readable(description)

    def describe(self, arguments: Mapping[str, str] | None = None) -> str:
        """Return the text for a user; ``arguments`` maps the API's field names to ours."""
        names = arguments or {}
        lines = [f"{self.summary} ({self.status} {self.error}, {self.request})"]
        if self.description:
            lines[0] += f": {self.description}"
        if isinstance(self.details, str):
            if self.details:
                lines.append(f"  {self.details}")
        else:
            lines += [
                f"  {names.get(field, field)}: {', '.join(texts) or 'refused'}" for field, texts in self.details.items()
            ]
        if self.advice:
            lines.append(self.advice)
        return "\n".join(lines)

    def untold(self, secrets: Iterable[str]) -> Self:
        """Hide each text that contains the beginning of one of these ``secrets``, and return this error."""
        prefixes = [prefix for secret in secrets if (prefix := readable(secret)[:SECRET_PREFIX])]

        def redact(text: str) -> str:
            return "(hidden: it contains a secret value)" if any(it in text for it in prefixes) else text

        self.description = redact(self.description)
        if isinstance(self.details, str):
            self.details = redact(self.details)
        else:
            self.details = {field: [redact(text) for text in texts] for field, texts in self.details.items()}
        return self

    def __str__(self) -> str:
        return self.describe()


class BadRequest(ApiError):
    """A parameter is missing or of the wrong type."""

    words: ClassVar[tuple[str, ...]] = ("bad_request",)
    summary = "the API could not read the request"


class Unauthorized(ApiError):
    """The token was refused."""

    words: ClassVar[tuple[str, ...]] = ("unauthorized", "invalid_token", "invalid_client", "invalid_request")
    summary = "the API refused the token"
    advice = (
        "`pulumi refresh` and `pulumi destroy` use the stack config of the last `up`: "
        "after a change of the token, run them with --run-program."
    )


class Forbidden(ApiError):
    """The token is valid, but may not do this."""

    words: ClassVar[tuple[str, ...]] = ("forbidden",)
    summary = "the token may not do this"
    advice = "Use the token of an organization that may, or ask your administrator."


class NotFound(ApiError):
    """The object does not exist (any more)."""

    words: ClassVar[tuple[str, ...]] = ("not_found",)
    summary = "there is no such object"


class ValidationFail(ApiError):
    """The API refused values, or the state of the object does not allow the request."""

    words: ClassVar[tuple[str, ...]] = ("validation_fail",)
    summary = "the API refused it"

    @property
    def is_about_state(self) -> bool:
        """Whether the message mentions the state of the object. If not, another state would not help."""
        return bool(_STATE.search(self.describe().partition("\n")[2]) or _STATE.search(self.description))


class ServerError(ApiError):
    """Something went wrong at Joviam."""

    words: ClassVar[tuple[str, ...]] = ("internal_server_error",)
    summary = "the API failed with an internal error"
    advice = "Joviam is notified automatically; try again, and contact Joviam support if it persists."


class BadAnswer(JoviamError):
    """The response is not one that the API sends."""


class TooLarge(BadAnswer):
    """The response exceeds the size limit, and a retry would not make it smaller."""


class NoAnswer(JoviamError):
    """A request got no response."""


class Unreachable(NoAnswer):
    """The server cannot have seen the request."""


class AnswerLost(NoAnswer):
    """The request was sent and its response did not arrive: the server may have acted.

    It may also act later: within moments if the connection was dropped, at any time if it ``timed_out``.
    """

    def __init__(self, message: str, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class Taken(JoviamError):
    """Another instance has what this one needs, and only one can have it."""


class WaitError(JoviamError):
    """An object did not reach the expected state. ``state`` is the last one seen."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class Failed(WaitError):
    """The object is in a state from which it does not recover."""


class Vanished(WaitError):
    """The object was deleted or transferred by another client while waiting."""


class TimedOut(WaitError):
    """The deadline passed."""


class Cancelled(JoviamError):
    """The user interrupted the run."""


def readable(text: object) -> str:
    """Return foreign text as one line for a terminal: no control characters, limited length."""
    start = (_short.repr(text) if isinstance(text, (dict, list)) else str(text))[: 2 * LONGEST_TEXT]
    line = " ".join("".join(char if char.isprintable() else " " for char in start).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _details(sent: object) -> str | dict[str, list[str]]:
    """Normalize what the API sent as ``details``, whatever its type, to a limited length."""
    if isinstance(sent, Mapping):
        fields = cast("Mapping[object, object]", sent)
        shown = {readable(field): _messages(value) for field, value in list(fields.items())[:MOST_FIELDS]}
        more = len(fields) - MOST_FIELDS
        return {**shown, "…": [f"{more} more"]} if more > 0 else shown
    return readable(", ".join(_messages(sent)))


def _messages(value: object) -> list[str]:
    if value is None:
        return []
    texts = cast("Sequence[object]", value)[:MOST_FIELDS] if isinstance(value, (list, tuple)) else [value]
    return [readable(text) for text in texts]


BY_WORD: dict[str, type[ApiError]] = {word: cls for cls in ApiError.__subclasses__() for word in cls.words}

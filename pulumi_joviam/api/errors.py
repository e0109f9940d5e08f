"""Everything that can go wrong for a reason other than a bug of ours.

    JoviamError
    ├── ConfigError            no token, or a setting that cannot be used
    ├── ArgumentError          an argument names something that does not exist
    ├── ApiError               the API answered with one of its errors
    │   ├── BadRequest             400 bad_request
    │   ├── Unauthorized           401 unauthorized, invalid_token, invalid_client, invalid_request
    │   ├── Forbidden              403 forbidden
    │   ├── NotFound               404 not_found
    │   ├── ValidationFail         422 validation_fail
    │   └── ServerError            500 internal_server_error
    ├── BadAnswer              something answered that is not the API, or not in its words
    │   └── TooLarge               there is more than is read of one answer
    ├── NoAnswer               the request got no answer at all
    │   ├── Unreachable            the server cannot have seen it
    │   └── AnswerLost             the server may have acted
    ├── Taken                  another instance has what this one is to get
    ├── WaitError
    │   ├── Failed                 the object ended in a state from which it does not recover
    │   ├── Vanished               the object was deleted meanwhile
    │   └── TimedOut               it took longer than the operation may
    └── Cancelled              the user pressed Ctrl-C

A mistake of ours is never one of these: it stays a plain exception with its traceback.
The API tells its errors apart by the word in ``error``, never by the status alone (401 has four
meanings), so that word chooses the class. Source: reference, "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from reprlib import Repr
from typing import ClassVar

from typing_extensions import Self

LONGEST_TEXT = 500
MOST_FIELDS = 20
TELLING = 8
"""So many characters of a secret are too many to be shown."""

_STATE = re.compile(r"\b(state|power|powered|running|runs|stop|stopped)\b", re.IGNORECASE)
_short = Repr()  # of what is nested, however deep and wide, no more than a person would read
_short.maxstring = _short.maxother = LONGEST_TEXT


class JoviamError(Exception):
    """Base of everything a caller can act on. Its text is meant for the user."""


class ConfigError(JoviamError):
    """A setting is missing or cannot be used."""


class ArgumentError(JoviamError):
    """``argument`` names something that does not exist, or cannot be had together with another."""

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"{argument}: {message}")
        self.argument = argument
        self.message = message


class ApiError(JoviamError):
    """The API answered ``status`` with the word ``error``.

    ``details`` holds what it said per field ({field: [messages]}) or, for a bad request, in one string; whatever
    else was sent there is turned into one of the two.
    """

    words: ClassVar[tuple[str, ...]] = ()
    saying: ClassVar[str] = "the API answered with an error"
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
        self.description = "" if description is None else readable(description)

    def describe(self, arguments: Mapping[str, str] | None = None) -> str:
        """Return the text for a user; ``arguments`` maps the API's field names to ours."""
        names = arguments or {}
        lines = [f"{self.saying} ({self.status} {self.error}, {self.request})"]
        if self.description:
            lines[0] += f": {self.description}"
        if isinstance(self.details, str):
            if self.details:
                lines.append(f"  {self.details}")
        else:
            lines += [
                f"  {names.get(field, field)}: {', '.join(said) or 'refused'}" for field, said in self.details.items()
            ]
        if self.advice:
            lines.append(self.advice)
        return "\n".join(lines)

    def untold(self, secrets: Iterable[str]) -> Self:
        """Leave out whatever repeats the beginning of one of these ``secrets``, and return this error."""
        beginnings = [beginning for secret in secrets if (beginning := readable(secret)[:TELLING])]

        def told(text: str) -> str:
            return "(not shown: it repeats a value)" if any(it in text for it in beginnings) else text

        self.description = told(self.description)
        if isinstance(self.details, str):
            self.details = told(self.details)
        else:
            self.details = {field: [told(text) for text in said] for field, said in self.details.items()}
        return self

    def __str__(self) -> str:
        return self.describe()


class BadRequest(ApiError):
    """A parameter is missing or of the wrong type."""

    words = ("bad_request",)
    saying = "the API could not read the request"


class Unauthorized(ApiError):
    """The token was refused."""

    words = ("unauthorized", "invalid_token", "invalid_client", "invalid_request")
    saying = "the API refused the token"
    advice = (
        "`pulumi refresh` and `pulumi destroy` use the stack config of the last `up`: "
        "after a change of the token give them --run-program."
    )


class Forbidden(ApiError):
    """The token is valid, but may not do this."""

    words = ("forbidden",)
    saying = "the token may not do this"
    advice = "Use a token of an organization that may, or ask its administrator."


class NotFound(ApiError):
    """The object does not exist (any more)."""

    words = ("not_found",)
    saying = "there is no such object"


class ValidationFail(ApiError):
    """The API refused values, or the object is in a state in which this cannot be done."""

    words = ("validation_fail",)
    saying = "the API refused it"

    @property
    def is_about_state(self) -> bool:
        """Whether it speaks of the state that the object is in. Otherwise another state would not help."""
        return bool(_STATE.search(self.describe().partition("\n")[2]) or _STATE.search(self.description))


class ServerError(ApiError):
    """Something went wrong at Joviam."""

    words = ("internal_server_error",)
    saying = "the API had an error of its own"
    advice = "Joviam is told of it automatically; try again, and contact their support if it stays."


class BadAnswer(JoviamError):
    """The answer is not one that the API gives."""


class TooLarge(BadAnswer):
    """There is more than is read of one answer, and the next one will be no smaller."""


class NoAnswer(JoviamError):
    """A request got no answer."""


class Unreachable(NoAnswer):
    """The server cannot have seen the request."""


class AnswerLost(NoAnswer):
    """The request was sent and its answer did not arrive: the server may have acted.

    It may also do so later: in a moment where the connection was dropped, at any time where it ``timed_out``.
    """

    def __init__(self, message: str, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class Taken(JoviamError):
    """Another instance has what this one is to get, and only one can have it."""


class WaitError(JoviamError):
    """An object did not become what was waited for. ``state`` is the last one seen."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class Failed(WaitError):
    """The object is in a state from which it does not recover."""


class Vanished(WaitError):
    """The object was deleted by somebody else meanwhile."""


class TimedOut(WaitError):
    """The deadline passed."""


class Cancelled(JoviamError):
    """The user interrupted the run."""


def readable(text: object) -> str:
    """Return what somebody else wrote as one line for a terminal: no control characters, not too long."""
    start = (_short.repr(text) if isinstance(text, (dict, list)) else str(text))[: 2 * LONGEST_TEXT]
    line = " ".join("".join(char if char.isprintable() else " " for char in start).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _details(sent: object) -> str | dict[str, list[str]]:
    """Return what the API sent as ``details``, whatever its shape, as far as a person would read it."""
    if isinstance(sent, Mapping):
        kept = {readable(field): _messages(said) for field, said in list(sent.items())[:MOST_FIELDS]}
        more = len(sent) - MOST_FIELDS
        return {**kept, "…": [f"{more} more"]} if more > 0 else kept
    return readable(", ".join(_messages(sent)))


def _messages(said: object) -> list[str]:
    if said is None:
        return []
    return [readable(text) for text in (said[:MOST_FIELDS] if isinstance(said, (list, tuple)) else [said])]


BY_WORD: dict[str, type[ApiError]] = {word: cls for cls in ApiError.__subclasses__() for word in cls.words}

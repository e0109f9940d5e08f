"""Faults of a single request, and the outcome of the call for each method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import (
    AnswerLost,
    BadAnswer,
    JoviamError,
    NotFound,
    ServerError,
)
from tests.api.calls import KEY

ACTS: dict[str, tuple[str, Callable[[Client, str], object]]] = {
    "GET": ("GET /public_keys", lambda client, _key: client.list(models.PublicKey)),
    "POST": ("POST /public_keys", lambda client, _key: client.create(models.PublicKey, {"name": "n", "key": KEY})),
    "PUT": (
        "PUT /public_keys/{public_key_id}",
        lambda client, key: client.update(models.PublicKey, key, {"name": "n"}),
    ),
    "DELETE": ("DELETE /public_keys/{public_key_id}", lambda client, key: client.delete(models.PublicKey, key)),
}


Ends = dict[str, type[JoviamError] | None]
"""The outcome of a call by method, after one fault; None is success."""


NEVER_ACTED: Ends = {"GET": None, "POST": None, "PUT": None, "DELETE": None}
"""Every method is retried, and the retry succeeds."""


MAY_HAVE_ACTED: Ends = {"GET": None, "POST": AnswerLost, "PUT": None, "DELETE": None}


HAS_ACTED: Ends = {"GET": None, "POST": AnswerLost, "PUT": None, "DELETE": NotFound}
"""The same, but the first request took effect: a second DELETE gets 404."""


FAULTS: dict[str, tuple[dict[str, Any], Ends]] = {
    "429": ({"status": 429}, NEVER_ACTED),
    "503": ({"status": 503}, NEVER_ACTED),
    "503, Retry-After: 0": ({"status": 503, "retry_after": 0}, NEVER_ACTED),
    "503, Retry-After: -1": ({"status": 503, "retry_after": -1}, NEVER_ACTED),
    "503, Retry-After: soon": ({"status": 503, "retry_after": "soon"}, NEVER_ACTED),
    "503, Retry-After in the past": (
        {"status": 503, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        NEVER_ACTED,
    ),
    "502": ({"status": 502}, MAY_HAVE_ACTED),
    "504": ({"status": 504}, MAY_HAVE_ACTED),
    "502 after acting": ({"status": 502, "act": "before"}, HAS_ACTED),
    "dropped": ({"drop": "before"}, MAY_HAVE_ACTED),
    "dropped after acting": ({"drop": "after"}, HAS_ACTED),
    "timeout": ({"delay": 1.3, "act": "before"}, HAS_ACTED),
    "garbage": ({"body": b"\x1f\x8b garbage"}, HAS_ACTED),
    "half": ({"body": b'{"id": "0f442f'}, HAS_ACTED),
    "empty": ({"body": b""}, HAS_ACTED),
    "too deep": ({"body": b"[" * 200_000}, HAS_ACTED),
    "not UTF-8": ({"body": b'"\xff\xfe\xfd"'}, HAS_ACTED),
    "500 in HTML": ({"status": 500, "body": b"<html>"}, MAY_HAVE_ACTED),
    "520 of a gateway": ({"status": 520, "body": b'{"error": "unknown"}'}, MAY_HAVE_ACTED),
    "500": ({"status": 500}, {"GET": None, "POST": ServerError, "PUT": ServerError, "DELETE": ServerError}),
    "another type": (
        {"body": b'"text"'},
        {"GET": BadAnswer, "POST": AnswerLost, "PUT": BadAnswer, "DELETE": None},
    ),
    "a list": ({"body": b"[[]]"}, {"GET": BadAnswer, "POST": AnswerLost, "PUT": BadAnswer, "DELETE": None}),
    "403 in HTML": ({"status": 403, "body": b"<html>"}, dict.fromkeys(ACTS, BadAnswer)),
    "413 in HTML": ({"status": 413, "body": b"<html>"}, dict.fromkeys(ACTS, BadAnswer)),
    "304": ({"status": 304}, dict.fromkeys(ACTS, BadAnswer)),
}


ONCE = {"403 in HTML", "413 in HTML", "304", "another type", "a list"}
"""Faults that are not retried."""

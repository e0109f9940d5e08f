"""Retries: which requests, how often, and after which pauses."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import (
    AnswerLost,
    BadAnswer,
    JoviamError,
    NotFound,
    ServerError,
    Unreachable,
)
from pulumi_joviam.api.transport import Transport, Unsent
from pulumi_joviam.emulator import Emulator
from tests.api.calls import KEY, SOON, client_of, failure, readable_by_a_user
from tests.api.faults import ACTS, FAULTS, ONCE
from tests.api.loopback import Loopback, answer


@pytest.mark.parametrize("method", ACTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_which_requests_are_retried(cloud: Emulator, key: str, method: str, fault: str) -> None:
    """A request is retried only if that is safe: a POST never after the server may have acted."""
    how, ends = FAULTS[fault]
    operation, act = ACTS[method]
    client = client_of(cloud, silence=1.0) if "delay" in how else client_of(cloud)
    cloud.fail(operation, **how)
    before = len(cloud.requests)
    expected = ends[method]
    if expected is None:
        act(client, key)
    else:
        with pytest.raises(JoviamError) as caught:
            act(client, key)
        assert isinstance(caught.value, expected), repr(caught.value)
        assert readable_by_a_user(str(caught.value))
    sent = [request.operation for request in cloud.requests[before:]]
    retried = fault not in ONCE and expected in (None, NotFound)
    assert sent == [operation] * (2 if retried else 1)


@pytest.mark.parametrize(
    ("fault", "kind", "sent"),
    [
        ({"status": 500}, ServerError, 5),
        ({"body": b"<html>"}, BadAnswer, 5),
        ({"status": 502}, AnswerLost, None),
        ({"drop": "before"}, AnswerLost, None),
        ({"status": 503}, Unreachable, None),
    ],
)
def test_number_of_retries(cloud: Emulator, fault: dict[str, Any], kind: type[JoviamError], sent: int | None) -> None:
    """A GET is sent five times after errors that tend to persist, and until the deadline after temporary ones."""
    cloud.fail("GET /regions", times=1000, **fault)
    started = time.monotonic()
    with pytest.raises(kind):
        client_of(cloud, 60 if sent else 1.5).list(models.Region)
    if sent:
        assert len(cloud.requests) == sent
    else:
        assert 0.3 < time.monotonic() - started < SOON
        assert 3 < len(cloud.requests) < 20


def test_pauses_grow(mocker: MockerFixture, cloud: Emulator, client: Client) -> None:
    """Pauses double, with jitter, up to 8 seconds."""
    pauses: list[float] = []

    def sleep(_deadline: Deadline, pause: float) -> None:
        pauses.append(pause)

    mocker.patch.object(Deadline, "sleep", autospec=True, side_effect=sleep)
    cloud.fail("GET /regions", status=503, times=20)
    client.until(Deadline.after(1000)).list(models.Region)
    expected = [min(0.02 * 2**n, 8) for n in range(20)]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(pauses, expected, strict=True)), pauses
    assert len({round(pause, 6) for pause in pauses[-8:]}) > 1


def test_retry_after_is_obeyed(cloud: Emulator, client: Client) -> None:
    """A request, even a POST, is retried after the seconds in Retry-After."""
    cloud.fail("POST /public_keys", status=429, retry_after=1)
    client.create(models.PublicKey, {"name": "n", "key": KEY})
    first, second = [request.time for request in cloud.requests]
    assert 1.0 <= second - first < SOON


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 3600"], 3600),
        (["Date: Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After: Wed, 21 Oct 2015 08:28:00 GMT"], 3600),
        (["Date: Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After: Wed, 21 Oct 2015 10:28:00 +0200"], 3600),
        ([f"Retry-After: {'9' * 5000}"], 999999999),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_retry_after_beyond_the_deadline_fails_at_once(headers: list[str], seconds: int, method: str) -> None:
    """The call does not wait, and the error names the seconds."""
    with Loopback(answer(b"", "503 Busy", *headers)) as server:
        started = time.monotonic()
        text = failure(Unreachable, lambda: client_of(server).call(method, "/disks"))
        assert time.monotonic() - started < SOON
        assert text == (
            f"the API is too busy for {method} /disks (503) and asks to retry in {seconds} s. Try again later"
        )
        assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_server_that_starts_late(method: str) -> None:
    """A request is retried while nothing listens, and sent once as soon as the server starts."""
    with Emulator(token="t") as cloud:
        key = client_of(cloud).create(models.PublicKey, {"name": "n", "key": KEY}).id
        cloud.stop()
        before = len(cloud.requests)
        starting = threading.Timer(0.1, cloud.start)
        starting.start()
        operation, act = ACTS[method]
        act(client_of(cloud), key)
        starting.join()
        assert [request.operation for request in cloud.requests[before:]] == [operation]


def test_no_time_for_a_retry_reports_the_first_error(mocker: MockerFixture) -> None:
    """The error is that of the request that was sent, not that there was no time to retry it."""
    tries = [Unreachable("refused"), Unsent("no time")]
    mocker.patch.object(Transport, "exchange", side_effect=tries)
    assert failure(Unreachable, lambda: client_of("http://127.0.0.1").call("POST", "/disks")) == "refused"

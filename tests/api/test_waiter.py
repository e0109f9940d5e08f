"""Waits: how they end, the states they report, and how often they poll."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.deadline import Clock, Deadline
from pulumi_joviam.api.errors import AnswerLost, Cancelled, Failed, Forbidden, TimedOut, Unreachable, Vanished
from pulumi_joviam.api.models import Disk, Model, Network, PerformanceTier, Region
from pulumi_joviam.api.pace import Pace
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.shared_reads import Reads
from pulumi_joviam.api.waiter import Waiter
from pulumi_joviam.emulator import Emulator

STATE = "GET /disks/{disk_id}/state"


@pytest.fixture
def client(cloud: Emulator) -> Client:
    return Client(Settings(cloud.token, cloud.url))


@pytest.fixture
def waiter(client: Client) -> Waiter:
    return Waiter(client)


@pytest.fixture
def disk(client: Client) -> str:
    """The id of a new disk, which is provisioning."""
    tier = client.list(PerformanceTier, "/performance_tiers/disks")[0]
    body = {"name": "d", "size": 10, "region": tier.region.id, "performance_tier": tier.id}
    return client.create(Disk, body).id


def polls(cloud: Emulator) -> int:
    return [request.operation for request in cloud.requests].count(STATE)


def soon() -> Deadline:
    return Deadline.after(60)


def test_a_wait_ends_with_the_expected_state(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """The states before it are reported."""
    cloud.change(disk, state="provisioning")
    reported: list[str] = []

    def report(state: str) -> None:
        reported.append(state)
        cloud.change(disk, state="unattached")

    assert waiter.wait(Disk, disk, Disk.ready, soon(), report) == "unattached"
    assert reported == ["provisioning"]


def test_already_ready(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """One poll is enough, and no state is reported."""
    cloud.change(disk, state="attached")
    reported: list[str] = []
    assert waiter.wait(Disk, disk, Disk.ready, soon(), reported.append) == "attached"
    assert (reported, polls(cloud)) == ([], 1)


def test_failed(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """A failed object ends the wait, with its state."""
    cloud.change(disk, state="failed_to_provision")
    with pytest.raises(Failed) as caught:
        waiter.wait(Disk, disk, Disk.ready, soon())
    assert str(caught.value) == f"the disk {disk} ended in state failed_to_provision"
    assert caught.value.state == "failed_to_provision"


def test_a_wait_for_a_failed_state(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """A wait for any settled state accepts a failed one."""
    cloud.change(disk, state="failed_to_provision")
    assert waiter.wait(Disk, disk, Disk.ready | Disk.failed, soon()) == "failed_to_provision"


@pytest.mark.parametrize("how", ["removed", "terminated", "transferred"])
def test_vanished(cloud: Emulator, waiter: Waiter, disk: str, how: str) -> None:
    """An object that another client deletes or transfers ends the wait."""
    if how == "removed":
        cloud.remove(disk)
    else:
        cloud.change(disk, state=how)
    with pytest.raises(Vanished) as caught:
        waiter.wait(Disk, disk, Disk.ready, soon())
    what = "transferred to another organization" if how == "transferred" else "deleted by another client"
    assert str(caught.value) == f"the disk {disk} was {what} while waiting for it"
    assert caught.value.state == ("transferred" if how == "transferred" else "terminated")


@pytest.mark.parametrize("gone_is_404", [True, False])
def test_gone(cloud: Emulator, client: Client, waiter: Waiter, disk: str, gone_is_404: bool) -> None:
    """A wait for a deletion ends with the object, whether the API then returns 404 or terminated."""
    cloud.configure(gone_is_404=gone_is_404)
    waiter.wait(Disk, disk, Disk.ready, soon())
    client.delete(Disk, disk)
    assert waiter.wait(Disk, disk, Disk.gone, soon()) == "terminated"


def test_the_deadline(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """A wait ends at its deadline, shortly after a last poll, and reports the last state."""
    cloud.change(disk, state="pending")
    started = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        waiter.wait(Disk, disk, Disk.ready, Deadline.after(1.5))
    assert 0.4 < time.monotonic() - started < 10
    assert str(caught.value) == (
        f"the disk {disk} is still pending; raise custom_timeouts=CustomTimeouts(…) to wait longer"
    )
    assert caught.value.state == "pending"
    assert cloud.requests[-1].time - started > 0.3


def test_a_last_poll_that_is_cut_short(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """If the last poll gets no response before the deadline, the error is still the timeout."""
    cloud.change(disk, state="pending")
    over = threading.Event()
    cloud.fail(STATE, until=over.is_set, skip=1, times=9)
    with pytest.raises(TimedOut, match="is still pending"):
        waiter.wait(Disk, disk, Disk.ready, Deadline.after(1.5))
    over.set()


def test_no_response_at_all(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """If no state was ever seen, the error is the missing response."""
    over = threading.Event()
    cloud.fail(STATE, until=over.is_set, times=9)
    with pytest.raises(AnswerLost):
        waiter.wait(Disk, disk, Disk.ready, Deadline.after(1.5))
    over.set()


def test_a_retry_after_beyond_the_deadline(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """It ends the wait with the error of the busy API."""
    cloud.fail(STATE, status=503, retry_after=3600, skip=1, times=9)
    with pytest.raises(Unreachable, match="asks to retry in 3600 s"):
        waiter.wait(Disk, disk, Disk.ready, soon())


def test_ctrl_c(cloud: Emulator, disk: str) -> None:
    """Ctrl-C ends a wait at once."""
    cloud.change(disk, state="pending")
    event = threading.Event()
    waiter = Waiter(Client(Settings(cloud.token, cloud.url), event))
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        event.set()

    pressing = threading.Timer(0.5, press)
    pressing.start()
    with pytest.raises(Cancelled):
        waiter.wait(Disk, disk, Disk.ready, Deadline.after(60, event))
    assert time.monotonic() - pressed[0] < 10
    pressing.join()


def test_unknown_states(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """A wait goes on through unknown states, and reports each once."""
    reported: list[str] = []

    def report(state: str) -> None:
        reported.append(state)
        cloud.change(disk, state={"pondering": "dreaming", "dreaming": "unattached"}[state])

    cloud.change(disk, state="pondering")
    assert waiter.wait(Disk, disk, Disk.ready, soon(), report) == "unattached"
    assert reported == ["pondering", "dreaming"]


def test_a_state_is_reported_once(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """A state is reported when it begins, not at every poll."""
    cloud.change(disk, state="pending")
    reported: list[str] = []
    with pytest.raises(TimedOut):
        waiter.wait(Disk, disk, Disk.ready, Deadline.after(1.5), reported.append)
    assert reported == ["pending"]
    assert polls(cloud) >= 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500}, {"drop": "before"}])
def test_a_temporary_fault_is_retried(cloud: Emulator, waiter: Waiter, disk: str, fault: dict[str, object]) -> None:
    """The wait goes on."""
    cloud.fail(STATE, **fault)  # type: ignore[arg-type] # one keyword per row
    assert waiter.wait(Disk, disk, Disk.ready, soon()) == "unattached"
    assert polls(cloud) >= 2


def test_an_error_of_the_api_ends_a_wait(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    """The wait raises that error."""
    cloud.fail(STATE, error="forbidden", skip=1)
    with pytest.raises(Forbidden):
        waiter.wait(Disk, disk, Disk.ready, soon())


def test_a_kind_without_a_state_path(cloud: Emulator, client: Client, waiter: Waiter) -> None:
    """If the API has no path for the state, the object is requested."""
    region = client.list(Region)[0]
    made = client.create(Network, {"name": "n", "specification": "10.0.0.0/24", "region": region.id})
    assert waiter.wait(Network, made.id, Network.ready, soon()) == "ready"
    assert "GET /networks/{network_id}" in [request.operation for request in cloud.requests]


class Virtual(Clock):
    """A clock on which time passes only during waits."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, changed: threading.Condition, seconds: float) -> None:
        self.time += seconds


def test_pauses_between_polls_grow(cloud: Emulator, disk: str) -> None:
    """So an object is seen at most a tenth of a second, or a twentieth of its time, after it is ready."""
    pace, clock, polled_at = Pace(), Virtual(), list[float]()

    class Watched(Client):
        def state(self, model: type[Model], id: str) -> str:
            polled_at.append(clock.now())
            return super().state(model, id) if clock.now() >= 600 else "pending"

    cloud.change(disk, state="unattached")
    waiter = Waiter(Watched(Settings(cloud.token, cloud.url, pace=pace)), clock)
    waiter.wait(Disk, disk, Disk.ready, soon())
    gaps = [(after - before, before) for before, after in pairwise(polled_at)]
    wanted = [min(max(pace.first_poll, before / 20), pace.longest_poll) for _gap, before in gaps]
    assert [gap for gap, _before in gaps] == pytest.approx(wanted)
    assert len(gaps) < 150


def test_many_waits_share_one_list(cloud: Emulator, client: Client, waiter: Waiter) -> None:
    """Thirty waits poll lists, not thirty states; an object that is missing from the list is polled by id."""
    region = client.list(Region)[0]
    tier = client.list(PerformanceTier, "/performance_tiers/disks")[0]
    body = {"size": 5, "region": region.id, "performance_tier": tier.id}
    cloud.configure(provision_seconds=1.0)
    ids = [client.create(Disk, {**body, "name": f"d{number}"}).id for number in range(30)]
    before = len(cloud.requests)

    def state(id: str) -> str:
        return waiter.wait(Disk, id, Disk.ready, soon())

    with ThreadPoolExecutor(31) as pool:
        gone = pool.submit(waiter.wait, Disk, str(uuid.uuid4()), Disk.gone, soon())
        states = list(pool.map(state, ids))
    assert set(states) == {"unattached"}
    assert gone.result() == "terminated"
    assert len(cloud.requests) - before < 15
    assert "GET /disks" in [request.operation for request in cloud.requests[before:]]


def test_the_list_of_a_wait_also_shows_the_objects(cloud: Emulator, client: Client) -> None:
    """Reading and deleting twenty disks takes hardly more requests than to delete them."""
    reads = Reads()
    waiter = Waiter(client, reads=reads)
    tier = client.list(PerformanceTier, "/performance_tiers/disks")[0]
    body = {"name": "d", "size": 5, "region": tier.region.id, "performance_tier": tier.id}
    cloud.configure(provision_seconds=1.0)
    ids = [client.create(Disk, body).id for _ in range(20)]
    before = len(cloud.requests)

    def read(id: str) -> str:
        state = waiter.wait(Disk, id, Disk.ready, soon())
        listed = reads.get(client, Disk, id)
        return listed.state if listed else state

    def delete(id: str) -> str:
        client.delete(Disk, id)
        return waiter.wait(Disk, id, Disk.gone, soon())

    with ThreadPoolExecutor(20) as pool:
        shown = list(pool.map(read, ids))
        assert list(pool.map(delete, ids)) == ["terminated"] * 20
    sent = Counter(request.operation for request in cloud.requests[before:])
    assert sent.pop("DELETE /disks/{disk_id}") == 20
    assert shown.count("unattached") > 10  # the last ones may have been polled by id, after the last list
    assert "GET /disks/{disk_id}" not in sent
    assert sent.total() <= 30


@pytest.mark.parametrize("how", ["too large", "500", "not a list"])
def test_objects_are_polled_by_id_if_the_list_fails(
    cloud: Emulator, client: Client, waiter: Waiter, disk: str, mocker: MockerFixture, how: str
) -> None:
    """A list may exceed the size limit. Then it is not requested again at every poll."""
    tier = client.list(PerformanceTier, "/performance_tiers/disks")[0]
    body = {"name": "d", "size": 5, "region": tier.region.id, "performance_tier": tier.id}
    ids = [disk, *(client.create(Disk, body).id for _ in range(5))]
    if how == "too large":
        mocker.patch("pulumi_joviam.api.transport.LARGEST_ANSWER", 2000)
    else:
        fault: dict[str, Any] = {"status": 500} if how == "500" else {"body": b"{}"}
        cloud.fail("GET /disks", times=99, **fault)
    before = len(cloud.requests)

    def state(id: str) -> str:
        return waiter.wait(Disk, id, Disk.ready, Deadline.after(60))

    with ThreadPoolExecutor(6) as pool:
        states = list(pool.map(state, ids))
    assert set(states) == {"unattached"}
    lists = [request.operation for request in cloud.requests[before:]].count("GET /disks")
    assert lists == 1 or how != "too large"


def test_a_short_wait_ends_before_a_longer_one(cloud: Emulator, waiter: Waiter, disk: str) -> None:
    cloud.change(disk, state="pending")
    with ThreadPoolExecutor(2) as pool:
        over = threading.Event()
        patient = pool.submit(waiter.wait, Disk, disk, Disk.ready, Deadline.after(60))
        cloud.fail(STATE, until=over.is_set, skip=1)
        with pytest.raises(TimedOut):
            waiter.wait(Disk, disk, Disk.ready, Deadline.after(0.5))
        assert not patient.done()
        cloud.change(disk, state="unattached")
        over.set()
        assert patient.result() == "unattached"

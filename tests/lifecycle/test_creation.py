"""Create requests with lost, delayed or garbled responses: each object is created exactly once."""

from __future__ import annotations

import functools
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

import pulumi_joviam as joviam
from pulumi_joviam.api import models
from pulumi_joviam.api.errors import AnswerLost, JoviamError, ServerError, ValidationFail
from pulumi_joviam.api.pace import Pace
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.lifecycle import journal
from pulumi_joviam.lifecycle.aliases import Aliases
from pulumi_joviam.lifecycle.arguments import BaseArgs
from pulumi_joviam.lifecycle.call import Call
from pulumi_joviam.lifecycle.creation import Creations, _fits
from pulumi_joviam.lifecycle.journal import Entry, Key
from pulumi_joviam.lifecycle.operation import Operation
from pulumi_joviam.lifecycle.order import Order, named_otherwise
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.state import Memory
from tests.emulator.account import Account
from tests.samples import ExistingObjects

Begin = Callable[..., Operation]

SEARCHABLE = {name for name in joviam.__all__ if hasattr(getattr(joviam, name), "_lifecycle")} - {
    "AvailabilityGroup",  # the API has no object for one
    "ConsoleSession",  # cannot be listed, so a lost one is requested again
    "Resource",
}

PACE = Pace(late_create=1.0, longest_search=0.3)
"""Times for a local server: a request that it has not executed after a second is lost."""


@pytest.fixture
def begin(cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Return a function that starts a step on a resource; each test has its own stack."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    stack = uuid.uuid4().hex

    def start(name: str = "data", seconds: float = 60.0, **pace: float) -> Operation:
        settings = Settings(cloud.token, cloud.url, pace=replace(PACE, **pace))
        return Operation.begin(
            Call(f"urn:pulumi:{stack}::shop::Disk::{name}"), settings, seconds, Aliases(BaseArgs), Memory()
        )

    yield start
    killed(start())


@pytest.fixture
def warnings(mocker: MockerFixture) -> list[str]:
    """The warnings of the steps."""
    messages: list[str] = []

    def warn(_call: Call, message: str) -> None:
        messages.append(message)

    mocker.patch.object(Call, "warn", warn)
    return messages


def disk_ids(cloud: Emulator) -> list[str]:
    return [it["id"] for it in cloud.objects("disks")]


def killed(op: Operation) -> None:
    """Reset what this process knows, as if it had been killed and another one had started."""
    op.journal.close()
    journal._opened.cache_clear()


def disk(op: Operation, size: int = 5) -> models.Disk:
    region = op.catalog.region("SY3")
    tier = op.catalog.performance_tier("Fast", "disks", region)
    return op.create(models.Disk, {"name": "d", "size": size, "region": region.id, "performance_tier": tier.id})


def test_a_list_that_is_older_than_the_wait_is_not_used(cloud: Emulator, begin: Begin) -> None:
    """A few objects are polled by id, and may be ready since the last list was requested."""
    cloud.configure(provision_seconds=3600.0)
    op = begin()
    new = disk(op)
    assert op.session.reads.states(op.api, models.Disk)[new.id] == "provisioning"
    cloud.change(new.id, state="unattached")
    assert op.wait_settled(new).state == "unattached"


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "before"},
        {"drop": "after"},
        {"drop": "before", "act_after": 0.4},
        {"status": 500},
        {"status": 500, "act_after": 0.4},
        {"status": 502},
        {"status": 502, "act_after": 0.4},
        {"status": 504, "act_after": 0.4},
        {"body": b"<html>", "act_after": 0.4},
        {"status": 500, "act": "before"},
        {"status": 502, "act": "before"},
        {"status": 504, "act": "before"},
        {"body": b'{"id": "', "act": "before"},
        {"body": b'{"id": 5}', "act": "before"},
        {"body": b"<html>", "act": "before"},
    ],
    ids=str,
)
@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_a_lost_object_is_found_or_created(cloud: Emulator, begin: Begin, fault: dict[str, Any], skew: float) -> None:
    """The search uses the server's clock, which may be wrong by an hour."""
    cloud.configure(clock_skew=skew)
    old = disk(begin("old"))
    cloud.fail("POST /disks", **fault)
    new = disk(begin("new"))
    assert {old.id, new.id} == {it["id"] for it in cloud.objects("disks")}
    assert old.id != new.id


@pytest.mark.parametrize(
    "late", [{"late_lists": 0.5}, {"date_header": False}, {"late_lists": 0.5, "clock_skew": -60.0}]
)
@pytest.mark.parametrize(
    "fault", [{"drop": "before"}, {"drop": "before", "act_after": 0.4}, {"status": 504, "act_after": 0.4}], ids=str
)
def test_late_lists_and_responses_without_a_date(
    cloud: Emulator, begin: Begin, fault: dict[str, Any], late: dict[str, Any]
) -> None:
    """An object that appears in the list during the search is new, whatever its time."""
    cloud.configure(**late)
    if fault == {"drop": "before"}:
        cloud.configure(late_lists=0.0)
    cloud.fail("POST /disks", **fault)
    op = begin()
    op.api._transport.ahead = None  # a new process has not seen earlier responses
    made = disk(op)
    assert disk_ids(cloud) == [made.id]


@pytest.mark.parametrize("drop", ["before", "after"])
def test_twenty_identical_disks_are_created(cloud: Emulator, begin: Begin, drop: Any) -> None:
    cloud.fail("POST /disks", drop=drop, times=7, skip=3)
    cloud.fail("POST /disks", drop="after", times=4, skip=9)

    def make(name: str) -> models.Disk:
        return disk(begin(name))

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(make, map(str, range(20))))
    assert sorted(it.id for it in made) == sorted(it["id"] for it in cloud.objects("disks"))
    assert len(cloud.objects("disks")) == 20


def test_a_create_that_the_server_executes_late_is_found(cloud: Emulator, begin: Begin) -> None:
    cloud.fail("POST /disks", delay=2.2, act="after")
    made = disk(begin(silence=1.0))
    assert [made.id] == [it["id"] for it in cloud.objects("disks")]


@pytest.mark.slow
def test_the_next_up_adopts_an_object_created_after_a_timeout(cloud: Emulator, begin: Begin) -> None:
    op = begin(seconds=4.0, silence=1.0)
    op.catalog.region("SY3")
    cloud.fail("POST /disks", delay=4.5, act="after")
    with pytest.raises(AnswerLost, match=r"POST /disks was sent(.|\n)*next `pulumi up`"):
        disk(op)
    killed(op)
    made = disk(begin())
    assert [made.id] == [it["id"] for it in cloud.objects("disks")]


def test_without_time_for_a_search_the_error_names_the_request(cloud: Emulator, begin: Begin) -> None:
    op = begin(seconds=1.5)
    op.catalog.region("SY3")
    cloud.fail("POST /disks", delay=2.5, act="after")
    with pytest.raises(
        AnswerLost, match=r"POST /disks was sent(.|\n)*could not be searched for(.|\n)*next `pulumi up`"
    ):
        disk(op)


def test_a_create_that_keeps_failing_is_closed(cloud: Emulator, begin: Begin) -> None:
    cloud.fail("POST /disks", status=500, times=100)
    op = begin()
    with pytest.raises(ServerError):
        disk(op)
    assert op.journal.earlier((op.call.urn, "")) is None


def test_several_matches_are_named(cloud: Emulator, begin: Begin) -> None:
    other = disk(begin("other"))
    mine = begin("mine")
    mine.journal.claimed.clear()  # as if another machine had created it
    cloud.fail("POST /disks", drop="after")
    with pytest.raises(JoviamError, match=other.id):
        disk(mine)


def test_an_object_of_a_killed_run_is_adopted(begin: Begin) -> None:
    made = disk(begin())
    killed(begin())
    op = begin()
    assert disk(op).id == made.id
    assert op.taken_over == [made.id]


def test_a_request_of_a_killed_run_is_searched_for(cloud: Emulator, begin: Begin) -> None:
    """The run was killed between the POST and its response, while it wrote the journal."""
    op = begin()
    made = disk(op)
    file = next(op.journal.folder.iterdir())
    lines = file.read_text().splitlines()
    killed(op)
    file.write_text(lines[0] + "\n" + lines[1][:40])  # the last line is cut off
    assert disk(begin()).id == made.id
    assert len(cloud.objects("disks")) == 1


def test_a_deleted_object_of_a_killed_run_is_created_again(cloud: Emulator, begin: Begin) -> None:
    made = disk(begin())
    killed(begin())
    cloud.remove(made.id)
    assert disk(begin()).id != made.id


def test_a_refused_request_leaves_no_entry(begin: Begin) -> None:
    op = begin()
    with pytest.raises(ValidationFail):
        disk(op, size=-1)
    assert op.journal.earlier((op.call.urn, "")) is None


def test_a_duplicate_is_reported_with_both_ids(cloud: Emulator, begin: Begin, warnings: list[str]) -> None:
    """The server executes the first request after it has answered the second one."""
    op = begin()
    op.catalog.region("SY3")
    cloud.fail("POST /disks", status=502, act_after=1.6 * PACE.late_create)
    made = disk(op)
    while len(disk_ids(cloud)) < 2:
        time.sleep(0.02)
    op.session.creations.look_back(op)
    [duplicate] = {*disk_ids(cloud)} - {made.id}
    assert len(warnings) == 1
    assert warnings[0].startswith(f"the request for the disk {made.id} was sent more than once")
    assert f"that is not in the state: {duplicate}. Delete it by hand" in warnings[0]


def test_a_duplicate_with_an_older_time_is_reported(cloud: Emulator, begin: Begin, warnings: list[str]) -> None:
    """The clocks of API and load balancer differ, so the object looks older than its request."""
    op = begin()
    cloud.configure(clock_skew=-60.0)
    op.catalog.region("SY3")
    cloud.configure(date_header=False)
    cloud.fail("POST /disks", drop="after")
    op.api._transport.ahead = 0.0
    made = disk(op)
    op.session.creations.look_back(op)
    [duplicate] = {*disk_ids(cloud)} - {made.id}
    assert [duplicate in message for message in warnings] == [True]


def test_without_a_duplicate_nothing_is_reported(cloud: Emulator, begin: Begin, warnings: list[str]) -> None:
    """Earlier disks and those of other resources do not count, and one list request is enough."""
    old = disk(begin("old"))
    cloud.change(old.id, created_at="2016-05-10T03:36:34.615Z")
    begin().journal.claimed.clear()
    cloud.fail("POST /disks", drop="before")
    op = begin("new")
    disk(op)
    before = len(cloud.requests)
    op.session.creations.look_back(op)
    op.session.creations.look_back(op)
    assert warnings == []
    assert [it.operation for it in cloud.requests[before:]] == ["GET /disks"]


def test_a_truncated_list_is_reported(cloud: Emulator, begin: Begin, warnings: list[str]) -> None:
    """If the list does not show the new object, it may not show a duplicate either."""
    disk(begin("old"))
    cloud.configure(list_limit=1)
    cloud.fail("POST /disks", drop="after")
    op = begin("new")
    made = disk(op)
    op.session.creations.look_back(op)
    assert len(warnings) == 1
    assert f"{made.id} was sent more than once" in warnings[0]
    assert "the list does not show it either. Look for a second disk like it by hand" in warnings[0]


def test_an_object_that_cannot_be_compared_is_never_adopted(cloud: Emulator, begin: Begin) -> None:
    """If attributes of the request cannot be compared, a match is named, and no other object is created."""
    op = begin()
    region, tier = op.catalog.region("SY3"), op.catalog.performance_tier("Fast", "disks", op.catalog.region("SY3"))
    body = {"name": "d", "size": 5, "region": region.id, "performance_tier": tier.id}
    shows = {"name": "d", "region": region.id}
    cloud.fail("POST /disks", drop="after")
    with pytest.raises(JoviamError) as caught:
        op.create(models.Disk, body, shows=shows)
    [made] = disk_ids(cloud)
    why = "its performance_tier, size cannot be compared"
    assert f"The disk {made} may be it, or may have existed before: {why}. So no other one is created." in str(
        caught.value
    )
    killed(op)
    with pytest.raises(JoviamError, match=why):
        begin().create(models.Disk, body, shows=shows)
    assert disk_ids(cloud) == [made]
    alike: dict[str, Callable[[models.Disk], bool]] = {
        "performance_tier": lambda live: live.performance_tier.id == tier.id,
        "size": lambda live: live.size == 5,
    }
    killed(op)
    assert begin().create(models.Disk, body, shows=shows, alike=alike).id == made


def post(op: Operation, kind: str, args: Mapping[str, Any]) -> Any:
    """Send the POST of a resource with these arguments."""
    lifecycle: Lifecycle[Any, Any] = getattr(joviam, kind)._lifecycle()
    op = replace(op, aliases=Aliases(lifecycle.args), private=lifecycle.memory())
    return lifecycle.post(op, lifecycle.args.model_validate(lifecycle._meant(op, args, lifecycle.args.names())))


def test_machines_with_the_same_name_are_compared_by_boot_disk(cloud: Emulator, begin: Begin) -> None:
    """This holds within a run; after a kill, the program may ask for another disk."""
    args = ExistingObjects(Account(cloud)).arguments("Instance")[-1]
    larger = args | {"boot_disk": args["boot_disk"] | {"size": 30}}
    other = post(begin("other"), "Instance", args)
    op = begin("mine")
    op.journal.claimed.clear()  # as if another machine had created it
    cloud.fail("POST /instances", drop="after")
    mine = post(op, "Instance", larger)
    assert mine.id != other.id
    assert mine.disks[0].size == 30
    cloud.fail("POST /instances", drop="after", times=2)
    cloud.fail("GET /instances", status=403)
    with pytest.raises(AnswerLost):
        post(begin("killed"), "Instance", args | {"name": "killed"})
    killed(op)
    [left] = [it["id"] for it in cloud.objects("instances") if it["name"] == "killed"]
    assert post(begin("killed"), "Instance", larger | {"name": "killed"}).id == left


@pytest.mark.parametrize("kind", sorted(SEARCHABLE))
def test_every_request_can_be_compared(cloud: Emulator, begin: Begin, kind: str, mocker: MockerFixture) -> None:
    """Every attribute of a create request can be compared with the object, and matches it."""
    made: list[tuple[Order, Entry, Any]] = []
    make = Creations.make

    def recorded(self: Creations, op: Operation, key: Key, order: Order) -> Any:
        live = make(self, op, key, order)
        made.append((order, op.journal._mine[key], live))
        return live

    mocker.patch.object(Creations, "make", recorded)
    for number, args in enumerate(ExistingObjects(Account(cloud)).arguments(kind)):
        op = begin(f"{kind} {number}")
        live = post(op, kind, args)
        order, entry, _ = made[-1]
        assert not order.untold, f"{kind}.post gives op.create neither shows= nor alike= for them"
        renamed = [attribute for attribute in order.body if order.alike.get(attribute) is named_otherwise]
        others = order.shows.keys() - order.body.keys()
        assert others or not renamed, f"{kind}.post gives op.create no shows= with the other names of {renamed}"
        assert _fits(order, entry, op.api.get(order.model, live.id))


def test_without_a_reliable_time_a_match_is_named(cloud: Emulator, begin: Begin) -> None:
    """It may have existed before, so neither this run nor the next one creates another, until it is deleted."""
    cloud.configure(date_header=False)
    op = begin()
    op.api._transport.ahead = None
    cloud.fail("POST /disks", drop="after")
    with pytest.raises(JoviamError) as caught:
        disk(op)
    [made] = disk_ids(cloud)
    assert f"The disk {made} may be it, or may have existed before: the API does not say what time it has." in str(
        caught.value
    )
    killed(op)
    with pytest.raises(JoviamError, match=rf"interrupted run was creating it(.|\n)*{made} may be it"):
        disk(begin())
    cloud.remove(made)
    killed(op)
    assert [disk(begin()).id] == disk_ids(cloud)


def test_a_match_that_appears_with_an_older_time_is_named(cloud: Emulator, begin: Begin) -> None:
    """The clocks may differ, or it may be an older disk that a late list shows only now."""
    op = begin()
    op.catalog.region("SY3")
    cloud.configure(clock_skew=-60.0, date_header=False)
    op.api._transport.ahead = 0.0
    cloud.fail("POST /disks", drop="before", act_after=0.4)
    with pytest.raises(JoviamError, match="may be it, or may have existed before: it has just appeared"):
        disk(op)
    assert len(disk_ids(cloud)) == 1


def test_if_the_retry_is_refused_the_first_object_is_found(cloud: Emulator, begin: Begin) -> None:
    """For example, the address is taken by then, by the object of the first request."""
    op = begin()
    op.catalog.region("SY3")
    cloud.fail("POST /disks", drop="before", act_after=1.3 * PACE.late_create)
    cloud.fail("POST /disks", status=422, details={"name": ["is taken"]})
    made = disk(op)
    assert disk_ids(cloud) == [made.id]


@pytest.mark.slow
def test_a_duplicate_of_a_killed_run_is_reported(cloud: Emulator, begin: Begin, warnings: list[str]) -> None:
    """The request of the next run is a retry, too."""
    op = begin(seconds=1.5, late_create=60.0)  # it is killed before a retry
    op.catalog.region("SY3")
    cloud.fail("POST /disks", drop="before", act_after=4.5 * PACE.late_create)
    with pytest.raises(AnswerLost):
        disk(op)
    killed(op)
    op = begin()
    made = disk(op)
    while len(disk_ids(cloud)) < 2:
        time.sleep(0.02)
    op.session.creations.look_back(op)
    [duplicate] = {*disk_ids(cloud)} - {made.id}
    assert [duplicate in message for message in warnings] == [True]


def test_a_list_that_is_too_large_is_reported_with_a_way_out(
    cloud: Emulator, begin: Begin, mocker: MockerFixture
) -> None:
    """It will be too large in the next run, too."""
    begin = functools.partial(begin, too_large=0.0)
    op = begin()
    op.catalog.region("SY3")
    for n in range(8):
        disk(begin(str(n)))
    mocker.patch("pulumi_joviam.api.transport.LARGEST_ANSWER", 3000)
    cloud.fail("POST /disks", drop="before")
    folder = op.journal.folder
    for _ in range(2):
        with pytest.raises(
            AnswerLost, match=rf"cannot be searched for: unexpected response(.|\n)*Then delete the folder {folder}"
        ):
            disk(begin())
        killed(begin())
    shutil.rmtree(folder)
    disk(begin())
    assert len(disk_ids(cloud)) == 9


def test_nothing_is_created_while_the_list_cannot_be_read(cloud: Emulator, begin: Begin) -> None:
    """The object cannot be searched for, so no other one is created."""
    op = begin()
    op.catalog.region("SY3")
    cloud.fail("POST /disks", drop="after")
    cloud.fail("GET /disks", body=b"{}", times=99)
    with pytest.raises(
        AnswerLost, match=r"POST /disks was sent(.|\n)*could not be searched for(.|\n)*next `pulumi up`"
    ):
        disk(op)
    assert len(disk_ids(cloud)) == 1
    cloud.heal()  # repeat the step, as error hooks of Pulumi can
    assert [disk(begin()).id] == disk_ids(cloud)

"""Lost answers: whatever is dropped, delayed or garbled, each thing that is asked for is there exactly once."""

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
from pulumi_joviam.lifecycle.order import Order
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.state import Memory
from tests.emulator.account import Account
from tests.samples import There

Begin = Callable[..., Operation]

MADE = {name for name in joviam.__all__ if hasattr(getattr(joviam, name), "_lifecycle")} - {
    "AvailabilityGroup",  # the API has no object for one
    "ConsoleSession",  # cannot be listed, so that a lost one is asked for again
    "Resource",
}

PACE = Pace(late_create=1.0, longest_search=0.3)
"""What has not been made by this server after a second will not be made."""


@pytest.fixture
def begin(cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Return how to start a step on a resource; each test is a stack of its own."""
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
def warned(mocker: MockerFixture) -> list[str]:
    """What the steps warn of."""
    said: list[str] = []

    def warn(_call: Call, message: str) -> None:
        said.append(message)

    mocker.patch.object(Call, "warn", warn)
    return said


def there(cloud: Emulator) -> list[str]:
    return [it["id"] for it in cloud.objects("disks")]


def killed(op: Operation) -> None:
    """Forget what this process knows, as if it had been killed and another one had started."""
    op.journal.close()
    journal._opened.cache_clear()


def disk(op: Operation, size: int = 5) -> models.Disk:
    region = op.catalog.region("SY3")
    tier = op.catalog.performance_tier("Fast", "disks", region)
    return op.create(models.Disk, {"name": "d", "size": size, "region": region.id, "performance_tier": tier.id})


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
def test_what_is_lost_is_found_or_made(cloud: Emulator, begin: Begin, fault: dict[str, Any], skew: float) -> None:
    """By the server's clock, which may be wrong by an hour."""
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
def test_lists_that_are_behind_and_answers_without_date(
    cloud: Emulator, begin: Begin, fault: dict[str, Any], late: dict[str, Any]
) -> None:
    """What only appears in the list was made since, whatever clock there is."""
    cloud.configure(**late)
    if fault == {"drop": "before"}:
        cloud.configure(late_lists=0.0)
    cloud.fail("POST /disks", **fault)
    op = begin()
    op.api._transport.ahead = None  # what earlier answers told is unknown to a new process
    made = disk(op)
    assert there(cloud) == [made.id]


@pytest.mark.parametrize("drop", ["before", "after"])
def test_twenty_equal_disks_are_twenty(cloud: Emulator, begin: Begin, drop: Any) -> None:
    cloud.fail("POST /disks", drop=drop, times=7, skip=3)
    cloud.fail("POST /disks", drop="after", times=4, skip=9)

    def make(name: str) -> models.Disk:
        return disk(begin(name))

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(make, map(str, range(20))))
    assert sorted(it.id for it in made) == sorted(it["id"] for it in cloud.objects("disks"))
    assert len(cloud.objects("disks")) == 20


def test_a_server_that_acts_late_is_waited_for(cloud: Emulator, begin: Begin) -> None:
    cloud.fail("POST /disks", delay=2.2, act="after")
    made = disk(begin(silence=1.0))
    assert [made.id] == [it["id"] for it in cloud.objects("disks")]


@pytest.mark.slow
def test_after_a_timeout_nothing_is_sent_again(cloud: Emulator, begin: Begin) -> None:
    op = begin(seconds=4.0, silence=1.0)
    op.catalog.region("SY3")
    cloud.fail("POST /disks", delay=4.5, act="after")
    with pytest.raises(AnswerLost, match=r"POST /disks was sent(.|\n)*next `pulumi up`"):
        disk(op)
    killed(op)
    made = disk(begin())
    assert [made.id] == [it["id"] for it in cloud.objects("disks")]


def test_where_there_is_no_time_to_look_the_request_is_told(cloud: Emulator, begin: Begin) -> None:
    op = begin(seconds=1.5)
    op.catalog.region("SY3")
    cloud.fail("POST /disks", delay=2.5, act="after")
    with pytest.raises(
        AnswerLost, match=r"POST /disks was sent(.|\n)*could not be searched for(.|\n)*next `pulumi up`"
    ):
        disk(op)


def test_a_server_that_keeps_failing_is_given_up(cloud: Emulator, begin: Begin) -> None:
    cloud.fail("POST /disks", status=500, times=100)
    op = begin()
    with pytest.raises(ServerError):
        disk(op)
    assert op.journal.earlier((op.call.urn, "")) is None


def test_several_that_may_be_it_are_named(cloud: Emulator, begin: Begin) -> None:
    stranger = disk(begin("stranger"))
    mine = begin("mine")
    mine.journal.claimed.clear()  # as if another machine had made it
    cloud.fail("POST /disks", drop="after")
    with pytest.raises(JoviamError, match=stranger.id):
        disk(mine)


def test_what_a_killed_run_made_is_taken_over(begin: Begin) -> None:
    made = disk(begin())
    killed(begin())
    op = begin()
    assert disk(op).id == made.id
    assert op.taken_over == [made.id]


def test_what_a_killed_run_had_asked_for_is_looked_for(cloud: Emulator, begin: Begin) -> None:
    """The run was killed between the POST and its answer, and nothing of the file after that was written."""
    op = begin()
    made = disk(op)
    file = next(op.journal.folder.iterdir())
    lines = file.read_text().splitlines()
    killed(op)
    file.write_text(lines[0] + "\n" + lines[1][:40])  # a torn last line
    assert disk(begin()).id == made.id
    assert len(cloud.objects("disks")) == 1


def test_what_a_killed_run_made_and_somebody_deleted_is_made_again(cloud: Emulator, begin: Begin) -> None:
    made = disk(begin())
    killed(begin())
    cloud.remove(made.id)
    assert disk(begin()).id != made.id


def test_a_refusal_leaves_nothing_behind(begin: Begin) -> None:
    op = begin()
    with pytest.raises(ValidationFail):
        disk(op, size=-1)
    assert op.journal.earlier((op.call.urn, "")) is None


def test_a_twin_is_named_with_both_ids(cloud: Emulator, begin: Begin, warned: list[str]) -> None:
    """The server acts on the first request when the second one has been answered."""
    op = begin()
    op.catalog.region("SY3")
    cloud.fail("POST /disks", status=502, act_after=1.6 * PACE.late_create)
    made = disk(op)
    while len(there(cloud)) < 2:
        time.sleep(0.02)
    op.session.creations.look_back(op)
    [twin] = {*there(cloud)} - {made.id}
    assert len(warned) == 1
    assert warned[0].startswith(f"the request for the disk {made.id} was sent more than once")
    assert f"that is not in the state: {twin}. Delete it by hand" in warned[0]


def test_an_object_made_by_another_clock_is_named(cloud: Emulator, begin: Begin, warned: list[str]) -> None:
    """The Date of the answers is a balancer's, and what the API makes looks older than the request for it."""
    op = begin()
    cloud.configure(clock_skew=-60.0)
    op.catalog.region("SY3")
    cloud.configure(date_header=False)
    cloud.fail("POST /disks", drop="after")
    op.api._transport.ahead = 0.0
    made = disk(op)
    op.session.creations.look_back(op)
    [twin] = {*there(cloud)} - {made.id}
    assert [twin in said for said in warned] == [True]


def test_nothing_is_said_where_nothing_was_made_twice(cloud: Emulator, begin: Begin, warned: list[str]) -> None:
    """Neither a disk that was there before nor those of other resources count, and one look is enough."""
    old = disk(begin("old"))
    cloud.change(old.id, created_at="2016-05-10T03:36:34.615Z")
    begin().journal.claimed.clear()
    cloud.fail("POST /disks", drop="before")
    op = begin("new")
    disk(op)
    before = len(cloud.requests)
    op.session.creations.look_back(op)
    op.session.creations.look_back(op)
    assert warned == []
    assert [it.operation for it in cloud.requests[before:]] == ["GET /disks"]


def test_a_list_without_the_new_object_is_told(cloud: Emulator, begin: Begin, warned: list[str]) -> None:
    """A list that shows only its first part can tell neither of a first nor of a second one."""
    disk(begin("old"))
    cloud.configure(list_limit=1)
    cloud.fail("POST /disks", drop="after")
    op = begin("new")
    made = disk(op)
    op.session.creations.look_back(op)
    assert len(warned) == 1
    assert f"{made.id} was sent more than once" in warned[0]
    assert "the list does not show it either. Look for a second disk like it by hand" in warned[0]


def test_what_cannot_be_compared_is_named_and_never_taken(cloud: Emulator, begin: Begin) -> None:
    """A resource that does not tell an attribute of its request takes nobody else's object, and makes no second one."""
    op = begin()
    region, tier = op.catalog.region("SY3"), op.catalog.performance_tier("Fast", "disks", op.catalog.region("SY3"))
    body = {"name": "d", "size": 5, "region": region.id, "performance_tier": tier.id}
    shows = {"name": "d", "region": region.id}
    cloud.fail("POST /disks", drop="after")
    with pytest.raises(JoviamError) as caught:
        op.create(models.Disk, body, shows=shows)
    [made] = there(cloud)
    why = "its performance_tier, size cannot be compared"
    assert f"The disk {made} may be it, or may have existed before: {why}. So no other one is created." in str(
        caught.value
    )
    killed(op)
    with pytest.raises(JoviamError, match=why):
        begin().create(models.Disk, body, shows=shows)
    assert there(cloud) == [made]
    alike: dict[str, Callable[[models.Disk], bool]] = {
        "performance_tier": lambda live: live.performance_tier.id == tier.id,
        "size": lambda live: live.size == 5,
    }
    killed(op)
    assert begin().create(models.Disk, body, shows=shows, alike=alike).id == made


def posted(op: Operation, kind: str, said: Mapping[str, Any]) -> Any:
    """Make what a program says."""
    lifecycle: Lifecycle[Any, Any] = getattr(joviam, kind)._lifecycle()
    op = replace(op, aliases=Aliases(lifecycle.args), private=lifecycle.memory())
    return lifecycle.post(op, lifecycle.args.model_validate(lifecycle._meant(op, said, lifecycle.args.names())))


def test_machines_of_one_name_are_told_apart_by_their_boot_disks(cloud: Emulator, begin: Begin) -> None:
    """While a run is at it; after a kill, the program may ask for another disk by now."""
    said = There(Account(cloud)).say("Instance")[-1]
    other = said | {"boot_disk": said["boot_disk"] | {"size": 30}}
    stranger = posted(begin("stranger"), "Instance", said)
    op = begin("mine")
    op.journal.claimed.clear()  # as if another machine had made it
    cloud.fail("POST /instances", drop="after")
    mine = posted(op, "Instance", other)
    assert mine.id != stranger.id
    assert mine.disks[0].size == 30
    cloud.fail("POST /instances", drop="after", times=2)
    cloud.fail("GET /instances", status=403)
    with pytest.raises(AnswerLost):
        posted(begin("killed"), "Instance", said | {"name": "killed"})
    killed(op)
    [left] = [it["id"] for it in cloud.objects("instances") if it["name"] == "killed"]
    assert posted(begin("killed"), "Instance", other | {"name": "killed"}).id == left


@pytest.mark.parametrize("kind", sorted(MADE))
def test_every_request_can_be_compared(cloud: Emulator, begin: Begin, kind: str, mocker: MockerFixture) -> None:
    """Each attribute that a resource asks for tells its object from others, and the object is like its request."""
    made: list[tuple[Order, Entry, Any]] = []
    make = Creations.make

    def watched(self: Creations, op: Operation, key: Key, order: Order) -> Any:
        live = make(self, op, key, order)
        made.append((order, op.journal._mine[key], live))
        return live

    mocker.patch.object(Creations, "make", watched)
    for number, said in enumerate(There(Account(cloud)).say(kind)):
        op = begin(f"{kind} {number}")
        live = posted(op, kind, said)
        order, entry, _ = made[-1]
        assert not order.untold, f"{kind}.post gives op.create neither shows= nor alike= for them"
        assert _fits(order, entry, op.api.get(order.model, live.id))


def test_where_no_time_can_be_trusted_the_object_is_named(cloud: Emulator, begin: Begin) -> None:
    """Nobody can say whether it was there before: no other one is made, now or by the next run, until it is gone."""
    cloud.configure(date_header=False)
    op = begin()
    op.api._transport.ahead = None
    cloud.fail("POST /disks", drop="after")
    with pytest.raises(JoviamError) as caught:
        disk(op)
    [made] = there(cloud)
    assert f"The disk {made} may be it, or may have existed before: the API does not say what time it has." in str(
        caught.value
    )
    killed(op)
    with pytest.raises(JoviamError, match=rf"interrupted run was creating it(.|\n)*{made} may be it"):
        disk(begin())
    cloud.remove(made)
    killed(op)
    assert [disk(begin()).id] == there(cloud)


def test_what_appears_but_says_that_it_is_older_is_named(cloud: Emulator, begin: Begin) -> None:
    """Clocks that are apart, or somebody else's disk in a list that is behind: nobody can say which."""
    op = begin()
    op.catalog.region("SY3")
    cloud.configure(clock_skew=-60.0, date_header=False)
    op.api._transport.ahead = 0.0
    cloud.fail("POST /disks", drop="before", act_after=0.4)
    with pytest.raises(JoviamError, match="may be it, or may have existed before: it has just appeared"):
        disk(op)
    assert len(there(cloud)) == 1


def test_a_repeated_request_that_is_refused_finds_the_first_one(cloud: Emulator, begin: Begin) -> None:
    """Such as an address that is taken by then: by what the first request has made."""
    op = begin()
    op.catalog.region("SY3")
    cloud.fail("POST /disks", drop="before", act_after=1.3 * PACE.late_create)
    cloud.fail("POST /disks", status=422, details={"name": ["is taken"]})
    made = disk(op)
    assert there(cloud) == [made.id]


@pytest.mark.slow
def test_after_a_request_of_a_killed_run_there_is_a_last_look(cloud: Emulator, begin: Begin, warned: list[str]) -> None:
    """The next run's request is a second one, too."""
    op = begin(seconds=1.5, late_create=60.0)  # it is killed before it would ask again
    op.catalog.region("SY3")
    cloud.fail("POST /disks", drop="before", act_after=4.5 * PACE.late_create)
    with pytest.raises(AnswerLost):
        disk(op)
    killed(op)
    op = begin()
    made = disk(op)
    while len(there(cloud)) < 2:
        time.sleep(0.02)
    op.session.creations.look_back(op)
    [twin] = {*there(cloud)} - {made.id}
    assert [twin in said for said in warned] == [True]


def test_where_the_list_is_too_large_the_way_out_is_told(cloud: Emulator, begin: Begin, mocker: MockerFixture) -> None:
    """It will be too large at the next time, too."""
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
    assert len(there(cloud)) == 9


def test_a_list_that_cannot_be_read_tells_nothing(cloud: Emulator, begin: Begin) -> None:
    """Then it cannot be looked for, so it is not made again either."""
    op = begin()
    op.catalog.region("SY3")
    cloud.fail("POST /disks", drop="after")
    cloud.fail("GET /disks", body=b"{}", times=99)
    with pytest.raises(
        AnswerLost, match=r"POST /disks was sent(.|\n)*could not be searched for(.|\n)*next `pulumi up`"
    ):
        disk(op)
    assert len(there(cloud)) == 1
    cloud.heal()  # and then the same step once more, as Pulumi's hooks can have it
    assert [disk(begin()).id] == there(cloud)

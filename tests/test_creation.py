"""Lost answers: whatever is dropped, delayed or garbled, each thing that is asked for is there exactly once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pulumi_joviam import engine, journal, models
from pulumi_joviam.args import BaseArgs
from pulumi_joviam.config import Settings
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.errors import AnswerLost, JoviamError, ServerError, ValidationFail
from pulumi_joviam.operation import Operation
from pulumi_joviam.words import Words

Begin = Callable[..., Operation]


@pytest.fixture
def begin(cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Return how to start a step on a resource; each test is a stack of its own."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    settings, stack = Settings(token=cloud.token, endpoint=cloud.url), uuid.uuid4().hex

    def start(name: str = "data", seconds: float = 20.0) -> Operation:
        return Operation.begin(
            engine.Call(f"urn:pulumi:{stack}::shop::Disk::{name}"), settings, seconds, Words(BaseArgs), {}
        )

    yield start
    killed(start())


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
        {"status": 500},
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


@pytest.mark.parametrize("drop", ["before", "after"])
def test_twenty_equal_disks_are_twenty(cloud: Emulator, begin: Begin, drop: Any) -> None:
    cloud.fail("POST /disks", drop=drop, times=7, skip=3)
    cloud.fail("POST /disks", drop="after", times=4, skip=9)
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda name: disk(begin(name)), map(str, range(20))))
    assert sorted(it.id for it in made) == sorted(it["id"] for it in cloud.objects("disks"))
    assert len(cloud.objects("disks")) == 20


def test_a_server_that_acts_late_is_waited_for(cloud: Emulator, begin: Begin, mocker: MockerFixture) -> None:
    mocker.patch("pulumi_joviam.transport.READ_SECONDS", 0.3)
    cloud.fail("POST /disks", delay=1.5, act="after")
    made = disk(begin())
    assert [made.id] == [it["id"] for it in cloud.objects("disks")]


def test_after_a_timeout_nothing_is_sent_again(cloud: Emulator, begin: Begin, mocker: MockerFixture) -> None:
    op = begin(seconds=2.0)
    op.catalog.region("SY3")
    mocker.patch("pulumi_joviam.transport.READ_SECONDS", 0.3)
    cloud.fail("POST /disks", delay=2.5, act="after")
    with pytest.raises(AnswerLost, match=r"POST /disks was sent(.|\n)*next `pulumi up`"):
        disk(op)
    killed(op)
    made = disk(begin())
    assert [made.id] == [it["id"] for it in cloud.objects("disks")]


def test_where_there_is_no_time_to_look_the_request_is_told(cloud: Emulator, begin: Begin) -> None:
    op = begin(seconds=0.5)
    op.catalog.region("SY3")
    cloud.fail("POST /disks", delay=1.0, act="after")
    with pytest.raises(AnswerLost, match=r"POST /disks was sent(.|\n)*could not be looked for(.|\n)*next `pulumi up`"):
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

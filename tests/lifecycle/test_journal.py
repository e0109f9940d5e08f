"""The journal: what it keeps, what it forgets, and what it never holds."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulumi_joviam.lifecycle.journal import REVOKE_SECONDS, Entry, Journal, Key, _opened, digest, of_stack, told

STACK = "urn:pulumi:dev::shop"
KEY = (f"{STACK}::Disk::a b", "")
DISK = "0a0a0a0a-0000-4000-8000-000000000001"
OTHER = (f"{STACK}::Disk::b", "")
ENTRY = Entry("/disks", {"name": digest("secret name")}, 1000.0)


def left(journal: Journal) -> dict[Key, Entry]:
    return {key: entry for entries in journal.left().values() for key, entry in entries.items()}


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    kept = Journal(tmp_path / "stack", STACK)
    yield kept
    kept.close()


def test_it_is_read_by_the_next_process(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    assert after.earlier(KEY) == replace(ENTRY, id=DISK)
    assert left(after) == {KEY: replace(ENTRY, id=DISK)}


def test_what_the_state_holds_is_forgotten_and_the_file_goes(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    after.seen(["0a0a0a0a-0000-4000-8000-000000000002"])
    assert after.earlier(KEY)
    after.seen([DISK])
    assert after.earlier(KEY) is None
    assert not files(journal.folder)


def test_what_an_earlier_run_had_is_nobody_elses(journal: Journal) -> None:
    """Of equal objects, those are not looked at whose answer another resource got, though it has not asked yet."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.asked(OTHER, ENTRY)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    assert after.knows(DISK)
    assert not after.knows("another")


def test_a_normal_end_leaves_nothing(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    assert not files(journal.folder)


def test_what_may_still_come_outlives_a_normal_end(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.end()
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    assert after.earlier(KEY) == ENTRY
    assert left(after) == {KEY: ENTRY}


def test_an_end_that_was_none_is_taken_back(journal: Journal) -> None:
    """The engine says the same at Ctrl-C as at the end, and may be writing the state for long after."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    until = time.monotonic() + 10 * REVOKE_SECONDS
    while not files(journal.folder) and time.monotonic() < until:
        time.sleep(0.05)
    journal.close()  # as if the process had been killed
    assert left(Journal(journal.folder, STACK)) == {KEY: replace(ENTRY, id=DISK)}


@pytest.mark.parametrize("lasting", [True, False], ids=["without checkpoints", "in doubt"])
def test_what_may_not_be_in_the_state_outlives_the_end(tmp_path: Path, lasting: bool) -> None:
    """So does nothing else; and nobody is told of it in a run that only looks."""
    journal = Journal(tmp_path / "stack", STACK, lasting=lasting)
    for key, id in ((KEY, DISK), (OTHER, DISK.replace("1", "2"))):
        journal.asked(key, ENTRY)
        journal.made(key, id)
    if not lasting:
        journal.doubt(KEY[0])
    journal.end()
    journal.close()
    after = Journal(journal.folder, STACK)
    assert left(after).get(KEY) == replace(ENTRY, id=DISK, ended=True) == after.earlier(KEY)
    assert (OTHER in left(after)) is lasting
    assert list(told(after, lambda _stack: True)) == []
    after.acted = True
    assert len(list(told(after, lambda _stack: True))) == 1
    after.seen([entry.id for entry in left(after).values()])
    assert not files(journal.folder)


def test_what_runs_at_once_close_is_closed_for_both(journal: Journal) -> None:
    """Two accounts in one stack are two processes, each of which comes across its own objects only."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.asked(OTHER, ENTRY)
    journal.close()  # as if the process had been killed
    [file] = files(journal.folder)
    file.write_text(file.read_text() + '{"key": ["torn')
    one, two = Journal(journal.folder, STACK), Journal(journal.folder, STACK)
    one.seen([DISK])
    two.seen([])
    assert left(two) == {OTHER: ENTRY} == left(one)
    two.over(OTHER)
    assert left(one) == {}
    assert not files(journal.folder)


def test_the_file_of_a_living_process_stays(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    beside = Journal(journal.folder, STACK)
    beside.seen([DISK])
    assert files(journal.folder)
    assert left(beside) == {}


def test_only_the_user_reads_it_and_there_is_nothing_to_read(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    (file,) = files(journal.folder)
    assert "secret name" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700


DAMAGES: list[Callable[[str], str]] = [
    lambda text: text[:-20],
    lambda text: text + "{",
    lambda text: "[]\n5\n\x00\n" + text,
    lambda text: text * 2,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_lines_are_passed_over(journal: Journal, damage: Callable[[str], str]) -> None:
    journal.asked(KEY, ENTRY)
    journal.asked((KEY[0], "next"), ENTRY)
    journal.close()  # as if the process had been killed
    (file,) = files(journal.folder)
    file.write_text(damage(file.read_text()))
    assert Journal(journal.folder, STACK).earlier(KEY) == ENTRY


def test_the_end_tells_what_to_do(tmp_path: Path) -> None:
    """What the program names is nobody's work, and no file goes with something in it that is still needed."""

    def killed(*keys: Key) -> Path:
        journal = Journal(tmp_path / "project", STACK)
        for key in keys:
            journal.asked(key, ENTRY)
            journal.made(key, f"id of {key[0][-1]}")
        journal.close()
        return max(files(journal.folder), key=lambda file: file.stat().st_mtime_ns)

    both, orphan = killed(KEY, OTHER), killed((f"{STACK}::Disk::c", ""))
    journal = Journal(tmp_path / "project", STACK)
    journal.named.add(KEY[0])
    assert list(told(journal, lambda _stack: True)) == [
        "an interrupted or failed run created id of b (a b). The next `pulumi up` continues with that.",
        "an interrupted or failed run created id of b (b), id of c (c), which is not in this stack's state. "
        f"Delete by hand what `pulumi up` neither adopts nor deletes, and then {orphan}.",
    ]
    journal.seen(["id of b"])
    assert both
    other = Journal(tmp_path / "project", "urn:pulumi:new::shop")
    assert list(told(other, lambda _stack: True)) == []


@pytest.mark.parametrize(("there", "says"), [(False, "no longer exists"), (None, "If it was renamed or removed")])
def test_what_a_renamed_stack_left_is_named(journal: Journal, there: bool | None, says: str) -> None:
    """Nobody takes it over: the same name may stand for something else there. What the new stack holds is its own."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.asked(OTHER, ENTRY)
    journal.made(OTHER, "held")
    journal.close()  # as if the process had been killed
    renamed = Journal(journal.folder, "urn:pulumi:new::shop")
    renamed.seen(["held"])
    assert renamed.earlier((KEY[0].replace("dev", "new"), "")) is None
    [message] = told(renamed, lambda stack: there if stack == STACK else True)
    assert "of the stack dev" in message
    assert f"{DISK} (a b)" in message
    assert says in message
    assert "held" not in message
    assert str(files(journal.folder)[0]) in message


def test_what_an_older_version_left_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 0.1.0 had a folder for each stack and each way to write its backend."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://user:secret@bucket")
    before = Journal(tmp_path / "joviam" / digest(["s3://bucket", STACK]), STACK)
    before.asked(KEY, ENTRY)
    before.close()
    _opened.cache_clear()
    journal = of_stack(STACK)
    _opened.cache_clear()
    assert journal.earlier(KEY) == ENTRY
    journal.over(KEY)
    assert not files(before.folder)


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "stack", STACK)
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    assert str(tmp_path) in journal.complaint()
    assert journal.complaint() == ""
    assert os.listdir(tmp_path) == ["stack"]

"""The journal: which entries it keeps and drops, and that there is no secret in it."""

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
    opened = Journal(tmp_path / "stack", STACK)
    yield opened
    opened.close()


def test_the_next_process_reads_it(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    assert after.earlier(KEY) == replace(ENTRY, id=DISK)
    assert left(after) == {KEY: replace(ENTRY, id=DISK)}


def test_entries_in_the_state_are_dropped_and_the_file_is_deleted(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    after.seen(["0a0a0a0a-0000-4000-8000-000000000002"])
    assert after.earlier(KEY)
    after.seen([DISK])
    assert after.earlier(KEY) is None
    assert not files(journal.folder)


def test_objects_of_an_earlier_run_are_known(journal: Journal) -> None:
    """So no other resource adopts them, even before their own resource has claimed them."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.asked(OTHER, ENTRY)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    assert after.knows(DISK)
    assert not after.knows("another")


def test_a_normal_end_leaves_no_file(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    assert not files(journal.folder)


def test_a_request_without_a_response_outlives_a_normal_end(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.end()
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder, STACK)
    assert after.earlier(KEY) == ENTRY
    assert left(after) == {KEY: ENTRY}


def test_the_end_is_revoked_if_the_process_continues(journal: Journal) -> None:
    """The engine sends the same call at Ctrl-C as at the end, and may write the state long after it."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    until = time.monotonic() + 10 * REVOKE_SECONDS
    while not files(journal.folder) and time.monotonic() < until:
        time.sleep(0.05)
    journal.close()  # as if the process had been killed
    assert left(Journal(journal.folder, STACK)) == {KEY: replace(ENTRY, id=DISK)}


@pytest.mark.parametrize("lasting", [True, False], ids=["without checkpoints", "in doubt"])
def test_entries_that_may_be_missing_from_the_state_outlive_the_end(tmp_path: Path, lasting: bool) -> None:
    """With checkpoints, no other entry does. A run that changes nothing does not report them."""
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


def test_an_entry_that_one_process_closes_is_closed_for_all(journal: Journal) -> None:
    """Two accounts in one stack are two processes, each of which only sees its own objects."""
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


def test_only_the_user_can_read_it_and_it_has_no_secrets(journal: Journal) -> None:
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
def test_damaged_lines_are_skipped(journal: Journal, damage: Callable[[str], str]) -> None:
    journal.asked(KEY, ENTRY)
    journal.asked((KEY[0], "next"), ENTRY)
    journal.close()  # as if the process had been killed
    (file,) = files(journal.folder)
    file.write_text(damage(file.read_text()))
    assert Journal(journal.folder, STACK).earlier(KEY) == ENTRY


def test_the_end_reports_entries_of_earlier_runs(tmp_path: Path) -> None:
    """`up` continues with those that the program names; only files without other entries may be deleted."""

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


@pytest.mark.parametrize(("exists", "text"), [(False, "no longer exists"), (None, "If it was renamed or removed")])
def test_entries_of_a_renamed_stack_are_reported(journal: Journal, exists: bool | None, text: str) -> None:
    """Nothing adopts them: the new stack may use the same names for other objects. Those in its state are closed."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.asked(OTHER, ENTRY)
    journal.made(OTHER, "other-id")
    journal.close()  # as if the process had been killed
    renamed = Journal(journal.folder, "urn:pulumi:new::shop")
    renamed.seen(["other-id"])
    assert renamed.earlier((KEY[0].replace("dev", "new"), "")) is None
    [message] = told(renamed, lambda stack: exists if stack == STACK else True)
    assert "of the stack dev" in message
    assert f"{DISK} (a b)" in message
    assert text in message
    assert "other-id" not in message
    assert str(files(journal.folder)[0]) in message


def test_the_journal_of_version_0_1_0_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It had a folder for each stack and each spelling of its backend."""
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


def test_a_folder_that_cannot_be_written_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "stack", STACK)
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    assert str(tmp_path) in journal.complaint()
    assert journal.complaint() == ""
    assert os.listdir(tmp_path) == ["stack"]

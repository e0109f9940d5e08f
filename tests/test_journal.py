"""The journal: what it keeps, what it forgets, and what it never holds."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulumi_joviam.journal import REVOKE_SECONDS, Entry, Journal, _opened, digest, of_stack

KEY = ("urn:pulumi:dev::shop::Disk::a b", "")
DISK = "0a0a0a0a-0000-4000-8000-000000000001"
ENTRY = Entry("/disks", {"name": digest("secret name")}, 1000.0)


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    kept = Journal(tmp_path / "stack")
    yield kept
    kept.close()


def test_it_is_read_by_the_next_process(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder)
    assert after.earlier(KEY) == Entry(ENTRY.path, ENTRY.shows, ENTRY.at, DISK)
    assert after.left() == {KEY: replace(ENTRY, id=DISK)}


def test_what_the_state_holds_is_forgotten_and_the_file_goes(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder)
    after.seen(["0a0a0a0a-0000-4000-8000-000000000002"])
    assert after.earlier(KEY)
    after.seen([DISK])
    assert after.earlier(KEY) is None
    assert not files(journal.folder)


def test_a_normal_end_leaves_nothing(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    assert not files(journal.folder)


def test_what_may_still_come_outlives_a_normal_end(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.end()
    journal.close()  # as if the process had been killed
    after = Journal(journal.folder)
    assert after.earlier(KEY) == ENTRY
    assert after.left() == {KEY: ENTRY}


def test_an_end_that_was_none_is_taken_back(journal: Journal) -> None:
    """The engine says the same at Ctrl-C as at the end, and may be writing the state for long after."""
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    until = time.monotonic() + 10 * REVOKE_SECONDS
    while not files(journal.folder) and time.monotonic() < until:
        time.sleep(0.05)
    journal.close()  # as if the process had been killed
    assert Journal(journal.folder).left() == {KEY: replace(ENTRY, id=DISK)}


def test_without_checkpoints_it_outlives_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "stack", lasting=True)
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    journal.end()
    journal.close()  # as if the process had been killed
    assert Journal(journal.folder).left() == {KEY: replace(ENTRY, id=DISK)}


def test_the_file_of_a_living_process_stays(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    beside = Journal(journal.folder)
    beside.seen([DISK])
    assert files(journal.folder)
    assert beside.left() == {}


def test_only_the_user_reads_it_and_there_is_nothing_to_read(journal: Journal) -> None:
    journal.asked(KEY, ENTRY)
    (file,) = files(journal.folder)
    assert "secret name" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:-20], lambda text: text + "{", lambda text: "[]\n5\n\x00\n" + text, lambda text: text * 2],
)
def test_damaged_lines_are_passed_over(journal: Journal, damage: Callable[[str], str]) -> None:
    journal.asked(KEY, ENTRY)
    journal.asked((KEY[0], "next"), ENTRY)
    journal.close()  # as if the process had been killed
    (file,) = files(journal.folder)
    file.write_text(damage(file.read_text()))
    assert Journal(journal.folder).earlier(KEY) == ENTRY


def test_a_backend_is_the_same_for_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password in its URL may change between the kill and the next run."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))

    def folder(backend: str) -> Path:
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
        _opened.cache_clear()
        return of_stack("urn:pulumi:dev::shop").folder

    same = folder("postgres://team@db.example.com/pulumi")
    assert folder("postgres://team:secret@db.example.com/pulumi") == same
    assert folder("postgres://team@db.example.com/other") != same
    _opened.cache_clear()


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "stack")
    journal.asked(KEY, ENTRY)
    journal.made(KEY, DISK)
    assert str(tmp_path) in journal.complaint()
    assert journal.complaint() == ""
    assert os.listdir(tmp_path) == ["stack"]

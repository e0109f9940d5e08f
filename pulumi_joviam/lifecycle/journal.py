"""The journal of create requests and their ids, which the state does not have yet when a run is killed.

The engine writes an object to the state after its step. Between the POST and that moment, only this file on disk knows
the object. With it, the next `up` of the same stack on this machine adopts the object instead of creating another.

Each plugin process that creates something appends to its own file, in a folder per backend and project under Pulumi's
home (~/.pulumi). The end of a run deletes the entries that are certainly in the state, usually all of them. Others
stay until a later run has seen the object in the state, or it no longer exists. Each line is a JSON object; a line
that a kill has cut off is skipped. There are no secrets in it: only ids, paths, times, URNs and digests of attributes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from pulumi_joviam.lifecycle import backend
from pulumi_joviam.lifecycle.call import NOBODY, at_end

try:
    import fcntl
except ImportError:  # Windows: then it is unknown whether the process of a file still runs
    fcntl = None  # type: ignore[assignment] # a module elsewhere

MOST_NAMED = 20
REVOKE_SECONDS = 1.0
"""A process that still runs this long after the end of its run was interrupted, not ended."""


@dataclass(frozen=True)
class Entry:
    """A create request. ``id`` is "" until its response arrived."""

    path: str
    shows: Mapping[str, str]
    """{attribute: digest of its value}, for the attributes of the request that an object can be compared by."""
    at: float
    """When the request was sent, by this machine's clock (time.time())."""
    id: str = ""
    ended: bool = False
    """Whether its run ended: then the object is in the state, unless the engine lost the response of the step."""
    last: float = 0.0
    """When the last retry was sent, if there was one."""


Key = tuple[str, str]
"""(URN of the resource, purpose of the object if the resource creates more than one, else "")."""


@dataclass
class Journal:
    """The create requests of one stack ("urn:pulumi:dev::shop"). Thread-safe."""

    folder: Path
    """It may contain files of other stacks: those of a renamed stack keep the old name."""
    stack: str
    older: Path | None = None
    """The folder that version 0.1.0 used."""
    lasting: bool = False
    """Whether entries survive the end of a run, because the engine writes the state only after that."""
    claimed: set[str] = field(default_factory=set)
    """Ids of objects that belong to a resource of this run."""
    named: set[str] = field(default_factory=set)
    """URNs of the resources in the program."""
    acted: bool = False
    """Whether this run changed anything: a preview does not."""
    _mine: dict[Key, Entry] = field(default_factory=dict)
    _by_id: dict[str, Key] = field(default_factory=dict)
    _doubtful: set[str] = field(default_factory=set)
    _file: IO[str] | None = None
    _revoking: threading.Timer | None = None
    _broken: str = ""
    _complained: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def earlier(self, key: Key) -> Entry | None:
        """Return the request under this key whose object is in no state as far as is known."""
        with self._lock:
            return next((entries[key] for entries in (self._mine, *self._others.values()) if key in entries), None)

    def knows(self, id: str) -> bool:
        """Return whether an object belongs to a resource of this run, or to a request of an earlier run."""
        with self._lock:
            return id in self.claimed or (bool(self._others) and id in self._by_id)

    def open(self, entry: Entry) -> int:
        """Return the number of identical requests without an id, in this and other processes."""
        with self._lock:
            asked = [
                other
                for entries in (self._mine, *self._others.values())
                for key, other in entries.items()
                if _stack(key) == self.stack
            ]
            return sum(not it.id and it.path == entry.path and it.shows == entry.shows for it in asked)

    def asked(self, key: Key, entry: Entry) -> None:
        """Record that a POST is being sent."""
        with self._lock:
            self._mine[key] = replace(entry, ended=False)
            self._write(_line(key, self._mine[key]))

    def made(self, key: Key, id: str) -> None:
        """Record the id in the response."""
        with self._lock:
            self.claimed.add(id)
            self._by_id[id] = key
            self._mine[key] = replace(self._mine[key], id=id)
            self._write(_line(key, self._mine[key]))
            self._drop(key)

    def over(self, key: Key) -> None:
        """Close this key: the request was refused, or its object is in the state or deleted."""
        with self._lock:
            if self._mine.pop(key, None):
                self._write({"key": key})
            self._drop(key)

    def seen(self, ids: Collection[str]) -> None:
        """Record that these objects are in the state, under whatever URN."""
        with self._lock:
            self.claimed.update(ids)
            if self._mine or self._others:
                for id in ids:
                    if id in self._by_id:
                        self.over(self._by_id.pop(id))

    def doubt(self, urn: str) -> None:
        """Record that an object of this run may be missing from the state: the next run must see it there first."""
        with self._lock:
            self._doubtful.add(urn)

    def complaint(self) -> str:
        """Return why no file can be written, the first time; else ""."""
        with self._lock:
            said, self._complained = "" if self._complained else self._broken, bool(self._broken)
        return said

    def left(self) -> dict[Path, dict[Key, Entry]]:
        """Return, for each file of an ended run, the entries that no resource of this run has claimed."""
        with self._lock:
            return {
                # another process of this run may have closed some of its entries
                file: {key: entry for key, entry in _read(file).items() if key in entries}
                for file, entries in self._others.items()
                if _is_dead(file)
            }

    def end(self) -> None:
        """End the run: drop the entries that are certainly in the state, unless this process continues."""
        with self._lock:
            if not self._file:
                return
            before = dict(self._mine)
            self._rewrite(
                {
                    key: replace(entry, ended=bool(entry.id))
                    for key, entry in before.items()
                    if self.lasting or not entry.id or key[0] in self._doubtful
                }
            )
            self._revoking = threading.Timer(REVOKE_SECONDS, lambda: self._rewrite({**self._mine, **before}))
            self._revoking.daemon = True
            self._revoking.start()

    def close(self) -> None:
        """Close the file. Its open entries stay for the next process."""
        with self._lock:
            if self._revoking:
                self._revoking.cancel()
            if self._file:
                self._file.close()

    @functools.cached_property
    def _others(self) -> dict[Path, dict[Key, Entry]]:
        """{file: its open entries} of killed runs and of other processes."""
        found: dict[Path, dict[Key, Entry]] = {}
        for folder in filter(None, (self.folder, self.older)):
            with contextlib.suppress(OSError):
                for file in sorted(folder.iterdir()):
                    if not self._file or self._file.name != str(file):
                        found[file] = _read(file)
                        self._by_id |= {entry.id: key for key, entry in found[file].items() if entry.id}
                        _tidy(file)
        return found

    def _drop(self, key: Key) -> None:
        for file, entries in self._others.items():
            if entries.pop(key, None) and _is_dead(file):
                with contextlib.suppress(OSError), file.open("a", encoding="utf-8") as opened:
                    opened.write("\n" + json.dumps({"key": key}) + "\n")  # the previous line may be cut off
                _tidy(file)

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._broken:
            return
        try:
            self._file = self._file or self._opened()
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            self._broken = f"{self.folder}: {error.strerror}"

    def _opened(self) -> IO[str]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{os.getpid()}-{time.time_ns()}.jsonl"
        file = open(path, "x", encoding="utf-8", opener=functools.partial(os.open, mode=0o600))  # noqa: SIM115 - the run keeps it
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _rewrite(self, entries: dict[Key, Entry]) -> None:
        """Move the entries to a new file, if there are any, and delete the old one."""
        with self._lock:
            old, self._file, self._mine = self._file, None, entries
            for key, entry in entries.items():
                self._write(_line(key, entry))
            if old:
                old.close()
                with contextlib.suppress(OSError):
                    os.unlink(old.name)


class NoStack(Journal):
    """The journal of a script: no resource is requested twice, so nothing is written."""

    def earlier(self, key: Key) -> None:
        """Return None: there are no keys here."""

    def _write(self, line: Mapping[str, Any]) -> None:
        """Record it in memory only."""


def digest(value: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any] | dict[str, Any] | str | float | None) -> str:
    """Return the digest of a value."""
    said = sorted(value) if isinstance(value, (list, tuple, set, frozenset)) else value
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()


_opening = threading.Lock()


def of_stack(stack: str) -> Journal:
    """Return the journal of a stack ("urn:pulumi:dev::shop"), or that of a script for ""."""
    with _opening:
        return _opened(stack)


@functools.cache
def _opened(stack: str) -> Journal:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    if not stack:
        return NoStack(home / "joviam", stack)
    url = backend.url(home)
    place = backend.place(url)
    found = Journal(
        home / "joviam" / digest([place, stack.partition("::")[2]]),
        stack,
        # there, a relative URL was the same key for backends in different folders
        None if backend.is_relative(url) else home / "joviam" / digest([backend.anonymous(url), stack]),
        lasting=os.environ.get("PULUMI_SKIP_CHECKPOINTS", "").lower() in ("1", "t", "true"),
    )
    at_end(lambda: _end(found, functools.partial(backend.holds, place)))
    return found


def _end(journal: Journal, holds: Callable[[str], bool | None]) -> None:
    for message in told(journal, holds):
        NOBODY.warn(message)
    journal.end()


def told(journal: Journal, holds: Callable[[str], bool | None]) -> Iterator[str]:
    """Yield warnings for the end of a run about objects that earlier runs created.

    ``holds`` returns whether a stack is in the backend, or None if that is unknown.
    """
    left = journal.left()
    of_stacks: dict[str, dict[Key, Entry]] = {journal.stack: {}}
    for entries in left.values():
        for key, entry in entries.items():
            # objects of ended runs are most likely in the state, and a preview does not see what is to be deleted
            if journal.acted or not entry.ended or key[0] in journal.named:
                of_stacks.setdefault(_stack(key), {})[key] = entry
    ours = of_stacks.pop(journal.stack)
    named = {key: ours.pop(key) for key in list(ours) if key[0] in journal.named}
    if named:
        yield f"an interrupted or failed run created {_list(named)}. The next `pulumi up` continues with that."
    if ours:
        yield (
            f"an interrupted or failed run created {_list(ours)}, which is not in this stack's state. "
            f"Delete by hand what `pulumi up` neither adopts nor deletes{_then(left, ours)}."
        )
    for stack, entries in of_stacks.items():
        name, there = stack.partition("::")[0].rpartition(":")[2], holds(stack)
        if there is None:
            entries = {key: entry for key, entry in entries.items() if not entry.ended}
        if there is False and entries:
            yield (
                f"an interrupted or failed run of the stack {name}, which no longer exists, created {_list(entries)}. "
                "Unless a stack gets that name again, nothing adopts it: "
                f"delete by hand what is in no stack{_then(left, entries)}."
            )
        elif there is None and entries:
            yield (
                f"an interrupted run of the stack {name} created {_list(entries)}. Its next `pulumi up` continues "
                "with it. "
                f"If it was renamed or removed, delete by hand what is in no stack{_then(left, entries)}."
            )


def _list(entries: Mapping[Key, Entry]) -> str:
    said = [
        f"{entry.id or f'perhaps created by POST {entry.path}'} ({urn.split('::', 3)[-1]})"
        for (urn, _), entry in entries.items()
    ]
    more = [f"{len(said) - MOST_NAMED} more"] if len(said) > MOST_NAMED else []
    return ", ".join(said[:MOST_NAMED] + more)


def _then(left: Mapping[Path, Mapping[Key, Entry]], done: Collection[Key]) -> str:
    """Return which files to delete to silence the warning: those that contain nothing else."""
    files = [str(file) for file, entries in left.items() if entries and entries.keys() <= set(done)]
    return f", and then {', '.join(files)}" if files else ""


def _stack(key: Key) -> str:
    return "::".join(key[0].split("::")[:2])


def _line(key: Key, entry: Entry) -> dict[str, Any]:
    line = {"key": key, "path": entry.path, "shows": dict(entry.shows), "at": entry.at, "id": entry.id}
    line |= {"last": entry.last} if entry.last else {}
    return {**line, "ended": True} if entry.ended else line


def _read(file: Path) -> dict[Key, Entry]:
    """Return the open entries of a file."""
    found: dict[Key, Entry] = {}
    for said in _lines(file):
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            urn, purpose = map(str, said["key"])
            found.pop((urn, purpose), None)
            shows = {str(name): str(value) for name, value in said["shows"].items()}
            ended, last = said.get("ended") is True, float(said.get("last", 0.0))
            found[urn, purpose] = Entry(str(said["path"]), shows, float(said["at"]), str(said["id"]), ended, last)
    return found


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(OSError):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    yield said


def _tidy(file: Path) -> None:
    """Delete the file of an ended run if it has no open entries."""
    if not _read(file) and _is_dead(file):
        with contextlib.suppress(OSError):
            file.unlink()


def _is_dead(file: Path) -> bool:
    """Return whether the process that wrote the file has ended."""
    if not fcntl:
        return True
    try:
        # a shared lock, so that two concurrent readers do not take each other for the writer
        with file.open() as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

"""Who asked for what, and which id came back: what the state file cannot know yet when a run is killed.

The engine writes an object into the state after its step. Between the POST and that moment only this file on disk
knows of it, so that the next `up` of the same stack on this machine takes the object over instead of making another.

Each plugin process that creates something appends to a file of its own, in a folder of the stack's under Pulumi's
home (~/.pulumi). A run that ends normally removes its file. The file of a killed run goes when every object in it was
seen in the state or is gone. A line is one JSON object; a line torn by a kill is skipped. There is no secret in it: it
holds ids, paths, times, URNs and, of what was asked for, only digests.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from pulumi_joviam import engine

try:
    import fcntl
except ImportError:  # Windows: then a file is not known to belong to a process that lives
    fcntl = None  # type: ignore[assignment]

MOST_NAMED = 20
REVOKE_SECONDS = 1.0
"""A process that is told of the end and still lives after this time was interrupted, not ended."""


@dataclass(frozen=True)
class Entry:
    """One object that was asked for. ``id`` is "" until an answer came."""

    path: str
    shows: Mapping[str, str]
    """{attribute: digest of the value that the object must show}."""
    at: float
    """When it was asked for, by this machine's clock (time.time())."""
    id: str = ""


Key = tuple[str, str]
"""(URN of the resource, "" or what the object is for where the resource makes more than one)."""


@dataclass
class Journal:
    """What was asked for in one stack. Safe to share between threads."""

    folder: Path
    lasting: bool = False
    """Whether it outlives the end of a run, because the engine writes the state only after that."""
    claimed: set[str] = field(default_factory=set)
    """Ids that belong to some resource of this run."""
    _mine: dict[Key, Entry] = field(default_factory=dict)
    _by_id: dict[str, Key] = field(default_factory=dict)
    _file: IO[str] | None = None
    _revoking: threading.Timer | None = None
    _broken: str = ""
    _complained: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def earlier(self, key: Key) -> Entry | None:
        """Return what was asked for under this key and is in no state as far as is known."""
        with self._lock:
            return next((entries[key] for entries in (self._mine, *self._others.values()) if key in entries), None)

    def rivals(self, entry: Entry) -> int:
        """Return how many objects without an id other processes asked for in the same words."""
        with self._lock:
            others = [other for entries in self._others.values() for other in entries.values()]
            return sum(not it.id and it.path == entry.path and it.shows == entry.shows for it in others)

    def asked(self, key: Key, entry: Entry) -> None:
        """Note that a POST goes out."""
        with self._lock:
            self._mine[key] = entry
            self._write(_line(key, entry))

    def made(self, key: Key, id: str) -> None:
        """Note the id that came back."""
        with self._lock:
            self.claimed.add(id)
            self._by_id[id] = key
            self._mine[key] = replace(self._mine[key], id=id)
            self._write(_line(key, self._mine[key]))
            self._drop(key)

    def over(self, key: Key) -> None:
        """Note that nothing is open under this key: it was refused, it is in the state, or it is gone."""
        with self._lock:
            if self._mine.pop(key, None):
                self._write({"key": key})
            self._drop(key)

    def seen(self, ids: Collection[str]) -> None:
        """Note that the state holds these objects, under whatever URN they have there by now."""
        with self._lock:
            self.claimed.update(ids)
            if self._mine or self._others:
                for id in ids:
                    if id in self._by_id:
                        self.over(self._by_id.pop(id))

    def complaint(self) -> str:
        """Return, once, why no file can be written; else ""."""
        with self._lock:
            said, self._complained = "" if self._complained else self._broken, bool(self._broken)
        return said

    def left(self) -> dict[Key, Entry]:
        """Return what killed runs asked for and nothing of this run has asked about."""
        with self._lock:
            dead = [entries for file, entries in self._others.items() if _is_dead(file)]
            return {key: entry for entries in dead for key, entry in entries.items()}

    def end(self) -> None:
        """The run ends: what has an id is in the state, so forget it; unless this process lives on."""
        with self._lock:
            if self.lasting or not self._file:
                return
            before = dict(self._mine)
            self._rewrite({key: entry for key, entry in before.items() if not entry.id})
            self._revoking = threading.Timer(REVOKE_SECONDS, lambda: self._rewrite({**before, **self._mine}))
            self._revoking.daemon = True
            self._revoking.start()

    def close(self) -> None:
        """Let go of the file. What is open in it stays there for the next process."""
        with self._lock:
            if self._revoking:
                self._revoking.cancel()
            if self._file:
                self._file.close()

    @functools.cached_property
    def _others(self) -> dict[Path, dict[Key, Entry]]:
        """{file: what is open in it} of killed runs, and of processes beside this one."""
        found: dict[Path, dict[Key, Entry]] = {}
        with contextlib.suppress(OSError):
            for file in sorted(self.folder.iterdir()):
                if self._file and self._file.name == str(file):
                    continue
                found[file] = _read(file)
                self._by_id |= {entry.id: key for key, entry in found[file].items() if entry.id}
                self._tidy(file, found)
        return found

    def _drop(self, key: Key) -> None:
        for file, entries in list(self._others.items()):
            if entries.pop(key, None):
                self._tidy(file, self._others)

    @staticmethod
    def _tidy(file: Path, others: dict[Path, dict[Key, Entry]]) -> None:
        """Remove the file of a killed run in which nothing is open any more."""
        if not others[file] and _is_dead(file):
            del others[file]
            with contextlib.suppress(OSError):
                file.unlink()

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
        file = open(path, "x", encoding="utf-8", opener=functools.partial(os.open, mode=0o600))  # noqa: SIM115
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _rewrite(self, entries: dict[Key, Entry]) -> None:
        """Put the entries into a new file, or into none where there are none, and remove the old one."""
        with self._lock:
            old, self._file, self._mine = self._file, None, entries
            for key, entry in entries.items():
                self._write(_line(key, entry))
            if old:
                old.close()
                with contextlib.suppress(OSError):
                    os.unlink(old.name)


class NoStack(Journal):
    """The journal of a script: nothing asks twice for the same resource, so nothing needs to be written."""

    def earlier(self, key: Key) -> None:
        """Return None: keys mean nothing here."""

    def _write(self, line: Mapping[str, Any]) -> None:
        """Keep it in memory only."""


def digest(value: Any) -> str:
    """Return what stands for a value in the journal."""
    said = sorted(value) if isinstance(value, (list, tuple, set, frozenset)) else value
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()


_opening = threading.Lock()


def of_stack(stack: str) -> Journal:
    """Return the one journal of a stack ("urn:pulumi:dev::shop"), which is told when the run ends; "" is no stack."""
    with _opening:
        return _opened(stack)


@functools.cache
def _opened(stack: str) -> Journal:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    lasting = os.environ.get("PULUMI_SKIP_CHECKPOINTS", "").lower() in ("1", "t", "true")
    found = (Journal if stack else NoStack)(home / "joviam" / digest([_backend(home), stack]), lasting)
    engine.at_end(lambda: _end(found))
    return found


def _end(journal: Journal) -> None:
    left = [
        f"{entry.id or f'perhaps what POST {entry.path} was to make'} ({urn.rsplit('::', 1)[-1]})"
        for (urn, _), entry in journal.left().items()
    ]
    if left:
        engine.warn(
            "",
            f"an interrupted run made {', '.join(left[:MOST_NAMED])}, which this run has not come across in the stack. "
            "`pulumi up` takes over those that the program still names. Delete the others by hand, and then the folder "
            f"{journal.folder}",
        )
    journal.end()


def _backend(home: Path) -> str:
    """Return where the stack's state is: two backends may hold a stack of the same name."""
    said = os.environ.get("PULUMI_BACKEND_URL", "")
    if not said:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            said = str(json.loads((home / "credentials.json").read_text()).get("current", ""))
    return re.sub("//[^/@]*@", "//", said)  # it is the same backend with another user or password


def _line(key: Key, entry: Entry) -> dict[str, Any]:
    return {"key": key, "path": entry.path, "shows": dict(entry.shows), "at": entry.at, "id": entry.id}


def _read(file: Path) -> dict[Key, Entry]:
    """Return what is open in a file."""
    found: dict[Key, Entry] = {}
    for said in _lines(file):
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            urn, purpose = map(str, said["key"])
            found.pop((urn, purpose), None)
            shows = {str(name): str(value) for name, value in said["shows"].items()}
            found[urn, purpose] = Entry(str(said["path"]), shows, float(said["at"]), str(said["id"]))
    return found


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(OSError):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    yield said


def _is_dead(file: Path) -> bool:
    """Say whether the process that wrote the file lives no more."""
    if not fcntl:
        return True
    try:
        with file.open() as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

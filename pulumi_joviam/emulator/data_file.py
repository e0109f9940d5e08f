"""Saves the account to a file, so that it survives a restart: all objects with their ids, states and start times.

The file is JSON and holds secrets of the account (values of contexts, tokens of consoles), so only its owner may read
it. The emulator's own token is not in it.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import GenericAlias
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_json

from pulumi_joviam.emulator.operations import NOUNS
from pulumi_joviam.emulator.store import Moving, Refused, Store

WRITTEN_BY = "pulumi-joviam emulator"
VERSION = 1

SECONDS = 0.2
"""The file is written at most this long after a change."""

logger: logging.Logger = logging.getLogger(__name__)


class UnusableData(Exception):
    """The data file cannot be used. It was left unchanged."""


FIRST = {
    "regions",
    "performance_tiers",
    "networks",
    "templates",
    "public_keys",
    "ip_addresses",
    "disks",
    "instances",
    "console_sessions",
}
"""The kinds that every file has. Those that came later may be missing: nobody had one when it was written."""


class Content(BaseModel):
    """The content of the file."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")

    written_by: Literal["pulumi-joviam emulator"]
    version: Literal[1]
    epoch: float
    """Add this to the times in it (`since`) to get seconds since the epoch: their clock ended with the process."""
    objects: BaseModel
    """Every object of an account by its kind, in order of creation."""


_kinds: dict[str, Any] = {noun.kind: (GenericAlias(list, noun), ... if noun.kind in FIRST else []) for noun in NOUNS}
_objects = create_model("Objects", __config__=Content.model_config, **_kinds)
_content = create_model("Content", __base__=Content, objects=_objects)


class DataFile:
    """The file at `path`, written soon after each change between `start` and `stop`.

    It need not exist yet. A file with other content is never overwritten. `lend` locks the account's store for a `with`
    block and returns it.
    """

    def __init__(self, path: Path, lend: Callable[[], AbstractContextManager[Store]]) -> None:
        self.path: Path = path.resolve()
        self._lend = lend
        self._ended = threading.Event()
        self._version: int | None = None
        self._stamp: tuple[int, ...] | None = None

    def load(self, store: Store) -> bool:
        """Fill a store from the file; return False if there is none. Raises UnusableData."""
        try:
            self._stamp = self._look()
            text = self.path.read_bytes() if self._stamp else b""
        except OSError as error:
            raise UnusableData(f"cannot read {self.path}: {error.strerror}") from None
        if not self._stamp:
            return False
        try:
            content = _content.model_validate_json(text)
            _fill(store, content)
        except (ValueError, LookupError, Refused) as error:
            why = _first(error) if isinstance(error, ValidationError) else "its objects do not fit together"
            raise UnusableData(
                f"{self.path} does not hold an account of the emulator, or is damaged ({why}). "
                "It was left unchanged: use another file, or move this one away"
            ) from None
        return True

    def start(self) -> None:
        """Write the file now, and after each change. Raises UnusableData."""
        self._save()
        self._ended.clear()
        self._thread = threading.Thread(target=self._keep, name="joviam-emulator-data", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the last changes. Raises UnusableData."""
        self._ended.set()
        self._thread.join()
        self._save()

    def _keep(self) -> None:
        told = ""
        while not self._ended.wait(SECONDS):
            try:
                self._save()
            except UnusableData as error:
                if told != str(error):
                    logger.error("%s", error)
                told = str(error)

    def _save(self) -> None:
        with self._lend() as store:
            version = store.version
            if version == self._version:
                return
            text = to_json(_written(store))
        try:
            if self._look() not in (None, self._stamp):
                raise UnusableData(f"{self.path} was changed by another process; changes are no longer saved to it")
            self._replace(text)
            self._stamp = self._look()
        except OSError as error:
            raise UnusableData(f"cannot write {self.path}: {error.strerror}; changes are not saved") from None
        self._version = version

    def _replace(self, text: bytes) -> None:
        """Replace the file atomically. Only its owner may read it: mkstemp creates files that way."""
        number, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with open(number, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(number)
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise

    def _look(self) -> tuple[int, ...] | None:
        """Return what changes if another process writes the file; None if there is no file."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise UnusableData(f"{self.path} is not a regular file")
        return found.st_ino, found.st_mtime_ns, found.st_size


def _epoch() -> float:
    return time.time() - time.monotonic()


def _written(store: Store) -> dict[str, Any]:
    objects = {kind: list(store.tables[kind].values()) for kind in _kinds}
    return {"written_by": WRITTEN_BY, "version": VERSION, "epoch": _epoch(), "objects": objects}


def _fill(store: Store, content: Content) -> None:
    for kind, objects in content.objects:
        for obj in objects:
            if isinstance(obj, Moving):
                # a clock that was set back must not prolong a state
                obj.since = min(obj.since + content.epoch - _epoch(), time.monotonic())
            store.tables[kind][obj.id] = obj
    for table in store.tables.values():
        for obj in table.values():
            obj.show(store)
    store.resume()


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]

"""An emulated cloud in a separate process, so that it does not share an interpreter with the measurements."""

from __future__ import annotations

from collections import Counter
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from typing import Any

from pulumi_joviam.emulator import Emulator


class _Account(Emulator):
    """An emulator for another process: only methods, whose results can be pickled."""

    def open(self) -> str:
        return self.start().url

    def prepare(self, provision_seconds: float) -> None:
        self.reset()
        self.configure(provision_seconds=provision_seconds)

    def slow_down(self, seconds: float) -> None:
        self.fail("*", delay=seconds, times=1_000_000_000)

    def counted(self) -> Counter[str]:
        return Counter(request.operation or request.path for request in self.requests)


class _Process(BaseManager):
    pass


_Process.register("Account", _Account, exposed=("open", "prepare", "slow_down", "counted", "count"))


class Cloud:
    """One account, for the duration of the `with` block. Its ``url`` accepts only its ``token``."""

    token = "bench"  # noqa: S105 - works only for the emulator of this run

    def __enter__(self) -> Cloud:
        self._process = _Process(ctx=get_context("spawn"))
        self._process.start()
        self._account: Any = self._process.Account(self.token)  # type: ignore[attr-defined] # made by register
        self._counted = Counter[str]()
        self.url: str = self._account.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which a program uses this account."""
        return {"JOVIAM_TOKEN": self.token, "JOVIAM_ENDPOINT": self.url}

    def prepare(self, provision_seconds: float = 0.0) -> None:
        """Empty the account. From now on, a new object takes this many seconds to become ready."""
        self._account.prepare(provision_seconds)
        self._counted.clear()

    def slow_down(self, seconds: float) -> None:
        """Delay every response by this many seconds, until the next `prepare`."""
        self._account.slow_down(seconds)

    def requests(self) -> Counter[str]:
        """Count the requests for each operation since the last call, or since `prepare`."""
        before, self._counted = self._counted, self._account.counted()
        return self._counted - before

    def count(self) -> Counter[str]:
        """Count the objects of each kind."""
        counted: Counter[str] = self._account.count()
        return counted

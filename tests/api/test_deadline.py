"""Deadlines: they pass, they end early at Ctrl-C, and the time left is never negative."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from pulumi_joviam.api.deadline import Deadline
from pulumi_joviam.api.errors import Cancelled

SOON = 10.0
"""Much less than a minute, even on a slow machine, in seconds."""


def after(seconds: float, act: Callable[[], object]) -> None:
    """Act from another thread, a little later."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def test_the_time_left_shrinks_to_zero() -> None:
    """The time left is the given time minus the elapsed time, and 0 after the deadline."""
    deadline = Deadline.after(60)
    assert 50 < deadline.remaining() <= 60
    before = deadline.remaining()
    time.sleep(0.01)
    assert deadline.remaining() < before
    past = Deadline.after(0.01)
    time.sleep(0.02)
    assert past.remaining() == 0.0
    assert past.left == 0.0
    assert Deadline.after(-5).remaining() == 0.0


def test_a_pause_ends_at_the_deadline() -> None:
    """A pause that is longer than the deadline ends with it."""
    started = time.monotonic()
    Deadline.after(0.05).sleep(60)
    assert time.monotonic() - started < SOON


def test_a_pause_within_the_deadline_is_not_cut() -> None:
    """A pause within the deadline takes its full time."""
    started = time.monotonic()
    Deadline.after(60).sleep(0.05)
    assert 0.05 <= time.monotonic() - started < SOON


def test_ctrl_c_ends_a_pause() -> None:
    """The event ends a pause at once, and remaining() raises Cancelled from then on."""
    event = threading.Event()
    deadline = Deadline.after(60, event)
    after(0.05, event.set)
    started = time.monotonic()
    with pytest.raises(Cancelled, match=r"^interrupted$"):
        deadline.sleep(60)
    assert time.monotonic() - started < SOON
    with pytest.raises(Cancelled):
        deadline.remaining()


def test_the_time_left_after_ctrl_c() -> None:
    """`left` works after Ctrl-C, for a response that is already on its way."""
    event = threading.Event()
    event.set()
    assert Deadline.after(60, event).left > 59


def test_acquire_waits_for_a_slot() -> None:
    """A slot that becomes free in time is taken."""
    slots = threading.Semaphore(0)
    after(0.05, slots.release)
    assert Deadline.after(5).acquire(slots) is True


def test_no_slot_before_the_deadline() -> None:
    """Without a free slot the wait ends at the deadline."""
    started = time.monotonic()
    assert Deadline.after(0.15).acquire(threading.Semaphore(0)) is False
    assert 0.15 <= time.monotonic() - started < SOON


def test_no_slot_after_the_deadline() -> None:
    """After the deadline no slot is taken, even if one is free."""
    slots = threading.Semaphore(1)
    assert Deadline.after(0).acquire(slots) is False
    assert slots.acquire(blocking=False)


def test_ctrl_c_ends_the_wait_for_a_slot() -> None:
    """The event ends the wait for a slot."""
    event = threading.Event()
    after(0.05, event.set)
    started = time.monotonic()
    with pytest.raises(Cancelled):
        Deadline.after(60, event).acquire(threading.Semaphore(0))
    assert time.monotonic() - started < SOON


def test_equal_deadlines() -> None:
    """Deadlines are equal if they end at the same moment, whatever their events."""
    assert Deadline(1.0, threading.Event()) == Deadline(1.0)

"""All pauses and time limits. They are not user settings; tests pass other values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Pauses and time limits, in seconds."""

    step: float = 600.0
    """Time limit of create, update and delete without customTimeouts."""
    read: float = 60.0
    """Time limit of a read, for which the engine has no customTimeouts."""
    last_look: float = 5.0
    """Extra time for a failed step to read the live object."""
    preview: float = 10.0
    """Time limit of a lookup in a preview."""
    restart: float = 60.0
    """Extra time, after the limit of the step, to restart an instance that was stopped for a change."""
    power_seen: float = 10.0
    """How long the state of an instance may be unchanged after a start or stop."""

    script_call: float = 60.0
    """Time limit of each call of a client without a deadline."""
    first_contact: float = 10.0
    """How long to retry a server that has never responded."""
    connect: float = 5.0
    """The connect timeout."""
    silence: float = 30.0
    """The read timeout: how long a server may send nothing before its response counts as lost."""
    first_retry: float = 0.2
    """The maximum pause before the first retry. It doubles with each further one."""
    longest_retry: float = 8.0
    """The maximum pause before any retry."""
    too_large: float = 60.0
    """How long to avoid a list after it was too large."""

    first_poll: float = 0.1
    """The pause between the first polls of an object."""
    poll_share: float = 0.05
    """Later, the pause is this share of the time waited so far."""
    longest_poll: float = 15.0
    """The longest pause between two polls."""
    refusal_growth: float = 1.25
    """The factor by which the pause after each refusal is longer. The first one is ``first_poll``."""
    longest_refusal: float = 3.0
    """The longest pause after a refusal."""
    poll_rest: float = 4.0
    """Pause at least this many times as long as the previous poll took."""

    reads_together: float = 1.0
    """Reads of one kind within this time share a list if there are many."""
    reads_fresh: float = 3.0
    """The maximum age of a shared list."""

    late_create: float = 10.0
    """How long after a POST without a response the server may still act on it."""
    first_search: float = 0.2
    """The pause before the second search for an object whose response was lost. It doubles with each further one."""
    longest_search: float = 5.0
    """The longest pause between two searches."""

"""Every pause and time limit, in one place. No user sets them; tests pass others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Pauses and time limits, in seconds."""

    step: float = 600.0
    """How long create, update and delete may take without customTimeouts."""
    read: float = 60.0
    """How long a read may take, for which the engine knows no customTimeouts."""
    last_look: float = 5.0
    """How long a failed step may ask what is live, beyond its own time."""
    preview: float = 10.0
    """How long a preview tries to look something up."""
    restart: float = 60.0
    """How long an instance that was stopped for a change may take to start again, beyond the time of the step."""
    power_seen: float = 10.0
    """How long after a start or stop the instance may look as if nobody had asked for it."""

    script_call: float = 60.0
    """How long a call may take whose client has no deadline."""
    first_contact: float = 10.0
    """How long a server that has never answered is tried."""
    connect: float = 5.0
    """How long a connection may take."""
    silence: float = 30.0
    """How long a server may send nothing before its answer counts as lost."""
    first_retry: float = 0.2
    """The longest pause before a request goes out for the second time. It doubles with each further one."""
    longest_retry: float = 8.0
    """The longest pause before any repetition."""
    too_large: float = 60.0
    """How long a list that was too large is taken to be so."""

    first_poll: float = 0.1
    """The pause between the first two looks at an object that is waited for."""
    poll_growth: float = 1.25
    """By what each further pause is longer."""
    longest_poll: float = 3.0
    """The longest pause between two looks."""
    poll_rest: float = 4.0
    """Pause at least this many times as long as the previous poll took."""

    reads_together: float = 1.0
    """Reads of one kind within this time are counted: many of them share a list."""
    reads_fresh: float = 3.0
    """How old a shared list may be."""

    late_create: float = 10.0
    """How long after a POST whose answer nobody has got the server may still act on it."""
    first_search: float = 0.2
    """The pause before the second search for an object whose answer was lost. It doubles with each further one."""
    longest_search: float = 5.0
    """The longest pause between two searches."""

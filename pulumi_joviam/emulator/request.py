"""The log entry of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the emulator received. It never holds the token."""

    method: str
    path: str
    """Below `/api/v1`, such as `/disks`."""
    operation: str | None
    """The endpoint as the API reference writes it, such as `PUT /disks/{disk_id}`; None for an unknown URL."""
    body: Any
    """The parsed JSON, or None."""
    status: int | None
    """The status of the response; None until it is sent, and forever if the connection was dropped."""
    time: float
    """When it arrived, by `time.monotonic()`."""

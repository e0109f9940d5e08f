"""The requests that the cloud received: those of given operations, and those that write."""

from __future__ import annotations

from typing import Any

from pulumi_joviam.emulator import Emulator

STOPS = ("POST /instances/{instance_id}/stop", "POST /instances/{instance_id}/start")


def sent(cloud: Emulator, *operations: str, of: str = "") -> list[str]:
    """Return the requests of these operations, in order: all, or those about one object."""
    return [it.operation or "" for it in cloud.requests if it.operation in operations and of in it.path]


def writes(cloud: Emulator) -> list[tuple[str, Any]]:
    """Return (operation, body) of every request that writes."""
    return [(it.operation or "", it.body) for it in cloud.requests if it.method != "GET"]

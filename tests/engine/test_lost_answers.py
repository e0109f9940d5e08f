"""Lost responses to create requests that the server executes late, on the real engine, with the default pace."""

from __future__ import annotations

from typing import Any

from pulumi_joviam.api.pace import Pace
from tests.stack import Stack

DROPPED: dict[str, Any] = {"drop": "before"}
LOST: list[dict[str, Any]] = [
    *({**how, "act_after": seconds} for how in (DROPPED, {"status": 500}, {"status": 502}) for seconds in (0.3, 1, 3)),
    {"status": 504, "act_after": 1},
    {"body": b"<html>", "act_after": 1},
    DROPPED,
]


def test_every_disk_is_created_once_or_the_duplicate_is_reported(stack: Stack) -> None:
    """This holds for any way to lose a response, any delay of the server, and lists that show new objects late."""
    stack.cloud.configure(late_lists=2.0, provision_seconds=5.0)
    # the last one is executed after the search for it has ended
    faults: list[dict[str, Any]] = [*LOST, {**DROPPED, "act_after": Pace().late_create + 2.5}]
    for fault in faults:
        stack.cloud.fail("POST /disks", **fault)
    disks = {f"d{n}": {"kind": "Disk", "size": 5 + n, "performance_tier": "Fast"} for n in range(len(faults))}
    stack.program(disks)
    [(name, warning)] = stack.up("--parallel=32").warnings
    ids = {name: it["id"] for name, it in stack.resources().items()}
    [other] = [it for it in stack.cloud.objects("disks") if it["id"] not in ids.values()]
    assert other["name"] == name
    assert warning.strip() == (
        f"the request for the disk {ids[name]} was sent more than once, because the first response was lost. "
        f"Another one was created that is not in the state: {other['id']}. Delete it by hand, with what was created "
        "with it, unless somebody else uses it"
    )
    assert stack.cloud.count() == {"disks": len(disks) + 1}
    assert stack.preview().empty

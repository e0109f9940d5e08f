"""The CLI or its plugin dies in the middle of an `up`, with and without checkpoints. More: `python -m tests.kill`."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.kill import kill, recover, thirty
from tests.stack import Spec, Stack


@pytest.mark.parametrize(("who", "skip"), [("cli", "true"), ("plugin", "")])
def test_what_was_under_way_is_taken_over(stack: Stack, who: Literal["cli", "plugin"], skip: str) -> None:
    stack.environ["PULUMI_SKIP_CHECKPOINTS"] = skip
    stack.program(thirty())
    there = kill(stack, who, lambda: sum(stack.cloud.count().values()) >= 12)
    assert there >= 12
    assert recover(stack) == ""


def test_what_the_program_names_no_more_is_named(stack: Stack) -> None:
    """An object that no `up` takes over is told with its id, so that somebody can delete it."""
    disks: Spec = {name: {"kind": "Disk", "size": 5, "performance_tier": "Fast"} for name in ("one", "two")}
    stack.cloud.configure(provision_seconds=5.0)
    stack.program(disks)
    kill(stack, "cli", lambda: stack.cloud.count()["disks"] == 2)
    stack.pulumi("cancel", "--yes")
    stack.cloud.configure(provision_seconds=0.1)
    stack.program({"one": disks["one"]})
    told = " ".join(message for _, message in stack.up().warnings)
    [orphan] = {it["id"] for it in stack.cloud.objects("disks")} - {stack.resources()["one"]["id"]}
    assert f"{orphan} (two)" in told

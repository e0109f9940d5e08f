"""The CLI or its plugin dies in the middle of an `up`, with and without checkpoints. More: `python -m tests.kill`."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.kill import kill, recover, thirty
from tests.stack import Stack


@pytest.mark.parametrize(("who", "skip"), [("cli", "true"), ("plugin", "")])
def test_what_was_under_way_is_taken_over(stack: Stack, who: Literal["cli", "plugin"], skip: str) -> None:
    stack.environ["PULUMI_SKIP_CHECKPOINTS"] = skip
    stack.program(thirty())
    there = kill(stack, who, lambda: sum(stack.cloud.count().values()) >= 12)
    assert there >= 12
    assert recover(stack) == ""

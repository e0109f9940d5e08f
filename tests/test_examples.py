"""Every example runs offline as its reader would run it, and the demo does what it announces."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.stack import Stack

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/Pulumi.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example(stack: Stack, example: Path) -> None:
    """Up creates, a second up and a refresh find nothing, destroy leaves nothing."""
    shutil.copy(example / "__main__.py", stack.project)
    created = stack.preview().steps
    assert set(created.values()) == {"create"}
    assert stack.up().steps == created
    assert stack.up().empty
    assert stack.refresh().empty
    stack.destroy()
    assert stack.cloud.count() == {}


def test_the_demo() -> None:
    """`make demo` ends with an empty cloud, and every step was as announced."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools/demo.py"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("==> The cloud is empty. That was all as announced.\n")
    assert done.stdout.count("\n==> ") >= 10

"""A stack that version 0.1.0 created: every resource, secrets and hidden keys, and the objects in its cloud."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi_joviam.emulator import Emulator
from tests.stack import Stack

GOLDEN = Path(__file__).parent / "golden" / "states"


@contextmanager
def stack_of_0_1_0(folder: Path, engine: str, token: str) -> Generator[tuple[Stack, dict[str, Any]], None, None]:
    """Import the state into a stack with its own cloud. Yield the stack and its program."""
    shutil.copy(GOLDEN / "0.1.0-cloud.json", folder / "cloud.json")
    program: dict[str, Any] = json.loads((GOLDEN / "0.1.0-program.json").read_text())
    with Emulator(token=token, provision_seconds=0.05, data=folder / "cloud.json") as cloud:
        stack = Stack(folder, cloud, engine)
        stack.environ["PULUMI_CONFIG_PASSPHRASE"] = "test"  # the key of its secrets
        stack.program(program)
        state = (GOLDEN / "0.1.0.json").read_text()
        (folder / "0.1.0.json").write_text(re.sub(r"http://127\.0\.0\.1:\d+/api/v1", cloud.url, state))
        stack.pulumi("stack", "import", "--file", str(folder / "0.1.0.json"))
        yield stack, program

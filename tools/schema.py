"""The schema of the native plugin, tests/golden/schema.json, written from the declarations.

`python tools/schema.py` writes the file, and a test compares it. It has no version, which every release would change.
"""

from __future__ import annotations

import json
from pathlib import Path

from pulumi_joviam.native.schema import schema

GOLDEN = Path(__file__).resolve().parent.parent / "tests/golden/schema.json"


def source() -> str:
    """Return what the file should contain."""
    made = json.loads(schema())
    del made["version"]
    return json.dumps(made, indent=2) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(source())

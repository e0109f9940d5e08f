"""Stacks that move to the native plugin and back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.conftest import ROOT
from tests.doors import DYNAMIC, NATIVE
from tests.stack import PROGRAM, Stack

_GUIDE = (ROOT / "docs/native-plugin.md").read_text()
_PROGRAMS = re.findall(r"^```python\n(.*?)^```$", _GUIDE, re.DOTALL | re.MULTILINE)
[_AFTER_NATIVE] = [program for program in _PROGRAMS if "was_native" in program]
"""The lines of the guide for the way back."""


def there_and_back(stack: Stack) -> Iterator[None]:
    """Serve the stack by the native plugin and then by the dynamic one, as the guide says."""
    stack.serve(NATIVE)
    yield
    stack.serve(DYNAMIC)
    stack.write(_AFTER_NATIVE + PROGRAM)
    yield

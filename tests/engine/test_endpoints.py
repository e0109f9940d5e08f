"""The package covers the whole API: one stack reaches every endpoint through the public interface."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.emulator.reference import ENDPOINTS
from tests.stack import PROGRAM, Stack
from tests.sweep import FIRST, SECOND

LOOK_UPS = """
import inspect
for find in [getattr(joviam, name) for name in joviam.__all__ if name.startswith("get_") and not "_output" in name]:
    parameters = inspect.signature(find).parameters
    if "id" not in parameters:  # a plural form; each object in its list is then looked up by id
        calls = [{}, *({it: value} for it in ("public",) if it in parameters for value in (True, False))]
        for found in [it for args in calls for it in find(**args)]:
            getattr(joviam, f"get_{found.noun.lower().replace(' ', '_')}")(id=found.id)
"""


def operations() -> set[str]:
    return {f"{method} {path}" for method, path, _, _ in ENDPOINTS}


def test_every_endpoint_is_reached(stack: Stack) -> None:
    """`up`, a change and a destroy of a stack with every resource and look-up reach each endpoint at least once."""
    stack.write(PROGRAM + LOOK_UPS)
    for program in (FIRST, SECOND):
        stack.program(program)
        stack.up()
        assert stack.settled()
    stack.destroy()
    reached = {request.operation for request in stack.cloud.requests if request.status and request.status < 300}
    assert operations() - reached == set()
    assert {
        kind: number for kind, number in stack.cloud.count().items() if kind not in ("templates", "console_sessions")
    } == {}


def test_the_docs_list_every_endpoint() -> None:
    """docs/endpoints.md has a row for each endpoint, and for no other."""
    table = (ROOT / "docs/endpoints.md").read_text()
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]+)`", table, re.MULTILINE)) == operations()

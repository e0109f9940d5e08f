"""What a user wants to have imported. Apart from the rest, which takes a while to load: `--help` needs only this."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pulumi_joviam

CANNOT = {
    "ConsoleSession": "The API does not list console sessions, so they cannot be imported. Create a new one.",
    "Provider": "There is nothing to import: a Provider exists only in the program, not in the cloud.",
}
"""{class: why none can be imported}"""


def _public() -> dict[str, str]:
    """Return {public name: its module}, in the order of the stub. Nothing is loaded for it."""
    stub = ast.parse(Path(pulumi_joviam.__file__).with_suffix(".pyi").read_text()).body
    modules = {it.name: node.module or "" for node in stub if isinstance(node, ast.ImportFrom) for it in node.names}
    [names] = [ast.literal_eval(node.value) for node in stub if isinstance(node, ast.Assign)]
    return {name: modules[name] for name in names}


def _kind(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


PUBLIC = _public()
KINDS = {
    _kind(name): name
    for name, module in PUBLIC.items()
    if module == f"resources.{_kind(name).replace('-', '_')}" and name not in CANNOT
}
"""{kind: class} of what can be imported, in the order of a program. A resource's module is called as its class."""


class Kind(str, Enum):
    """As typer takes alternatives."""

    _ignore_ = "kind"
    for kind in KINDS:
        locals()[kind] = kind


@dataclass(frozen=True)
class Filter:
    """What is wanted: all that fits to everything said. Nothing said means any."""

    ids: Collection[str] = ()
    region: str | None = None
    name: str | None = None
    kinds: Collection[str] = ()

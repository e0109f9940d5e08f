"""The selection of objects to import. A separate file, because `--help` needs only this and the rest loads slowly."""

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
"""{class: why it cannot be imported}"""


def _public() -> dict[str, str]:
    """Return {public name: its module}, in the order of the stub, without importing anything."""
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
"""{kind: class} of importable resources, in the order of a program. A module is named like its class."""


class Kind(str, Enum):
    """The choices, in the form that typer needs."""

    _ignore_ = "kind"
    for kind in KINDS:
        locals()[kind] = kind


@dataclass(frozen=True)
class Filter:
    """The filter: objects that match all given values. An empty value matches all."""

    ids: Collection[str] = ()
    region: str | None = None
    name: str | None = None
    kinds: Collection[str] = ()

"""What ignore_changes names: property paths as Pulumi writes them (`memory`, `boot_disk.size`, `disks[0]`, `*`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pulumi_joviam.lifecycle.arguments import Value

_PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+)')


def fields(paths: Iterable[str]) -> set[str]:
    """Return the arguments that the paths name as a whole or in part; "*" means all."""
    return {parts[0] for parts in map(_parts, paths) if parts}


def keep(wanted: Mapping[str, Any], there: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Return ``wanted`` with the values of ``there`` at the paths."""
    kept: Any = dict(wanted)
    for parts in map(_parts, paths):
        kept = _kept(kept, there, parts)
    return dict(kept)


def _kept(wanted: Any, there: Value, parts: list[str]) -> Any:
    kind: type[Any] = type(there)
    if not parts or type(wanted) is not kind:
        return there
    first, *rest = parts
    if isinstance(there, dict):
        keys = list[str]({**wanted, **there}) if first == "*" else [first]
        for key in keys:
            if rest and None not in (wanted.get(key), there.get(key)):
                wanted = {**wanted, key: _kept(wanted[key], there[key], rest)}
            elif not rest:
                wanted = {name: value for name, value in wanted.items() if name != key}
                wanted |= {key: there[key]} if key in there else {}
    elif isinstance(there, list) and (first == "*" or first.isdecimal()):
        for index in range(min(len(wanted), len(there))) if first == "*" else [int(first)]:
            if index < min(len(wanted), len(there)):
                wanted = [*wanted[:index], _kept(wanted[index], there[index], rest), *wanted[index + 1 :]]
    return wanted


def _parts(path: str) -> list[str]:
    found = _PART.finditer(path)
    return [it[1].replace('\\"', '"') if it[1] is not None else it[2] or it[3] for it in found]

"""Plain tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_joviam.api.errors import readable


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "") -> str:
    """Return aligned columns below their heads. Cells are foreign text; a column without any is left out."""
    cells = [[readable(cell) for cell in row] for row in rows]
    shown = [column for column in range(len(heads)) if any(row[column] for row in cells)]
    lines = [[head.upper() for head in heads], *cells]
    widths = {column: max(len(line[column]) for line in lines) for column in shown}
    return "\n".join(indent + "  ".join(line[it].ljust(widths[it]) for it in shown).rstrip() for line in lines)

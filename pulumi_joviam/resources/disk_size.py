"""The size of a disk, standalone or made with an instance: what fits on it, and how it grows.

Reference: "Disk Resize". What surprises: disks cannot shrink.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_joviam.api import models

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


def too_small(template: models.Named | None, size: Any, argument: str) -> Iterator[tuple[str, str]]:
    """Yield (argument, problem) for a disk that is too small for its template."""
    least = template.minimum_disk_size if isinstance(template, models.Template) else None
    if least and isinstance(size, int) and size < least:
        yield argument, f"must be {least} GB or more: the template needs that much"


def kept_size(what: str, live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield the warning for a disk that was grown by hand and is left as is."""
    has, asked = live.get("size"), wanted.get("size")
    if isinstance(has, int) and isinstance(asked, int) and asked < has:
        yield f"the {what} has {has} GB but the program asks for {asked} GB; it is left as is (disks cannot shrink)"


def grow(op: Operation, disk: models.Disk, size: int) -> None:
    """Resize a disk to ``size`` GB and wait for it. Raises ValidationFail if its instance must be stopped for that."""
    path = op.api.path(models.Disk, disk.id, "resize")
    op.retry_while_changing(disk, lambda _now: op.api.call("POST", path, {"size": size}))
    op.wait_ready(op.api.get(models.Disk, disk.id))

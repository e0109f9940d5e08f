"""Arguments of disks and instances that several tests share."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DISK: Json = {"kind": "Disk", "size": 10, "performance_tier": "Standard"}
MACHINE: Json = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}
BOOT: Json = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Standard"}
BASIC: Json = MACHINE | {"boot_disk": BOOT, "allow_stopping": True}


def ref(name: str) -> Json:
    return {"ref": f"{name}.id"}

"""Resize a disk. In a file of its own because it depends on the disk's instance."""

from __future__ import annotations

from pulumi_joviam.emulator.body import Body
from pulumi_joviam.emulator.disk import MAXIMUM_SIZE, Disk, DiskShown
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.store import Check, Store


class DiskResize(Body):
    size: int


def resize(store: Store, disk_id: str, body: DiskResize) -> DiskShown:
    """Resize a disk, to a larger size only."""
    disk = store.find(Disk, disk_id)
    disk.require()
    with Check() as check:
        check("size", body.size > disk.size, f"must be larger than {disk.size}GB")
        check("size", body.size <= MAXIMUM_SIZE, f"must be at most {MAXIMUM_SIZE}GB")
        if disk.instance_id:
            instance = store.table(Instance)[disk.instance_id]
            instance.require()
            live = instance.state == "running" and not store.switches.live_resize
            check("size", not live, "cannot be changed while the instance is running")
    if store.switches.resize_at_once:
        disk.size = body.size
    else:
        disk.growing_to = body.size
    store.touch(disk)
    store.enter(disk, "resizing", then=disk.state)
    return disk.show(store)


OPERATIONS = (Operation("POST /disks/{disk_id}/resize", resize),)

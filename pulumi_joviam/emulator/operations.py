"""The table of operations: every endpoint of the API reference, collected from the files in MODULES."""

from __future__ import annotations

from pulumi_joviam.emulator import (
    console_session,
    disk,
    disk_resize,
    instance,
    instance_operations,
    ip_address,
    network,
    performance_tier,
    public_key,
    region,
    template,
    template_create,
)
from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.store import Object

MODULES = (
    region,
    performance_tier,
    network,
    template,
    template_create,
    public_key,
    ip_address,
    disk,
    disk_resize,
    instance,
    instance_operations,
    console_session,
)
"""Each has a noun, operations, or both."""

NOUNS: tuple[type[Object], ...] = tuple(
    noun
    for module in MODULES
    for noun in vars(module).values()
    if isinstance(noun, type) and issubclass(noun, Object) and noun.__module__ == module.__name__
)

OPERATIONS: tuple[Operation, ...] = tuple(
    operation for module in MODULES for operation in vars(module).get("OPERATIONS", ())
)

READS = {operation.path: operation for operation in OPERATIONS if operation.method == "GET"}
"""The GET operations by path."""

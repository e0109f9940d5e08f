"""A sample of the fault sweep on the real engine."""

from __future__ import annotations

import pytest

from tests.emulator.reference import EXAMPLES
from tests.stack import Stack
from tests.sweep import FAULTS, FIRST, contents

CREATE_FAULTS = {
    **{operation: "dropped after the act" for operation in EXAMPLES if operation.startswith("POST")},
    "POST /public_keys": "acts 0.1 s after a drop",
    "POST /networks": "half an answer",
    "POST /ip_addresses": "502, but it acted",
    "POST /disks": "dropped after the act",
    "POST /disks/{disk_id}/clone": "not JSON",
    "POST /instances": "500, but it acted",
    "POST /instances/assemble": "dropped after the act",
    "POST /templates": "of the wrong type",
}
OTHER_FAULTS = {"PUT /instances/{instance_id}/public_keys": "500", "DELETE /disks/{disk_id}": "401 once"}


@pytest.mark.both_doors
def test_every_create_survives_a_lost_response(stack: Stack) -> None:
    """`up` creates the same objects as without the faults, and a destroy deletes them."""
    stack.program(FIRST)
    for operation, fault in CREATE_FAULTS.items():
        stack.cloud.fail(operation, **FAULTS[fault])
    stack.up()
    assert stack.preview().empty
    assert stack.cloud.heal() == 0
    made = contents(stack.cloud)
    objects = [args for args in FIRST.values() if args["kind"] not in ("AvailabilityGroup", "ConsoleSession")]
    assert sum(made.values()) == len(objects) + 3  # the disk and the two addresses that are created with an instance
    for operation, fault in OTHER_FAULTS.items():
        stack.cloud.fail(operation, **FAULTS[fault])
    ended = stack.destroy(fails=True)
    assert "Traceback" not in ended.text
    stack.destroy()
    assert set(stack.cloud.count()) <= {"templates", "console_sessions"}

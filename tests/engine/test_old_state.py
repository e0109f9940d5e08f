"""A stack that 0.1.0 created still works. Its state has every resource, secrets and hidden keys."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import TOKEN
from tests.engine.traffic import writes
from tests.old_state import stack_of_0_1_0


def test_a_stack_of_0_1_0(tmp_path: Path, engine_folder: str) -> None:
    """No diff and no request; then each kind of change, with today's safety checks."""
    with stack_of_0_1_0(tmp_path, engine_folder, TOKEN) as (stack, program):
        cloud = stack.cloud
        assert stack.preview().empty
        assert [it.operation for it in cloud.requests] == []
        assert stack.refresh().empty
        assert stack.up().empty
        assert writes(cloud) == []
        # the template and the tier get other names
        shop = next(it for it in cloud.objects("instances") if it["name"] == "shop")
        cloud.change(shop["disks"][0]["template"]["id"], slug="debian-9-old")
        cloud.change(shop["disks"][0]["performance_tier"]["id"], name="Fast (legacy)")
        cloud.change(shop["id"], memory=2048)
        program["shop"]["note"] = "new"
        program["data"]["size"] += 5
        program["rest"]["power_state"] = "running"
        program["front"]["context"]["B"] = "changed"
        program["office"]["specification"] = "10.9.1.0/24"
        del program["office"]["gateway"], program["desk"]["address"]
        stack.program(program)
        steps = {"shop": "update", "data": "update", "rest": "update", "front": "update"}
        steps |= {"office": "replace", "desk": "replace"}
        assert stack.preview().steps == steps
        run = stack.up()
        assert run.steps == steps
        assert [message for name, message in run.warnings if name == "shop" and "memory is 2048" in message]
        requests_for_shop = [
            (it.operation, it.body) for it in cloud.requests if shop["id"] in it.path and it.method != "GET"
        ]
        assert requests_for_shop == [("PUT /instances/{instance_id}", {"note": "new"})]
        assert stack.preview().empty

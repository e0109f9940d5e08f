"""What 0.1.0 wrote goes on working: its state holds every kind, secrets and hidden keys, and its cloud the objects."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from pulumi_joviam.emulator import Emulator
from tests.conftest import TOKEN
from tests.engine.traffic import writes
from tests.stack import Stack

GOLDEN = Path(__file__).parent.parent / "golden" / "states"


def test_a_stack_of_0_1_0(tmp_path: Path, engine_folder: str) -> None:
    """No diff and no request; then each kind of change, with today's safety checks."""
    shutil.copy(GOLDEN / "0.1.0-cloud.json", tmp_path / "cloud.json")
    program: dict[str, Any] = json.loads((GOLDEN / "0.1.0-program.json").read_text())
    with Emulator(token=TOKEN, provision_seconds=0.05, data=tmp_path / "cloud.json") as cloud:
        stack = Stack(tmp_path, cloud, engine_folder)
        stack.environ["PULUMI_CONFIG_PASSPHRASE"] = "test"  # its secrets are encrypted with this
        stack.program(program)
        state = (GOLDEN / "0.1.0.json").read_text()
        (tmp_path / "0.1.0.json").write_text(re.sub(r"http://127\.0\.0\.1:\d+/api/v1", cloud.url, state))
        stack.pulumi("stack", "import", "--file", str(tmp_path / "0.1.0.json"))
        assert stack.preview().empty
        assert [it.operation for it in cloud.requests] == []
        assert stack.refresh().empty
        assert stack.up().empty
        assert writes(cloud) == []
        # the cloud calls other things by the same words now
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
        about_shop = [(it.operation, it.body) for it in cloud.requests if shop["id"] in it.path and it.method != "GET"]
        assert about_shop == [("PUT /instances/{instance_id}", {"note": "new"})]
        assert stack.preview().empty

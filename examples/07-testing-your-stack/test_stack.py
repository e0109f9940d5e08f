"""Tests for a stack: the real program, Pulumi and provider, against an emulated cloud.

pip install 'pulumi-joviam[emulator]' pytest     # the package includes the fixture joviam_emulator
pytest                                           # `pulumi` must be on PATH
"""

import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation
from pulumi.automation import ConfigValue
from pulumi_joviam.emulator import Emulator

PROGRAM = Path(__file__).with_name("__main__.py")


@pytest.fixture
def stack(joviam_emulator: Emulator, tmp_path: Path) -> automation.Stack:
    """Create a stack of the program in an empty cloud, with its state in a temporary folder."""

    def program() -> None:
        runpy.run_path(str(PROGRAM))

    environment = {
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    stack = automation.create_stack(
        stack_name="test",
        project_name="joviam-testing",
        program=program,
        opts=automation.LocalWorkspaceOptions(env_vars=environment),
    )
    stack.set_all_config(
        {
            "joviam:endpoint": ConfigValue(joviam_emulator.url),
            "joviam:region": ConfigValue("SY3"),
            "joviam:token": ConfigValue(joviam_emulator.token, secret=True),
        }
    )
    return stack


def test_the_database_is_private_and_keeps_its_data(stack: automation.Stack, joviam_emulator: Emulator) -> None:
    """The server has no address, and a new template replaces its boot disk but not the disk with the orders."""
    stack.up()
    [db] = joviam_emulator.objects("instances")
    assert (db["state"], len(db["disks"])) == ("running", 2)
    assert joviam_emulator.objects("ip_addresses") == []

    steps: dict[str, set[str]] = {}

    def record(event: automation.EngineEvent) -> None:
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            steps.setdefault(step.urn.split("::", 3)[-1], set()).add(step.op.value)

    stack.set_config("template", ConfigValue("debian-9"))
    stack.preview(on_event=record)
    assert "replace" in steps["db-disk"]
    assert steps["orders"] == {"same"}


def test_a_failed_create_loses_nothing(stack: automation.Stack, joviam_emulator: Emulator) -> None:
    """If the cloud rejects the server, its disks are in the state, for the next `up` or `destroy`."""
    joviam_emulator.fail("POST /instances/assemble", status=422)
    with pytest.raises(automation.CommandError, match='creating instance "db-instance"'):
        stack.up()
    assert joviam_emulator.count() == {"disks": 2}
    deployment: Mapping[str, Any] = stack.export_stack().deployment or {}
    in_state = {resource.get("id") for resource in deployment["resources"]}
    assert {disk["id"] for disk in joviam_emulator.objects("disks")} <= in_state

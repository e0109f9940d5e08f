"""Tests of a stack: the program, Pulumi and the provider are the real ones, the cloud is an emulator.

pip install 'pulumi-joviam[emulator]' pytest     # the package brings the fixture joviam_emulator
pytest                                           # `pulumi` must be on PATH
"""

import runpy
import sys
from pathlib import Path

import pytest
from pulumi import automation
from pulumi.automation import ConfigValue
from pulumi_joviam.emulator import Emulator

PROGRAM = Path(__file__).with_name("__main__.py")


@pytest.fixture
def stack(joviam_emulator: Emulator, tmp_path: Path) -> automation.Stack:
    """A new stack of the program, on an empty cloud; its state and settings are in a folder that pytest tidies up."""
    surroundings = {
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    made = automation.create_stack(
        stack_name="test",
        project_name="joviam-testing",
        program=lambda: runpy.run_path(str(PROGRAM)),
        opts=automation.LocalWorkspaceOptions(env_vars=surroundings),
    )
    made.set_all_config(
        {
            "joviam:endpoint": ConfigValue(joviam_emulator.url),
            "joviam:region": ConfigValue("SY3"),
            "joviam:token": ConfigValue(joviam_emulator.token, secret=True),
        }
    )
    return made


def test_the_database_is_hidden_and_its_data_stays(stack: automation.Stack, joviam_emulator: Emulator) -> None:
    """It runs without an address, and another system on it leaves the disk with the orders alone."""
    stack.up()
    [db] = joviam_emulator.objects("instances")
    assert (db["state"], len(db["disks"])) == ("running", 2)
    assert joviam_emulator.objects("ip_addresses") == []

    steps: dict[str, set[str]] = {}

    def heard(event: automation.EngineEvent) -> None:
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            steps.setdefault(step.urn.split("::", 3)[-1], set()).add(step.op.value)

    stack.set_config("template", ConfigValue("debian-9"))
    stack.preview(on_event=heard)
    assert "replace" in steps["db-disk"]
    assert steps["orders"] == {"same"}


def test_a_refusal_loses_nothing(stack: automation.Stack, joviam_emulator: Emulator) -> None:
    """If the cloud refuses the server, its disks are known to the next `up`, or to `destroy`."""
    joviam_emulator.fail("POST /instances/assemble", status=422)
    with pytest.raises(automation.CommandError, match='creating instance "db-instance"'):
        stack.up()
    assert joviam_emulator.count() == {"disks": 2}
    known = {resource.get("id") for resource in stack.export_stack().deployment["resources"]}
    assert {disk["id"] for disk in joviam_emulator.objects("disks")} <= known

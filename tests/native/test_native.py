"""Programs that use the native plugin, on the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.doors import DYNAMIC, NATIVE, Door
from tests.emulator.account import Account
from tests.engine.traffic import writes
from tests.keys import key
from tests.native.migration import there_and_back
from tests.old_state import stack_of_0_1_0
from tests.stack import Spec, Stack

SECRET = "swordfish"
STACK: Spec = {
    "laptop": {"kind": "PublicKey", "key": key("one")},
    "office": {"kind": "Network", "specification": "10.0.0.0/24", "gateway": "10.0.0.1"},
    "inside": {"kind": "IpAddress", "network": {"ref": "office.id"}},
    "outside": {"kind": "IpAddress"},
    "data": {"kind": "Disk", "size": 20, "performance_tier": "Fast"},
    "web": {
        "kind": "Instance",
        "memory": 512,
        "performance_tier": "Standard",
        "boot_disk": {"template": "debian-9", "size": 10, "performance_tier": "Standard"},
        "network_adapters": [{"network": {"ref": "office.id"}, "ip_addresses": [{"ref": "inside.id"}]}],
        "public_keys": [{"ref": "laptop.id"}],
        "context": {"boot_disk": {"secret": SECRET}, "performanceTier": "mine"},
        "opts": {"ignore_changes": ["start_on_crash"]},
    },
    "mail": {"kind": "Instance", "memory": 512, "performance_tier": "Standard", "disks": [{"ref": "data.id"}]},
    "apart": {"kind": "AvailabilityGroup", "instances": [{"ref": "web.id"}, {"ref": "mail.id"}]},
}

FOLLOWS = """
import pulumi
import pulumi_joviam as joviam

config = pulumi.Config()
office = joviam.Network("office", specification="10.0.0.0/24", gateway=config.get("gateway"))
lab = joviam.Network("lab", specification=pulumi.Output.concat("10.1.0.0/", office.netmask.apply(
    lambda mask: str(sum(bin(int(part)).count("1") for part in mask.split("."))))))
found = joviam.get_network_output(id=office.id)
pulumi.export("found", found.specification)
"""


@pytest.fixture(scope="session")
def door() -> Door:
    return NATIVE


def test_a_whole_stack(stack: Stack) -> None:
    """Create, no changes, drift of arguments, updates, a replacement, destroy."""
    stack.program(STACK)
    stack.up()
    held = stack.stored()
    assert {it["type"] for it in held.values()} <= {f"joviam:index:{it['kind']}" for it in STACK.values()} | {
        "pulumi:providers:joviam"
    }
    context = Account(stack.cloud).call("GET", f"/instances/{held['web']['id']}/context")
    assert sorted(context) == ["boot_disk", "performanceTier"]
    assert held["web"]["outputs"]["adapters"][0]["networkId"] == held["office"]["id"]
    assert held["data"]["outputs"]["templateId"] == ""
    assert SECRET not in json.dumps(held)
    assert stack.settled()
    stack.cloud.change(held["data"]["id"], name="by hand")
    stack.cloud.change(held["web"]["id"], start_on_crash=False)
    stack.program(
        {
            **STACK,
            "outside": {"kind": "IpAddress", "shareable": True},
            "laptop": {**STACK["laptop"], "key": key("two")},
        }
    )
    preview = stack.preview("--refresh")
    assert preview.steps == {"data": "update", "outside": "update", "laptop": "replace", "web": "update"}
    assert preview.changed == {"data": {"name"}, "outside": {"shareable"}, "laptop": {"key"}, "web": {"public_keys"}}
    assert "publicKeys" in preview.printed
    assert stack.up("--refresh").steps == preview.steps
    assert stack.settled()
    stack.destroy()
    assert not stack.cloud.count()


def test_a_preview_tells_dependents_the_truth(stack: Stack) -> None:
    """Outputs that follow from arguments or do not change are known, so dependents show no change."""
    lines = subprocess.check_output([Path(sys.executable).with_name("pulumi-joviam"), "plugin"], text=True)
    (stack.project / "Pulumi.yaml").write_text(f"name: project\nruntime: python\n{lines}")
    stack.write(FOLLOWS)
    stack.up()
    stack.pulumi("config", "set", "gateway", "10.0.0.9")
    preview = stack.preview()
    assert preview.steps == {"office": "update"}
    assert preview.changed == {"office": {"gateway"}}
    assert stack.up().steps == preview.steps


def test_what_is_wrong_is_called_what_the_caller_calls_it(stack: Stack) -> None:
    """Each mistake is one message with the names of other languages, without a traceback."""
    disk = {"template": "debian-9", "size": "10", "performance_tier": "Standard"}
    stack.program({"web": {"kind": "Instance", "memory": 512, "performance_tier": "Standard", "boot_disk": disk}})
    run = stack.preview(fails=True)
    assert "has a problem: bootDisk.size: must be a whole number" in run.printed
    assert "Traceback" not in run.text


def test_there_and_back(stack: Stack) -> None:
    """A stack moves to the native plugin and back: nothing is replaced, and nothing is written to the cloud."""
    stack.serve(DYNAMIC)
    stack.program(STACK)
    stack.up()
    before = writes(stack.cloud)
    respelled = {name: "update" for name in STACK if name != "apart"}  # whose arguments have the same names in both
    for _ in there_and_back(stack):
        assert stack.preview().steps == stack.up().steps == respelled
        assert SECRET not in json.dumps(stack.resources())
        assert stack.settled()
    assert writes(stack.cloud) == before


def test_a_stack_of_0_1_0_there_and_back(tmp_path: Path, engine_folder: str) -> None:
    """The same for every resource, with secrets and hidden keys, starting from the state of 0.1.0."""
    with stack_of_0_1_0(tmp_path, engine_folder, TOKEN) as (stack, _program):
        for _ in there_and_back(stack):
            run = stack.up()
            assert set(run.steps.values()) == {"update"}
            assert not [message for name, message in run.warnings if name]
            assert stack.settled()
        assert writes(stack.cloud) == []


def test_what_goes_wrong(stack: Stack) -> None:
    """The object of a failed create is in the state, and the next `up` updates it; messages have camelCase names."""
    stack.cloud.configure(provision_seconds=3.0)
    machine: Spec = {"web": {"kind": "Instance", "memory": 512, "performance_tier": "Standard"}}
    stack.program({"web": {**machine["web"], "timeouts": {"create": "1s"}}})
    run = stack.up("--skip-preview", fails=True)
    assert stack.resources()["web"]["initErrors"]
    assert "is in the state" in run.text
    assert "Traceback" not in run.text
    stack.program({"web": {**machine["web"], "memory": 1024}})
    preview = stack.preview()
    assert preview.steps == {"web": "update"}
    assert "unless allowStopping=True" in preview.printed
    assert stack.up().steps == preview.steps
    assert stack.settled()
    assert [it["memory"] for it in stack.cloud.objects("instances")] == [1024]


def test_import_by_id(stack: Stack) -> None:
    """32 objects of all kinds are imported by id: inputs are read, contexts are secret, and nothing is left to do."""
    objects = _objects(Account(stack.cloud))
    assert len(objects) == 32
    before = writes(stack.cloud)
    printed, held = _import(stack, objects), stack.resources()
    assert SECRET not in printed + json.dumps(held)
    stack.program(_program(held))
    assert stack.settled()
    assert stack.settled()
    assert writes(stack.cloud) == before


def test_import_by_an_option(stack: Stack) -> None:
    """`ResourceOptions(import_=id)` imports an object if the program describes it, and changes nothing."""
    objects = _objects(Account(stack.cloud), 1)
    before = writes(stack.cloud)
    _import(stack, objects)
    program = _program(stack.resources())
    stack.pulumi("state", "delete", "--all", "--yes", "--force")
    stack.program({name: {**said, "opts": {"import_": objects[name][1]}} for name, said in program.items()})
    assert stack.up().steps == dict.fromkeys(objects, "import")
    stack.program(program)
    assert stack.settled()
    assert writes(stack.cloud) == before


def _import(stack: Stack, objects: Mapping[str, tuple[str, str]]) -> str:
    """Import {name: (kind, id)}, one of them separately. Return the output."""
    (name, (kind, id)), *others = objects.items()
    listed = [{"type": f"joviam:index:{kind}", "name": name, "id": id} for name, (kind, id) in others]
    (stack.project / "import.json").write_text(json.dumps({"resources": listed}))
    options = ("--yes", "--skip-preview", "--protect=false", "--generate-code=false")
    printed = stack.pulumi("import", f"joviam:index:{kind}", name, id, *options).text
    return printed + stack.pulumi("import", "--file", "import.json", *options).text


def _objects(account: Account, count: int = 4) -> dict[str, tuple[str, str]]:
    """Create ``count`` objects of each kind that can be imported by id, some of which use others."""
    found, newest = dict[str, tuple[str, str]](), account.template("ubuntu-16-04", 2)
    for number in range(count):
        network = account.network(f"10.{number}.0.0/24", gateway=f"10.{number}.0.1")
        address = account.address(network, name=f"inside-{number}")
        disk = account.disk(name=f"data-{number}", size=12, template=account.template("debian-9"))
        machine = account.instance(running=True, name=f"web-{number}", disks=[disk], ip_addresses=[address])
        account.call("POST", f"/instances/{machine}/context", {"PASSWORD": SECRET})
        public = account.create("/ip_addresses", {"region": account.region(), "name": f"outside-{number}"})
        source = account.disk(name=f"source-{number}", template=account.template("debian-9"))
        newest = account.create("/templates", {"disk": source, "supersedes": newest})
        console = account.create(f"/instances/{machine}/remote_access", {"type": "vnc"})
        found |= {
            f"image-{number}": ("Template", newest),
            f"console-{number}": ("ConsoleSession", console),
            f"key-{number}": ("PublicKey", account.key(f"key-{number}")),
            f"net-{number}": ("Network", network),
            f"inside-{number}": ("IpAddress", address),
            f"outside-{number}": ("IpAddress", public),
            f"data-{number}": ("Disk", disk),
            f"web-{number}": ("Instance", machine),
        }
    return found


def _program(held: Mapping[str, Any]) -> Spec:
    """Return the program that describes imported resources."""
    spec = dict[str, Any]()
    for name, it in held.items():
        kind = it["type"].rpartition(":")[2]
        if it["type"].startswith("joviam:index:"):
            spec[name] = {"kind": kind, **it["inputs"]}
            if "context" in spec[name]:
                spec[name]["context"] = {"PASSWORD": {"secret": SECRET}}
    return spec

"""Class.get: existing objects, read as they are, and left as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.emulator.account import Account
from tests.emulator.reference import EXAMPLES, KEY, make
from tests.samples import RESOURCES
from tests.stack import Stack

Json = dict[str, Any]

PATHS = {kind: path for kind, found in RESOURCES.items() if (path := found._lifecycle.model.path)}
"""{resource: where its objects are}, of those that the API has objects for."""

NOBODY = "00000000-0000-0000-0000-000000000000"


def program(stack: Stack, *lines: str) -> None:
    """Write the program: what is wanted from now on."""
    (stack.project / "__main__.py").write_text("import pulumi\nimport pulumi_joviam as joviam\n" + "\n".join(lines))


def outputs(stack: Stack) -> Json:
    found: Json = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").text)
    return found


def existing(cloud: Emulator) -> dict[str, str]:
    """Make one of each kind by hand, used by an instance, and return {class: id}."""
    account = Account(cloud)
    network = account.network(gateway="10.1.0.1")
    ids = {
        "PublicKey": account.key(),
        "Network": network,
        "IpAddress": account.address(network, name="web"),
        "Disk": account.disk(template="ubuntu-16-04"),
    }
    ids["Instance"] = account.instance(
        running=True, public_keys=[ids["PublicKey"]], ip_addresses=[ids["IpAddress"]], disks=[ids["Disk"]]
    )
    account.call("PUT", f"/instances/{ids['Instance']}", {"note": "by hand"})
    account.call("POST", f"/instances/{ids['Instance']}/context", {"A": "1"})
    account.settle()
    ids["Template"] = account.create("/templates", {"disk": account.disk(), "supersedes": account.template("debian-9")})
    ids["ConsoleSession"] = account.create(f"/instances/{ids['Instance']}/remote_access", {"type": "serial"})
    for kind, path in PATHS.items():
        if kind not in ids and f"POST {path}" in EXAMPLES:
            ids[kind] = make(account, path)
    return ids


GET_ALL = """
import json
for kind, id in json.load(open("ids.json")).items():
    found = getattr(joviam, kind).get(kind, id)
    lifecycle = found._lifecycle
    for name in ("id", *lifecycle.args.model_fields, *lifecycle.outputs):
        pulumi.export(f"{kind}.{name}", getattr(found, name))
"""


def test_what_is_there_is_read_and_left_alone(stack: Stack) -> None:
    """Each kind is read with its live values, in the first preview already; up, refresh and destroy change nothing."""
    ids = existing(stack.cloud)
    (stack.project / "ids.json").write_text(json.dumps(ids))
    program(stack, GET_ALL)
    before, made = stack.cloud.count(), len(stack.cloud.requests)
    first = stack.preview()
    assert first.steps == dict.fromkeys(ids, "read")
    assert "[unknown]" not in first.text
    up = stack.up()
    assert (up.warnings, up.errors) == ([], [])
    shown = outputs(stack)
    template = Account(stack.cloud).template("ubuntu-16-04", version=2)
    for name, value in {
        **{f"{kind}.id": id for kind, id in ids.items()},
        "PublicKey.name": "laptop",
        "PublicKey.key": KEY,
        "Network.specification": "10.1.0.0/24",
        "Network.region": "SY3",
        "Network.gateway": "10.1.0.1",
        "Network.netmask": "255.255.255.0",
        "Network.is_public": False,
        "IpAddress.name": "web",
        "IpAddress.address": shown["Instance.private_ip"],
        "IpAddress.network_id": ids["Network"],
        "IpAddress.shareable": False,
        "Disk.size": 10,
        "Disk.performance_tier": "Standard",
        "Disk.template_id": template,
        "Instance.memory": 1024,
        "Instance.state": "running",
        "Instance.power_state": "running",
        "Instance.disk_ids": [ids["Disk"]],
        "Instance.public_keys": [ids["PublicKey"]],
        "Instance.note": "by hand",
        "Instance.context": {"A": "1"},
    }.items():
        assert shown[name] == value, name
    for kind, id in ids.items():
        live = Account(stack.cloud).call("GET", f"{PATHS[kind]}/{id}")
        alike = {name for name, value in live.items() if isinstance(value, (str, int)) and f"{kind}.{name}" in shown}
        assert alike >= {"id"}
        assert {name: shown[f"{kind}.{name}"] for name in alike} == {name: live[name] for name in alike}
    absent = {"Network.primary_nameserver", "Disk.source_disk", "Disk.allow_stopping", "Instance.public_ip"}
    assert not absent & set(shown)
    second = stack.preview()
    assert second.steps == dict.fromkeys(ids, "read")
    assert "outputs" not in second.text
    assert stack.refresh().empty
    assert stack.destroy().steps == dict.fromkeys(ids, "discard")  # from the state only
    assert stack.cloud.count() == before
    assert {request.method for request in stack.cloud.requests[made:]} == {"GET"}


def test_every_resource_is_read(cloud: Emulator) -> None:
    """What the API has objects for is read in the test above."""
    left = PATHS.keys() - existing(cloud).keys()
    assert not left, "no POST in EXAMPLES of tests/emulator/reference.py, and no object in `existing` here"


def test_what_was_read_is_used(stack: Stack) -> None:
    """What is managed can use what was read; an id that is unknown in a preview is read in `up`."""
    ids = existing(stack.cloud)
    stack.cloud.configure(provision_seconds=0)
    program(
        stack,
        f"network = joviam.Network.get('lan', {ids['Network']!r})",
        "address = joviam.IpAddress('address', network=network.id)",
        "again = joviam.IpAddress.get('again', address.id)",
        "pulumi.export('name', again.name)",
        "pulumi.export('network', again.network)",
    )
    preview = stack.preview()
    assert preview.steps == {"lan": "read", "address": "create", "again": "read"}
    assert preview.text.count("[unknown]") == 2
    stack.up()
    assert outputs(stack) == {"name": "address", "network": ids["Network"]}
    assert stack.preview().steps == {"lan": "read", "again": "read"}
    stack.cloud.change(ids["Network"], name="renamed")
    assert stack.refresh().status == 0
    assert stack.destroy().steps == {"address": "delete", "lan": "discard", "again": "discard"}
    assert [item["name"] for item in stack.cloud.objects("networks")] == ["renamed"]


@pytest.mark.parametrize(
    ("id", "told"),
    [
        (NOBODY, f"there is no disk {NOBODY}"),
        ("the disk", "id: is not a valid id (ids look like 00000000-0000-…)"),
    ],
)
def test_what_is_not_there(stack: Stack, id: str, told: str) -> None:
    """An id of nothing, or that is no id, is one clear error; nothing is kept of it."""
    program(stack, f"disk = joviam.Disk.get('d', {id!r})", f"joviam.PublicKey('k', key={KEY!r}, name=disk.name)")
    preview = stack.preview(fails=True)
    run = stack.up(fails=True)
    assert f'reading disk "d": {told}' in preview.text
    assert [message for name, message in run.errors if name == "d"] == [f'reading disk "d": {told}\n']
    assert "Traceback" not in preview.text + run.text
    assert (stack.resources(), stack.cloud.count()) == ({}, {})


def test_what_is_gone_later(stack: Stack) -> None:
    """An object that vanishes after it was read is an error for the program that still names it."""
    disk = Account(stack.cloud).disk()
    program(stack, f"joviam.Disk.get('d', {disk!r})")
    stack.up()
    stack.cloud.remove(disk)
    assert f'reading disk "d": there is no disk {disk}' in stack.up(fails=True).text
    program(stack)
    assert stack.up().status == 0

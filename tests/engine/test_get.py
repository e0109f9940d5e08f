"""Class.get: existing objects are read and not changed."""

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
"""{resource: path of its objects}, for the resources that have one in the API."""

MISSING = "00000000-0000-0000-0000-000000000000"


def program(stack: Stack, *lines: str) -> None:
    """Write the program."""
    stack.write("import pulumi\nimport pulumi_joviam as joviam\n" + "\n".join(lines))


def outputs(stack: Stack) -> Json:
    found: Json = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").text)
    return found


def existing(cloud: Emulator) -> dict[str, str]:
    """Create one object of each kind outside Pulumi, used by an instance, and return {class: id}."""
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


def test_existing_objects_are_read_and_not_changed(stack: Stack) -> None:
    """Each kind is read with its live values, even in the first preview; up, refresh and destroy change nothing."""
    ids = existing(stack.cloud)
    (stack.project / "ids.json").write_text(json.dumps(ids))
    program(stack, GET_ALL)
    before, sent = stack.cloud.count(), len(stack.cloud.requests)
    first = stack.preview()
    assert first.steps == dict.fromkeys(ids, "read")
    assert "[unknown]" not in first.text
    up = stack.up()
    assert (up.warnings, up.errors) == ([], [])
    values = outputs(stack)
    template = Account(stack.cloud).template("ubuntu-16-04", version=2)
    expected = {
        **{f"{kind}.id": id for kind, id in ids.items()},
        "PublicKey.name": "laptop",
        "PublicKey.key": KEY,
        "Network.specification": "10.1.0.0/24",
        "Network.region": "SY3",
        "Network.gateway": "10.1.0.1",
        "Network.netmask": "255.255.255.0",
        "Network.is_public": False,
        "IpAddress.name": "web",
        "IpAddress.address": values["Instance.private_ip"],
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
    }
    if not stack.door.reads_defaults:
        expected["IpAddress.shareable"] = None
    assert {name: values.get(name) for name in expected} == expected
    for kind, id in ids.items():
        live = Account(stack.cloud).call("GET", f"{PATHS[kind]}/{id}")
        compared = {
            name for name, value in live.items() if isinstance(value, (str, int)) and f"{kind}.{name}" in values
        }
        assert compared >= {"id"}
        assert {name: values[f"{kind}.{name}"] for name in compared} == {name: live[name] for name in compared}
    absent = {"Network.primary_nameserver", "Disk.source_disk", "Disk.allow_stopping", "Instance.public_ip"}
    assert not absent & set(values)
    second = stack.preview()
    assert second.steps == dict.fromkeys(ids, "read")
    assert "outputs" not in second.text
    assert stack.refresh().empty
    assert stack.destroy().steps == dict.fromkeys(ids, "discard")  # from the state only
    assert stack.cloud.count() == before
    assert {request.method for request in stack.cloud.requests[sent:]} == {"GET"}


def test_every_resource_is_read(cloud: Emulator) -> None:
    """The test above reads every resource that has a path in the API."""
    unread = PATHS.keys() - existing(cloud).keys()
    assert not unread, "no POST in EXAMPLES of tests/emulator/reference.py, and no object in `existing` here"


def test_managed_resources_use_what_was_read(stack: Stack) -> None:
    """A managed resource can use an object that was read; an id that is unknown in preview is read in `up`."""
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
    ("id", "message"),
    [
        (MISSING, f"there is no disk {MISSING}"),
        ("the disk", "id: is not a valid id (ids look like 00000000-0000-…)"),
    ],
)
def test_a_missing_object_is_one_clear_error(stack: Stack, id: str, message: str) -> None:
    """An id that does not exist or is invalid is one clear error, and the state stays empty."""
    program(stack, f"disk = joviam.Disk.get('d', {id!r})", f"joviam.PublicKey('k', key={KEY!r}, name=disk.name)")
    preview = stack.preview(fails=True)
    run = stack.up(fails=True)
    assert f'reading disk "d": {message}' in preview.text
    assert [text for name, text in run.errors if name == "d"] == [f'reading disk "d": {message}\n']
    assert "Traceback" not in preview.text + run.text
    assert (stack.resources(), stack.cloud.count()) == ({}, {})


def test_an_object_deleted_after_it_was_read(stack: Stack) -> None:
    """It is an error until the program no longer names it."""
    disk = Account(stack.cloud).disk()
    program(stack, f"joviam.Disk.get('d', {disk!r})")
    stack.up()
    stack.cloud.remove(disk)
    assert f'reading disk "d": there is no disk {disk}' in stack.up(fails=True).text
    program(stack)
    assert stack.up().status == 0

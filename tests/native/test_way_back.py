"""State of the native plugin, used with the dynamic one: both spellings are read, and ours is written."""

from __future__ import annotations

import uuid

import pytest

import pulumi_joviam as joviam
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.native import schema
from tests.doors import DYNAMIC, Door
from tests.keys import key
from tests.miniature import Miniature, Plugin, _plain, _struct
from tests.stack import Spec

STACK: Spec = {
    "key": {"kind": "PublicKey", "key": key("one")},
    "net": {"kind": "Network", "specification": "10.0.0.0/24", "primary_nameserver": "9.9.9.9"},
    "ip": {"kind": "IpAddress", "network": {"ref": "net.id"}},
    "disk": {"kind": "Disk", "size": 20, "performance_tier": "Fast", "template": "ubuntu-16-04"},
    "web": {
        "kind": "Instance",
        "memory": 512,
        "performance_tier": "Standard",
        "boot_disk": {"template": "debian-9", "size": 10, "performance_tier": "Standard"},
        "network_adapters": [{"network": {"ref": "net.id"}, "ip_addresses": [{"ref": "ip.id"}]}],
        "context": {"boot_disk": "a name of the user"},
    },
}
HIDDEN = "__"


@pytest.fixture(scope="session")
def door() -> Door:
    return DYNAMIC


def respell(stack: Miniature) -> None:
    """Rewrite the state with the spelling of the native plugin."""
    for held in stack.state.values():
        names = schema.names(getattr(joviam, held.kind))
        for part in ("inputs", "outputs"):
            values = _plain(getattr(held, part))
            shown = {key: value for key, value in values.items() if not key.startswith(HIDDEN)}
            hidden = {key: value for key, value in values.items() if key.startswith(HIDDEN)}
            setattr(held, part, _struct({**names.outward(shown), **hidden}))


def spelling(stack: Miniature) -> set[str]:
    """Return the names in the state."""
    shown = {key for held in stack.state.values() for key in _plain(held.outputs)}
    return {key for key in shown if not key.startswith(HIDDEN)}


def test_nothing_is_replaced_and_nothing_written(cloud: Emulator, plugged: Plugin) -> None:
    """Every resource is updated in the state only; after that, nothing is left to do."""
    stack = Miniature(plugged, f"urn:pulumi:{uuid.uuid4()}")
    assert stack.up(STACK).error == ""
    ours = spelling(stack)
    respell(stack)
    assert {"performanceTier", "bootDisk"} <= spelling(stack)
    cloud.change(stack.state["disk"].id, name="changed by hand")
    before = len(cloud.requests)
    assert set(stack.preview(STACK).steps.values()) == {"update"}
    up = stack.up(STACK)
    assert (up.error, set(up.steps.values())) == ("", {"update"})
    assert {request.method for request in cloud.requests[before:]} == {"GET"}
    assert spelling(stack) == ours
    assert _plain(stack.state["web"].outputs)["context"] == {"boot_disk": "a name of the user"}
    plugged.warnings()
    assert stack.preview(STACK).steps == {}
    assert stack.refresh().steps == {"disk": "update"}
    assert stack.up(STACK).steps == {"disk": "update"}


def test_a_change_is_the_same_change(cloud: Emulator, plugged: Plugin) -> None:
    """A change, a refresh and a destroy work with such a state as with one in our spelling."""
    stack = Miniature(plugged, f"urn:pulumi:{uuid.uuid4()}")
    assert stack.up(STACK).error == ""
    respell(stack)
    assert stack.refresh().error == ""
    respell(stack)
    grown = {**STACK, "disk": {**STACK["disk"], "size": 30}}
    assert stack.up(grown).error == ""
    assert [request.path for request in cloud.requests if request.path.endswith("/resize")]
    respell(stack)
    assert stack.destroy().error == ""
    assert not cloud.count()

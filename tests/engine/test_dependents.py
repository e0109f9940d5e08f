"""Previews of resources that use another one's outputs, served by Pulumi's plugin for dynamic providers."""

from __future__ import annotations

import json
from typing import Any

from tests.engine.machines import DISK, MACHINE, ref
from tests.stack import PROGRAM, Stack

NETWORK = {"kind": "Network", "specification": "10.0.0.0/24"}
FOLLOWING = """
from ipaddress import IPv4Network

def above(address, netmask):
    return str(IPv4Network((int(IPv4Network(f"{address}/{netmask}").broadcast_address) + 1, netmask)))

both = pulumi.Output.all(made["one"].network_address, made["one"].netmask)
joviam.Network("two", specification=both.apply(lambda it: above(*it)))
joviam.IpAddress("three", network=made["address"].network_id)
joviam.Disk("four", size=1, performance_tier="Standard", name=made["machine"].boot_disk_id)
joviam.Disk("five", size=1, performance_tier="Standard", name=made["machine"].disk_ids.apply(lambda ids: ids[1]))
joviam.Disk("six", size=1, performance_tier="Standard", name=made["one"].is_public.apply(str))
"""


def test_what_follows_from_an_argument_stays_known(stack: Stack) -> None:
    """Updates change nothing else: neither in the preview nor in `up`."""
    (stack.project / "__main__.py").write_text(PROGRAM + FOLLOWING)
    program: dict[str, Any] = {
        "one": NETWORK,
        "address": {"kind": "IpAddress", "network": ref("one")},
        "a": DISK,
        "b": DISK,
        "machine": {**MACHINE, "disks": [ref("a"), ref("b")], "power_state": "stopped"},
    }
    stack.program(program)
    stack.up()
    program["one"] = NETWORK | {"gateway": "10.0.0.1"}
    program["address"]["shareable"] = True
    program["machine"]["note"] = "updated"
    stack.program(program)
    previewed = stack.preview()
    assert previewed.steps == {"one": "update", "address": "update", "machine": "update"}
    assert stack.up().steps == previewed.steps
    assert stack.settled()
    program["one"] = NETWORK | {"specification": "10.1.0.0/25"}  # what follows changes in the preview already
    stack.program(program)
    planned = json.loads(stack.pulumi("preview", "--json").text)["steps"]
    [two] = [step for step in planned if step["urn"].endswith("::two") and step["op"] == "replace"]
    assert two["newState"]["inputs"]["specification"] == "10.1.0.128/25"


def test_what_follows_from_a_secret_is_a_secret(stack: Stack) -> None:
    """A network of a secret specification shows neither its netmask nor its first address."""
    secret = "10.9.8.0/24"
    stack.program({"one": NETWORK | {"specification": {"secret": secret}}})
    shown = stack.preview().text + stack.up().text
    stack.program({"one": NETWORK | {"specification": {"secret": secret}, "gateway": "10.9.8.1"}})
    shown += stack.preview().text + stack.up("--diff").text + stack.pulumi("stack", "export").text
    assert "10.9.8.0" not in shown
    assert "255.255.255.0" not in shown

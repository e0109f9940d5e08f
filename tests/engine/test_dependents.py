"""Previews of resources that use outputs of others."""

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


def test_outputs_that_follow_from_arguments_are_known(stack: Stack) -> None:
    """So an update changes no dependents, neither in preview nor in `up`."""
    stack.write(PROGRAM + FOLLOWING)
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
    program["one"] = NETWORK | {"specification": "10.1.0.0/25"}  # preview has the new values of such outputs
    stack.program(program)
    planned = json.loads(stack.pulumi("preview", "--json").text)["steps"]
    [two] = [step for step in planned if step["urn"].endswith("::two") and step["op"] == "replace"]
    assert two["newState"]["inputs"]["specification"] == "10.1.0.128/25"


def test_outputs_that_follow_from_a_secret_are_secret(stack: Stack) -> None:
    """The netmask and address of a network with a secret specification are nowhere in plain text."""
    secret = "10.9.8.0/24"
    stack.program({"one": NETWORK | {"specification": {"secret": secret}}})
    output = stack.preview().text + stack.up().text
    stack.program({"one": NETWORK | {"specification": {"secret": secret}, "gateway": "10.9.8.1"}})
    output += stack.preview().text + stack.up("--diff").text + stack.pulumi("stack", "export").text
    assert "10.9.8.0" not in output
    assert "255.255.255.0" not in output

"""Components and Providers in Python programs that use the native plugin."""

from __future__ import annotations

from pulumi_joviam.emulator import Emulator
from tests.doors import DYNAMIC, NATIVE
from tests.engine.traffic import writes
from tests.native.migration import there_and_back
from tests.stack import Spec, Stack

COMPONENTS: Spec = {
    "inside": {"kind": "PrivateNetwork", "specification": "10.0.0.0/24", "addresses": {"db": "10.0.0.20"}},
    "shop": {"kind": "Server", "template": "debian-9", "network": {"ref": "inside.network_id"}},
    "pool": {"kind": "ServerPool", "count": 2, "specification": "10.1.0.0/24", "template": "debian-9"},
}
TWO_ACCOUNTS = """
import pulumi
import pulumi_joviam as joviam

config = pulumi.Config()
other = joviam.Provider("other", token=config.require_secret("otherToken"), endpoint=config.require("otherEndpoint"))
theirs = pulumi.ResourceOptions(provider=other)
joviam.IpAddress("mine")
joviam.IpAddress("theirs", theirs)
joviam.PrivateNetwork("net", pulumi.ResourceOptions(providers=[other]), specification="10.0.0.0/24")
pulumi.export("found", joviam.get_ip_addresses_output(opts=pulumi.InvokeOptions(provider=other)).apply(len))
"""


def test_components_move_to_the_native_plugin_and_back(stack: Stack) -> None:
    """Their children are updated in the state only. With the native plugin, a pool grows, and a destroy deletes all."""
    stack.serve(DYNAMIC)
    stack.program(COMPONENTS)
    stack.up()
    children = {name for name, held in stack.resources().items() if "dynamic" in held["type"]}
    assert len(children) == 16
    before = writes(stack.cloud)
    for _ in there_and_back(stack):
        run = stack.up()
        assert set(run.steps.values()) == {"update"}
        assert run.steps.keys() <= children
        assert stack.settled()
    assert writes(stack.cloud) == before
    stack.serve(NATIVE)
    stack.program({**COMPONENTS, "pool": {**COMPONENTS["pool"], "count": 3}})
    assert {name for name, step in stack.up().steps.items() if step == "create"} == {
        *("pool-3", "pool-3-disk", "pool-3-public", "pool-3-private", "pool-3-instance")
    }
    assert stack.settled()
    stack.destroy()
    assert not stack.cloud.count()


def test_a_provider_is_another_account(stack: Stack) -> None:
    """Its resources, components and look-ups use its token and endpoint."""
    stack.serve(NATIVE)
    with Emulator(token="the-other-token") as other:
        stack.pulumi("config", "set", "--secret", "otherToken", other.token)
        stack.pulumi("config", "set", "otherEndpoint", other.url)
        stack.write(TWO_ACCOUNTS)
        shown = stack.up("--diff").text
        assert (stack.cloud.count(), other.count()) == ({"ip_addresses": 1}, {"ip_addresses": 1, "networks": 1})
        assert stack.settled()
        shown += stack.pulumi("stack", "export").text
        assert other.token not in shown
        assert "found: 0 => 1" in stack.up().text
        stack.destroy()
        assert (stack.cloud.count(), other.count()) == ({}, {})

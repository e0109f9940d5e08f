"""Source positions: the engine shows and stores the line of the user's program, not one of this package."""

from __future__ import annotations

import json

from tests.stack import Stack

PROGRAM = """\
import pulumi
import pulumi_joviam as joviam


class Pair(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:Pair", name)
        joviam.Disk(f"{name}-disk", pulumi.ResourceOptions(parent=self), size=1, performance_tier="Fast")  # pair-disk


class Own(joviam.Disk):
    def __init__(self, name):
        super().__init__(name, size=1, performance_tier="Fast")  # own


def network(name):
    return joviam.Network(name, specification="10.0.0.0/24")  # lan


lan = network("lan")
disk = joviam.Disk("disk", size=1, performance_tier="Fast")  # disk
Pair("pair")
Own("own")
joviam.Server("web", template="ubuntu-16-04")  # web web-disk web-public web-instance
joviam.ServerPool(  # pool pool-1 pool-1-disk pool-1-public pool-1-private pool-1-instance
    "pool", count=1, network=lan.id, template="debian-9"
)
joviam.PrivateNetwork("back", specification="10.1.0.0/24", addresses={"db": None})  # back back-network back-db
joviam.Provider("other", token="token")  # other
joviam.Disk.get("same", disk.id)  # same
"""


def test_resources_point_to_the_line_of_the_program(stack: Stack) -> None:
    """The state has them for all resources, even children of components; no stack trace has a frame of this package."""
    stack.write(PROGRAM)
    expected = {
        name: number
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        for name in line.partition("  # ")[2].split()
    }
    stack.up()
    state = json.loads((stack.state / ".pulumi/stacks/project/dev.json").read_text())["checkpoint"]["latest"]
    found = {resource["urn"].rsplit("::", 1)[-1]: resource for resource in state["resources"]}
    positions = {name: found[name].get("sourcePosition", "") for name in expected}
    assert positions == {name: f"project:///__main__.py#{number}" for name, number in expected.items()}
    frames = [frame.get("sourcePosition", "") for name in expected for frame in found[name]["stackTrace"]]
    assert frames
    assert not [frame for frame in frames if "pulumi_joviam" in frame]

"""Nobody needs the web console: one stack, through the public interface alone, reaches every endpoint there is."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.emulator.reference import ENDPOINTS
from tests.keys import key
from tests.stack import Stack

PROGRAM = f"""
import os
import pulumi
import pulumi_joviam as joviam

later = os.environ["STAGE"] == "later"

key = joviam.PublicKey("key", key={key("a")!r}, name="second" if later else "first")
network = joviam.Network("network", specification="10.0.0.0/24", gateway="10.0.0.9" if later else None)
address = joviam.IpAddress("address", network=network.id, shareable=later)
disk = joviam.Disk(
    "disk", size=20 if later else 10, performance_tier="Fast", template="debian-9", name="second" if later else "first"
)
clone = joviam.Disk("clone", size=10, performance_tier="Fast", source_disk=disk.id)
assembled = joviam.Instance(
    "assembled",
    memory=2048 if later else 1024,
    performance_tier="Fast",
    disks=[] if later else [clone.id],
    network_adapters=[] if later else [{{"network": network.id, "ip_addresses": [address.id]}}],
    public_keys=[] if later else [key.id],
    note="noted",
    context={{"B": "2"}} if later else {{"A": "1"}},
    allow_stopping=True,
)
basic = joviam.Instance(
    "basic",
    memory=1024,
    performance_tier="Fast",
    boot_disk={{"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"}},
    networks=[network.id],
    allocate_public_ip=True,
)
group = joviam.AvailabilityGroup("group", instances=[assembled.id, basic.id])
source = joviam.Disk("source", size=10, performance_tier="Fast")
template = joviam.Template(
    "template", disk=source.id, supersedes="debian-9", opts=pulumi.ResourceOptions(depends_on=[disk])
)
console = joviam.ConsoleSession("console", instance=basic.id, type="vnc")

joviam.get_region(id=joviam.get_regions()[0].id)
joviam.get_template(id=joviam.get_templates()[0].id)
joviam.get_performance_tiers(use="disk"), joviam.get_performance_tiers(use="instance")
joviam.get_public_keys(), joviam.get_disks(), joviam.get_instances()
joviam.get_networks(), joviam.get_networks(public=True), joviam.get_networks(public=False)
joviam.get_ip_addresses(), joviam.get_ip_addresses(public=True), joviam.get_ip_addresses(public=False)
"""


def operations() -> set[str]:
    return {f"{method} {path}" for method, path, _, _ in ENDPOINTS}


def test_every_endpoint_is_reached(stack: Stack) -> None:
    """Up, a change and destroy of one stack ask each of the 54 endpoints at least once."""
    (stack.project / "__main__.py").write_text(PROGRAM)
    for stage in ("first", "later"):
        stack.environ["STAGE"] = stage
        stack.up()
        assert stack.settled()
    stack.destroy()
    reached = {request.operation for request in stack.cloud.requests if request.status and request.status < 300}
    assert operations() - reached == set()
    assert {
        kind: number for kind, number in stack.cloud.count().items() if kind not in ("templates", "console_sessions")
    } == {}


def test_the_docs_list_each() -> None:
    """docs/endpoints.md has a row for each of the 54 endpoints, and for no other."""
    table = (ROOT / "docs/endpoints.md").read_text()
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]+)`", table, re.MULTILINE)) == operations()
    assert len(operations()) == 54

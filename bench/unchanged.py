"""No changes: the cost of a preview and a refresh of many resources."""

from __future__ import annotations

from collections import Counter
from functools import partial

from bench.report import NAIVE, NOTHING, OURS, SCRIPT, Findings, Limit, Row, Sample, alternate
from bench.stacks import Lab

ANSWER_SECONDS = 0.02

MIXED = """
import os
import pulumi_joviam as joviam
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMt6BEwZpwJ1qV32yFowI1HtEhLGfM0fEwRRRSj7piFi me@laptop"
for number in range(int(os.environ["BENCH_COUNT"]) // 5):
    disk = joviam.Disk(f"disk-{number}", size=20, performance_tier="Standard", template="ubuntu-16-04")
    address = joviam.IpAddress(f"address-{number}")
    key = joviam.PublicKey(f"key-{number}", key=KEY)
    joviam.Instance(
        f"instance-{number}", memory=1024, performance_tier="Standard",
        disks=[disk.id], ip_addresses=[address.id], public_keys=[key.id],
    )
    joviam.Disk(f"spare-{number}", size=10, performance_tier="Standard")
"""


def unchanged(lab: Lab) -> Findings:
    """Preview and refresh 500 unchanged resources of four kinds. Each response of the API takes 20 ms."""
    count = 50 if lab.quick else 500
    stacks = {
        name: lab.stack(name, MIXED, BENCH_COUNT=str(count), BENCH_PADDING=lab.padding)
        for name in (NOTHING, OURS, NAIVE)
    }
    lab.cloud.prepare()
    for stack in stacks.values():
        # writing the state around every step is measured by another scenario
        stack.up("--parallel=64", PULUMI_SKIP_CHECKPOINTS="true")
    lab.cloud.slow_down(ANSWER_SECONDS)

    def of_stack(name: str) -> dict[str, Sample]:
        return {"preview": stacks[name].preview(), "refresh": stacks[name].refresh()}

    def of_script() -> dict[str, Sample]:
        return {"refresh": lab.script("read")}

    found = alternate(lab.rounds, {SCRIPT: of_script, **{name: partial(of_stack, name) for name in stacks}})
    preview, refresh = found["preview"], found["refresh"]
    by_kind = _by_kind(refresh[OURS].requests)
    what = f"{count} unchanged resources"
    return Findings(
        [Row(f"preview of {what}", preview), Row(f"refresh of {what}, responses in 20 ms", refresh)],
        [
            Limit(f"preview of {what}: requests", preview[OURS].requests.total(), 0, "requests"),
            Limit(f"preview of {what}: time over engine alone", preview[OURS].value / preview[NOTHING].value, 1.15),
            Limit(f"refresh of {what}: requests for the kind with most", max(by_kind.values()), 10, "requests"),
            Limit(
                f"refresh of {what}: requests, naive over ours",
                refresh[NAIVE].requests.total() / refresh[OURS].requests.total(),
                5,
                at_least=True,
            ),
            Limit(f"refresh of {what}: naive over ours", refresh[NAIVE].value / refresh[OURS].value, 2, at_least=True),
        ],
    )


def _by_kind(requests: Counter[str]) -> Counter[str]:
    """Return how many requests there were for each first part of a path."""
    found = Counter[str]()
    for operation, times in requests.items():
        found[operation.split("/")[1]] += times
    return found

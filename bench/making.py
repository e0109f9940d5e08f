"""Create and destroy: how long a provider takes, and how many requests it sends."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from bench.report import NAIVE, NOTHING, OURS, SCRIPT, Findings, Limit, Row, Sample, alternate
from bench.stacks import DISKS, EXAMPLE, Lab

WIDTH = 4 * (os.cpu_count() or 1)
"""How many steps the engine runs in parallel without --parallel."""


def disks(lab: Lab) -> Findings:
    """Create and destroy 64 disks of 2 s, with --parallel 64."""
    count, seconds = (8, 1) if lab.quick else (64, 2)
    script = partial(lab.script, "make", count)
    found = _compete(lab, DISKS, seconds, script, f"--parallel={count}", BENCH_COUNT=str(count))
    up = found["up"]
    title = f"{count} disks of {seconds} s, `--parallel {count}`"
    return Findings(
        [Row(f"up, {title}", up), Row(f"destroy, {title}", found["destroy"])],
        [
            Limit(
                f"up, {title}: time over bare script + engine alone",
                up[OURS].value / (up[SCRIPT].value + up[NOTHING].value),
                1.15,
            ),
            Limit(f"up, {title}: naive over ours", up[NAIVE].value / up[OURS].value, 6, at_least=True),
            *(
                Limit(f"{what}, {title}: requests", found[what][OURS].requests.total(), 1.2 * count + 25, "requests")
                for what in ("up", "destroy")
            ),
        ],
    )


def width(lab: Lab) -> Findings:
    """Create 64 disks of 2 s, with the engine's default parallelism."""
    count, seconds = (8, 1) if lab.quick else (64, 2)
    stacks = {
        name: lab.stack(name, DISKS, BENCH_COUNT=str(count), BENCH_PADDING=lab.padding) for name in (NOTHING, OURS)
    }

    def of_stack(name: str) -> dict[str, Sample]:
        lab.cloud.prepare(seconds)
        made = {"up": stacks[name].up()}
        lab.cloud.prepare()  # an empty cloud, so that destroy only removes them from the state
        stacks[name].destroy(f"--parallel={count}")
        return made

    up = alternate(lab.rounds, {name: partial(of_stack, name) for name in stacks})["up"]
    least = count / WIDTH * seconds + up[NOTHING].value
    title = f"{count} disks of {seconds} s, default parallelism ({WIDTH} on this machine)"
    return Findings(
        [Row(f"up, {title}", up)],
        [Limit(f"up, {title}: time over disks / parallelism waits + engine alone", up[OURS].value / least, 1.15)],
    )


def web(lab: Lab) -> Findings:
    """examples/03-private-network: two machines, their disks, addresses and network."""
    seconds = 0.5 if lab.quick else 2
    found = _compete(lab, EXAMPLE, seconds, partial(lab.script, "web"))
    return Findings([Row(f"{what}, examples/03-private-network, {seconds} s", found[what]) for what in found])


def _compete(
    lab: Lab, program: str, seconds: float, script: Callable[[], Sample], *options: str, **environ: str
) -> dict[str, dict[str, Sample]]:
    """Let all contestants create and destroy the same. Returns {"up" and "destroy": {contestant: median}}."""
    stacks = {name: lab.stack(name, program, BENCH_PADDING=lab.padding, **environ) for name in (NOTHING, OURS, NAIVE)}

    def of_stack(name: str) -> dict[str, Sample]:
        lab.cloud.prepare(seconds)
        return {"up": stacks[name].up(*options), "destroy": stacks[name].destroy(*options)}

    def of_script() -> dict[str, Sample]:
        lab.cloud.prepare(seconds)
        return {"up": script(), "destroy": lab.script("delete")}

    return alternate(lab.rounds, {SCRIPT: of_script, **{name: partial(of_stack, name) for name in stacks}})

"""Many disks at once: made and destroyed."""

from __future__ import annotations

import os
from functools import partial

from bench.report import NAIVE, NOTHING, OURS, SCRIPT, Findings, Limit, Row, Sample, alternate
from bench.stacks import DISKS, Lab

PROVISION_SECONDS = 2.0
WIDTH = 4 * (os.cpu_count() or 1)
"""How many steps the engine takes at once without --parallel."""


def disks(lab: Lab) -> Findings:
    """64 disks of 2 s, made and destroyed, with --parallel 64."""
    count = 8 if lab.quick else 64
    wide = f"--parallel={count}"
    stacks = {
        name: lab.stack(name, DISKS, BENCH_COUNT=str(count), BENCH_PADDING=lab.padding)
        for name in (NOTHING, OURS, NAIVE)
    }

    def of_stack(name: str) -> dict[str, Sample]:
        lab.cloud.prepare(PROVISION_SECONDS)
        return {"up": stacks[name].up(wide), "destroy": stacks[name].destroy(wide)}

    def of_script() -> dict[str, Sample]:
        lab.cloud.prepare(PROVISION_SECONDS)
        return {"up": lab.script("make", count), "destroy": lab.script("delete")}

    found = alternate(lab.rounds, {SCRIPT: of_script, **{name: partial(of_stack, name) for name in stacks}})
    up = found["up"]
    title = f"{count} disks × {PROVISION_SECONDS:.0f} s, `{wide}`"
    least = up[SCRIPT].value + up[NOTHING].value
    return Findings(
        [Row(f"up: {title}", up), Row(f"destroy: {title}", found["destroy"])],
        [
            Limit(f"up of {title}: time over bare script + engine alone", up[OURS].value / least, 1.15),
            Limit(f"up of {title}: naive over ours", up[NAIVE].value / up[OURS].value, 6, at_least=True),
            Limit(f"up of {title}: requests", up[OURS].requests.total(), 2 * count + 25, "requests"),
        ],
    )


def width(lab: Lab) -> Findings:
    """64 disks of 2 s, made with the engine's default width."""
    count = 16 if lab.quick else 64
    stacks = {
        name: lab.stack(name, DISKS, BENCH_COUNT=str(count), BENCH_PADDING=lab.padding) for name in (NOTHING, OURS)
    }

    def round_of(name: str) -> dict[str, Sample]:
        lab.cloud.prepare(PROVISION_SECONDS)
        made = {"up": stacks[name].up()}
        stacks[name].destroy(f"--parallel={count}")
        return made

    up = alternate(lab.rounds, {name: partial(round_of, name) for name in stacks})["up"]
    least = count / WIDTH * PROVISION_SECONDS + up[NOTHING].value
    title = f"{count} disks × {PROVISION_SECONDS:.0f} s, default width ({WIDTH})"
    return Findings(
        [Row(f"up: {title}", up)],
        [Limit(f"up of {title}: time over (disks ÷ width) × wait + engine alone", up[OURS].value / least, 1.15)],
    )

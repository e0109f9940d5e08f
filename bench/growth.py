"""Growth: how time, memory and state depend on the size of a stack."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.report import NAIVE, NOTHING, OURS, Findings, Limit, Row, Sample, alternate
from bench.stacks import DISKS, EXAMPLE, Lab, size

COMMANDS = ("up", "preview", "refresh")


def growth(lab: Lab) -> Findings:
    """Stacks of 100 to 2,000 disks that are ready at once: up, preview and refresh, and the memory of a refresh."""
    sizes = (10, 20, 30) if lab.quick else (100, 500, 1000, 2000)
    found = {
        count: alternate(lab.rounds, {name: partial(_grow, lab, name, count) for name in (NOTHING, OURS)})
        for count in sizes
    }
    result = Findings()
    for command in COMMANDS:
        switch = ", state written once" if command == "up" else ""
        result.rows += [Row(f"{command}, {count:,} disks{switch}", found[count][command]) for count in sizes]
    shares = [
        sum(found[count][command][OURS].value - found[count][command][NOTHING].value for command in COMMANDS)
        for count in sizes
    ]
    first, middle, last = (shares[0], sizes[0]), (shares[-2], sizes[-2]), (shares[-1], sizes[-1])
    early, late = (_slope(*pair) for pair in ((first, middle), (middle, last)))
    result.notes.append(
        "Our own share (ours - engine alone), up + preview + refresh: "
        + ", ".join(f"{count:,} disks {share:.2f} s" for count, share in zip(sizes, shares, strict=True))
        + "."
    )
    result.limits.append(
        Limit(
            f"own share per disk, {middle[1]:,} to {last[1]:,} disks over {first[1]:,} to {middle[1]:,} (linear: 1)",
            late / early,
            1.5,
        )
    )
    if "memory" in found[last[1]]:
        memory = found[last[1]]["memory"]
        result.rows.append(Row(f"peak memory of the plugin, refresh of {last[1]:,} disks", memory))
        result.limits.append(
            Limit(f"peak memory of the plugin, refresh of {last[1]:,} disks", memory[OURS].value, 200, "MB")
        )
    else:
        result.notes.append("The memory of the plugin is measured on Linux only.")
    return result


def checkpoints(lab: Lab) -> Findings:
    """Stacks of 100 to 1,000 disks, with the state written around every step, the engine's default (one round)."""
    found = {
        count: alternate(1, {name: partial(_up, lab, name, count) for name in (NOTHING, OURS)})
        for count in ((10, 20) if lab.quick else (100, 500, 1000))
    }
    return Findings(
        [Row(f"up, {count:,} disks, state written around every step", found[count]["up"]) for count in found]
    )


def state(lab: Lab) -> Findings:
    """Bytes of state per disk."""
    cells = {}
    for name in (NOTHING, OURS, NAIVE):
        lab.cloud.prepare()
        stack = lab.stack(name, EXAMPLE)
        stack.up()
        disk = next(item for item in stack.resources() if item["type"].endswith(":Disk"))
        if name is NOTHING:  # a native provider stores no reference to Python code
            for part in ("inputs", "outputs"):
                del disk[part]["__provider"]
        cells[name] = Sample(size(disk), unit="B")
    return Findings(
        [Row("state per disk (engine alone: as a native provider would store it)", cells)],
        [Limit("state per disk: over that of a native provider", cells[OURS].value / cells[NOTHING].value, 1.3)],
    )


def _up(lab: Lab, name: str, count: int) -> dict[str, Sample]:
    lab.cloud.prepare()
    return {"up": lab.stack(name, DISKS, BENCH_COUNT=str(count), BENCH_PADDING=lab.padding).up()}


def _grow(lab: Lab, name: str, count: int) -> dict[str, Sample]:
    lab.cloud.prepare()
    stack = lab.stack(name, DISKS, BENCH_COUNT=str(count), BENCH_PADDING=lab.padding, PULUMI_SKIP_CHECKPOINTS="true")
    found = {"up": stack.up(), "preview": stack.preview()}
    with _watching(stack.folder) as peak:
        found["refresh"] = stack.refresh()
    return {**found, **({"memory": Sample(max(peak), unit="MB")} if peak else {})}


def _slope(first: tuple[float, int], second: tuple[float, int]) -> float:
    return (second[0] - first[0]) / (second[1] - first[1])


@contextmanager
def _watching(folder: Path) -> Iterator[list[float]]:
    """Watch the plugin that runs in ``folder``, and append its peak memory so far to the list, in MB."""
    peaks: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    ours = (process / "cwd").readlink() == folder and b"pulumi.dynamic" in (
                        process / "cmdline"
                    ).read_bytes()
                    lines = (process / "status").read_text().splitlines() if ours else ()
                except OSError:  # it has ended, or belongs to another user
                    continue
                peaks.extend(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()

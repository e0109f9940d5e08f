"""python -m bench [--quick] [NAME…]: measure, and print Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.api import emulator
from bench.cloud import Cloud
from bench.growth import checkpoints, growth, state
from bench.making import disks, web, width
from bench.report import Findings, markdown
from bench.stacks import Lab
from bench.start import imports, plugin
from bench.unchanged import unchanged

SCENARIOS: dict[str, Callable[[Lab], Findings]] = {
    scenario.__name__: scenario
    for scenario in (disks, width, web, unchanged, plugin, imports, state, growth, checkpoints, emulator)
}


def main() -> None:
    listed = "\n".join(f"  {name:<10} {scenario.__doc__}" for name, scenario in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare the speed of the package with a naive provider, the engine alone and a bare script.",
        epilog=f"scenarios:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="run once with small sizes, to check that it works")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios (default: all)")
    options = parser.parse_args()
    if unknown := set(options.names).difference(SCENARIOS):
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}; available: {', '.join(SCENARIOS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the cloud's process also ends
    found, began = Findings(), time.monotonic()
    with Cloud() as cloud, TemporaryDirectory(prefix="joviam-bench-") as folder:
        lab = Lab(cloud, Path(folder), options.quick)
        for name in options.names or SCENARIOS:
            print(f"{time.monotonic() - began:6.0f} s  {name}", file=sys.stderr, flush=True)
            new = SCENARIOS[name](lab)
            found.rows += new.rows
            found.limits += new.limits
            found.notes += new.notes
    print("\n".join(markdown(found)))
    print(
        f"\n{'Quick: too small for the limits. ' if options.quick else ''}"
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; "
        f"medians of {lab.rounds}; {time.monotonic() - began:.0f} s in total."
    )


if __name__ == "__main__":
    main()

"""Starting: what a program and the plugin process pay before anything happens."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from functools import partial

from bench.report import NAIVE, NOTHING, OURS, Findings, Limit, Row, Sample, alternate
from bench.stacks import MODULES, Lab

KINDS = ("Disk", "Instance", "IpAddress", "Network", "PublicKey")
"""What a program of some size uses: it costs as much as what import itself loads."""


def imports(lab: Lab) -> Findings:
    """Importing the package, and using five of its classes, in a fresh process."""
    codes = {
        NOTHING: "import pulumi",
        **{
            name: f"import pulumi, {MODULES[name]} as joviam; {', '.join(f'joviam.{kind}' for kind in KINDS)}"
            for name in (OURS, NAIVE)
        },
    }

    def of(code: str) -> dict[str, Sample]:
        seconds = lab.measure([sys.executable, "-c", code]).value
        return {"import": Sample(1000 * seconds, unit="ms")}

    for code in codes.values():  # the first time writes bytecode
        of(code)
    found = alternate(5 if lab.quick else 31, {name: partial(of, code) for name, code in codes.items()})["import"]
    what = f"import and use of {len(KINDS)} classes"
    return Findings(
        [Row(f"{what}, fresh process (engine alone: `import pulumi`)", found)],
        [Limit(f"{what}: over `import pulumi`", found[OURS].value - found[NOTHING].value, 60, "ms")],
        [f"Beyond `import pulumi`, by package (`-X importtime`): {_breakdown(lab, codes)}"],
    )


def _breakdown(lab: Lab, codes: dict[str, str]) -> str:
    known = _import_times(lab, codes[NOTHING])
    packages = Counter[str]()
    for module, seconds in _import_times(lab, codes[OURS]).items():
        if module not in known:
            packages[module.split(".")[0]] += seconds
    most = [f"{name} {value / 1000:.1f} ms" for name, value in packages.most_common(8)]
    return f"{', '.join(most)}; all {packages.total() / 1000:.1f} ms."


def _import_times(lab: Lab, code: str) -> dict[str, int]:
    """Return {module: microseconds that its own code took}."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], env=lab.environ, capture_output=True, text=True, check=True
    )
    lines = re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", done.stderr, re.MULTILINE)
    return {module: int(own) for own, module in lines}

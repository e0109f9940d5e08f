"""The miniature engine takes the same steps as the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.keys import key
from tests.miniature import Miniature, plugin
from tests.stack import Spec, Stack

DISK = {"kind": "Disk", "performance_tier": "Fast"}
PROGRAMS: list[Spec] = [
    {
        "key": {"kind": "PublicKey", "key": key("one")},
        "net": {"kind": "Network", "specification": "10.0.0.0/24"},
        "ip": {"kind": "IpAddress", "network": {"ref": "net.id"}},
        "disk": {**DISK, "size": 5},
        "other": {**DISK, "size": 5},
    },
    {
        "key": {"kind": "PublicKey", "key": key("one"), "name": "another name"},
        "net": {"kind": "Network", "specification": "10.0.0.0/25"},
        "ip": {"kind": "IpAddress", "network": {"ref": "net.id"}},
        "disk": {**DISK, "size": 4},
    },
]


@pytest.mark.both_doors
def test_the_same_steps_as_the_real_engine(stack: Stack, tmp_path: Path) -> None:
    """Create, update, replace, replace by deleting first (with a dependent), and delete."""
    with plugin(stack.cloud, tmp_path / "miniature", stack.door) as started:
        real: list[dict[str, str]] = []
        for program in PROGRAMS:
            stack.program(program)
            real += [stack.preview().steps, stack.up().steps]
        real += [stack.preview().steps, stack.destroy().steps]
        assert not stack.cloud.count()
        stack.cloud.reset()
        small, found = Miniature(started, "same"), list[dict[str, str]]()
        for program in PROGRAMS:
            runs = [small.preview(program), small.up(program)]
            assert [run.error for run in runs] == ["", ""]
            found += [run.steps for run in runs]
        found += [small.preview(PROGRAMS[-1]).steps, small.destroy().steps]
        assert not stack.cloud.count()
        assert found == real

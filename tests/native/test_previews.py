"""What a preview knows of the outputs, for every argument: it comes true, and only what may move is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.doors import NATIVE, Door
from tests.engine.test_lifecycles import ARGUMENTS, AROUND
from tests.miniature import Miniature, Plugin

BOTH = frozenset({"adapters", "public_ip", "private_ip"})  # a preview cannot ask which of them are public
MAY_MOVE = {
    "Instance-name": {"hostname"},  # the API does not say
    **dict.fromkeys(("Instance-ip_addresses", "Instance-network_adapters", "Instance-networks"), BOTH),
    "Instance-allocate_public_ip": {"adapters", "public_ip"},
    "Instance-allocate_private_ip": {"adapters", "private_ip"},
}
"""{row: outputs that an update of its argument may leave as they are}."""


@pytest.fixture(scope="session")
def door() -> Door:
    return NATIVE


@pytest.mark.slow
def test_every_argument(cloud: Emulator, plugged: Plugin) -> None:
    """Each is set, changed and taken away, as in tests/engine/test_lifecycles.py."""
    cloud.configure(provision_seconds=0.0)
    stack, before = Miniature(plugged, "previews"), dict[str, dict[str, Any]]()
    for number in (0, 1, 2, 0):
        program = AROUND | {row.name: row.inputs(row.values[number]) for row in ARGUMENTS}
        preview, up = stack.preview(program), stack.up(program)
        assert (preview.error, up.error, up.steps) == ("", "", preview.steps)
        after = {name: stack.outputs(name) for name in stack.state}
        for name, shown in preview.shown.items():
            assert {it: after[name].get(it) for it in shown} == shown
        for name in [name for name, step in preview.steps.items() if step == "update"]:
            same = {it for it, value in after[name].items() if value == before[name].get(it) and it[:2] != "__"}
            assert same - preview.shown[name].keys() <= MAY_MOVE.get(name, frozenset()), name
        before = after

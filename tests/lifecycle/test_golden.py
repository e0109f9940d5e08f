"""The state of users is a file format: old state must always load."""

from __future__ import annotations

import base64
import json
from typing import Any

import dill  # pyright: ignore[reportMissingTypeStubs] # it has no types
import pytest

import pulumi_joviam as joviam
from pulumi_joviam.cli.comment.harm import LIFECYCLES
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from tests.conftest import ROOT
from tools import golden

GOLDEN = json.loads((ROOT / "tests" / "golden" / "providers.json").read_text())
"""{resource: {"type": its type in the state, "provider": its serialized provider in the state}}, never changed."""

RESOURCES = {name: found for name in joviam.__all__ if isinstance(found := getattr(joviam, name), type)
             and issubclass(found, Resource)}  # fmt: skip


def test_every_resource_has_a_sample() -> None:
    """Each resource has a sample, and no sample was ever removed."""
    assert not [name for name in RESOURCES if name not in GOLDEN], "not in providers.json: run python tools/golden.py"
    assert not [name for name in GOLDEN if name not in RESOURCES]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_old_state_loads(name: str) -> None:
    """A provider in old state loads as the current class."""
    sample = base64.b64decode(GOLDEN[name]["provider"])
    provider: Lifecycle[Any, Any] = dill.loads(sample)  # noqa: S301 - our own sample # pyright: ignore[reportUnknownMemberType] # untyped
    assert type(provider) is RESOURCES[name]._lifecycle
    assert vars(provider) == {}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_new_state_is_like_the_old(name: str) -> None:
    """A current program writes the same type and provider, and the provider is short."""
    resource = RESOURCES[name]
    assert golden.sample(resource) == GOLDEN[name]
    assert len(GOLDEN[name]["provider"]) < 150
    assert resource._lifecycle.serialize_as_secret_always is False


PRIVATE: list[tuple[str, dict[str, Any]]] = [
    (it["type"], it["outputs"]["__kept"])
    for it in json.loads((ROOT / "tests/golden/states/0.1.0.json").read_text())["deployment"]["resources"]
    if "__kept" in it.get("outputs", {})
]
"""(type, private state) of the resources in an old stack."""

WRITTEN: dict[str, dict[str, Any]] = {
    "Disk": {"stopped_for_change": "id"},
    "Instance": {
        "boot_disk": "id",
        "boot_disk_stays": True,
        "next_boot_disk": "id",
        "old_boot_disks": ["id"],
        "smaller_boot_disk": True,
        "addresses": {"allocate_public_ip": "id"},
        "stopped_for_change": "id",
    },
    "AvailabilityGroup": {"members": ["id"]},
}
"""{resource: private state with every key that version 0.1.0 wrote}"""


@pytest.mark.parametrize(
    ("kind", "private"),
    [
        *PRIVATE,
        *((GOLDEN[name]["type"], it) for name, it in WRITTEN.items()),
        (GOLDEN["Instance"]["type"], {"addresses": {}}),
        (GOLDEN["AvailabilityGroup"]["type"], {"members": []}),
    ],
)
def test_private_state_is_read_and_written_as_before(kind: str, private: dict[str, Any]) -> None:
    """Every key is a field and written back unchanged; a key of another version is preserved."""
    memory = LIFECYCLES[kind].memory.read(private)
    assert {name: getattr(memory, name) for name in private} == private
    assert json.dumps(memory.write(), sort_keys=True) == json.dumps(private, sort_keys=True)
    assert LIFECYCLES[kind].memory.read({**private, "from_another_version": 1}).write() == {
        **private,
        "from_another_version": 1,
    }

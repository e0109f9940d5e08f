"""What stands in users' state is a file format: old state must load for ever."""

from __future__ import annotations

import base64
import json
from typing import Any

import dill
import pytest
from pulumi.dynamic.dynamic import serialize_provider

import pulumi_joviam as joviam
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from tests.conftest import ROOT

GOLDEN = json.loads((ROOT / "tests" / "golden" / "providers.json").read_text())
"""{resource: {"type": its type in the state, "provider": its provider as the state holds it}}, never changed."""

RESOURCES = {name: found for name in joviam.__all__ if isinstance(found := getattr(joviam, name), type)
             and issubclass(found, Resource)}  # fmt: skip


def test_every_resource_has_a_sample() -> None:
    """A new resource adds its sample; no sample is ever taken away."""
    assert sorted(RESOURCES) == sorted(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_old_state_loads(name: str) -> None:
    """The provider that an old state names is the one of today."""
    provider: Lifecycle[Any, Any] = dill.loads(base64.b64decode(GOLDEN[name]["provider"]))  # noqa: S301 - our own sample
    assert type(provider) is RESOURCES[name]._lifecycle
    assert vars(provider) == {}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_new_state_is_like_the_old(name: str) -> None:
    """The type and the provider that a program of today writes are those of the sample, and short."""
    resource = RESOURCES[name]
    assert f"pulumi-python:{resource._resource_type_name}" == GOLDEN[name]["type"]
    assert serialize_provider(resource._lifecycle()) == GOLDEN[name]["provider"]
    assert len(GOLDEN[name]["provider"]) < 150
    assert resource._lifecycle.serialize_as_secret_always is False

"""The workflows of the repository and of examples/ci pin their actions and have minimal permissions."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

EXAMPLE = "github.yml"
FILES = [*sorted((ROOT / ".github/workflows").glob("*.yml")), ROOT / "examples/ci" / EXAMPLE]
WORKFLOWS = {path.name: path.read_text() for path in FILES}


def steps(name: str) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(WORKFLOWS[name])["jobs"].values()
    return [step for job in jobs for step in job.get("steps", ())]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned(name: str) -> None:
    """Each action of another repository is pinned to a full commit, with its version in a comment."""
    used = re.findall(r"uses: (?!\./)(.*)$", WORKFLOWS[name], re.MULTILINE)
    assert used
    assert not [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", action)]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_permissions_are_minimal(name: str) -> None:
    """Workflows only read (the example also comments), drop the checkout token, and keep expressions out of shells."""
    comments = {"pull-requests": "write"} if name == EXAMPLE else {}
    assert yaml.safe_load(WORKFLOWS[name])["permissions"] == {"contents": "read", **comments}
    checkouts = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert not [step for step in steps(name) if "${{" in step.get("run", "")]


def test_ci_runs_the_tests() -> None:
    """The workflow runs the same command as any other CI, and a release needs it to pass."""
    assert ".ci/run" in [step.get("run") for step in steps("ci.yml")]
    release = yaml.safe_load(WORKFLOWS["release.yml"])["jobs"]
    assert release["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert "ci" in release["publish"]["needs"]

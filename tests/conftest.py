"""Fixtures: the real engine, an emulated cloud, and stacks that use both."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_joviam.emulator import Emulator
from tests.doors import DOORS, DYNAMIC, NATIVE, Door
from tests.miniature import Plugin, plugin
from tests.stack import Stack

ROOT = Path(__file__).parent.parent
TOKEN = "a-token-that-must-not-be-seen"

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # a shell ignores it for background jobs; plugins would too, and the engine would wait five seconds for each to end
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine_folder() -> str:
    """The folder of a working Pulumi CLI. If there is none, it is installed; tests are never skipped."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools/engine/install.py"], check=True, stdout=subprocess.PIPE, text=True
    )
    return found.stdout.strip()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests ignore the proxies and certificates of the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def shared_cloud() -> Iterator[Emulator]:
    """One emulator for all tests of a module."""
    with Emulator(token=TOKEN, provision_seconds=0.1) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: Emulator) -> Emulator:
    """An empty cloud."""
    shared_cloud.reset()
    return shared_cloud


@pytest.fixture(scope="session")
def door(request: pytest.FixtureRequest) -> Door:
    """The door through which stacks are served."""
    return DOORS[request.param]


@pytest.fixture(scope="module")
def plugged(shared_cloud: Emulator, door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """The real plugin without the engine, for many short runs."""
    with plugin(shared_cloud, tmp_path_factory.mktemp("plugin"), door) as started:
        yield started


@pytest.fixture
def stack(cloud: Emulator, door: Door, engine_folder: str, tmp_path: Path) -> Stack:
    """A new Pulumi stack on an empty cloud."""
    return Stack(tmp_path, cloud, engine_folder, door=door)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--door", choices=DOORS, help="run only tests of stacks, and serve these through this door")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Serve stacks through the door that --door asks for, or through the dynamic one; where both_doors is, both."""
    if "door" in metafunc.fixturenames:
        both, grouped = (any(metafunc.definition.iter_markers(name)) for name in ("both_doors", "xdist_group"))
        one = metafunc.config.getoption("--door") or ("" if both else DYNAMIC.name)
        # what a group of tests shares is another thing behind each door
        others = pytest.param(NATIVE.name, marks=[pytest.mark.xdist_group(NATIVE.name)] if grouped else [])
        doors = [pytest.param(one, id=pytest.HIDDEN_PARAM)] if one else [DYNAMIC.name, others]
        metafunc.parametrize("door", doors, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that `make quick` skips, and start with the slow ones, so that no worker is left with one."""
    if asked := config.getoption("--door"):
        others = [item for item in items if "door" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
        for item in items if asked == NATIVE.name else ():
            for mark in item.iter_markers("dynamic_only"):
                item.add_marker(pytest.mark.skip(reason=mark.kwargs["reason"]))
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "engine_folder" in fixtures or (ROOT / "tests" / "engine") in item.path.parents:
            item.add_marker("engine")
        if "browser" in fixtures:
            item.add_marker("slow")
    items.sort(key=lambda item: (not any(item.iter_markers("slow")), not any(item.iter_markers("engine"))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests have recorded."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.write_line(f"\n{text}")

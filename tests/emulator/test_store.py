"""Transitions of states over time, without a server."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, fields

import pytest

from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.network import Network
from pulumi_joviam.emulator.operations import NOUNS
from pulumi_joviam.emulator.store import Moving, Store, Switches
from tests.emulator.account import Account
from tests.emulator.reference import ENDPOINTS

MOVING: list[tuple[type[Moving], frozenset[str]]] = [
    (noun, shape["state"])
    for noun in NOUNS
    for method, path, _, shape in ENDPOINTS
    if issubclass(noun, Moving) and method == "GET" and re.fullmatch(rf"/{noun.kind}/{{\w+}}", path)
    if isinstance(shape, dict)
]


def test_all_states_are_known() -> None:
    """The reference has the states of every noun that has some."""
    assert {noun for noun, _ in MOVING} == {noun for noun in NOUNS if issubclass(noun, Moving)}


@pytest.mark.parametrize(("noun", "states"), MOVING, ids=[noun.kind for noun, _ in MOVING])
def test_transitions(noun: type[Moving], states: frozenset[str]) -> None:
    """Every transition has a duration and is between states of the API; there are no cycles."""
    assert not noun.transitions.keys() - noun.pace.keys(), f"states without a pace in {noun.__module__}"
    assert {*noun.transitions, *noun.transitions.values(), *noun.ready, noun.failed} <= states
    for state in noun.transitions:
        seen = {state}
        while state in noun.transitions:
            state = noun.transitions[state]
            assert state not in seen
            seen.add(state)


def network(state: str = "initial") -> Network:
    """A network without validation."""
    return Network(name=None, specification="10.0.0.0/24", region="", state=state)


def test_by_the_clock() -> None:
    """A state lasts its share of provision_seconds, and ends without accesses in between."""
    store = Store(Switches(provision_seconds=0.04))
    lan = store.provision(network())
    store.settle()
    assert lan.state == "provisioning"
    time.sleep(0.05)
    store.settle()
    assert lan.state == "ready"


def test_a_state_starts_when_the_previous_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not matter when the transition is noticed."""
    store = Store(Switches(provision_seconds=10))
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    instance = Instance(name="i", hostname="i", memory=512, performance_tier="", region="")
    store.provision(instance, then="starting")
    for now, state in ((1009.9, "provisioning"), (1014.9, "starting"), (1015.0, "running")):  # noqa: B007 - the lambda
        store.settle()
        assert instance.state == state


def test_settle_is_cheap() -> None:
    """settle costs time for transitions that end, not for those in progress."""
    store = Store(Switches(provision_seconds=3600))
    for _ in range(5000):
        store.provision(network())
    started = time.thread_time()
    for _ in range(2000):
        store.settle()
    assert time.thread_time() - started < 0.5  # CPU time: a busy machine does not matter
    store.switches = Switches(provision_seconds=0)
    store.settle()
    assert {lan.state for lan in store.all(Network)} == {"ready"}


def test_terminated_objects_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last deleted objects are stored, so that a long-running store stays small."""
    monkeypatch.setattr("pulumi_joviam.emulator.store.MOST_GONE", 3)
    store = Store(Switches(provision_seconds=0, gone_is_404=False))
    live = store.provision(network())
    gone = [store.provision(network()) for _ in range(5)]
    for lan in gone:
        lan.terminate(store)
    assert list(store.visible(Network)) == [live, *gone[-3:]]
    assert store.moving == {}


def test_at_once() -> None:
    """With provision_seconds=0 transitional states are never seen."""
    store = Store(Switches(provision_seconds=0))
    lan = store.provision(network())
    assert lan.state == "ready"
    lan.terminate(store)
    assert lan.state == "terminated"


@pytest.mark.parametrize(
    ("kind", "path", "state"),
    [
        ("disks", "/disks", "failed_to_provision"),
        ("networks", "/networks", "failed_to_provision"),
        ("instances", "/instances/assemble", "failed_to_provision"),
    ],
)
def test_fail_provisioning(account: Account, kind: str, path: str, state: str) -> None:
    """An object that fails to provision stays failed and can be deleted; the next one succeeds."""
    account.cloud.fail_provisioning(kind)
    bodies = {
        "/disks": account.disk_body(),
        "/networks": {"name": None, "region": account.region(), "specification": "10.1.0.0/24"},
        "/instances/assemble": account.instance_body(),
    }
    failed = account.call("POST", path, bodies[path])
    assert failed["state"] == "provisioning"
    account.settle()
    assert account.state(f"/{kind}/{failed['id']}") == state
    account.call("DELETE", f"/{kind}/{failed['id']}")
    account.settle()
    assert account.cloud.count() == {}
    fine = account.call("POST", path, bodies[path])
    account.settle()
    assert account.state(f"/{kind}/{fine['id']}") != state


def test_boot_disk_fails(account: Account) -> None:
    """An instance whose boot disk fails fails too; deleting it leaves a failed disk that can be deleted."""
    account.cloud.fail_provisioning("disks")
    instance = account.call("POST", "/instances", account.basic_body(start_when_ready=True))
    account.settle()
    assert account.state(f"/instances/{instance['id']}") == "failed_to_provision"
    account.call("DELETE", f"/instances/{instance['id']}")
    account.settle()
    disk = account.call("GET", f"/disks/{instance['disks'][0]['id']}")
    assert (disk["state"], disk["instance_id"]) == ("failed_to_provision", None)
    account.call("DELETE", f"/disks/{disk['id']}")


def test_console_session_fails(account: Account) -> None:
    """A console session has its own failed state."""
    instance = account.instance(running=True)
    account.cloud.fail_provisioning("console_sessions")
    session = account.call("POST", f"/instances/{instance}/remote_access")["id"]
    account.settle()
    assert account.state(f"/console_sessions/{session}") == "failed"


def test_only_json(account: Account) -> None:
    """Objects hold only JSON values, so a store can be saved to a file."""
    network = account.network()
    body = account.basic_body(networks=[network], public_keys=[account.key()], start_when_ready=True)
    account.call("POST", "/instances", body)
    account.settle()
    tables = account.cloud._store.tables
    for table in tables.values():
        for obj in table.values():
            again = type(obj)(**json.loads(json.dumps(asdict(obj))))
            assert {field.name for field in fields(again)} == asdict(obj).keys()
    assert {noun.kind for noun in NOUNS} >= tables.keys()

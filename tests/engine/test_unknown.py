"""Preview works with unknown values: every position in every argument may be unknown until `up`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest

import pulumi_joviam as joviam
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.resources.instance_args import BootDisk, NetworkAdapter
from tests.conftest import TOKEN
from tests.doors import Door
from tests.emulator.account import Account
from tests.keys import key
from tests.samples import SAMPLES, ExistingObjects
from tests.stack import Run, Stack
from tests.unknown import PLAIN, hide, places_to_hide

# one worker runs the stack for all tests of this module
pytestmark = pytest.mark.xdist_group("unknown")

Json = dict[str, Any]
SOURCE = "source"
"""A resource that is new in the first run and replaced in the second: values that depend on it are unknown in both."""


@dataclass
class Results:
    """The results of the CLI for one stack, in which each resource but one has unknown values."""

    new: Run
    again: Run
    named: Run
    """The preview in which the unknown values may have changed."""
    replaced: Run
    args: dict[str, list[Json]]
    """{class: arguments of its resources, before values were hidden}."""
    rows: set[str]
    writes: list[str]
    """The requests of the second `up` that write."""
    left: Json


@pytest.fixture(scope="module")
def results(door: Door, engine_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """A stack with a resource for each position and some with many unknown values: created, then previewed again."""
    with Emulator(token=TOKEN, provision_seconds=0.0) as cloud:
        existing = ExistingObjects(Account(cloud))
        samples = {kind: existing.arguments(kind) for kind in SAMPLES}
        program: dict[str, Json] = {SOURCE: {"kind": "PublicKey", "key": key("first")}}
        for kind, ways in samples.items():
            for number, way in enumerate(ways):
                for places in places_to_hide(kind, way):
                    row = {"kind": kind, **existing.arguments(kind)[number]}
                    for place in places:
                        row = hide(row, place, SOURCE)
                    program[f"{kind}-{number}-{'-'.join('.'.join(map(str, place)) for place in places)}"] = row
        before = cloud.count()
        cloud.configure(provision_seconds=0.0)
        stack = Stack(tmp_path_factory.mktemp("unknown"), cloud, engine_folder, door=door)
        stack.program(program)
        new, again = stack.up(), stack.preview()
        program[SOURCE] = {"kind": "PublicKey", "key": key("second")}
        stack.program(program)
        named = stack.preview()
        sent = len(cloud.requests)
        replaced = stack.up()
        writes = [f"{it.method} {it.path}" for it in cloud.requests[sent:] if it.method != "GET"]
        stack.destroy()
        left = cloud.count() - before
        yield Results(new, again, named, replaced, samples, program.keys() - {SOURCE}, writes, left)


def test_every_argument_is_tested(results: Results) -> None:
    """No argument can be forgotten here."""
    classes = {name for name in joviam.__all__ if isinstance(getattr(joviam, name), type)}
    resources = {name for name in classes if issubclass(getattr(joviam, name), pulumi.Resource)}
    assert resources - {"Provider"} == set(results.args)
    for kind, ways in results.args.items():
        signature = inspect.signature(getattr(joviam, kind).__init__).parameters
        arguments = {name for name, found in signature.items() if found.kind is found.KEYWORD_ONLY}
        assert arguments == {argument for way in ways for argument in way}, kind
    instances = results.args["Instance"]
    assert any(set(BootDisk.__annotations__) == set(way.get("boot_disk", ())) for way in instances)
    assert any(
        set(NetworkAdapter.__annotations__) == set(it) for way in instances for it in way.get("network_adapters", ())
    )


def test_a_new_program_is_previewed_and_created(results: Results) -> None:
    """The first `up` of a stack, with its preview, creates everything; then nothing is left to do."""
    assert results.rows < results.new.steps.keys()
    assert set(results.new.steps.values()) == {"create"}
    assert results.again.empty, results.again.text


def test_values_that_are_unknown_again_cause_no_update(results: Results) -> None:
    """If the source is replaced, preview shows that each resource may change; in `up` no value has changed."""
    components = {row for row in results.rows if row.split("-")[0] in PLAIN}
    assert results.rows - components <= results.named.steps.keys()
    assert results.replaced.steps == {SOURCE: "replace"}
    assert [written.split("/")[1] for written in results.writes] == ["public_keys", "public_keys"]


def test_an_unknown_size_may_be_smaller(stack: Stack) -> None:
    """Preview shows the replacement and the loss that such a size may cause, so `up` does nothing unannounced."""

    def program(owner: str, size: int) -> Json:
        disk = {"kind": "Disk", "size": {"after": SOURCE, "say": size}, "performance_tier": "Fast"}
        return {SOURCE: {"kind": "PublicKey", "key": key(owner)}, "d": disk}

    stack.program(program("first", 20))
    stack.up()
    for owner, size, step in (("second", 30, "update"), ("third", 10, "replace")):
        stack.program(program(owner, size))
        preview = stack.preview()
        assert preview.steps == {SOURCE: "replace", "d": "replace"}
        assert ["loses the" in message for name, message in preview.warnings if name == "d"] == [True]
        assert stack.up().steps == {SOURCE: "replace", "d": step}
    assert [disk["size"] for disk in stack.cloud.objects("disks")] == [10]


def test_an_unknown_account(stack: Stack) -> None:
    """The settings of a Provider may be unknown until `up`: preview shows its resources, and `up` creates them."""
    with Emulator(token="another", provision_seconds=0.0) as other:
        stack.write(
            f"""
import pulumi
import pulumi_joviam as joviam
first = joviam.PublicKey("first", key={key("first")!r})
settings = dict(token="another", endpoint={other.url!r}, region="SY3", max_concurrency=4)
account = joviam.Provider("other", **{{name: first.id.apply(lambda _, it=it: it) for name, it in settings.items()}})
disk = joviam.Disk("d", pulumi.ResourceOptions(provider=account), size=5, performance_tier="Fast")
found = joviam.get_disk_output(id=disk.id, opts=pulumi.InvokeOptions(provider=account))
joviam.PublicKey("second", key={key("second")!r}, name=found.apply(lambda it: f"{{it.size}} GB"))
"""
        )
        assert stack.up().steps == {"first": "create", "d": "create", "second": "create"}
        assert stack.preview().empty
        assert other.count() == {"disks": 1}
    assert sorted(item["name"] for item in stack.cloud.objects("public_keys")) == ["5 GB", "first"]


def test_destroy_leaves_what_cannot_be_deleted(results: Results) -> None:
    """Everything is deleted but the versions of a template."""
    assert set(results.left) <= {"templates", "console_sessions"}

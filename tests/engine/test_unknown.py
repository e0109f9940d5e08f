"""A new program can be previewed: whatever it says may be unknown until `up`, at every place of every argument."""

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
from tests.emulator.account import Account
from tests.keys import key
from tests.samples import SAMPLES, There
from tests.stack import Run, Stack
from tests.unknown import PLAIN, hide, hidings

# the story is told once, whatever the number of workers
pytestmark = pytest.mark.xdist_group("unknown")

Json = dict[str, Any]
SOURCE = "source"
"""The resource that is new in the first run and replaced in the second: what comes after it is unknown in both."""


@dataclass
class Story:
    """What the CLI showed of one stack, in which each resource but one has something unknown."""

    new: Run
    again: Run
    named: Run
    """The preview of a program in which what is unknown may be something else by now."""
    replaced: Run
    said: dict[str, list[Json]]
    """{class: all that was said of resources of it, before anything was hidden}."""
    rows: set[str]
    writes: list[str]
    """What the second `up` sent beside questions."""
    left: Json


@pytest.fixture(scope="module")
def story(engine_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A stack of one resource for each place and some with many unknown values, made and then previewed anew."""
    with Emulator(token=TOKEN, provision_seconds=0.0) as cloud:
        world = There(Account(cloud))
        said = {kind: world.say(kind) for kind in SAMPLES}
        program: dict[str, Json] = {SOURCE: {"kind": "PublicKey", "key": key("first")}}
        for kind, ways in said.items():
            for number, way in enumerate(ways):
                for places in hidings(kind, way):
                    row = {"kind": kind, **world.say(kind)[number]}
                    for place in places:
                        row = hide(row, place, SOURCE)
                    program[f"{kind}-{number}-{'-'.join('.'.join(map(str, place)) for place in places)}"] = row
        there = cloud.count()
        cloud.configure(provision_seconds=0.0)
        stack = Stack(tmp_path_factory.mktemp("unknown"), cloud, engine_folder)
        stack.program(program)
        new, again = stack.up(), stack.preview()
        program[SOURCE] = {"kind": "PublicKey", "key": key("second")}
        stack.program(program)
        named = stack.preview()
        before = len(cloud.requests)
        replaced = stack.up()
        asked = [f"{it.method} {it.path}" for it in cloud.requests[before:] if it.method != "GET"]
        stack.destroy()
        left = cloud.count() - there
        yield Story(new, again, named, replaced, said, program.keys() - {SOURCE}, asked, left)


def test_every_place_of_every_argument_is_tried(story: Story) -> None:
    """A new argument cannot be forgotten here."""
    classes = {name for name in joviam.__all__ if isinstance(getattr(joviam, name), type)}
    resources = {name for name in classes if issubclass(getattr(joviam, name), pulumi.Resource)}
    assert resources - {"Provider"} == set(story.said)
    for kind, ways in story.said.items():
        signature = inspect.signature(getattr(joviam, kind).__init__).parameters
        arguments = {name for name, found in signature.items() if found.kind is found.KEYWORD_ONLY}
        assert arguments == {argument for way in ways for argument in way}, kind
    instances = story.said["Instance"]
    assert any(set(BootDisk.__annotations__) == set(way.get("boot_disk", ())) for way in instances)
    assert any(
        set(NetworkAdapter.__annotations__) == set(it) for way in instances for it in way.get("network_adapters", ())
    )


def test_a_new_program_is_previewed_and_made(story: Story) -> None:
    """The first `up` of a stack, with its preview as people run it, makes everything; then nothing is left to do."""
    assert story.rows < story.new.steps.keys()
    assert set(story.new.steps.values()) == {"create"}
    assert story.again.empty, story.again.text


def test_what_is_unknown_again_is_named_and_left_alone(story: Story) -> None:
    """Where what comes first is replaced, each resource may change; in `up` it turns out to be what it was."""
    components = {row for row in story.rows if row.split("-")[0] in PLAIN}
    assert story.rows - components <= story.named.steps.keys()
    assert story.replaced.steps == {SOURCE: "replace"}
    assert [written.split("/")[1] for written in story.writes] == ["public_keys", "public_keys"]


def test_a_size_that_is_unknown_may_be_smaller(stack: Stack) -> None:
    """The preview names the replacement and the loss that such a size may mean, so `up` does nothing unannounced."""

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


def test_an_account_that_is_unknown(stack: Stack) -> None:
    """Also another account may be known only in `up`: what is in it is previewed, and made there."""
    with Emulator(token="another", provision_seconds=0.0) as other:
        (stack.project / "__main__.py").write_text(
            f"""
import pulumi
import pulumi_joviam as joviam
first = joviam.PublicKey("first", key={key("first")!r})
said = dict(token="another", endpoint={other.url!r}, region="SY3", max_concurrency=4)
account = joviam.Provider("other", **{{name: first.id.apply(lambda _, it=it: it) for name, it in said.items()}})
disk = joviam.Disk("d", pulumi.ResourceOptions(provider=account), size=5, performance_tier="Fast")
found = joviam.get_disk_output(id=disk.id, opts=pulumi.InvokeOptions(provider=account))
joviam.PublicKey("second", key={key("second")!r}, name=found.apply(lambda it: f"{{it.size}} GB"))
"""
        )
        assert stack.up().steps == {"first": "create", "d": "create", "second": "create"}
        assert stack.preview().empty
        assert other.count() == {"disks": 1}
    assert sorted(item["name"] for item in stack.cloud.objects("public_keys")) == ["5 GB", "first"]


def test_destroy_leaves_what_cannot_be_deleted(story: Story) -> None:
    """What each resource made is gone, but for the versions of a template."""
    assert set(story.left) <= {"templates", "console_sessions"}

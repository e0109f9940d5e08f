"""Two accounts in one stack: each object is created, read, changed and deleted in its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pulumi_joviam.emulator import Emulator
from tests.keys import key
from tests.stack import Run, Stack

OTHER = "another-token-that-must-not-be-seen"
FROM_CONFIG = "pulumi.Config().require_secret('token')"


@pytest.fixture(scope="module")
def shared_other() -> Iterator[Emulator]:
    """One emulator for the second account of this module's tests."""
    with Emulator(token=OTHER, provision_seconds=0.1) as cloud:
        yield cloud


@pytest.fixture
def other(shared_other: Emulator) -> Emulator:
    """The second account, empty."""
    shared_other.token = OTHER
    shared_other.reset()
    return shared_other


def program(stack: Stack, other: Emulator, text: str, token: str = FROM_CONFIG) -> None:
    """Write a program whose second account is `other`."""
    stack.write(
        "import pulumi\nimport pulumi_joviam as joviam\n"
        f"other = joviam.Provider('other', token={token}, endpoint={other.url!r})\n{text}"
    )
    stack.pulumi("config", "set", "--secret", "token", other.token)


def names(cloud: Emulator, kind: str = "public_keys") -> list[str]:
    return sorted(item["name"] for item in cloud.objects(kind))


def written(stack: Stack, run: Run) -> str:
    """Return everything that was printed or stored, with the state files as they are on disk."""
    return run.text + "".join(path.read_text() for path in stack.state.rglob("*") if path.is_file())


def test_each_object_is_in_its_providers_account(stack: Stack, other: Emulator) -> None:
    """This holds through the whole lifecycle of a stack, and no token is printed or stored in plain text."""
    text = """
class Pair(pulumi.ComponentResource):
    def __init__(self, name, opts):
        super().__init__("test:Pair", name, {}, opts)
        joviam.Network("lan", specification="10.0.0.0/24", opts=pulumi.ResourceOptions(parent=self))

joviam.PublicKey("here", key=KEY)
joviam.PublicKey("there", key=KEY, name=NAME, opts=pulumi.ResourceOptions(provider=other))
Pair("pair", pulumi.ResourceOptions(providers=[other]))
"""
    program(stack, other, f"KEY, NAME = {key('a')!r}, 'there'\n{text}")
    printed = stack.preview().text
    run = stack.up()
    printed += written(stack, run)
    assert run.steps == {"here": "create", "there": "create", "lan": "create"}
    assert (names(stack.cloud), names(other), names(other, "networks")) == (["here"], ["there"], ["lan"])
    assert names(stack.cloud, "networks") == []
    assert stack.preview().empty
    other.change(other.objects("networks")[0]["id"], name="drift")
    run = stack.refresh()
    assert run.steps == {"lan": "update"}
    program(stack, other, f"KEY, NAME = {key('a')!r}, 'renamed'\n{text}")
    run = stack.up()
    printed += written(stack, run)
    assert run.steps == {"there": "update", "lan": "update"}
    assert (names(stack.cloud), names(other), names(other, "networks")) == (["here"], ["renamed"], ["lan"])
    printed += written(stack, stack.destroy())
    assert (stack.cloud.count(), other.count()) == ({}, {})
    assert OTHER not in printed
    assert stack.cloud.token not in printed
    assert {request.status for request in [*stack.cloud.requests, *other.requests]} <= {200, 201, 202, 404}


def test_a_token_unknown_in_preview_is_used_in_up(stack: Stack, other: Emulator) -> None:
    """Preview does not fail; `up` creates the object, and look-ups wait for the token."""
    text = f"""
joviam.PublicKey("there", key={key("b")!r}, opts=pulumi.ResourceOptions(provider=other))
found = joviam.get_regions_output(opts=pulumi.InvokeOptions(provider=other))
pulumi.export("regions", found.apply(len))
"""
    first = f"joviam.PublicKey('here', key={key('a')!r}).id"
    program(stack, other, text, token=f"{first}.apply(lambda _: {OTHER!r})")
    run = stack.preview()
    assert run.steps == {"here": "create", "there": "create"}
    assert other.requests == []
    stack.up()
    assert (names(stack.cloud), names(other)) == (["here"], ["there"])
    assert json.loads(stack.pulumi("stack", "output", "--json").text) == {"regions": 2}
    assert stack.preview().empty
    stack.destroy()
    assert (stack.cloud.count(), other.count()) == ({}, {})


def test_provider_settings_default_to_the_stacks(stack: Stack, other: Emulator) -> None:
    """Region, endpoint and concurrency default to the stack's; explicit ones apply to the provider's resources."""
    stack.write(
        f"""
import pulumi
import pulumi_joviam as joviam

alike = joviam.Provider("alike", token={stack.cloud.token!r})
other = joviam.Provider(
    "other", token={OTHER!r}, endpoint=pulumi.Output.from_input({other.url!r}), region="ML1", max_concurrency=2
)
joviam.Network("here", specification="10.0.0.0/24", opts=pulumi.ResourceOptions(provider=alike))
joviam.Network("there", specification="10.0.0.0/24", opts=pulumi.ResourceOptions(provider=other))
"""
    )
    run = stack.up()
    assert [item["region"]["code"] for item in stack.cloud.objects("networks")] == ["SY3"]
    assert [item["region"]["code"] for item in other.objects("networks")] == ["ML1"]
    assert stack.preview().empty
    assert OTHER not in written(stack, run)


def test_look_ups_use_the_account_of_their_provider(stack: Stack, other: Emulator) -> None:
    """A look-up uses its provider, or the one of its parent; its results are not secret."""
    text = f"""
plain = joviam.Provider("plain", token={OTHER!r}, endpoint={other.url!r})
there = joviam.PublicKey("there", key={key("a")!r}, opts=pulumi.ResourceOptions(provider=other))
group = pulumi.ComponentResource("test:Group", "group", {{}}, pulumi.ResourceOptions(providers=[other]))

def found(**options):
    after = pulumi.InvokeOutputOptions(depends_on=[there], **options)
    return joviam.get_public_keys_output(opts=after).apply(lambda keys: [key.name for key in keys])

pulumi.export("here", found())
pulumi.export("there", found(provider=other))
pulumi.export("group", found(parent=group))
pulumi.export("plain", len(joviam.get_regions(opts=pulumi.InvokeOptions(provider=plain))))
try:
    joviam.get_regions(opts=pulumi.InvokeOptions(provider=other))
except pulumi.RunError as error:
    pulumi.export("error", str(error))
"""
    program(stack, other, text)
    run = stack.up()
    assert json.loads(stack.pulumi("stack", "output", "--json").text) == {
        "here": [],
        "there": ["there"],
        "group": ["there"],
        "plain": 2,
        "error": "get_regions: joviam:token is an Output, whose value comes later; get_regions_output waits for it",
    }
    assert OTHER not in written(stack, run)


def test_a_refused_token_names_its_provider(stack: Stack, other: Emulator) -> None:
    """A new token works with `up`, and with --run-program for a refresh."""
    program(
        stack,
        other,
        f"joviam.PublicKey('there', key={key('a')!r}, opts=pulumi.ResourceOptions(provider=other))\n"
        "joviam.get_regions_output(opts=pulumi.InvokeOptions(provider=other))\n",
    )
    stack.up()
    other.token = "a-newer-token-that-must-not-be-seen"
    [text] = [message for name, message in stack.refresh(fails=True).errors if name == "there"]
    assert "the API refused the token (401 invalid_token, GET /public_keys/" in text
    assert 'The token came from the Provider "other".' in text
    assert 'The token came from the Provider "other".' in stack.preview(fails=True).text
    stack.pulumi("config", "set", "--secret", "token", other.token)
    assert stack.refresh("--run-program").empty
    assert stack.up().empty
    assert stack.refresh().empty
    assert names(other) == ["there"]


@pytest.mark.parametrize("token", ["' '", "None", "pulumi.Output.from_input('')"])
def test_an_empty_token_is_refused(stack: Stack, other: Emulator, token: str) -> None:
    """It does not fall back to the account of the stack."""
    program(
        stack, other, f"joviam.PublicKey('k', key={key('a')!r}, opts=pulumi.ResourceOptions(provider=other))", token
    )
    run = stack.up(fails=True)
    assert 'the token of the Provider "other" is empty' in run.text
    assert "Traceback" not in run.text
    assert (stack.cloud.requests, other.requests) == ([], [])

"""Look-ups: in a process that has an account in its environment, and in programs on the real engine."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pulumi
import pytest
from pydantic import BaseModel

import pulumi_joviam as joviam
from pulumi_joviam import lookups
from pulumi_joviam.emulator import Emulator
from pulumi_joviam.lifecycle import operation
from tests.conftest import TOKEN
from tests.emulator import reference
from tests.emulator.account import Account
from tests.keys import key
from tests.samples import RESOURCES
from tests.stack import Run, Stack
from tools import look_ups

Json = dict[str, Any]

NOBODY = "00000000-0000-0000-0000-000000000000"

EXAMPLES: dict[str, Json] = {
    "get_region": {"code": "SY3"},
    "get_regions": {},
    "get_performance_tier": {"use": "disk", "name": "Fast", "region": "SY3"},
    "get_performance_tiers": {"use": "instance", "region": "AU South"},
    "get_template": {"slug": "ubuntu-16-04", "region": "SY3"},
    "get_templates": {"region": "ML1", "superseded": False},
    "get_disk": {"name": "logs"},
    "get_disks": {"region": "SY3"},
    "get_instance": {"name": "Web Server", "region": "AU East"},
    "get_instances": {"region": "ML1"},
    "get_network": {"specification": "10.1.0.0/24"},
    "get_networks": {"public": True, "region": "SY3"},
    "get_ip_address": {"name": "web"},
    "get_ip_addresses": {"public": False},
    "get_public_key": {"name": "laptop"},
    "get_public_keys": {},
}
"""A call of every look-up that finds something in a stocked account."""

PLAIN = {
    f"get_{model.noun.lower().replace(' ', '_')}": model
    for model in [resource._lifecycle.model for resource in RESOURCES.values()]
    if f"POST {model.path}" in reference.EXAMPLES
}
"""{look-up: its model} of what a plain request makes; its plural is called by the model's path."""


def stocked(cloud: Emulator) -> Account:
    """Put some of everything into the account."""
    account = Account(cloud)
    for name, region in (("data", "SY3"), ("data", "ML1"), ("logs", "SY3")):
        account.disk(region, name=name)
    network = account.network()
    account.address(account.public_network())
    address = account.address(network, name="web")
    account.instance(ip_addresses=[address], public_keys=[account.key()])
    account.key("desktop")
    return account


@pytest.fixture
def account(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    """A stocked account that this process looks things up in."""
    monkeypatch.setenv("JOVIAM_TOKEN", cloud.token)
    monkeypatch.setenv("JOVIAM_ENDPOINT", cloud.url)
    operation._open.cache_clear()
    return stocked(cloud)


def asked(cloud: Emulator) -> list[str]:
    """Return the requests that were made, as the reference writes them."""
    return [request.operation or "" for request in cloud.requests]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        act()
    return str(caught.value)


# -- what is found --


def test_every_look_up_has_two_forms() -> None:
    """Every look-up is exported, has an `_output` form with the same arguments, and an example here."""
    assert look_ups.OUTPUTS.read_text() == look_ups.source(), "python tools/look_ups.py writes outputs.py anew"
    plain = {name for name in vars(lookups) if name.startswith("get_")}
    assert plain == {*EXAMPLES, *PLAIN, *(f"get_{model.path[1:]}" for model in PLAIN.values())}
    assert {*plain, *(f"{name}_output" for name in plain)} == {n for n in joviam.__all__ if n.startswith("get_")}


@pytest.mark.parametrize(
    ("name", "words", "more"),
    [
        ("region", ("id", "code", "name"), {}),
        ("performance_tier", ("id", "name"), {"use": "disk", "region": "ML1"}),
        ("performance_tier", ("id", "name"), {"use": "instance", "region": "AU East"}),
        ("template", ("id", "slug", "name"), {"region": "SY3"}),
        ("disk", ("id", "name"), {"region": "SY3"}),
        ("instance", ("id", "name"), {}),
        ("network", ("id", "name", "specification"), {}),
        ("ip_address", ("id", "address", "name"), {}),
        ("public_key", ("id", "name"), {}),
    ],
)
def test_each_word_finds_the_object(account: Account, name: str, words: tuple[str, ...], more: Json) -> None:
    """An object is found by its id and by each of its words, and is what the API shows of it."""
    find = getattr(joviam, f"get_{name}")
    said = EXAMPLES[f"get_{name}"]
    found = find(**{**said, **more})
    kind = f"performance_tiers/{more['use']}s" if "use" in more else found.path[1:]
    [shown] = [item for item in account.call("GET", f"/{kind}") if item["id"] == found.id]
    model = cast(type[BaseModel], type(found))
    assert model.model_validate(shown) == found
    assert set(shown) <= set(model.model_fields)
    assert {word: find(**{word: shown[word]}, **more) for word in words} == dict.fromkeys(words, found)
    assert find(**{word: shown[word] for word in words}, **more) == found


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_noun_is_found(account: Account, name: str) -> None:
    """Each argument of its look-up finds it alone, its plural lists it, and what is gone is not found."""
    find, model = getattr(joviam, name), PLAIN[name]
    find_all = getattr(joviam, f"get_{model.path[1:]}")
    account.cloud.reset()
    id = reference.make(account, model.path)
    shown = account.call("GET", f"{model.path}/{id}")
    found = find(id=id)
    assert type(found) is model
    assert model.model_validate(shown) == found
    assert set(shown) <= set(model.model_fields)
    words = {word: shown[word] for word in inspect.signature(find).parameters if word in shown}
    assert {"id", "name"} <= words.keys()
    assert {word: find(**{word: value}) for word, value in words.items()} == dict.fromkeys(words, found)
    assert find_all() == [found]
    account.cloud.remove(id)
    for word, value in words.items():
        assert "no match" in refused(partial(find, **{word: value}))
    assert find_all() == []


def test_by_id_the_object_itself_is_asked_for(account: Account) -> None:
    """An id is one request for that object; only performance tiers have to be listed."""
    ids = {name: getattr(joviam, f"get_{name}")(**EXAMPLES[f"get_{name}"]).id for name in ("region", "disk", "network")}
    before = len(asked(account.cloud))
    for name, id in ids.items():
        getattr(joviam, f"get_{name}")(id=id)
    assert asked(account.cloud)[before:] == [
        "GET /regions/{region_id}",
        "GET /disks/{disk_id}",
        "GET /networks/{network_id}",
    ]


def test_a_slug_means_the_newest_version(account: Account) -> None:
    """A slug or name finds what nothing supersedes, an id finds any version, and lists can be of either."""
    old = joviam.get_template(slug="debian-9", region="SY3")
    disk = joviam.get_disk(name="logs").id
    account.call("POST", "/templates", {"disk": disk, "supersedes": old.id})
    operation._open.cache_clear()  # as the next process would see it
    assert joviam.get_template(slug="debian-9", region="SY3").version == 2
    assert joviam.get_template(name="Debian 9", region="SY3").disk_id == disk
    assert joviam.get_template(id=old.id).version == 1
    everything = joviam.get_templates(region="SY3")
    newest = joviam.get_templates(region="SY3", superseded=False)
    older = joviam.get_templates(region="SY3", superseded=True)
    assert sorted(item.version for item in older) == [1, 1]
    assert sorted(item.version for item in newest) == [1, 2, 2]
    assert {item.id for item in everything} == {item.id for item in [*newest, *older]}


def test_lists(account: Account) -> None:
    """A list holds what fits, in the API's order; public and private are the API's own lists."""
    assert [region.code for region in joviam.get_regions()] == ["SY3", "ML1"]
    assert [tier.name for tier in joviam.get_performance_tiers(use="disk", region="ML1")] == ["Standard", "Fast"]
    assert len(joviam.get_performance_tiers(use="instance")) == 4
    assert len(joviam.get_performance_tiers()) == 8
    assert [disk.name for disk in joviam.get_disks()] == ["data", "data", "logs"]
    assert [disk.region.code for disk in joviam.get_disks(region="AU South")] == ["ML1"]
    assert [instance.name for instance in joviam.get_instances(region="SY3")] == ["Web Server"]
    assert joviam.get_instances(region="ML1") == []
    assert [found.name for found in joviam.get_public_keys()] == ["laptop", "desktop"]
    before = len(asked(account.cloud))
    assert len(joviam.get_networks()) == 3
    assert [network.is_public for network in joviam.get_networks(public=True, region="SY3")] == [True]
    assert [network.name for network in joviam.get_networks(public=False)] == ["lan"]
    assert len(joviam.get_ip_addresses()) == 2
    assert [address.name for address in joviam.get_ip_addresses(public=True)] == [None]
    assert [address.name for address in joviam.get_ip_addresses(public=False)] == ["web"]
    lists = [f"GET /{kind}{which}" for kind in ("networks", "ip_addresses") for which in ("", "/public", "/private")]
    assert [request for request in asked(account.cloud)[before:] if "regions" not in request] == lists


def test_what_is_gone_is_not_found(account: Account) -> None:
    """What is terminated or belongs to another organization now is neither found nor listed."""
    disks = account.call("GET", "/disks")
    disks[0]["state"], disks[1]["state"] = "terminated", "transferred"
    account.cloud.fail("GET /disks", body=json.dumps(disks).encode(), times=2)
    account.cloud.fail("GET /disks/{disk_id}", body=json.dumps(disks[0]).encode())
    assert [disk.name for disk in joviam.get_disks()] == ["logs"]
    assert "no match; available:\n  logs, SY3, " in refused(lambda: joviam.get_disk(name="data", region="SY3"))
    assert "no match" in refused(lambda: joviam.get_disk(id=disks[0]["id"]))


def test_what_joviam_offers_is_listed_once(account: Account) -> None:
    """Regions, tiers and templates are listed once per process, what the account has each time."""
    before = len(asked(account.cloud))
    for _ in range(2):
        for name in EXAMPLES:
            getattr(joviam, name)(**EXAMPLES[name])
    seen = asked(account.cloud)[before:]
    once = ("GET /regions", "GET /performance_tiers/disks", "GET /performance_tiers/instances", "GET /templates")
    assert [seen.count(path) for path in once] == [1, 1, 1, 1]
    assert seen.count("GET /disks") == 4


# -- what is refused --

NO_ID = "is not a valid id (ids look like 00000000-0000-…)"

REFUSED: list[tuple[str, Json, str]] = [
    ("get_disk", {}, "pass at least one of id, name"),
    ("get_disk", {"region": "SY3"}, "pass at least one of id, name"),
    ("get_disk", {"name": "dta"}, "no match; available:\n  data, ML1, ID\n  data, SY3, ID\n  logs, SY3, ID"),
    ("get_disk", {"id": NOBODY}, "no match; available:\n  data, ML1, ID\n  data, SY3, ID\n  logs, SY3, ID"),
    ("get_disk", {"name": "logs", "region": "ML1"}, "no match; available:\n  data, ML1, ID"),
    ("get_disk", {"name": "data"}, "2 matches; narrow it down or use an id:\n  data, ML1, ID\n  data, SY3, ID"),
    ("get_instance", {"name": "Web Server", "region": "ML1"}, "no match; the list is empty"),
    ("get_ip_address", {"name": "www"}, "no match; available:\n  10.1.0.1, web, ID\n  203.0.113.2, ID"),
    (
        "get_template",
        {"slug": "debian-9"},
        "2 matches; narrow it down or use an id:\n  debian-9, Debian 9, ML1, ID\n  debian-9, Debian 9, SY3, ID",
    ),
    ("get_disk", {"id": "../instances"}, f"id: {NO_ID}"),
    ("get_disk", {"id": ""}, f"id: {NO_ID}"),
    ("get_disk", {"name": 7}, "name: must be a text, not int"),
    ("get_disks", {"region": "SY4"}, "region: is unknown; available: ML1, SY3"),
    ("get_networks", {"public": "yes"}, "public: must be True or False"),
    ("get_performance_tiers", {"use": "disks"}, "use: must be 'disk' or 'instance'"),
]


@pytest.mark.parametrize(("name", "said", "told"), REFUSED)
def test_a_mistake_is_told(account: Account, name: str, said: Json, told: str) -> None:  # noqa: ARG001 - is stocked
    """None, several, or what cannot be asked: one message that says what was asked and what there is."""
    asked = f"{name}({', '.join(f'{key}={value!r}' for key, value in said.items())}): "
    text = refused(lambda: getattr(joviam, name)(**said))
    assert text.startswith(asked)
    assert re.sub(r"\w{8}-\w{4}-\w{4}-\w{4}-\w{12}", "ID", text.removeprefix(asked)) == told


def test_the_region_of_the_stack_is_meant(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what every region has, that of the stack's or the Provider's region is meant; nothing else is narrowed."""
    other = object.__new__(joviam.Provider)
    config: dict[str, pulumi.Input[str]] = {
        "joviam:token": TOKEN, "joviam:endpoint": account.cloud.url, "joviam:region": "ML1",
    }  # fmt: skip
    other._account = config
    opts = pulumi.InvokeOptions(provider=other)
    monkeypatch.setattr(pulumi.runtime, "get_config", {"joviam:region": "SY3"}.get)
    for options, here, elsewhere in ((None, "SY3", "ML1"), (opts, "ML1", "SY3")):
        template = joviam.get_template(slug="debian-9", opts=options)
        tier = joviam.get_performance_tier(name="Standard", use="disk", opts=options)
        assert (template.region.code, tier.region.code) == (here, here)
        far = joviam.get_template(slug="debian-9", region=elsewhere, opts=options)
        assert far.region.code == elsewhere
        assert joviam.get_template(id=far.id, opts=options) == far
        ids = {tier.id for tier in joviam.get_performance_tiers(use="disk", opts=options)}
        assert ids == {joviam.get_performance_tier(id=id, opts=options).id for id in ids}
        assert {template.region.code for template in joviam.get_templates(opts=options)} == {"SY3", "ML1"}
        assert "2 matches; narrow it down" in refused(partial(joviam.get_disk, name="data", opts=options))
        text = refused(partial(joviam.get_template, slug="debian-7", opts=options))
        first, *candidates = text.splitlines()
        assert first.endswith(f": no match in {here}, the region of the stack or Provider; available:")
        assert candidates
        assert all(f", {here}, " in line for line in candidates)
    text = refused(lambda: joviam.get_performance_tier(name="Standard"))
    assert "2 matches in SY3, the region of the stack or Provider; narrow it down or use an id:" in text


def test_only_twenty_candidates_are_listed(cloud: Emulator, account: Account) -> None:
    """Of many candidates the first twenty are listed, by name, and the others counted."""
    for number in range(30):
        account.disk(name=f"d{number:02}")
    lines = refused(lambda: joviam.get_disk(name="x")).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert (lines[1][:6], lines[-1]) == ("  d00,", "  … and 13 more")
    assert cloud.token not in str(lines)


def test_an_output_needs_the_output_form(account: Account) -> None:  # noqa: ARG001 - is stocked
    """The plain form takes no Output, and says which form does."""

    async def look_up() -> str:
        return refused(lambda: joviam.get_disk(name=pulumi.Output.from_input("logs")))  # type: ignore[arg-type] # the mistake

    told = "get_disk: name is an Output, whose value comes later; get_disk_output waits for it"
    assert asyncio.run(look_up()) == told


def test_another_kind_of_provider_is_refused(account: Account) -> None:  # noqa: ARG001 - is stocked
    """Only a Provider of ours names an account."""
    options = pulumi.InvokeOptions(provider=object.__new__(pulumi.ProviderResource))
    assert "asks the account of a pulumi_joviam.Provider" in refused(lambda: joviam.get_disks(opts=options))


# -- in programs --


def program(stack: Stack, text: str) -> None:
    """Write the program: what is wanted from now on."""
    (stack.project / "__main__.py").write_text(f"import pulumi\nimport pulumi_joviam as joviam\n{text}")


def outputs(stack: Stack) -> Json:
    found: Json = json.loads(stack.pulumi("stack", "output", "--json").text)
    return found


def told(run: Run) -> list[str]:
    """Return the errors, without the one in which Pulumi says that there were some."""
    assert "Traceback" not in run.text
    return [message.rstrip("\n") for _, message in run.errors if "exited with non-zero exit code" not in message]


def test_both_forms_find_the_same(stack: Stack) -> None:
    """In a program the `_output` form finds what the plain one does, and answers are exported as mappings."""
    stocked(stack.cloud)
    (stack.project / "examples.json").write_text(json.dumps(EXAMPLES))
    program(
        stack,
        """
import json
for name, said in json.load(open("examples.json")).items():
    plain = getattr(joviam, name)(**said)
    later = {key: pulumi.Output.from_input(value) for key, value in said.items()}
    output = getattr(joviam, f"{name}_output")(**later)
    pulumi.export(name, output.apply(lambda found, plain=plain: found == plain))
pulumi.export("region", joviam.get_region(code="SY3"))
pulumi.export("code", joviam.get_disk_output(name="logs").region.code)
pulumi.export("names", joviam.get_disks_output().apply(lambda disks: [disk.name for disk in disks]))
pulumi.export("keys", joviam.get_public_keys_output())
""",
    )
    run = stack.up()
    found = outputs(stack)
    assert {name: found[name] for name in EXAMPLES} == dict.fromkeys(EXAMPLES, True)
    region = {"id": found["region"]["id"], "name": "AU East", "code": "SY3", "state": ""}
    assert (found["region"], found["code"], found["names"]) == (region, "SY3", ["data", "data", "logs"])
    assert [item["name"] for item in found["keys"]] == ["laptop", "desktop"]
    assert (run.warnings, run.errors) == ([], [])
    assert stack.cloud.token not in run.text


def test_plain_nouns_in_a_program(stack: Stack) -> None:
    """Also what only samples tell about is found by both forms, one and all."""
    account = Account(stack.cloud)
    said: dict[str, Json] = {f"get_{model.path[1:]}": {} for model in PLAIN.values()}
    said |= {name: {"id": reference.make(account, model.path)} for name, model in PLAIN.items()}
    program(
        stack,
        f"""
for name, said in {said}.items():
    plain, later = getattr(joviam, name)(**said), getattr(joviam, f"{{name}}_output")(**said)
    pulumi.export(name, later.apply(lambda found, plain=plain: bool(found) and found == plain))
""",
    )
    stack.up()
    assert outputs(stack) == dict.fromkeys(said, True)


def test_what_is_unknown_stays_unknown(stack: Stack) -> None:
    """In a preview a look-up with an unknown input or a resource still to be made is not asked; in `up` it is."""
    program(
        stack,
        f"""
key = joviam.PublicKey("laptop", key="{key("a")}")
pulumi.export("by id", joviam.get_public_key_output(id=key.id).name)
after = pulumi.InvokeOutputOptions(depends_on=[key])
pulumi.export("after", joviam.get_public_keys_output(opts=after).apply(lambda keys: [key.name for key in keys]))
pulumi.export("before", joviam.get_regions_output().apply(len))
""",
    )
    run = stack.preview()
    assert asked(stack.cloud) == ["GET /regions"]
    assert run.text.count("[unknown]") == 2
    stack.up()
    assert outputs(stack) == {"by id": "laptop", "after": ["laptop"], "before": 2}


def test_a_slow_answer_holds_nobody_up(stack: Stack) -> None:
    """While an `_output` look-up waits for its answer, resources are registered and made."""
    program(
        stack,
        f"""
pulumi.export("disks", joviam.get_disks_output())
for name, key in {[(name, key(name)) for name in "abcde"]}:
    joviam.PublicKey(name, key=key)
""",
    )
    stack.preview()
    cloud, before = stack.cloud, asked(stack.cloud)
    cloud.fail("GET /disks", until=lambda: cloud.count()["public_keys"] == 5)
    stack.up()
    assert asked(cloud)[len(before) :].count("GET /disks") == 1  # no second one, after a first that was given up
    assert cloud.count() == {"public_keys": 5}


@pytest.mark.parametrize("form", ["get_disk", "get_disk_output"])
def test_a_program_that_finds_nothing(stack: Stack, form: str) -> None:
    """A look-up that fails ends the program with its message, without a traceback, also when a resource needs it."""
    program(
        stack,
        f"""
disk = joviam.{form}(name="dta")
joviam.PublicKey("laptop", key="{key("a")}")
joviam.PublicKey("other", key="{key("b")}", name=disk.name)
""",
    )
    run = stack.preview(fails=True)
    assert told(run) == ["get_disk(name='dta'): no match; the list is empty"]


def test_a_look_up_with_a_secret(stack: Stack) -> None:
    """What was asked with a secret is not in the message, and what every region has is that of the stack's region."""
    stocked(stack.cloud)
    program(
        stack,
        """
pulumi.export("template", joviam.get_template(slug="debian-9").region.code)
joviam.get_disk_output(name=pulumi.Output.secret("hunter2"), region="SY3")
""",
    )
    run = stack.preview(fails=True)
    [text] = told(run)
    assert text.startswith("get_disk(name=[secret], region=[secret]): no match; available:\n  data, SY3, ")
    assert "hunter2" not in run.text
    program(stack, 'pulumi.export("template", joviam.get_template(slug="debian-9").region.code)')
    stack.up()
    assert outputs(stack) == {"template": "SY3"}


def test_without_a_token(stack: Stack) -> None:
    """A look-up without a token is one message that tells how to set it."""
    stack.pulumi("config", "rm", "joviam:token")
    program(stack, "joviam.get_region(code='SY3')")
    run = stack.preview(fails=True)
    text = "no Joviam token: set it with `pulumi config set --secret joviam:token`, or in the environment variable"
    assert told(run) == [f"get_region(code='SY3'): {text} JOVIAM_TOKEN"]
    assert stack.cloud.requests == []


def test_the_environment_comes_second(stack: Stack) -> None:
    """Without stack config a look-up uses the token and the endpoint of the environment; the region is never theirs."""
    stack.pulumi("config", "rm", "joviam:token")
    stack.pulumi("config", "rm", "joviam:endpoint")
    stack.environ |= {"JOVIAM_TOKEN": "wrong", "JOVIAM_ENDPOINT": stack.cloud.url}
    program(stack, "joviam.get_disk(name='x')")
    [text] = told(stack.preview(fails=True))
    assert "the API refused the token (401 invalid_token, GET /disks)" in text
    assert "The token came from the environment variable JOVIAM_TOKEN." in text

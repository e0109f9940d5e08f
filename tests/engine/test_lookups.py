"""Look-ups: in a process with the account in its environment, and in programs on the real engine."""

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

MISSING = "00000000-0000-0000-0000-000000000000"

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
"""Arguments with which each look-up finds something in the account of `filled`."""

PLAIN = {
    f"get_{model.noun.lower().replace(' ', '_')}": model
    for model in [resource._lifecycle.model for resource in RESOURCES.values()]
    if f"POST {model.path}" in reference.EXAMPLES
}
"""{look-up: its model} for objects that a plain POST creates. The plural is named after the path of the model."""


def filled(cloud: Emulator) -> Account:
    """Create some objects of each kind, and return the account."""
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
    """A filled account that the look-ups of this process use."""
    monkeypatch.setenv("JOVIAM_TOKEN", cloud.token)
    monkeypatch.setenv("JOVIAM_ENDPOINT", cloud.url)
    operation._open.cache_clear()
    return filled(cloud)


def operations(cloud: Emulator) -> list[str]:
    """Return the requests that were sent, as the API reference writes them."""
    return [request.operation or "" for request in cloud.requests]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        act()
    return str(caught.value)


# -- results --


def test_every_look_up_has_two_forms() -> None:
    """Every look-up is exported, has an `_output` form with the same arguments, and an example here."""
    assert look_ups.OUTPUTS.read_text() == look_ups.source(), "run tools/look_ups.py to update outputs.py"
    plain = {name for name in vars(lookups) if name.startswith("get_")}
    assert plain == {*EXAMPLES, *PLAIN, *(f"get_{model.path[1:]}" for model in PLAIN.values())}
    assert {*plain, *(f"{name}_output" for name in plain)} == {n for n in joviam.__all__ if n.startswith("get_")}


@pytest.mark.parametrize(
    ("name", "arguments", "more"),
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
def test_each_argument_finds_the_object(account: Account, name: str, arguments: tuple[str, ...], more: Json) -> None:
    """An object is found by its id and by each of these arguments, and has the values of the API."""
    find = getattr(joviam, f"get_{name}")
    found = find(**{**EXAMPLES[f"get_{name}"], **more})
    kind = f"performance_tiers/{more['use']}s" if "use" in more else found.path[1:]
    [live] = [item for item in account.call("GET", f"/{kind}") if item["id"] == found.id]
    model = cast(type[BaseModel], type(found))
    assert model.model_validate(live) == found
    assert set(live) <= set(model.model_fields)
    assert {it: find(**{it: live[it]}, **more) for it in arguments} == dict.fromkeys(arguments, found)
    assert find(**{it: live[it] for it in arguments}, **more) == found


@pytest.mark.parametrize("name", PLAIN)
def test_objects_of_a_plain_post_are_found(account: Account, name: str) -> None:
    """Each argument of the look-up alone finds the object and the plural lists it, until it is deleted."""
    find, model = getattr(joviam, name), PLAIN[name]
    find_all = getattr(joviam, f"get_{model.path[1:]}")
    account.cloud.reset()
    id = reference.make(account, model.path)
    live = account.call("GET", f"{model.path}/{id}")
    found = find(id=id)
    assert type(found) is model
    assert model.model_validate(live) == found
    assert set(live) <= set(model.model_fields)
    arguments = {name: live[name] for name in inspect.signature(find).parameters if name in live}
    assert {"id", "name"} <= arguments.keys()
    assert {name: find(**{name: value}) for name, value in arguments.items()} == dict.fromkeys(arguments, found)
    assert find_all() == [found]
    account.cloud.remove(id)
    for argument, value in arguments.items():
        assert "no match" in refused(partial(find, **{argument: value}))
    assert find_all() == []


def test_a_look_up_by_id_is_one_request(account: Account) -> None:
    """Only that object is requested; only performance tiers have to be listed."""
    ids = {name: getattr(joviam, f"get_{name}")(**EXAMPLES[f"get_{name}"]).id for name in ("region", "disk", "network")}
    before = len(operations(account.cloud))
    for name, id in ids.items():
        getattr(joviam, f"get_{name}")(id=id)
    assert operations(account.cloud)[before:] == [
        "GET /regions/{region_id}",
        "GET /disks/{disk_id}",
        "GET /networks/{network_id}",
    ]


def test_a_slug_finds_the_newest_version(account: Account) -> None:
    """A slug or name finds the newest version, an id finds any version, and lists can be filtered by it."""
    old = joviam.get_template(slug="debian-9", region="SY3")
    disk = joviam.get_disk(name="logs").id
    account.call("POST", "/templates", {"disk": disk, "supersedes": old.id})
    operation._open.cache_clear()  # as in the next process
    assert joviam.get_template(slug="debian-9", region="SY3").version == 2
    assert joviam.get_template(name="Debian 9", region="SY3").disk_id == disk
    assert joviam.get_template(id=old.id).version == 1
    everything = joviam.get_templates(region="SY3")
    newest = joviam.get_templates(region="SY3", superseded=False)
    older = joviam.get_templates(region="SY3", superseded=True)
    assert sorted(item.version for item in older) == [1, 1]
    assert sorted(item.version for item in newest) == [1, 2, 2]
    assert {item.id for item in everything} == {item.id for item in [*newest, *older]}


def test_plural_look_ups(account: Account) -> None:
    """They return the matches in the API's order; `public` selects one of the API's own lists."""
    assert [region.code for region in joviam.get_regions()] == ["SY3", "ML1"]
    assert [tier.name for tier in joviam.get_performance_tiers(use="disk", region="ML1")] == ["Standard", "Fast"]
    assert len(joviam.get_performance_tiers(use="instance")) == 4
    assert len(joviam.get_performance_tiers()) == 8
    assert [disk.name for disk in joviam.get_disks()] == ["data", "data", "logs"]
    assert [disk.region.code for disk in joviam.get_disks(region="AU South")] == ["ML1"]
    assert [instance.name for instance in joviam.get_instances(region="SY3")] == ["Web Server"]
    assert joviam.get_instances(region="ML1") == []
    assert [found.name for found in joviam.get_public_keys()] == ["laptop", "desktop"]
    before = len(operations(account.cloud))
    assert len(joviam.get_networks()) == 3
    assert [network.is_public for network in joviam.get_networks(public=True, region="SY3")] == [True]
    assert [network.name for network in joviam.get_networks(public=False)] == ["lan"]
    assert len(joviam.get_ip_addresses()) == 2
    assert [address.name for address in joviam.get_ip_addresses(public=True)] == [None]
    assert [address.name for address in joviam.get_ip_addresses(public=False)] == ["web"]
    lists = [f"GET /{kind}{which}" for kind in ("networks", "ip_addresses") for which in ("", "/public", "/private")]
    assert [request for request in operations(account.cloud)[before:] if "regions" not in request] == lists


def test_terminated_objects_are_not_found(account: Account) -> None:
    """Objects that are terminated or were transferred to another organization are neither found nor listed."""
    disks = account.call("GET", "/disks")
    disks[0]["state"], disks[1]["state"] = "terminated", "transferred"
    account.cloud.fail("GET /disks", body=json.dumps(disks).encode(), times=2)
    account.cloud.fail("GET /disks/{disk_id}", body=json.dumps(disks[0]).encode())
    assert [disk.name for disk in joviam.get_disks()] == ["logs"]
    assert "no match; available:\n  logs, SY3, " in refused(lambda: joviam.get_disk(name="data", region="SY3"))
    assert "no match" in refused(lambda: joviam.get_disk(id=disks[0]["id"]))


def test_the_catalog_is_listed_once(account: Account) -> None:
    """Regions, tiers and templates are listed once per process, the objects of the account each time."""
    before = len(operations(account.cloud))
    for _ in range(2):
        for name in EXAMPLES:
            getattr(joviam, name)(**EXAMPLES[name])
    sent = operations(account.cloud)[before:]
    once = ("GET /regions", "GET /performance_tiers/disks", "GET /performance_tiers/instances", "GET /templates")
    assert [sent.count(path) for path in once] == [1, 1, 1, 1]
    assert sent.count("GET /disks") == 4


# -- errors --

NO_ID = "is not a valid id (ids look like 00000000-0000-…)"

REFUSED: list[tuple[str, Json, str]] = [
    ("get_disk", {}, "pass at least one of id, name"),
    ("get_disk", {"region": "SY3"}, "pass at least one of id, name"),
    ("get_disk", {"name": "dta"}, "no match; available:\n  data, ML1, ID\n  data, SY3, ID\n  logs, SY3, ID"),
    ("get_disk", {"id": MISSING}, "no match; available:\n  data, ML1, ID\n  data, SY3, ID\n  logs, SY3, ID"),
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


@pytest.mark.parametrize(("name", "args", "message"), REFUSED)
def test_mistakes(account: Account, name: str, args: Json, message: str) -> None:  # noqa: ARG001 - fills the cloud
    """No match, several, or invalid arguments: one message with the call and the available objects."""
    call = f"{name}({', '.join(f'{key}={value!r}' for key, value in args.items())}): "
    text = refused(lambda: getattr(joviam, name)(**args))
    assert text.startswith(call)
    assert re.sub(r"\w{8}-\w{4}-\w{4}-\w{4}-\w{12}", "ID", text.removeprefix(call)) == message


def test_names_are_looked_up_in_the_region_of_the_stack(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiers and templates default to the region of the stack or Provider; other look-ups and ids do not."""
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
    """The message lists the first twenty of many candidates, by name, and counts the others."""
    for number in range(30):
        account.disk(name=f"d{number:02}")
    lines = refused(lambda: joviam.get_disk(name="x")).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert (lines[1][:6], lines[-1]) == ("  d00,", "  … and 13 more")
    assert cloud.token not in str(lines)


def test_an_output_needs_the_output_form(account: Account) -> None:  # noqa: ARG001 - fills the cloud
    """The plain form refuses an Output and names the form that takes one."""

    async def look_up() -> str:
        return refused(lambda: joviam.get_disk(name=pulumi.Output.from_input("logs")))  # type: ignore[arg-type] # the mistake

    message = "get_disk: name is an Output, whose value comes later; get_disk_output waits for it"
    assert asyncio.run(look_up()) == message


def test_another_kind_of_provider_is_refused(account: Account) -> None:  # noqa: ARG001 - fills the cloud
    """Only a pulumi_joviam.Provider has an account."""
    options = pulumi.InvokeOptions(provider=object.__new__(pulumi.ProviderResource))
    assert "asks the account of a pulumi_joviam.Provider" in refused(lambda: joviam.get_disks(opts=options))


# -- in programs --


def program(stack: Stack, text: str) -> None:
    """Write the program."""
    stack.write(f"import pulumi\nimport pulumi_joviam as joviam\n{text}")


def outputs(stack: Stack) -> Json:
    found: Json = json.loads(stack.pulumi("stack", "output", "--json").text)
    return found


def errors(run: Run) -> list[str]:
    """Return the errors, without Pulumi's own one about the exit code."""
    assert "Traceback" not in run.text
    return [message.rstrip("\n") for _, message in run.errors if "exited with non-zero exit code" not in message]


def test_both_forms_find_the_same(stack: Stack) -> None:
    """In a program the `_output` form finds the same as the plain one, and results are exported as mappings."""
    filled(stack.cloud)
    (stack.project / "examples.json").write_text(json.dumps(EXAMPLES))
    program(
        stack,
        """
import json
for name, args in json.load(open("examples.json")).items():
    plain = getattr(joviam, name)(**args)
    later = {key: pulumi.Output.from_input(value) for key, value in args.items()}
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


def test_both_forms_find_objects_of_a_plain_post(stack: Stack) -> None:
    """Both forms, singular and plural, find the objects of every resource with a plain POST."""
    account = Account(stack.cloud)
    calls: dict[str, Json] = {f"get_{model.path[1:]}": {} for model in PLAIN.values()}
    calls |= {name: {"id": reference.make(account, model.path)} for name, model in PLAIN.items()}
    program(
        stack,
        f"""
for name, args in {calls}.items():
    plain, later = getattr(joviam, name)(**args), getattr(joviam, f"{{name}}_output")(**args)
    pulumi.export(name, later.apply(lambda found, plain=plain: bool(found) and found == plain))
""",
    )
    stack.up()
    assert outputs(stack) == dict.fromkeys(calls, True)


def test_look_ups_with_unknown_arguments(stack: Stack) -> None:
    """With an unknown argument or a dependency that does not exist yet, a look-up runs in `up`, not in preview."""
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
    assert operations(stack.cloud) == ["GET /regions"]
    assert run.text.count("[unknown]") == 2
    stack.up()
    assert outputs(stack) == {"by id": "laptop", "after": ["laptop"], "before": 2}


def test_a_slow_look_up_delays_nothing_else(stack: Stack) -> None:
    """While an `_output` look-up waits for its response, resources are registered and created."""
    program(
        stack,
        f"""
pulumi.export("disks", joviam.get_disks_output())
for name, key in {[(name, key(name)) for name in "abcde"]}:
    joviam.PublicKey(name, key=key)
""",
    )
    stack.preview()
    cloud, before = stack.cloud, operations(stack.cloud)
    cloud.fail("GET /disks", until=lambda: cloud.count()["public_keys"] == 5)
    stack.up()
    assert operations(cloud)[len(before) :].count("GET /disks") == 1  # no retry after a timeout
    assert cloud.count() == {"public_keys": 5}


@pytest.mark.parametrize("form", ["get_disk", "get_disk_output"])
def test_a_look_up_without_a_match(stack: Stack, form: str) -> None:
    """It ends the program with its message, without a traceback, even if a resource uses its result."""
    program(
        stack,
        f"""
disk = joviam.{form}(name="dta")
joviam.PublicKey("laptop", key="{key("a")}")
joviam.PublicKey("other", key="{key("b")}", name=disk.name)
""",
    )
    run = stack.preview(fails=True)
    assert errors(run) == ["get_disk(name='dta'): no match; the list is empty"]


def test_a_look_up_with_a_secret(stack: Stack) -> None:
    """The message does not contain the secret, and a template is that of the stack's region."""
    filled(stack.cloud)
    program(
        stack,
        """
pulumi.export("template", joviam.get_template(slug="debian-9").region.code)
joviam.get_disk_output(name=pulumi.Output.secret("hunter2"), region="SY3")
""",
    )
    run = stack.preview(fails=True)
    [text] = errors(run)
    assert text.startswith("get_disk(name=[secret], region=[secret]): no match; available:\n  data, SY3, ")
    assert "hunter2" not in run.text
    program(stack, 'pulumi.export("template", joviam.get_template(slug="debian-9").region.code)')
    stack.up()
    assert outputs(stack) == {"template": "SY3"}


def test_without_a_token(stack: Stack) -> None:
    """A look-up without a token is one message, which explains how to set it."""
    stack.pulumi("config", "rm", "joviam:token")
    program(stack, "joviam.get_region(code='SY3')")
    run = stack.preview(fails=True)
    text = "no Joviam token: set it with `pulumi config set --secret joviam:token`, or in the environment variable"
    assert errors(run) == [f"get_region(code='SY3'): {text} JOVIAM_TOKEN"]
    assert stack.cloud.requests == []


def test_the_environment_is_the_fallback(stack: Stack) -> None:
    """Without stack config, a look-up uses the token and endpoint of the environment."""
    stack.pulumi("config", "rm", "joviam:token")
    stack.pulumi("config", "rm", "joviam:endpoint")
    stack.environ |= {"JOVIAM_TOKEN": "wrong", "JOVIAM_ENDPOINT": stack.cloud.url}
    program(stack, "joviam.get_disk(name='x')")
    [text] = errors(stack.preview(fails=True))
    assert "the API refused the token (401 invalid_token, GET /disks)" in text
    assert "The token came from the environment variable JOVIAM_TOKEN." in text

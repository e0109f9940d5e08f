"""Components on the real engine: their children, what a change affects, and the options that children inherit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

import pulumi_joviam as joviam
from pulumi_joviam.emulator import Emulator
from tests.stack import Stack

WRITES = ("POST", "PUT", "DELETE")


@pytest.fixture
def other() -> Iterator[Emulator]:
    """A second account."""
    with Emulator(token="another-token-that-must-not-be-seen", provision_seconds=0.1) as cloud:
        yield cloud


def program(stack: Stack, text: str) -> None:
    stack.write(f"import pulumi\nimport pulumi_joviam as joviam\n{text}")


def ids(stack: Stack) -> dict[str, str]:
    """Return {child: its id}."""
    return {name: state["id"] for name, state in stack.resources().items() if "id" in state}


def instance(stack: Stack, name: str) -> dict[str, Any]:
    [found] = [instance for instance in stack.cloud.objects("instances") if instance["name"] == name]
    return found


def test_a_server_on_a_private_network(stack: Stack) -> None:
    """A change replaces only the affected children; a new name with an alias keeps all of them."""
    text = """
opts = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=OLD)]) if (OLD := {old!r}) else None
lan = joviam.PrivateNetwork(
    "{lan}", opts and pulumi.ResourceOptions(aliases=[pulumi.Alias(name="lan")]),
    specification="10.0.0.0/24", addresses={{"db": "10.0.0.20", "spare": None}},
)
data = joviam.Disk("data", size=5, performance_tier="Fast")
joviam.Server("{name}", opts, template="{template}", disk_size={size}, allow_stopping=True, context={{"ROLE": "db"}},
              ip_addresses=[lan.addresses["db"].id], data_disks=[data.id])
"""
    args: dict[str, Any] = {"name": "db", "lan": "lan", "old": None, "template": "ubuntu-16-04", "size": 20}
    program(stack, text.format(**args))
    children = {"lan-network", "lan-db", "lan-spare", "data", "db-disk", "db-public", "db-instance"}
    assert stack.up().steps == dict.fromkeys([*children, "lan", "db"], "create")
    assert stack.settled()
    first, state = ids(stack), stack.resources()
    assert set(first) == children
    db = instance(stack, "db")
    assert [(disk["name"], disk["size"]) for disk in db["disks"]] == [("db-disk", 20), ("data", 5)]
    public, private = ([ip["address"] for ip in adapter["ip_addresses"]] for adapter in db["network_adapters"])
    assert private == ["10.0.0.20"]
    assert state["db"]["outputs"] == {
        "instance_id": first["db-instance"], "hostname": "db", "public_ip": public[0], "private_ip": "10.0.0.20",
    }  # fmt: skip
    assert state["lan"]["outputs"]["network_id"] == first["lan-network"]
    assert state["lan"]["outputs"]["addresses"]["db"] == "10.0.0.20"
    assert stack.cloud.objects("networks")[0]["name"] == "lan"

    args["size"] = 30
    program(stack, text.format(**args))
    assert stack.up().steps == {"db-disk": "update"}

    args["template"] = "debian-9"
    program(stack, text.format(**args))
    another = {"db-disk": "replace", "db-instance": "replace"}
    preview = stack.preview()
    assert preview.steps == another
    assert ["loses the 30 GB on it" in message for _name, message in preview.warnings] == [True]
    assert stack.up().steps == another
    second = ids(stack)
    assert {name for name in children if second[name] != first[name]} == set(another)
    assert [disk["name"] for disk in instance(stack, "db")["disks"]] == ["db-disk", "data"]
    assert instance(stack, "db")["state"] == "running"

    args |= {"name": "orders", "lan": "backstage", "old": "db"}
    program(stack, text.format(**args))
    assert set(stack.up().steps.values()) == {"update"}
    third = ids(stack)
    assert set(third) == {name.replace("lan-", "backstage-").replace("db-", "orders-") for name in children}
    assert set(third.values()) == set(second.values())
    assert instance(stack, "orders")["id"] == second["db-instance"]
    assert stack.preview().empty
    stack.destroy()
    assert stack.cloud.count() == {}


def test_a_server_takes_what_an_instance_takes(stack: Stack) -> None:
    """Name, note, power state, boot device and the rules for starting again; all of them change in place."""
    text = """joviam.Server("{0}", template="debian-9", disk_size=5, allow_stopping=True, {1})"""
    program(stack, text.format("one", 'name="first", note="N", power_state="stopped", start_on_shutdown=True'))
    stack.up()
    made = instance(stack, "first")
    assert (made["state"], made["start_on_shutdown"], made["boot_device"]) == ("stopped", True, "disk")
    assert stack.settled()
    program(stack, text.format("one", 'boot_device="network", start_on_crash=False, start_on_reboot=False'))
    assert stack.up().steps == {"one-instance": "update"}
    changed = instance(stack, "one")
    assert (changed["id"], changed["state"], changed["boot_device"]) == (made["id"], "running", "network")
    assert [changed[f"start_on_{event}"] for event in ("crash", "reboot", "shutdown")] == [False, False, False]
    assert stack.settled()


def test_a_pool_grows_and_shrinks_by_one(stack: Stack) -> None:
    """Each step adds or removes one server; the requests to the others only write their availability groups."""
    text = 'joviam.ServerPool("web", count={count}, specification="{network}", template="ubuntu-16-04")\n'
    parts = ("", "-disk", "-public", "-private", "-instance")

    def resize(count: int, group: str | None) -> None:
        before = {name: id for name, id in ids(stack).items() if name.endswith("-instance")}
        seen = len(stack.cloud.requests)
        program(stack, text.format(count=count, network="10.1.0.0/24"))
        number, step = (count, "create") if count > len(before) else (count + 1, "delete")
        expected = {f"web-{number}{part}": step for part in parts} | ({"web-group": group} if group else {})
        assert stack.up().steps == expected
        after = ids(stack)
        remaining = {id for name, id in before.items() if after.get(name) == id}
        assert len(remaining) == min(count, len(before))
        touched = {
            request.operation
            for request in stack.cloud.requests[seen:]
            if request.operation
            and request.operation.startswith(WRITES)
            and any(id in request.path for id in remaining)
        }
        assert touched <= {"PUT /instances/{instance_id}/availability_group"}
        current = [id for name, id in after.items() if name.endswith("-instance")]
        groups = {item["id"]: set(item["availability_group"]) for item in stack.cloud.objects("instances")}
        assert groups == {id: set(current) - {id} for id in current}

    program(stack, text.format(count=1, network="10.1.0.0/24"))
    stack.up()
    resize(2, group="create")
    resize(3, group="update")
    assert stack.refresh().empty
    outputs = stack.resources()["web"]["outputs"]
    servers = [instance(stack, f"web-{number}") for number in (1, 2, 3)]
    addresses = [
        [ip["address"] for adapter in server["network_adapters"] for ip in adapter["ip_addresses"]]
        for server in servers
    ]
    assert outputs["instance_ids"] == [server["id"] for server in servers]
    assert [[*pair] for pair in zip(outputs["public_ips"], outputs["private_ips"], strict=True)] == addresses
    resize(2, group="update")
    resize(1, group="delete")

    instance_id = ids(stack)["web-1-instance"]
    program(stack, text.format(count=1, network="10.1.0.0/25"))
    change = {"web-network": "replace", "web-1-private": "replace", "web-1-instance": "update"}
    assert stack.preview().steps == change
    assert stack.up().steps == change
    assert ids(stack)["web-1-instance"] == instance_id
    assert stack.preview().empty
    stack.destroy()
    assert stack.cloud.count() == {}


def test_options_reach_every_child(stack: Stack, other: Emulator) -> None:
    """The options provider, providers, transforms and protect apply to children of children too."""
    stack.pulumi("config", "set", "--secret", "token", other.token)
    program(
        stack,
        f"""
other = joviam.Provider("other", token=pulumi.Config().require_secret("token"), endpoint={other.url!r})

def noted(args):
    if args.type_.endswith(":Instance"):
        return pulumi.ResourceTransformResult(props={{**args.props, "note": "by a transform"}}, opts=args.opts)

def started(args):
    if args.type_.endswith(":Instance"):
        props = {{**args.props, {stack.door.spelled("start_on_shutdown")!r}: True}}
        return pulumi.ResourceTransformationResult(props, args.opts)

lan = joviam.PrivateNetwork("lan", pulumi.ResourceOptions(provider=other), specification="10.0.0.0/24")
joviam.ServerPool(
    "web", count=2, network=lan.network_id, template="ubuntu-16-04", public=False,
    opts=pulumi.ResourceOptions(providers=[other], transforms=[noted], transformations=[started], protect=True),
)
""",
    )
    stack.up()
    assert stack.cloud.count() == {}
    assert other.count() == {"networks": 1, "ip_addresses": 2, "disks": 2, "instances": 2}
    assert [item["start_on_shutdown"] for item in other.objects("instances")] == [True, True]
    state = stack.resources()
    assert [state[f"web-{number}-instance"]["inputs"]["note"] for number in (1, 2)] == ["by a transform"] * 2
    assert {name for name, item in state.items() if item.get("protect")} == {
        name for name in state if name.startswith("web")
    }
    assert stack.settled()


POOL = {"template": "ubuntu-16-04", "specification": "10.0.0.0/24"}


@pytest.mark.parametrize(
    ("kind", "args", "message"),
    [
        ("ServerPool", POOL | {"count": "3"}, 'count of the ServerPool "web" must be a whole number'),
        ("ServerPool", POOL | {"count": -1}, 'count of the ServerPool "web" must be a whole number'),
        ("ServerPool", {"template": "ubuntu-16-04", "count": 1}, "needs one private network: give it specification"),
        ("ServerPool", POOL | {"count": 1, "network": "id"}, "needs one private network"),
        ("Server", {"template": "ubuntu-16-04", "public": "yes"}, 'public of the Server "web" must be True or False'),
        (
            "PrivateNetwork",
            {"specification": "10.0.0.0/24", "addresses": ["10.0.0.20"]},
            'addresses of the PrivateNetwork "web" must be a dict that the program knows',
        ),
    ],
)
def test_each_invalid_argument_is_one_clear_message(kind: str, args: dict[str, Any], message: str) -> None:
    """They are refused before anything is created, without a traceback."""
    with pytest.raises(pulumi.RunError, match=re.escape(message)):
        getattr(joviam, kind)("web", **args)

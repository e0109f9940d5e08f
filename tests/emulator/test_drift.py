"""Drift: `change` sets any field and both sides of every relation, `remove` deletes any object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.account import Account

CHANGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("public_keys", {"name": "x", "key": "y"}, {}),
    ("networks", {"name": "x", "gateway": "1.2.3.4", "region": "ML1", "state": "transferred"}, {"region": "ML1"}),
    ("ip_addresses", {"name": "x", "address": "9.9.9.9", "shareable": True}, {}),
    (
        "disks",
        {"name": "x", "size": 7, "cdrom": True, "is_template": True, "state": "resizing", "template": "debian-9"},
        {"template": "debian-9"},
    ),
    ("disks", {"region": "AU South", "performance_tier": "Fast"}, {"region": "ML1", "performance_tier": "Fast"}),
    ("disks", {"performance_tier": "Fast", "template": None}, {"performance_tier": "Fast"}),
    (
        "instances",
        {"name": "x", "memory": 1, "hostname": "y", "virtualization": "pv", "boot_device": "network"},
        {},
    ),
    ("instances", {"start_on_crash": False, "start_on_reboot": False, "start_on_shutdown": True}, {}),
    ("instances", {"performance_tier": "Fast", "state": "running"}, {"performance_tier": "Fast"}),
    ("instances", {"region": "ML1"}, {"region": "ML1"}),
]


@pytest.fixture
def objects(account: Account) -> dict[str, str]:
    """The id of one object of each kind, by kind; all are attached to the instance."""
    network = account.network()
    made = {
        "public_keys": account.key(),
        "networks": network,
        "ip_addresses": account.address(network),
        "disks": account.disk(),
    }
    made["instances"] = account.instance(
        disks=[made["disks"]], ip_addresses=[made["ip_addresses"]], public_keys=[made["public_keys"]]
    )
    return made


@pytest.mark.parametrize(("kind", "fields", "names"), CHANGES)
def test_change(
    account: Account, objects: dict[str, str], kind: str, fields: dict[str, Any], names: dict[str, str]
) -> None:
    """Any field can change, even against the API's rules; regions, tiers and templates may be names."""
    account.cloud.change(objects[kind], **fields)
    result = account.call("GET", f"/{kind}/{objects[kind]}")
    for field, value in fields.items():
        if field in names:
            assert names[field] in result[field].values()
        else:
            assert result[field] == value


def test_change_seed(account: Account) -> None:
    """Seed data can change, too."""
    account.cloud.change(account.template("debian-9"), minimum_disk_size=50, superseded_by_id=None, region="SY3")
    assert account.invalid("POST", "/disks", account.disk_body(template="debian-9")).keys() == {"size"}
    account.cloud.change(account.region(), name="Down Under")
    assert account.call("GET", f"/regions/{account.region()}")["name"] == "Down Under"


def test_state_stays(account: Account) -> None:
    """A state set this way stays until the next change."""
    instance = account.instance()
    account.cloud.change(instance, state="updating")
    account.settle()
    assert account.invalid("POST", f"/instances/{instance}/start") == {"state": ["is updating"]}
    account.cloud.change(instance, state="stopped")
    account.call("POST", f"/instances/{instance}/start")


def test_unknown(account: Account) -> None:
    """An unknown field is an AttributeError, an unknown id or name a LookupError."""
    disk = account.disk()
    for field in ("colour", "id", "instance_id", "position"):
        with pytest.raises(AttributeError):
            account.cloud.change(disk, **{field: "x"})
    with pytest.raises(AttributeError):
        account.cloud.change(account.address(account.public_network()), instance_ids=[])
    for fields in ({"region": "XX1"}, {"performance_tier": "Slow"}, {"template": "nope"}):
        with pytest.raises(LookupError):
            account.cloud.change(disk, **fields)
    for act in (account.cloud.change, account.cloud.remove):
        with pytest.raises(LookupError):
            act("nowhere")


def test_change_disks(account: Account, objects: dict[str, str]) -> None:
    """Disks move between instances, on both sides of the relation."""
    other_disk = account.disk()
    other = account.instance(disks=[other_disk])
    account.cloud.change(objects["instances"], disks=[other_disk])
    assert account.call("GET", f"/disks/{other_disk}")["instance_id"] == objects["instances"]
    assert account.call("GET", f"/instances/{other}")["disks"] == []
    disk = account.call("GET", f"/disks/{objects['disks']}")
    assert (disk["state"], disk["instance_id"], disk["position"]) == ("unattached", None, None)
    account.cloud.change(other_disk, state="unattached")
    assert account.call("GET", f"/instances/{objects['instances']}")["disks"] == []


def test_change_networking(account: Account, objects: dict[str, str]) -> None:
    """Addresses and adapters change on both sides of the relation."""
    instance, address = objects["instances"], objects["ip_addresses"]
    public = account.address(account.public_network())
    account.cloud.change(instance, ip_addresses=[public])
    adapters = account.call("GET", f"/instances/{instance}")["network_adapters"]
    assert [adapter["ip_addresses"][0]["id"] for adapter in adapters] == [public]
    assert account.call("GET", f"/ip_addresses/{address}")["instance_ids"] == []
    wanted = [{"network": objects["networks"], "ip_addresses": [address]}]
    account.cloud.change(instance, network_adapters=wanted)
    assert account.call("GET", f"/ip_addresses/{address}")["instance_ids"] == [instance]
    assert account.call("GET", f"/ip_addresses/{public}")["instance_ids"] == []


def test_change_the_rest_of_an_instance(account: Account, objects: dict[str, str]) -> None:
    """Keys, group, note and context change."""
    instance, other, key = objects["instances"], account.instance(), account.key("other")
    account.cloud.change(instance, public_keys=[key], availability_group=[other], note="n", context={"A": "1"})
    result = account.call("GET", f"/instances/{instance}")
    assert ([each["id"] for each in result["public_keys"]], result["availability_group"]) == ([key], [other])
    assert account.call("GET", f"/instances/{other}")["availability_group"] == [instance]
    assert account.call("GET", f"/instances/{instance}/note") == {"note": "n"}
    assert account.call("GET", f"/instances/{instance}/context") == {"A": "1"}


def test_remove(account: Account, objects: dict[str, str]) -> None:
    """A removed object gets 404 at once, and the instance has no reference to it."""
    instance = objects.pop("instances")
    for kind in ("disks", "public_keys", "ip_addresses", "networks"):
        account.cloud.remove(objects[kind])
        assert account.refused("GET", f"/{kind}/{objects[kind]}").status == 404
    result = account.call("GET", f"/instances/{instance}")
    assert [result[field] for field in ("disks", "public_keys", "network_adapters")] == [[], [], []]
    assert account.cloud.count() == {"instances": 1}


def test_remove_network(account: Account, objects: dict[str, str]) -> None:
    """Its addresses and adapters are deleted with a network."""
    account.cloud.remove(objects["networks"])
    assert account.call("GET", "/ip_addresses") == []
    assert account.call("GET", f"/instances/{objects['instances']}")["network_adapters"] == []


def test_remove_instance(account: Account, objects: dict[str, str]) -> None:
    """Disks and addresses of a removed instance become free."""
    account.cloud.remove(objects["instances"])
    assert account.state(f"/disks/{objects['disks']}") == "unattached"
    assert account.call("GET", f"/ip_addresses/{objects['ip_addresses']}")["instance_ids"] == []


def test_objects_and_count(account: Account, objects: dict[str, str]) -> None:
    """`objects` returns what the API returns; `count` excludes seed data and deleted objects."""
    cloud = account.cloud
    assert cloud.objects("disks") == account.call("GET", "/disks")
    assert cloud.objects("networks") == account.call("GET", "/networks/private")
    assert cloud.count() == dict.fromkeys(objects, 1)
    account.call("POST", f"/instances/{objects['instances']}/start")
    account.settle()
    account.call("POST", f"/instances/{objects['instances']}/remote_access")
    account.call("POST", "/templates", {"disk": objects["disks"], "supersedes": account.template("debian-9")})
    assert cloud.count() == {**dict.fromkeys(objects, 1), "templates": 1, "console_sessions": 1}
    assert cloud.count()["no such kind"] == 0
    with pytest.raises(KeyError):
        cloud.objects("no such kind")


def test_reset(account: Account, objects: dict[str, str]) -> None:
    """A reset restores the seed data and the switches, and drops objects, faults and requests."""
    cloud = account.cloud
    template = account.template("debian-9")
    cloud.configure(duplicate_keys=False)
    cloud.fail("GET /regions", status=500)
    cloud.change(template, name="x")
    assert objects
    cloud.reset()
    assert cloud.count() == {}
    assert cloud.requests == []
    assert account.call("GET", f"/templates/{template}")["name"] == "Debian 9"
    account.call("GET", "/regions")
    account.key()
    account.key()

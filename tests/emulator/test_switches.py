"""Every switch, in both positions."""

from __future__ import annotations

import email.utils
import time
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest

from pulumi_joviam.emulator.store import Switches
from tests.emulator.account import NEVER, Account
from tests.emulator.reference import KEY

LIVE = "cannot be changed while the instance is running"


def test_every_switch_has_a_test() -> None:
    """The test has the name of the switch."""
    assert {f"test_{field.name}" for field in fields(Switches)} <= globals().keys()


def test_unknown(account: Account) -> None:
    """An unknown switch is a TypeError."""
    with pytest.raises(TypeError):
        account.cloud.configure(live_memroy=True)


def test_provision_seconds(account: Account) -> None:
    """It also applies to transitions in progress: 0 ends them at once."""
    disk = account.call("POST", "/disks", account.disk_body())["id"]
    account.cloud.configure(provision_seconds=0)
    assert account.state(f"/disks/{disk}") == "unattached"
    assert account.call("POST", "/disks", account.disk_body())["state"] == "unattached"


def test_clock_skew(account: Account) -> None:
    """`created_at` and the Date header have the cloud's clock, which may differ from ours."""
    for skew in (0.0, 7200.0):
        account.cloud.configure(clock_skew=skew)
        response = account.send("POST", "/public_keys", {"name": "laptop", "key": KEY})
        date = email.utils.parsedate_to_datetime(response.headers["Date"])
        created = datetime.fromisoformat(response.json()["created_at"].replace("Z", "+00:00"))
        expected = time.time() + skew
        assert abs(date.timestamp() - expected) < 5
        assert abs(created.timestamp() - expected) < 5


@pytest.mark.parametrize("field", ["memory", "performance_tier", "virtualization"])
def test_live_memory(account: Account, field: str) -> None:
    """A change of memory, tier or virtualization of a running instance is rejected, or `updating` for a while."""
    instance = account.instance(running=True)
    value: Any = {"memory": 2048, "performance_tier": account.tier("instances", "Fast"), "virtualization": "pv"}[field]
    assert account.invalid("PUT", f"/instances/{instance}", {field: value}) == {field: [LIVE]}
    account.cloud.configure(live_memory=True)
    result = account.call("PUT", f"/instances/{instance}", {field: value})
    assert result["state"] == "updating"
    assert value in (result[field], result["performance_tier"]["id"])
    account.settle()
    assert account.state(f"/instances/{instance}") == "running"


def test_live_resize(account: Account) -> None:
    """Resizing a disk of a running instance is allowed or rejected; of a stopped one it is always allowed."""
    disk = account.disk()
    instance = account.instance(disks=[disk], running=True)
    account.call("POST", f"/disks/{disk}/resize", {"size": 20})
    account.settle()
    account.cloud.configure(live_resize=False)
    assert account.invalid("POST", f"/disks/{disk}/resize", {"size": 30}) == {"size": [LIVE]}
    account.call("POST", f"/instances/{instance}/stop")
    account.settle()
    account.call("POST", f"/disks/{disk}/resize", {"size": 30})


def test_resize_at_once(account: Account) -> None:
    """The disk has the new size at once, or when the resize ends."""
    disk = account.disk(size=10)
    assert account.call("POST", f"/disks/{disk}/resize", {"size": 20})["size"] == 20
    account.settle()
    account.cloud.configure(resize_at_once=False)
    assert account.call("POST", f"/disks/{disk}/resize", {"size": 30})["size"] == 20
    account.settle()
    assert account.call("GET", f"/disks/{disk}")["size"] == 30


def test_slow_delete(account: Account) -> None:
    """A deleted object is `terminating` for a while, or gone at once."""
    account.cloud.configure(slow_delete=False)
    for path, object_id in (
        ("/disks", account.disk()),
        ("/networks", account.network()),
        ("/instances", account.instance()),
    ):
        assert account.call("DELETE", f"{path}/{object_id}")["state"] == "terminated"
        assert account.refused("GET", f"{path}/{object_id}").status == 404
    account.cloud.configure(slow_delete=True)
    disk = account.disk()
    assert account.call("DELETE", f"/disks/{disk}")["state"] == "terminating"
    assert account.state(f"/disks/{disk}") == "terminating"


def test_gone_is_404(account: Account) -> None:
    """A deleted object gets 404, or stays visible as `terminated` but cannot be used."""
    address = account.address(account.public_network())
    gone = {"/disks": account.disk(), "/networks": account.network(), "/instances": account.instance()}
    account.call("PUT", f"/instances/{gone['/instances']}/disks", {"disks": [gone["/disks"]]})
    adapters = [{"network": account.public_network(), "ip_addresses": [address]}]
    account.call("PUT", f"/instances/{gone['/instances']}/network_adapters", {"network_adapters": adapters})
    for path in ("/instances", "/disks", "/networks"):
        account.call("DELETE", f"{path}/{gone[path]}")
        account.settle()
        assert account.refused("GET", f"{path}/{gone[path]}").status == 404
    account.cloud.configure(gone_is_404=False)
    for path, object_id in gone.items():
        assert account.state(f"{path}/{object_id}") == "terminated"
        assert object_id in {each["id"] for each in account.call("GET", path)}
        assert account.invalid("DELETE", f"{path}/{object_id}") == {"state": ["is terminated"]}
    body = account.instance_body(disks=[gone["/disks"]])
    assert account.invalid("POST", "/instances/assemble", body) == {"disks": [f"{gone['/disks']} does not exist"]}
    account.network()  # with the same address range
    assert account.cloud.count() == {"networks": 1, "ip_addresses": 1}
    account.cloud.configure(gone_is_404=True)
    assert account.call("GET", "/disks") == []


def test_delete_running(account: Account) -> None:
    """Deleting a running instance is rejected or allowed."""
    instance = account.instance(running=True)
    assert account.invalid("DELETE", f"/instances/{instance}") == {"state": ["is running"]}
    account.cloud.configure(delete_running=True)
    assert account.call("DELETE", f"/instances/{instance}")["state"] == "terminating"


def test_delete_takes_disks(account: Account) -> None:
    """Disks outlive their instance, or are deleted with it."""
    for takes, left in ((False, {"disks": 1}), (True, {"disks": 1})):
        account.cloud.configure(delete_takes_disks=takes)
        instance = account.instance(disks=[account.disk()])
        account.call("DELETE", f"/instances/{instance}")
        account.settle()
        assert account.cloud.count() == left


def test_delete_takes_addresses(account: Account) -> None:
    """Addresses outlive their instance, or are deleted with it unless another instance shares them."""
    network = account.network()
    unaffected = account.address(network)
    account.call("DELETE", f"/instances/{account.instance(ip_addresses=[unaffected])}")
    account.settle()
    account.cloud.configure(delete_takes_addresses=True)
    own, shared = account.address(network), account.address(network, shareable=True)
    account.instance(ip_addresses=[shared])
    account.call("DELETE", f"/instances/{account.instance(ip_addresses=[own, shared])}")
    account.settle()
    assert {each["id"] for each in account.call("GET", "/ip_addresses")} == {unaffected, shared}


def test_delete_attached_disk(account: Account) -> None:
    """Deleting an attached disk is rejected, or detaches it."""
    first, second = account.disk(), account.disk()
    instance = account.instance(disks=[first, second])
    assert account.invalid("DELETE", f"/disks/{first}") == {"state": ["is attached"]}
    account.cloud.configure(delete_attached_disk=True)
    account.call("DELETE", f"/disks/{first}")
    account.settle()
    left = account.call("GET", f"/instances/{instance}")["disks"]
    assert [(each["id"], each["position"]) for each in left] == [(second, 0)]


def test_delete_attached_address(account: Account) -> None:
    """Deleting an attached address is rejected, or detaches it."""
    address = account.address(account.network())
    instance = account.instance(ip_addresses=[address])
    assert account.invalid("DELETE", f"/ip_addresses/{address}").keys() == {"instance_ids"}
    account.cloud.configure(delete_attached_address=True)
    account.call("DELETE", f"/ip_addresses/{address}")
    assert account.call("GET", f"/instances/{instance}")["network_adapters"][0]["ip_addresses"] == []


def test_delete_under_way(account: Account) -> None:
    """Deleting an object in a transitional state is rejected or allowed; deleting it twice is rejected."""
    ids = {"disks": account.disk(), "networks": account.network(), "instances": account.instance()}
    for kind, id in ids.items():
        account.cloud.change(id, state="provisioning")
        assert account.invalid("DELETE", f"/{kind}/{id}") == {"state": ["is provisioning"]}
    account.cloud.configure(delete_under_way=True)
    for kind, id in ids.items():
        account.call("DELETE", f"/{kind}/{id}")
        assert account.invalid("DELETE", f"/{kind}/{id}") == {"state": ["is terminating"]}
    account.settle()
    assert account.cloud.count() == {}


def test_detach_seconds(account: Account) -> None:
    """Parts of a deleted instance stay attached for a while, and can be neither deleted nor used."""
    cloud = account.cloud
    address, disk = account.address(account.network()), account.disk()
    instance = account.instance(disks=[disk], ip_addresses=[address])
    cloud.configure(detach_seconds=3600, slow_delete=False)
    account.call("DELETE", f"/instances/{instance}")
    assert account.refused("GET", f"/instances/{instance}").status == 404
    result = account.call("GET", f"/disks/{disk}")
    assert (result["state"], result["instance_id"]) == ("attached", instance)
    assert account.call("GET", f"/ip_addresses/{address}")["instance_ids"] == [instance]
    assert account.invalid("DELETE", f"/disks/{disk}") == {"state": ["is attached"]}
    assert account.invalid("POST", f"/disks/{disk}/resize", {"size": 99}) == {"state": ["is terminated"]}
    assert account.invalid("DELETE", f"/ip_addresses/{address}").keys() == {"instance_ids"}
    again = account.instance_body(disks=[disk])
    assert account.invalid("POST", "/instances/assemble", again) == {"disks": [f"{disk} is attached"]}
    assert "10.1.0.1" in str(cloud._picture())
    cloud.configure(detach_seconds=0.01)
    other = account.instance()
    account.call("DELETE", f"/instances/{other}")
    time.sleep(0.02)
    assert account.call("GET", f"/disks/{disk}")["state"] == "attached"  # each instance has its own delay


def test_clone_any_disk(account: Account) -> None:
    """Every disk can be cloned, or only those with is_template."""
    disk, golden = account.disk(), account.disk(is_template=True)
    account.call("POST", f"/disks/{disk}/clone")
    account.cloud.configure(clone_any_disk=False)
    assert account.invalid("POST", f"/disks/{disk}/clone") == {"disk": ["is not a template"]}
    account.call("POST", f"/disks/{golden}/clone")


def test_symmetric_groups(account: Account) -> None:
    """All members of a group show it, or only the instance on which it was set."""
    first, second = account.instance(), account.instance()
    account.cloud.configure(symmetric_groups=False)
    account.call("PUT", f"/instances/{first}/availability_group", {"availability_group": [second]})
    assert account.call("GET", f"/instances/{second}")["availability_group"] == []
    account.cloud.configure(symmetric_groups=True)
    account.call("PUT", f"/instances/{first}/availability_group", {"availability_group": [second]})
    assert account.call("GET", f"/instances/{second}")["availability_group"] == [first]


def test_duplicate_keys(account: Account) -> None:
    """The same key can be uploaded twice, or not."""
    body = {"name": "laptop", "key": KEY}
    account.call("POST", "/public_keys", body)
    account.call("POST", "/public_keys", body)
    account.cloud.configure(duplicate_keys=False)
    assert account.invalid("POST", "/public_keys", body) == {"key": ["has already been taken"]}


def test_date_header(account: Account) -> None:
    """Responses, including errors, have a Date header or not."""
    for enabled in (True, False):
        account.cloud.configure(date_header=enabled)
        for path in ("/regions", "/nowhere"):
            assert ("Date" in account.send("GET", path).headers) == enabled


def test_late_lists(account: Account) -> None:
    """Lists include new objects late, whatever the cloud's clock; they can be read by id at once."""
    account.cloud.configure(late_lists=NEVER, clock_skew=-7200.0)
    paths = {"/disks": account.disk(), "/networks": account.network()}
    paths |= {"/ip_addresses": account.address(paths["/networks"]), "/instances": account.instance()}
    for path, object_id in paths.items():
        assert object_id not in {each["id"] for each in account.call("GET", path)}
        assert account.call("GET", f"{path}/{object_id}")["id"] == object_id
    assert account.call("GET", "/regions")
    account.cloud.configure(late_lists=0.05)
    while not account.call("GET", "/disks"):
        time.sleep(0.01)
    assert [each["id"] for each in account.call("GET", "/disks")] == [paths["/disks"]]


def test_list_limit(account: Account) -> None:
    """Lists have only the first objects of the account, but all objects that the cloud offers."""
    account.cloud.configure(list_limit=1)
    offered = account.call("GET", "/templates")
    disks = [account.disk(), account.disk()]
    assert [each["id"] for each in account.call("GET", "/disks")] == disks[:1]
    assert account.call("GET", f"/disks/{disks[1]}")["id"] == disks[1]
    assert account.call("GET", "/templates") == offered


def test_new_is_404(account: Account) -> None:
    """A new object is in lists, but requests with its id get 404 for a while."""
    account.cloud.configure(new_is_404=NEVER)
    disk = account.disk()
    assert [each["id"] for each in account.call("GET", "/disks")] == [disk]
    for method, path in (("GET", ""), ("GET", "/state"), ("PUT", ""), ("DELETE", ""), ("POST", "/clone")):
        assert account.refused(method, f"/disks/{disk}{path}", {} if method in ("PUT", "POST") else None).status == 404
    account.cloud.configure(new_is_404=0.05)
    while account.send("GET", f"/disks/{disk}").status_code == 404:
        time.sleep(0.01)
    assert account.state(f"/disks/{disk}") == "unattached"


def test_stale_reads(account: Account) -> None:
    """After a write, reads of the object, its state and lists return the old values for a while."""
    instance = account.instance()
    account.cloud.configure(stale_reads=NEVER)
    assert account.call("PUT", f"/instances/{instance}", {"name": "new"})["name"] == "new"
    assert account.call("GET", f"/instances/{instance}")["name"] == "Web Server"
    assert account.call("GET", "/instances")[0]["name"] == "Web Server"
    account.call("POST", f"/instances/{instance}/start")
    assert account.state(f"/instances/{instance}/state") == "stopped"
    account.cloud.configure(stale_reads=0.0)
    assert account.state(f"/instances/{instance}/state") == "starting"


def test_stale_lists(account: Account) -> None:
    """After a write, lists return the old values for a while, and reads by id the new ones."""
    instance = account.instance()
    account.cloud.configure(stale_lists=NEVER)
    account.call("PUT", f"/instances/{instance}", {"name": "new"})
    assert account.call("GET", f"/instances/{instance}")["name"] == "new"
    assert account.call("GET", "/instances")[0]["name"] == "Web Server"
    account.cloud.configure(stale_lists=0.0)
    assert account.call("GET", "/instances")[0]["name"] == "new"


def test_ignored_updates(account: Account) -> None:
    """A PUT returns the current values and changes nothing; a malformed one is still rejected."""
    disk, instance = account.disk(), account.instance()
    account.cloud.configure(ignored_updates=True)
    assert account.call("PUT", f"/disks/{disk}", {"name": "new"})["name"] == "data"
    assert account.call("PUT", f"/instances/{instance}/context", {"A": "1"}) == {}
    assert account.call("GET", f"/disks/{disk}")["name"] == "data"
    assert account.refused("PUT", f"/disks/{disk}", {"name": 5}).status == 400
    assert account.call("PUT", f"/instances/{instance}/disks", {"disks": [disk]})[0]["id"] == disk

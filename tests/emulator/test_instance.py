"""Instances: create, assemble, power, updates while running or stopped, and relations to their parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.account import Account

NOWHERE = "00000000-0000-4000-8000-000000000000"


def test_assemble(account: Account) -> None:
    """Omitted parameters have the documented defaults; disks and adapters are in the given order."""
    lan, wan = account.network(), account.public_network()
    disks = [account.disk(template="debian-9"), account.disk()]
    addresses = [account.address(network) for network in (lan, wan, lan)]
    body = account.instance_body(name="Web  Server #1", disks=disks, ip_addresses=addresses)
    instance = account.call("POST", "/instances/assemble", body)
    assert instance["state"] == "provisioning"
    account.settle()
    instance = account.call("GET", f"/instances/{instance['id']}")
    defaults: dict[str, Any] = {
        "state": "stopped",
        "hostname": "web-server-1",
        "boot_device": "disk",
        "start_on_crash": True,
        "start_on_reboot": True,
        "start_on_shutdown": False,
        "availability_group": [],
        "public_keys": [],
    }
    assert defaults.items() <= instance.items()
    assert instance["virtualization"] == "pv"  # recommended by the boot disk's template
    assert [(each["id"], each["position"], each["state"]) for each in instance["disks"]] == [
        (disks[0], 0, "attached"),
        (disks[1], 1, "attached"),
    ]
    adapters = [
        (each["index"], each["network"]["id"], [address["id"] for address in each["ip_addresses"]])
        for each in instance["network_adapters"]
    ]
    assert adapters == [(0, lan, [addresses[0], addresses[2]]), (1, wan, [addresses[1]])]
    assert account.call("GET", f"/instances/{instance['id']}/note") == {"note": ""}
    assert account.call("GET", f"/instances/{instance['id']}/context") == {}


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"memory": 511}, {"memory": ["must be between 512MB and 64GB"]}),
        ({"memory": 65537}, {"memory": ["must be between 512MB and 64GB"]}),
        ({"name": " "}, {"name": ["can't be blank"]}),
        ({"boot_device": "floppy"}, {"boot_device": ["must be one of cdrom, disk, network"]}),
        ({"virtualization": "xen"}, {"virtualization": ["must be one of hvm, pv"]}),
        ({"disks": [NOWHERE]}, {"disks": [f"{NOWHERE} does not exist"]}),
        ({"ip_addresses": [NOWHERE]}, {"ip_addresses": [f"{NOWHERE} does not exist"]}),
        ({"public_keys": [NOWHERE]}, {"public_keys": [f"{NOWHERE} does not exist"]}),
        ({"public_keys": [NOWHERE, NOWHERE]}, {"public_keys": ["must name each one only once"]}),
        ({"availability_group": [NOWHERE]}, {"availability_group": [f"{NOWHERE} does not exist"]}),
        (
            {"memory": 1, "name": ""},
            {"memory": ["must be between 512MB and 64GB"], "name": ["can't be blank"]},
        ),
    ],
)
def test_values(account: Account, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    """Invalid values are rejected together, each with its field; nothing is created."""
    assert account.invalid("POST", "/instances/assemble", account.instance_body(**fields)) == details
    assert account.cloud.count() == {}


def test_parts_of_another_region(account: Account) -> None:
    """Tier, disks, addresses and group must be of the instance's region."""
    parts: dict[str, Any] = {
        "performance_tier": account.tier("instances", region="ML1"),
        "disks": [account.disk("ML1")],
        "ip_addresses": [account.address(account.public_network("ML1"))],
        "availability_group": [account.instance("ML1")],
    }
    for field, value in parts.items():
        body = {**account.instance_body(), field: value}
        assert account.invalid("POST", "/instances/assemble", body).keys() == {field}
    body = account.instance_body(performance_tier=account.tier("disks"))
    assert account.invalid("POST", "/instances/assemble", body).keys() == {"performance_tier"}


def test_a_disk_of_another_instance(account: Account) -> None:
    """A disk can be attached to one instance only, and not in a transitional state."""
    disk = account.disk()
    account.instance(disks=[disk])
    body = account.instance_body(disks=[disk])
    assert account.invalid("POST", "/instances/assemble", body) == {"disks": [f"{disk} is attached"]}
    busy = account.call("POST", "/disks", account.disk_body())["id"]
    body = account.instance_body(disks=[busy])
    assert account.invalid("POST", "/instances/assemble", body) == {"disks": [f"{busy} is provisioning"]}


def test_basic_create(account: Account) -> None:
    """A basic create adds a boot disk from the template and an address in each requested network."""
    lan, other = account.network("10.1.0.0/24"), account.network("10.2.0.0/24")
    key = account.key()
    body = account.basic_body(
        template="debian-9", networks=[other], allocate_public_ip=True, allocate_private_ip=True, public_keys=[key]
    )
    instance = account.call("POST", "/instances", body)
    assert (instance["state"], instance["virtualization"]) == ("provisioning", "pv")
    disk = instance["disks"][0]
    assert (disk["state"], disk["size"], disk["template"]["slug"]) == ("provisioning", 20, "debian-9")
    networks = [adapter["network"]["id"] for adapter in instance["network_adapters"]]
    assert networks == [account.public_network(), lan, other]
    assert all(len(adapter["ip_addresses"]) == 1 for adapter in instance["network_adapters"])
    account.settle()
    assert account.state(f"/instances/{instance['id']}") == "stopped"
    disk = account.call("GET", f"/disks/{disk['id']}")
    assert (disk["state"], disk["instance_id"], disk["position"]) == ("attached", instance["id"], 0)


def test_start_when_ready(account: Account) -> None:
    """With start_when_ready the instance starts as soon as its boot disk is provisioned."""
    instance = account.call("POST", "/instances", account.basic_body(start_when_ready=True))["id"]
    account.settle()
    assert account.state(f"/instances/{instance}") == "running"


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"size": 9}, "size"),
        ({"template": "nope"}, "template"),
        ({"networks": [NOWHERE]}, "networks"),
        ({"allocate_private_ip": True}, "allocate_private_ip"),
        ({"disk_performance_tier": NOWHERE}, "disk_performance_tier"),
        ({"instance_performance_tier": NOWHERE}, "instance_performance_tier"),
    ],
)
def test_basic_create_rejected(account: Account, fields: dict[str, Any], blamed: str) -> None:
    """The error names the field, and nothing is created."""
    assert account.invalid("POST", "/instances", account.basic_body(**fields)).keys() == {blamed}
    assert account.cloud.count() == {}


def test_basic_create_without_addresses_left(account: Account) -> None:
    """If one network has no free address, those allocated in the others are released."""
    full = account.network("10.1.0.0/30")
    for _ in range(2):
        account.address(full)
    body = account.basic_body(networks=[full], allocate_public_ip=True)
    assert account.invalid("POST", "/instances", body) == {"networks": ["has no free address"]}
    assert account.cloud.count() == {"networks": 1, "ip_addresses": 2}


def test_power(account: Account) -> None:
    """Only a stopped instance can start, and only a running one can stop."""
    instance = account.instance()
    assert account.invalid("POST", f"/instances/{instance}/stop") == {"state": ["is stopped"]}
    assert account.call("POST", f"/instances/{instance}/start")["state"] == "starting"
    assert account.invalid("POST", f"/instances/{instance}/stop") == {"state": ["is starting"]}
    account.settle()
    assert account.invalid("POST", f"/instances/{instance}/start") == {"state": ["is running"]}
    assert account.call("POST", f"/instances/{instance}/stop")["state"] == "stopping"
    account.settle()
    assert account.state(f"/instances/{instance}/state") == "stopped"


def test_update_live(account: Account) -> None:
    """Name, note, boot device and the start_on flags can change while the instance runs."""
    instance = account.instance(running=True)
    body = {
        "name": "New Name",
        "note": "hello",
        "boot_device": "cdrom",
        "start_on_crash": False,
        "start_on_reboot": False,
        "start_on_shutdown": True,
        "memory": 1024,  # unchanged
    }
    result = account.call("PUT", f"/instances/{instance}", body)
    note = body.pop("note")
    assert {**body, "state": "running", "hostname": "web-server"}.items() <= result.items()
    assert account.call("GET", f"/instances/{instance}/note") == {"note": note}


def test_update_stopped(account: Account) -> None:
    """Memory, tier and virtualization can change while it is stopped; values are validated as in create."""
    instance = account.instance()
    fast = account.tier("instances", "Fast")
    body = {"memory": 2048, "performance_tier": fast, "virtualization": "pv"}
    result = account.call("PUT", f"/instances/{instance}", body)
    assert (result["memory"], result["performance_tier"]["id"], result["virtualization"]) == (2048, fast, "pv")
    for field, value in (("memory", 1), ("virtualization", "x"), ("performance_tier", NOWHERE), ("boot_device", "x")):
        assert account.invalid("PUT", f"/instances/{instance}", {field: value}).keys() == {field}


def test_replace_disks(account: Account) -> None:
    """Disks are replaced at once (200) while it is stopped, and gradually (202) while it runs."""
    first, second, third = (account.disk() for _ in range(3))
    instance = account.instance(disks=[first, second])
    response = account.send("PUT", f"/instances/{instance}/disks", {"disks": [third, first]})
    assert response.status_code == 200
    assert [(each["id"], each["position"]) for each in response.json()] == [(third, 0), (first, 1)]
    assert account.call("GET", f"/disks/{second}")["instance_id"] is None

    account.call("POST", f"/instances/{instance}/start")
    account.settle()
    response = account.send("PUT", f"/instances/{instance}/disks", {"disks": [first, second]})
    assert response.status_code == 202
    assert [(each["id"], each["state"]) for each in response.json()] == [(first, "attached"), (second, "attaching")]
    assert account.state(f"/instances/{instance}") == "updating"
    assert account.state(f"/disks/{third}") == "detaching"
    account.settle()
    assert account.state(f"/instances/{instance}") == "running"
    assert account.state(f"/disks/{second}") == "attached"
    assert account.call("GET", f"/disks/{third}")["instance_id"] is None


def test_replace_public_keys(account: Account) -> None:
    """Keys are replaced without a change of state, even while it runs (202)."""
    keys = [account.key("a"), account.key("b")]
    instance = account.instance(public_keys=keys[:1])
    path = f"/instances/{instance}/public_keys"
    response = account.send("PUT", path, {"public_keys": keys})
    assert (response.status_code, [each["id"] for each in response.json()]) == (200, keys)
    account.call("POST", f"/instances/{instance}/start")
    account.settle()
    response = account.send("PUT", path, {"public_keys": keys[1:]})
    assert (response.status_code, [each["id"] for each in response.json()]) == (202, keys[1:])
    assert account.state(f"/instances/{instance}") == "running"


def test_replace_network_adapters(account: Account) -> None:
    """An adapter of the same network keeps its id; the index is its position; addresses are updated."""
    lan, wan = account.network(), account.public_network()
    address, other = account.address(lan), account.address(wan)
    instance = account.instance(ip_addresses=[address])
    path = f"/instances/{instance}/network_adapters"
    before = account.call("GET", f"/instances/{instance}")["network_adapters"][0]["id"]
    wanted = [{"network": wan, "ip_addresses": [other]}, {"network": lan, "ip_addresses": "dhcp"}]
    response = account.send("PUT", path, {"network_adapters": wanted})
    assert response.status_code == 200
    first, second = response.json()
    assert (first["index"], first["dhcp"], first["ip_addresses"][0]["id"]) == (0, False, other)
    assert (second["index"], second["dhcp"], second["ip_addresses"], second["id"]) == (1, True, [], before)
    assert account.call("GET", f"/ip_addresses/{address}")["instance_ids"] == []
    assert account.call("GET", f"/ip_addresses/{other}")["instance_ids"] == [instance]

    account.call("POST", f"/instances/{instance}/start")
    account.settle()
    response = account.send("PUT", path, {"network_adapters": [{"network": lan, "ip_addresses": []}]})
    assert (response.status_code, response.json()[0]["dhcp"]) == (202, False)
    assert account.state(f"/instances/{instance}") == "updating_network"


def test_network_adapters_rejected(account: Account) -> None:
    """An adapter needs a ready network of the region, and free addresses of that network, each once."""
    lan, wan = account.network(), account.public_network()
    address, elsewhere = account.address(lan), account.address(account.public_network("ML1"))
    taken = account.address(lan)
    account.instance(ip_addresses=[taken])
    instance = account.instance()
    new = {"name": None, "region": account.region(), "specification": "10.9.0.0/24"}
    busy = account.call("POST", "/networks", new)["id"]
    rejected: list[list[dict[str, Any]]] = [
        [{"network": wan, "ip_addresses": [address]}],
        [{"network": account.public_network("ML1"), "ip_addresses": [elsewhere]}],
        [{"network": lan, "ip_addresses": [address, address]}],
        [{"network": lan, "ip_addresses": [address]}, {"network": lan, "ip_addresses": [address]}],
        [{"network": lan, "ip_addresses": [taken]}],
        [{"network": busy, "ip_addresses": []}],
        [{"network": NOWHERE, "ip_addresses": []}],
        [{"network": lan, "ip_addresses": [NOWHERE]}],
    ]
    for wanted in rejected:
        path = f"/instances/{instance}/network_adapters"
        assert account.invalid("PUT", path, {"network_adapters": wanted}).keys() == {"network_adapters"}


def test_availability_group(account: Account) -> None:
    """A group is mutual; joining another one ends the first; an instance cannot name itself."""
    a, b, c = (account.instance() for _ in range(3))
    d = account.instance(availability_group=[a, b])

    def groups() -> list[set[str]]:
        return [set(account.call("GET", f"/instances/{each}")["availability_group"]) for each in (a, b, c, d)]

    assert groups() == [{b, d}, {a, d}, set(), {a, b}]
    path = f"/instances/{c}/availability_group"
    assert account.call("PUT", path, {"availability_group": [a]}) == [a]
    assert groups() == [{c}, {d}, {a}, {b}]
    account.call("PUT", path, {"availability_group": []})
    assert groups() == [set(), {d}, set(), {b}]
    assert account.invalid("PUT", path, {"availability_group": [c]}).keys() == {"availability_group"}


def test_context(account: Account) -> None:
    """POST replaces all variables, PUT merges, DELETE removes one and gets 404 for an unknown one."""
    path = f"/instances/{account.instance()}/context"
    assert account.call("POST", path, {"A": "1", "B": "2"}) == {"A": "1", "B": "2"}
    assert account.call("PUT", path, {"B": "", "my key": "ä"}) == {"A": "1", "B": "", "my key": "ä"}
    assert account.call("DELETE", f"{path}/my%20key") == {"A": "1", "B": ""}
    assert account.refused("DELETE", f"{path}/my%20key").status == 404
    assert account.call("POST", path, {}) == {}
    assert account.call("GET", path) == {}


def test_fail_power(account: Account) -> None:
    """A failing start or stop is accepted, and ends in the state before it."""
    instance = account.instance()
    account.cloud.fail_power("start")
    account.cloud.fail_power("stop")
    for action, transitional, after in (
        ("start", "starting", "stopped"),
        ("start", "starting", "running"),
        ("stop", "stopping", "running"),
        ("stop", "stopping", "stopped"),
    ):
        assert account.call("POST", f"/instances/{instance}/{action}")["state"] == transitional
        account.settle()
        assert account.state(f"/instances/{instance}") == after


def test_delete(account: Account) -> None:
    """A stopped instance is `terminating` and then deleted; its disks, addresses and group become free."""
    disk, address, other = account.disk(), account.address(account.network()), account.instance()
    instance = account.instance(disks=[disk], ip_addresses=[address], availability_group=[other])
    assert account.call("DELETE", f"/instances/{instance}")["state"] == "terminating"
    assert account.state(f"/disks/{disk}") == "attached"
    account.settle()
    assert account.refused("GET", f"/instances/{instance}").status == 404
    assert account.state(f"/disks/{disk}") == "unattached"
    assert account.call("GET", f"/disks/{disk}")["position"] is None
    assert account.call("GET", f"/ip_addresses/{address}")["instance_ids"] == []
    assert account.call("GET", f"/instances/{other}")["availability_group"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/start", None),
        ("POST", "/stop", None),
        ("POST", "/remote_access", None),
        ("PUT", "/disks", {"disks": []}),
        ("PUT", "/public_keys", {"public_keys": []}),
        ("PUT", "/network_adapters", {"network_adapters": []}),
        ("PUT", "/availability_group", {"availability_group": []}),
        ("POST", "/context", {}),
        ("PUT", "/context", {}),
    ],
)
def test_rejected_while_provisioning(account: Account, method: str, path: str, body: dict[str, Any] | None) -> None:
    """Operations on an instance that is provisioning are rejected."""
    instance = account.call("POST", "/instances/assemble", account.instance_body())["id"]
    assert account.invalid(method, f"/instances/{instance}{path}", body) == {"state": ["is provisioning"]}

"""Networks: validation, overlaps, and deletion only when unused."""

from __future__ import annotations

import pytest

from tests.emulator.account import Account


def test_derived(account: Account) -> None:
    """Netmask and network address are derived from the specification; omitted fields are null."""
    network = account.call("GET", f"/networks/{account.network('172.16.4.0/22')}")
    assert (network["netmask"], network["network_address"]) == ("255.255.252.0", "172.16.4.0")
    assert (network["gateway"], network["primary_nameserver"], network["is_public"]) == (None, None, False)


@pytest.mark.parametrize(
    "specification",
    ["", "lan", "10.0.0.0", "10.0.0.1/24", "10.0.0.0/33", "8.8.8.0/24", "203.0.113.0/24", "fd00::/64", "10.0.0.0/31"],
)
def test_specification(account: Account, specification: str) -> None:
    """Only a private IPv4 network in CIDR format, without host bits and with room for machines, is valid."""
    body = {"name": None, "region": account.region(), "specification": specification}
    assert account.invalid("POST", "/networks", body).keys() == {"specification"}


def test_overlap(account: Account) -> None:
    """A network cannot overlap with another one of the account in the region until that is deleted."""
    first = account.network("10.1.0.0/16")
    body = {"name": None, "region": account.region(), "specification": "10.1.2.0/24"}
    assert account.invalid("POST", "/networks", body) == {"specification": ["overlaps with 10.1.0.0/16"]}
    account.network("10.1.2.0/24", region="ML1")
    account.call("DELETE", f"/networks/{first}")
    assert account.invalid("POST", "/networks", body).keys() == {"specification"}
    account.settle()
    account.call("POST", "/networks", body)


@pytest.mark.parametrize("gateway", ["10.2.0.1", "10.1.0.0", "10.1.0.255"])
def test_gateway(account: Account, gateway: str) -> None:
    """A gateway must be an address that a machine in the network can have."""
    network = account.network("10.1.0.0/24")
    outside = {"gateway": ["must be an address inside the network"]}
    assert account.invalid("PUT", f"/networks/{network}", {"gateway": gateway}) == outside
    body = {"name": None, "region": account.region(), "specification": "10.1.0.0/24", "gateway": gateway}
    account.call("DELETE", f"/networks/{network}")
    account.settle()
    assert account.invalid("POST", "/networks", body) == outside


def test_update(account: Account) -> None:
    """An update changes only the given fields; null is a value."""
    network = account.network("10.1.0.0/24", gateway="10.1.0.1", primary_nameserver="1.1.1.1")
    result = account.call("PUT", f"/networks/{network}", {"gateway": None, "name": None})
    assert (result["gateway"], result["name"], result["primary_nameserver"]) == (None, None, "1.1.1.1")
    same = account.call("PUT", f"/networks/{network}", {})
    assert same == {**result, "updated_at": same["updated_at"]}


def test_delete_in_use(account: Account) -> None:
    """A network with addresses or adapters cannot be deleted."""
    network = account.network()
    address = account.address(network)
    instance = account.instance(ip_addresses=[address])
    still_used = ["still use the network"]
    details = account.invalid("DELETE", f"/networks/{network}")
    assert details == {"instances": still_used, "ip_addresses": still_used}
    account.call("PUT", f"/instances/{instance}/network_adapters", {"network_adapters": []})
    assert account.invalid("DELETE", f"/networks/{network}") == {"ip_addresses": still_used}
    account.call("DELETE", f"/ip_addresses/{address}")
    assert account.call("DELETE", f"/networks/{network}")["state"] == "terminating"


def test_lists(account: Account) -> None:
    """There are lists of all, of public and of private networks."""
    private = account.network()
    public = {account.public_network("SY3"), account.public_network("ML1")}
    ids = {path: {each["id"] for each in account.call("GET", path)} for path in ("/networks", "/networks/private")}
    assert ids == {"/networks": {private, *public}, "/networks/private": {private}}

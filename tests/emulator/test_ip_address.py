"""IP addresses: allocation, sharing and deletion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulator.account import Account


def test_first_free(account: Account) -> None:
    """By default the first free address is allocated, but not the gateway."""
    network = account.network("10.1.0.0/29", gateway="10.1.0.2")
    account.address(network, address="10.1.0.3")
    addresses = [account.call("POST", "/ip_addresses", {"network": network})["address"] for _ in range(4)]
    assert addresses == ["10.1.0.1", "10.1.0.4", "10.1.0.5", "10.1.0.6"]
    assert account.invalid("POST", "/ip_addresses", {"network": network}) == {"network": ["has no free address"]}


def test_a_region_selects_its_public_network(account: Account) -> None:
    """With only a region, the address is from its public network."""
    address = account.call("POST", "/ip_addresses", {"region": account.region("ML1")})
    assert address["network_id"] == account.public_network("ML1")
    assert [each["id"] for each in account.call("GET", "/ip_addresses/public")] == [address["id"]]
    assert account.call("GET", "/ip_addresses/private") == []


def test_neither_network_nor_region(account: Account) -> None:
    """An address needs a network or a region."""
    details = account.invalid("POST", "/ip_addresses", {"name": "web"})
    assert details == {"network": ["is required unless region is given"]}


def test_network_of_another_region(account: Account) -> None:
    """If both are given, the network must be in the region."""
    body = {"network": account.network(), "region": account.region("ML1")}
    assert account.invalid("POST", "/ip_addresses", body) == {"network": ["is not in the region"]}


def test_network_not_ready(account: Account) -> None:
    """Addresses cannot be allocated before the network is ready."""
    body = {"name": None, "region": account.region(), "specification": "10.1.0.0/24"}
    network = account.call("POST", "/networks", body)["id"]
    assert account.invalid("POST", "/ip_addresses", {"network": network}) == {"network": ["is provisioning"]}


@pytest.mark.parametrize("address", ["10.2.0.1", "10.1.0.0", "10.1.0.255", "10.1.0.1", "10.1.0.9"])
def test_requested_address(account: Account, address: str) -> None:
    """A requested address is rejected if it is outside the network, reserved or taken."""
    network = account.network("10.1.0.0/24", gateway="10.1.0.1")
    account.address(network, address="10.1.0.9")
    assert account.invalid("POST", "/ip_addresses", {"network": network, "address": address}).keys() == {"address"}


def test_delete_attached(account: Account) -> None:
    """An attached address cannot be deleted; a free one can."""
    address = account.address(account.network())
    instance = account.instance(ip_addresses=[address])
    assert account.invalid("DELETE", f"/ip_addresses/{address}").keys() == {"instance_ids"}
    account.call("PUT", f"/instances/{instance}/network_adapters", {"network_adapters": []})
    assert account.call("DELETE", f"/ip_addresses/{address}") == {}
    assert account.refused("GET", f"/ip_addresses/{address}").status == 404


def test_shareable(account: Account) -> None:
    """Only a shareable address can be attached to two instances, and it stays shareable while it is."""
    address = account.address(account.network())
    first = account.instance(ip_addresses=[address])
    body = account.instance_body(ip_addresses=[address])
    assert account.invalid("POST", "/instances/assemble", body).keys() == {"ip_addresses"}
    account.call("PUT", f"/ip_addresses/{address}", {"shareable": True})
    second = account.instance(ip_addresses=[address])
    assert account.call("GET", f"/ip_addresses/{address}")["instance_ids"] == [first, second]
    assert account.invalid("PUT", f"/ip_addresses/{address}", {"shareable": False}).keys() == {"shareable"}


def test_concurrent_allocation(account: Account) -> None:
    """Sixty-four clients at once get sixty-four different addresses."""
    body = {"network": account.network("10.1.0.0/24")}

    def allocate(_: int) -> str:
        return str(Account(account.cloud).call("POST", "/ip_addresses", body)["address"])

    with ThreadPoolExecutor(64) as pool:
        addresses = list(pool.map(allocate, range(64)))
    assert len(set(addresses)) == 64

"""Network adapters: they connect an instance to a network, with the addresses that it has there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body, Uuid
from pulumi_joviam.emulator.ip_address import IpAddress, IpAddressShown
from pulumi_joviam.emulator.network import Network, NetworkShown
from pulumi_joviam.emulator.store import Card, Check, Store, new_id


class NetworkAdapterShown(TypedDict):
    """A network adapter as the API shows it."""

    id: str
    index: int
    dhcp: bool
    network: NetworkShown
    ip_addresses: list[IpAddressShown]
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class NetworkAdapter:
    """One network interface of an instance; its index is its position in the instance's list."""

    id: str
    network: str
    dhcp: bool = False
    ip_addresses: list[str] = field(default_factory=list)
    created_at: str
    updated_at: str

    def show(self, store: Store, index: int) -> NetworkAdapterShown:
        """The adapter as the API shows it."""
        return {
            "id": self.id,
            "index": index,
            "dhcp": self.dhcp,
            "network": store.find(Network, self.network).show(store),
            "ip_addresses": [store.find(IpAddress, address).show(store) for address in self.ip_addresses],
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        """The adapter as the card of its instance shows it."""
        return {
            "network": store.find(Network, self.network).card(store),
            "dhcp": self.dhcp,
            "addresses": [store.find(IpAddress, address).address for address in self.ip_addresses],
        }


class NetworkAdapterWanted(Body):
    network: Uuid
    ip_addresses: list[Uuid] | Literal["dhcp"]


def described_adapters(
    store: Store, wanted: list[NetworkAdapterWanted], current: list[NetworkAdapter]
) -> list[NetworkAdapter]:
    """Return the adapters that a request describes. An adapter on the same network as before keeps its id."""
    reusable = list(current)
    adapters: list[NetworkAdapter] = []
    for want in wanted:
        adapter = next((adapter for adapter in reusable if adapter.network == want.network), None)
        if adapter:
            reusable.remove(adapter)
        dhcp = want.ip_addresses == "dhcp"
        addresses = [] if want.ip_addresses == "dhcp" else list(want.ip_addresses)
        now = store.timestamp()
        same = adapter and (adapter.dhcp, adapter.ip_addresses) == (dhcp, addresses)
        adapters.append(
            NetworkAdapter(
                id=adapter.id if adapter else new_id(),
                network=want.network,
                dhcp=dhcp,
                ip_addresses=addresses,
                created_at=adapter.created_at if adapter else now,
                updated_at=adapter.updated_at if adapter and same else now,
            )
        )
    return adapters


def adapters_on(
    store: Store, addresses: Iterable[IpAddress], current: Iterable[NetworkAdapter] = ()
) -> list[NetworkAdapter]:
    """Return one adapter for each network of the addresses, in order of first appearance."""
    by_network: dict[str, list[str]] = {}
    for address in addresses:
        by_network.setdefault(address.network_id, []).append(address.id)
    wanted = [NetworkAdapterWanted(network=network, ip_addresses=ids) for network, ids in by_network.items()]
    return described_adapters(store, wanted, list(current))


def check_adapters(
    store: Store, field: str, adapters: list[NetworkAdapter], region_id: str, instance_id: str | None = None
) -> None:
    """Reject adapters that an instance in this region cannot have. The error names `field`."""
    addresses = [address for adapter in adapters for address in adapter.ip_addresses]
    store.refer_each(field, IpAddress, addresses)
    with Check() as check:
        for adapter in adapters:
            network = store.refer(field, Network, adapter.network)
            check(field, network.region == region_id, f"network {network.id} is not in the region")
            check(field, network.state in network.ready, f"network {network.id} is {network.state}")
            for address_id in adapter.ip_addresses:
                address = store.refer(field, IpAddress, address_id)
                check(field, address.network_id == network.id, f"{address.address} is not in network {network.id}")
                elsewhere = set(address.instance_ids) - {instance_id}
                free = address.shareable or not elsewhere
                check(field, free, f"{address.address} is attached to another instance and not shareable")

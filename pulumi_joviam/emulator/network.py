"""Networks: private ones of the account, and one public network in each region."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body, Changes, Ipv4, Uuid
from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.region import Region, RegionShown, region_named
from pulumi_joviam.emulator.store import SEED_TIME, Card, Check, Forbidden, Moving, Store, seed_id

PRIVATE_RANGES = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))

PUBLIC_NETWORKS = {"SY3": "203.0.113.0/24", "ML1": "198.51.100.0/24"}
"""Documentation ranges (RFC 5737), which reach no real host."""

OUTSIDE = "must be an address inside the network"


@lru_cache(maxsize=1024)
def parse(specification: str) -> ipaddress.IPv4Network:
    """Return the network of a specification."""
    return ipaddress.IPv4Network(specification)


class NetworkShown(TypedDict):
    """A network as the API shows it."""

    id: str
    name: str | None
    is_public: bool
    specification: str
    netmask: str
    gateway: str | None
    primary_nameserver: str | None
    secondary_nameserver: str | None
    state: str
    network_address: str
    region: RegionShown
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class Network(Moving):
    """A virtual network."""

    kind = "networks"
    transitions: ClassVar[Mapping[str, str]] = {"provisioning": "ready", "terminating": "terminated"}
    ready: ClassVar[frozenset[str]] = frozenset({"ready"})

    name: str | None
    specification: str
    region: str
    gateway: str | None = None
    primary_nameserver: str | None = None
    secondary_nameserver: str | None = None
    is_public: bool = False

    @property
    def block(self) -> ipaddress.IPv4Network:
        """The specification, parsed."""
        return parse(self.specification)

    def usable(self, address: str) -> bool:
        """Whether a machine can have this address: inside the network, and not reserved."""
        where = ipaddress.IPv4Address(address)
        reserved = (self.block.network_address, self.block.broadcast_address)
        return where in self.block and where not in reserved and address != self.gateway

    def show(self, store: Store) -> NetworkShown:
        return {
            "id": self.id,
            "name": self.name,
            "is_public": self.is_public,
            "specification": self.specification,
            "netmask": str(self.block.netmask),
            "gateway": self.gateway,
            "primary_nameserver": self.primary_nameserver,
            "secondary_nameserver": self.secondary_nameserver,
            "state": self.state,
            "network_address": str(self.block.network_address),
            "region": store.find(Region, self.region).show(store),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        return {
            **self._moves(),
            "name": self.name,
            "specification": self.specification,
            "public": self.is_public,
            "region": store.find(Region, self.region).code,
        }

    def owned(self) -> bool:
        return not self.is_public

    def change(self, store: Store, name: str, value: Any) -> None:
        super().change(store, name, region_named(store, value).id if name == "region" else value)


class NetworkCreate(Body):
    name: str | None
    region: Uuid
    specification: str
    gateway: Ipv4 | None = None
    primary_nameserver: Ipv4 | None = None
    secondary_nameserver: Ipv4 | None = None


class NetworkUpdate(Changes):
    name: str | None = None
    gateway: Ipv4 | None = None
    primary_nameserver: Ipv4 | None = None
    secondary_nameserver: Ipv4 | None = None


def _private_block(text: str) -> ipaddress.IPv4Network | None:
    try:
        block = ipaddress.IPv4Network(text)
    except ValueError:
        return None
    return block if "/" in text and any(block.subnet_of(private) for private in PRIVATE_RANGES) else None


def _gateway_fits(network: Network, gateway: str | None) -> bool:
    if gateway is None:
        return True
    where, block = ipaddress.IPv4Address(gateway), network.block
    return where in block and where not in (block.network_address, block.broadcast_address)


def create(store: Store, body: NetworkCreate) -> NetworkShown:
    """Create a private network."""
    region = store.refer("region", Region, body.region)
    block = _private_block(body.specification)
    with Check() as check:
        check("specification", block is not None, "must be a private network in CIDR format, such as 192.168.2.0/24")
        if block is not None:
            check("specification", block.prefixlen <= 30, "must have room for at least two addresses")
            taken = [
                other.specification
                for other in store.all(Network)
                if other.owned() and other.region == region.id and other.block.overlaps(block)
            ]
            check("specification", not taken, f"overlaps with {', '.join(taken)}")
    network = Network(**body.model_dump())
    with Check() as check:
        check("gateway", _gateway_fits(network, body.gateway), OUTSIDE)
    return store.provision(network).show(store)


def update(store: Store, network_id: str, body: NetworkUpdate) -> NetworkShown:
    """Update a private network."""
    network = _private(store, network_id)
    network.require()
    with Check() as check:
        check("gateway", _gateway_fits(network, body.gateway), OUTSIDE)
    store.touch(network, body.given())
    return network.show(store)


def delete(store: Store, network_id: str) -> NetworkShown:
    """Delete a private network that is not in use."""
    network = _private(store, network_id)
    network.require_deletable(store, "ready", network.failed)
    with Check() as check:
        for kind in sorted({user.kind for user in store.users(network)}):
            check(kind, False, "still use the network")
    network.terminate(store)
    return network.show(store)


def list_public(store: Store) -> list[NetworkShown]:
    """List public networks."""
    return [store.listed(network) for network in store.visible(Network) if network.is_public]


def list_private(store: Store) -> list[NetworkShown]:
    """List private networks."""
    return [store.listed(network) for network in store.visible(Network) if not network.is_public]


def first_network(store: Store, region_id: str, *, public: bool) -> Network | None:
    """Return the oldest ready network in the region, public or private."""
    for network in store.all(Network):
        if network.region == region_id and network.is_public == public and network.state in network.ready:
            return network
    return None


def _private(store: Store, network_id: str) -> Network:
    network = store.find(Network, network_id)
    if network.is_public:
        raise Forbidden
    return network


def seed(store: Store) -> None:
    """Add a public network in every region."""
    for region in store.all(Region):
        block = parse(PUBLIC_NETWORKS[region.code])
        first_host, second, third = (str(block[index]) for index in (1, 2, 3))
        store.add(
            Network(
                id=seed_id("networks", region.code),
                created_at=SEED_TIME,
                name=f"Public {region.code}",
                specification=str(block),
                region=region.id,
                gateway=first_host,
                primary_nameserver=second,
                secondary_nameserver=third,
                is_public=True,
                state="ready",
            )
        )


OPERATIONS = (
    Operation("GET /networks", index(Network)),
    Operation("POST /networks", create, 201),
    Operation("GET /networks/public", list_public),
    Operation("GET /networks/private", list_private),
    Operation("GET /networks/{network_id}", show(Network)),
    Operation("PUT /networks/{network_id}", update),
    Operation("DELETE /networks/{network_id}", delete),
)

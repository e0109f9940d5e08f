"""IP addresses: taken from a network, attached to instances through their network adapters (see instance.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body, Changes, Ipv4, Uuid
from pulumi_joviam.emulator.network import Network, first_network
from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.store import Card, Check, Empty, Invalid, Object, Store


class IpAddressShown(TypedDict):
    """An IP address as the API shows it."""

    id: str
    name: str | None
    address: str
    network_id: str
    instance_ids: list[str]
    shareable: bool
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class IpAddress(Object):
    """An IP address."""

    kind = "ip_addresses"

    name: str | None
    address: str
    network_id: str
    shareable: bool = False
    instance_ids: list[str] = field(default_factory=list)
    """Written only by instances when they attach or release it."""

    def show(self, store: Store) -> IpAddressShown:
        return {
            "id": self.id,
            "name": self.name,
            "address": self.address,
            "network_id": self.network_id,
            "instance_ids": list(self.instance_ids),
            "shareable": self.shareable,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        users = [store.tables["instances"][instance].name for instance in self.instance_ids]
        return {"id": self.id, "name": self.name, "address": self.address, "users": users}

    def uses(self, object_id: str) -> bool:
        return self.network_id == object_id

    def drop_references(self, store: Store, gone: Object) -> None:
        if self.network_id == gone.id:
            self.remove(store)
        if gone.id in self.instance_ids:
            self.instance_ids.remove(gone.id)

    def change(self, store: Store, name: str, value: Any) -> None:
        if name == "instance_ids":
            raise AttributeError("change the instance's ip_addresses or network_adapters instead")
        super().change(store, name, value)


class IpAddressCreate(Body):
    address: Ipv4 = ""
    name: str | None = None
    network: Uuid = ""
    region: Uuid = ""
    shareable: bool = False


class IpAddressUpdate(Changes):
    name: str | None = None
    shareable: bool = False


def create(store: Store, body: IpAddressCreate) -> IpAddressShown:
    """Allocate a new IP address."""
    network = _network(store, body)
    address = allocate(store, network, "network", name=body.name, wanted=body.address, shareable=body.shareable)
    return address.show(store)


def _network(store: Store, body: IpAddressCreate) -> Network:
    region = store.refer("region", Region, body.region) if body.region else None
    if body.network:
        network = store.refer("network", Network, body.network)
        if region and network.region != region.id:
            raise Invalid({"network": ["is not in the region"]})
        return network
    if not region:
        raise Invalid({"network": ["is required unless region is given"]})
    public = first_network(store, region.id, public=True)
    if not public:
        raise Invalid({"region": ["has no public network"]})
    return public


def allocate(
    store: Store, network: Network, field: str, *, name: str | None = None, wanted: str = "", shareable: bool = False
) -> IpAddress:
    """Allocate the wanted address of the network, or the first free one. An error names `field`."""
    if network.state not in network.ready:
        raise Invalid({field: [f"is {network.state}"]})
    taken = {other.address for other in store.all(IpAddress) if other.network_id == network.id}
    if wanted:
        with Check() as check:
            check("address", network.usable(wanted), f"is not a usable address of {network.specification}")
            check("address", wanted not in taken, "has already been taken")
    else:
        hosts = map(str, network.block.hosts())
        wanted = next((host for host in hosts if host not in taken and network.usable(host)), "")
        if not wanted:
            raise Invalid({field: ["has no free address"]})
    return store.add(IpAddress(name=name, address=wanted, network_id=network.id, shareable=shareable))


def update(store: Store, ip_address_id: str, body: IpAddressUpdate) -> IpAddressShown:
    """Update an IP address."""
    address = store.find(IpAddress, ip_address_id)
    with Check() as check:
        shared = "shareable" in body.model_fields_set and not body.shareable and len(address.instance_ids) > 1
        check("shareable", not shared, "cannot be false while several instances use the address")
    store.touch(address, body.given())
    return address.show(store)


def delete(store: Store, ip_address_id: str) -> Empty:
    """Deallocate an IP address."""
    address = store.find(IpAddress, ip_address_id)
    with Check() as check:
        allowed = store.switches.delete_attached_address or not address.instance_ids
        check("instance_ids", allowed, "must be empty: the address is attached")
    address.remove(store)
    return {}


def list_public(store: Store) -> list[IpAddressShown]:
    """List public IP addresses."""
    return _list(store, public=True)


def list_private(store: Store) -> list[IpAddressShown]:
    """List private IP addresses."""
    return _list(store, public=False)


def _list(store: Store, *, public: bool) -> list[IpAddressShown]:
    networks = store.table(Network)
    addresses = (it for it in store.visible(IpAddress) if networks[it.network_id].is_public == public)
    return [store.listed(address) for address in addresses]


OPERATIONS = (
    Operation("GET /ip_addresses", index(IpAddress)),
    Operation("POST /ip_addresses", create, 201),
    Operation("GET /ip_addresses/public", list_public),
    Operation("GET /ip_addresses/private", list_private),
    Operation("GET /ip_addresses/{ip_address_id}", show(IpAddress)),
    Operation("PUT /ip_addresses/{ip_address_id}", update),
    Operation("DELETE /ip_addresses/{ip_address_id}", delete),
)

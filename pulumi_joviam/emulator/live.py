"""The data of the live page: names, states and relations.

The page needs no token on this machine, so only the fields listed here leave the store: no token or address of a
console, no value of a context, no note, no key, and no path or body of a request.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from pulumi_joviam.emulator.console_session import ConsoleSession
from pulumi_joviam.emulator.disk import Disk
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.ip_address import IpAddress
from pulumi_joviam.emulator.network import Network
from pulumi_joviam.emulator.network_adapter import NetworkAdapter
from pulumi_joviam.emulator.performance_tier import PerformanceTier
from pulumi_joviam.emulator.public_key import PublicKey
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.request import Request
from pulumi_joviam.emulator.store import Moving, Store
from pulumi_joviam.emulator.template import Template

REQUESTS = 15
LOOKED_AT = 2000
"""How many of the last requests are searched for those worth showing."""

Part = dict[str, Any]


def picture(store: Store, requests: dict[int, Request]) -> Part:
    """Everything that the page shows, as JSON values."""
    instances = list(store.all(Instance))
    sessions: dict[str, list[Part]] = {}
    for session in store.all(ConsoleSession):
        sessions.setdefault(session.instance_id, []).append({"name": session.type, **_state(session)})
    addresses: dict[str, list[Part]] = {}
    for address in store.all(IpAddress):
        addresses.setdefault(address.network_id, []).append(_address(store, address))
    placed = {disk for instance in instances for disk in instance.disks}
    return {
        "instances": [{**_instance(store, each), "consoles": sessions.get(each.id, [])} for each in instances],
        "disks": [_disk(store, disk) for disk in store.all(Disk) if disk.id not in placed],
        "networks": [
            {**_network(network), "region": _region(store, network.region), "addresses": addresses.get(network.id, [])}
            for network in store.all(Network)
            if network.owned() or network.id in addresses
        ],
        "public_keys": [_public_key(key) for key in store.all(PublicKey)],
        "templates": [_template(store, template) for template in store.all(Template) if template.owned()],
        "busy": len(store.moving),
        "requests": _worth_showing(requests),
        "received": next(reversed(requests), 0),
    }


def _state(obj: Moving) -> Part:
    return {"id": obj.id, "state": obj.state, "busy": bool(obj.then)}


def _region(store: Store, region_id: str) -> str:
    return store.find(Region, region_id).code


def _tier(store: Store, tier_id: str) -> str:
    return store.find(PerformanceTier, tier_id).name


def _instance(store: Store, instance: Instance) -> Part:
    return {
        **_state(instance),
        "name": instance.name,
        "memory": instance.memory,
        "tier": _tier(store, instance.performance_tier),
        "region": _region(store, instance.region),
        "disks": [_disk(store, store.find(Disk, disk)) for disk in instance.disks],
        "adapters": [_adapter(store, adapter) for adapter in instance.network_adapters],
        "public_keys": [store.find(PublicKey, key).name for key in instance.public_keys],
        "availability_group": [store.find(Instance, member).name for member in instance.availability_group],
        "variables": len(instance.context),
    }


def _disk(store: Store, disk: Disk) -> Part:
    return {
        **_state(disk),
        "name": disk.name,
        "size": disk.size,
        "tier": _tier(store, disk.performance_tier),
        "template": store.find(Template, disk.template).slug if disk.template else None,
        "region": _region(store, disk.region),
    }


def _adapter(store: Store, adapter: NetworkAdapter) -> Part:
    return {
        "network": _network(store.find(Network, adapter.network)),
        "dhcp": adapter.dhcp,
        "addresses": [store.find(IpAddress, address).address for address in adapter.ip_addresses],
    }


def _network(network: Network) -> Part:
    return {
        **_state(network),
        "name": network.name,
        "specification": network.specification,
        "public": network.is_public,
    }


def _address(store: Store, address: IpAddress) -> Part:
    users = [store.table(Instance)[instance].name for instance in address.instance_ids]
    return {"id": address.id, "name": address.name, "address": address.address, "users": users}


def _public_key(key: PublicKey) -> Part:
    return {"id": key.id, "name": key.name, "type": key.key.partition(" ")[0]}


def _template(store: Store, template: Template) -> Part:
    return {
        "id": template.id,
        "name": template.name,
        "slug": template.slug,
        "version": template.version,
        "region": _region(store, template.region),
    }


def _worth_showing(requests: dict[int, Request]) -> list[Part]:
    """The last requests that changed something, were refused, or have no response; the newest first."""
    latest = islice(reversed(requests.items()), LOOKED_AT)
    found = (
        {"id": number, "operation": request.operation, "status": request.status}
        for number, request in latest
        if request.method != "GET" or request.status is None or request.status >= 400
    )
    return list(islice(found, REQUESTS))

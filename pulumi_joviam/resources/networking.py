"""The adapters of an instance, and the addresses on them.

Reference: "Network Adapter", "Instance Update Networking". Note: the API only accepts the whole list of
adapters, so a change of one sends all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ArgumentError, NotFound, Vanished
from pulumi_joviam.lifecycle.arguments import given
from pulumi_joviam.lifecycle.order import named_otherwise
from pulumi_joviam.lifecycle.state import Memory

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation
    from pulumi_joviam.resources.instance_args import InstanceArgs

PUBLIC, PRIVATE = "allocate_public_ip", "allocate_private_ip"
SOURCES = {"networks", PUBLIC, PRIVATE}
"""Arguments that allocate addresses with an instance."""
ADDRESSES = {"ip_addresses", "network_adapters", *SOURCES}
"""Arguments that decide which addresses an instance has."""


@dataclass
class AddressMemory(Memory):
    """The private state of the addresses of an instance."""

    addresses: dict[str, str] | None = None
    """{PUBLIC, PRIVATE or a network's id: the id of the address that was allocated for it}."""

    @property
    def created(self) -> Mapping[str, type[models.Model]]:
        return {**super().created, **dict.fromkeys((self.addresses or {}).values(), models.IpAddress)}


def as_input(adapter: models.NetworkAdapter) -> dict[str, Any]:
    """Return an adapter in the form of an input."""
    addresses = "dhcp" if adapter.dhcp else [address.id for address in adapter.ip_addresses]
    return {"network": adapter.network.id, "ip_addresses": addresses}


class Addresses(list[str]):
    """The ids of an instance's addresses, adapter by adapter."""

    def __init__(self, adapters: Sequence[models.NetworkAdapter]) -> None:
        super().__init__(address.id for adapter in adapters for address in adapter.ip_addresses)
        self._network = {address.id: a.network.id for a in adapters for address in a.ip_addresses}

    def matches(self, said: Sequence[str]) -> bool:
        """Return whether attaching ``said`` results in these: the same addresses, with networks in the same order."""
        networks = [dict.fromkeys(self._network[id] for id in ids if id in self._network) for ids in (self, said)]
        return set(said) == set(self) and list(networks[0]) == list(networks[1])

    def as_input(self, _like: object) -> list[str]:
        return list(self)


class Networks(list[str]):
    """The ids of the networks in which an instance has an address. Additional ones are no difference."""

    def matches(self, said: Sequence[str]) -> bool:
        return set(said) <= set(self)

    def as_input(self, like: Sequence[str] | None) -> list[str]:
        return list(self) if like is None else [network for network in like if network in self]


class Has:
    """Whether an instance has an address of a kind. An additional one is no difference."""

    def __init__(self, has: bool) -> None:
        self._has = has

    def matches(self, said: bool) -> bool:
        return self._has or not said

    def as_input(self, _like: object) -> bool:
        return self._has


def as_inputs(live: models.Instance) -> dict[str, Any]:
    """Return the networking of an instance in all forms of input."""
    adapters = [adapter for adapter in live.network_adapters if adapter.ip_addresses]
    return {
        "ip_addresses": Addresses(adapters),
        "network_adapters": [as_input(adapter) for adapter in live.network_adapters],
        "networks": Networks(dict.fromkeys(adapter.network.id for adapter in adapters)),
        PUBLIC: Has(any(adapter.network.is_public for adapter in adapters)),
        PRIVATE: Has(any(not adapter.network.is_public for adapter in adapters)),
    }


def held(said: Mapping[str, Any]) -> set[str]:
    """Return the known ids of addresses that a program attaches to an instance."""
    adapters: list[Any] = said.get("network_adapters") or []
    on_adapters: list[Any] = [a.get("ip_addresses", []) for a in adapters if given(a)] if given(adapters) else []
    lists: list[list[Any] | None] = [said.get("ip_addresses"), *on_adapters]
    return {id for ids in lists if isinstance(ids, list) for id in ids if given(id)}


def connect(op: Operation, live: models.Instance, args: InstanceArgs, changes: Mapping[str, Any]) -> None:
    """Converge the adapters to the argument that is given. If one form is removed, the other one counts."""
    if args.network_adapters and "network_adapters" in changes:
        replace(op, live.id, [{"ip_addresses": [], **adapter} for adapter in args.network_adapters])
    elif not args.network_adapters and ("ip_addresses" in changes or "network_adapters" in changes):
        networks: dict[str, list[str]] = {}
        for id in args.ip_addresses or ():
            networks.setdefault(op.api.get(models.IpAddress, id).network_id, []).append(id)
        replace(op, live.id, [{"network": network, "ip_addresses": ids} for network, ids in networks.items()])


def replace(op: Operation, instance_id: str, adapters: list[dict[str, Any]]) -> None:
    """Set the adapters of the instance and wait until it has them."""
    path = op.api.path(models.Instance, instance_id, "network_adapters")
    live = op.api.get(models.Instance, instance_id)
    op.retry_when_settled(
        (),
        lambda: op.retry_while_changing(live, lambda _now: op.api.call("PUT", path, {"network_adapters": adapters})),
        addresses=[id for adapter in adapters if adapter["ip_addresses"] != "dhcp" for id in adapter["ip_addresses"]],
        to=instance_id,
    )
    op.wait_settled(op.api.get(models.Instance, instance_id))


def attach_address(op: Operation, instance_id: str, address: models.IpAddress) -> None:
    """Add an adapter with this address to an instance."""
    live = op.wait_settled(op.api.get(models.Instance, instance_id))
    more = {"network": address.network_id, "ip_addresses": [address.id]}
    replace(op, instance_id, [*(as_input(adapter) for adapter in live.network_adapters), more])


def detach_address(op: Operation, instance_id: str, address_id: str) -> None:
    """Detach an address from an instance, and its adapter if it has no other address."""

    def rest(adapters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        adapters = [adapter for adapter in adapters if adapter["ip_addresses"] != [address_id]]
        for adapter in adapters:
            if address_id in adapter["ip_addresses"]:
                adapter["ip_addresses"].remove(address_id)
        return adapters

    _take_off(op, instance_id, rest)


def _take_off(op: Operation, instance_id: str, rest: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Keep only the ``rest`` of the adapters of an instance, which may have been deleted."""
    with op.exclusive(instance_id), suppress(NotFound, Vanished):
        live = op.wait_settled(op.api.get(models.Instance, instance_id))
        replace(op, instance_id, rest([as_input(adapter) for adapter in live.network_adapters]))


def leave(op: Operation, network_id: str) -> bool:
    """Disconnect the machines of this stack from a network, and release the addresses that were allocated for them.

    Return whether there were any. Other machines are left alone.
    """
    left = False
    for instance in op.api.list(models.Instance):
        if instance.id in op.journal.claimed and network_id in [it.network.id for it in instance.network_adapters]:
            _take_off(op, instance.id, lambda adapters: [it for it in adapters if it["network"] != network_id])
            left = True
    for address in op.api.list(models.IpAddress):
        if address.network_id == network_id and address.id in op.journal.claimed and not address.instance_ids:
            op.delete(address)
            left = True
    return left


def public_networks(op: Operation[Any]) -> dict[str, models.Network]:
    """Return {id: network} of Joviam's public networks, requested once per process."""
    path = f"{models.Network.path}/public"
    return {network.id: network for network in op.catalog.listed(models.Network, path)}


def make_address(op: Operation, body: Mapping[str, Any], purpose: str = "") -> models.IpAddress:
    """Allocate an address in a network, or a public one in a region (both as ids)."""

    def is_there(live: models.IpAddress) -> bool:  # the API shows the network of an address, but not its region
        public = op.api.list(models.Network, f"{models.Network.path}/public")
        return "network" in body or live.network_id in [it.id for it in public if it.region.id == body["region"]]

    shows = {"network_id" if name == "network" else name: value for name, value in body.items() if name != "region"}
    alike = {"network": named_otherwise, "region": is_there}
    return op.create(models.IpAddress, body, purpose=purpose, shows=shows, alike=alike)


def release(op: Operation, address: models.IpAddress) -> None:
    """Detach the address from all instances and release it."""
    for instance in op.holders(address):
        detach_address(op, instance.id, address.id)
    op.delete(address)


# -- addresses that are allocated and released together with their instance (basic create) --


def adopt(op: Operation[AddressMemory], live: models.Instance, args: InstanceArgs) -> None:
    """Record which addresses were allocated with the instance, and for what."""
    free = [(adapter.network, address.id) for adapter in live.network_adapters for address in adapter.ip_addresses]
    made = op.private.addresses = op.private.addresses or {}
    for source in _wanted(args):
        for network, address_id in free:
            if _serves(network, source):
                made[source] = address_id
                free.remove((network, address_id))
                break


def allocate(op: Operation[AddressMemory], live: models.Instance, args: InstanceArgs) -> None:
    """Allocate, attach and release addresses until the instance has one for each source."""
    wanted, made = _wanted(args), op.private.addresses or {}
    in_scope = [source for source in [*wanted, *made] if _argument(source) in args.model_fields_set]
    if not in_scope:
        return
    op.private.addresses = made
    for source in [source for source in made if source not in wanted and source in in_scope]:
        give_back(op, source)
    live = op.api.get(models.Instance, live.id)
    attached = [(adapter.network, address.id) for adapter in live.network_adapters for address in adapter.ip_addresses]
    free = [(network, id) for network, id in attached if id not in made.values()]
    for source in wanted:
        if source not in in_scope or made.get(source) in [id for _, id in attached]:
            continue
        fitting = next(((network, id) for network, id in free if _serves(network, source)), None)
        if source not in made and fitting:  # it exists, but was not allocated by us: so it is not released either
            free.remove(fitting)
            continue
        attach_address(op, live.id, _made(op, live, source, made))


def give_back(op: Operation[AddressMemory], source: str) -> None:
    """Release the address of ``source``, which may have been deleted."""
    made = op.private.addresses or {}
    with suppress(NotFound):
        release(op, op.api.get(models.IpAddress, made[source]))
    del made[source]


def _wanted(args: InstanceArgs) -> list[str]:
    flags = [(PUBLIC, args.allocate_public_ip), (PRIVATE, args.allocate_private_ip)]
    return [*(args.networks or ()), *(source for source, wanted in flags if wanted)]


def may_have(live: models.Instance, args: InstanceArgs) -> bool:
    """Return whether the instance may have been created for ``args``: all of its addresses are among theirs."""
    adapters = [adapter for adapter in live.network_adapters if adapter.ip_addresses]
    return all(any(_serves(adapter.network, source) for source in _wanted(args)) for adapter in adapters)


def _argument(source: str) -> str:
    return source if source in (PUBLIC, PRIVATE) else "networks"


def _serves(network: models.Network, source: str) -> bool:
    by_kind = {PUBLIC: network.is_public, PRIVATE: not network.is_public}
    return by_kind.get(source, network.id == source)


def _made(op: Operation, live: models.Instance, source: str, made: dict[str, str]) -> models.IpAddress:
    """Return the address for a source: the one that was allocated before, or a new one."""
    if source in made:
        try:
            return op.api.get(models.IpAddress, made[source])
        except NotFound:
            del made[source]
    where = {"region": live.region.id} if source == PUBLIC else {"network": source}
    if source == PRIVATE:
        networks = op.api.list(models.Network, f"{models.Network.path}/private")
        here = [network for network in networks if network.region.id == live.region.id and network.state == "ready"]
        if not here:
            raise ArgumentError(PRIVATE, f"there is no private network in region {live.region.code}")
        where = {"network": here[0].id}
    address = make_address(op, where, purpose=source)
    made[source] = address.id
    return address

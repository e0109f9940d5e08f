"""The adapters of an instance, and the addresses on them.

Reference: "Network Adapter", "Instance Update Networking". What surprises: the API takes the whole list
of adapters at once, so every change of one says all the others again.
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
"""Arguments for which addresses are made with an instance."""


@dataclass
class AddressMemory(Memory):
    """What an instance remembers of its addresses."""

    addresses: dict[str, str] | None = None
    """{PUBLIC, PRIVATE or a network's id: the id of the address that was made for it}."""


def as_input(adapter: models.NetworkAdapter) -> dict[str, Any]:
    """Return an adapter as a program would say it."""
    addresses = "dhcp" if adapter.dhcp else [address.id for address in adapter.ip_addresses]
    return {"network": adapter.network.id, "ip_addresses": addresses}


class Addresses(list[str]):
    """The ids of an instance's addresses, adapter by adapter."""

    def __init__(self, adapters: Sequence[models.NetworkAdapter]) -> None:
        super().__init__(address.id for adapter in adapters for address in adapter.ip_addresses)
        self._network = {address.id: a.network.id for a in adapters for address in a.ip_addresses}

    def matches(self, said: Sequence[str]) -> bool:
        """Say whether attaching ``said`` gives these: the same addresses, their networks in the same order."""
        networks = [dict.fromkeys(self._network[id] for id in ids if id in self._network) for ids in (self, said)]
        return set(said) == set(self) and list(networks[0]) == list(networks[1])

    def as_input(self, _like: object) -> list[str]:
        return list(self)


class Networks(list[str]):
    """The ids of the networks in which an instance has an address. More than were asked for do no harm."""

    def matches(self, said: Sequence[str]) -> bool:
        return set(said) <= set(self)

    def as_input(self, like: Sequence[str] | None) -> list[str]:
        return list(self) if like is None else [network for network in like if network in self]


class Has:
    """Whether an instance has an address of a kind. One that was not asked for does no harm."""

    def __init__(self, has: bool) -> None:
        self._has = has

    def matches(self, said: bool) -> bool:
        return self._has or not said

    def as_input(self, _like: object) -> bool:
        return self._has


def as_inputs(live: models.Instance) -> dict[str, Any]:
    """Return the networking of an instance in all the ways that a program could say it."""
    adapters = [adapter for adapter in live.network_adapters if adapter.ip_addresses]
    return {
        "ip_addresses": Addresses(adapters),
        "network_adapters": [as_input(adapter) for adapter in live.network_adapters],
        "networks": Networks(dict.fromkeys(adapter.network.id for adapter in adapters)),
        PUBLIC: Has(any(adapter.network.is_public for adapter in adapters)),
        PRIVATE: Has(any(not adapter.network.is_public for adapter in adapters)),
    }


def held(said: Mapping[str, Any]) -> set[str]:
    """Return the ids of addresses that a program gives an instance, as far as they are known."""
    adapters: list[Any] = said.get("network_adapters") or []
    on_adapters: list[Any] = [a.get("ip_addresses", []) for a in adapters if given(a)] if given(adapters) else []
    lists: list[list[Any] | None] = [said.get("ip_addresses"), *on_adapters]
    return {id for ids in lists if isinstance(ids, list) for id in ids if given(id)}


def connect(op: Operation, live: models.Instance, args: InstanceArgs, changes: Mapping[str, Any]) -> None:
    """Bring the adapters to what is said, in the one way or the other. One taken away leaves to the other."""
    if args.network_adapters and "network_adapters" in changes:
        replace(op, live.id, [{"ip_addresses": [], **adapter} for adapter in args.network_adapters])
    elif not args.network_adapters and ("ip_addresses" in changes or "network_adapters" in changes):
        networks: dict[str, list[str]] = {}
        for id in args.ip_addresses or ():
            networks.setdefault(op.api.get(models.IpAddress, id).network_id, []).append(id)
        replace(op, live.id, [{"network": network, "ip_addresses": ids} for network, ids in networks.items()])


def replace(op: Operation, instance_id: str, adapters: list[dict[str, Any]]) -> None:
    """Give the instance these adapters and wait until it has them."""
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
    """Give an instance one more adapter with this address."""
    live = op.wait_settled(op.api.get(models.Instance, instance_id))
    more = {"network": address.network_id, "ip_addresses": [address.id]}
    replace(op, instance_id, [*(as_input(adapter) for adapter in live.network_adapters), more])


def detach_address(op: Operation, instance_id: str, address_id: str) -> None:
    """Take one address off an instance, with its adapter if that has no other; leave the rest as it is."""

    def rest(adapters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        adapters = [adapter for adapter in adapters if adapter["ip_addresses"] != [address_id]]
        for adapter in adapters:
            if address_id in adapter["ip_addresses"]:
                adapter["ip_addresses"].remove(address_id)
        return adapters

    _take_off(op, instance_id, rest)


def _take_off(op: Operation, instance_id: str, rest: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Leave an instance with the ``rest`` of its adapters. With an instance that is gone they are gone, too."""
    with op.exclusive(instance_id), suppress(NotFound, Vanished):
        live = op.wait_settled(op.api.get(models.Instance, instance_id))
        replace(op, instance_id, rest([as_input(adapter) for adapter in live.network_adapters]))


def leave(op: Operation, network_id: str) -> bool:
    """Take the machines of this stack off a network, and give back the addresses in it that were made for them.

    Return whether there were any. What belongs to somebody else is left alone.
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
    """Return {id: network} of those that belong to Joviam, asked for once per process."""
    path = f"{models.Network.path}/public"
    return {network.id: network for network in op.catalog.listed(models.Network, path)}


def make_address(op: Operation, body: Mapping[str, Any], purpose: str = "") -> models.IpAddress:
    """Ask for an address in a network, or for a public one in a region (both as ids)."""

    def is_there(live: models.IpAddress) -> bool:  # the API shows an address with its network, never with its region
        public = op.api.list(models.Network, f"{models.Network.path}/public")
        return "network" in body or live.network_id in [it.id for it in public if it.region.id == body["region"]]

    shows = {"network_id" if name == "network" else name: value for name, value in body.items() if name != "region"}
    alike = {"network": named_otherwise, "region": is_there}
    return op.create(models.IpAddress, body, purpose=purpose, shows=shows, alike=alike)


def release(op: Operation, address: models.IpAddress) -> None:
    """Take the address off every instance that has it and give it back."""
    for instance in op.holders(address):
        detach_address(op, instance.id, address.id)
    op.delete(address)


# -- addresses that are made and given back together with their instance (basic create) --


def adopt(op: Operation[AddressMemory], live: models.Instance, args: InstanceArgs) -> None:
    """Remember which addresses were made with the instance, and for what."""
    free = [(adapter.network, address.id) for adapter in live.network_adapters for address in adapter.ip_addresses]
    made = op.private.addresses = op.private.addresses or {}
    for source in _wanted(args):
        for network, address_id in free:
            if _serves(network, source):
                made[source] = address_id
                free.remove((network, address_id))
                break


def allocate(op: Operation[AddressMemory], live: models.Instance, args: InstanceArgs) -> None:
    """Make, attach and give back addresses until the instance has one for each source that is said."""
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
        if source not in made and fitting:  # there already, but not of our making: so it is not given back either
            free.remove(fitting)
            continue
        attach_address(op, live.id, _made(op, live, source, made))


def give_back(op: Operation[AddressMemory], source: str) -> None:
    """Give back the address that was made for ``source``. One that is gone is fine."""
    made = op.private.addresses or {}
    with suppress(NotFound):
        release(op, op.api.get(models.IpAddress, made[source]))
    del made[source]


def _wanted(args: InstanceArgs) -> list[str]:
    flags = [(PUBLIC, args.allocate_public_ip), (PRIVATE, args.allocate_private_ip)]
    return [*(args.networks or ()), *(source for source, wanted in flags if wanted)]


def may_have(live: models.Instance, args: InstanceArgs) -> bool:
    """Say whether the instance may have been made for ``args``: each address that it has by now is one of theirs."""
    adapters = [adapter for adapter in live.network_adapters if adapter.ip_addresses]
    return all(any(_serves(adapter.network, source) for source in _wanted(args)) for adapter in adapters)


def _argument(source: str) -> str:
    return source if source in (PUBLIC, PRIVATE) else "networks"


def _serves(network: models.Network, source: str) -> bool:
    by_kind = {PUBLIC: network.is_public, PRIVATE: not network.is_public}
    return by_kind.get(source, network.id == source)


def _made(op: Operation, live: models.Instance, source: str, made: dict[str, str]) -> models.IpAddress:
    """Return the address for a source: the one that was made for it before, or a new one."""
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

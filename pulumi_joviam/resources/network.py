"""Private networks.

Reference: "Network". Note: private networks of one region cannot overlap, so a network that is replaced by an
overlapping one is deleted first. Public networks belong to Joviam: look them up.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ValidationFail
from pulumi_joviam.lifecycle.arguments import Cidr, IPv4, Replaces, Resets, given
from pulumi_joviam.lifecycle.change import Change
from pulumi_joviam.lifecycle.declare import Arg, Out, Regional, arg, out
from pulumi_joviam.lifecycle.hooks import Follows
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.resources import networking

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class NetworkArgs(Regional):
    specification: Arg[Cidr] = arg(Replaces("PUT /networks takes no specification"))
    """Address range in CIDR format ("192.168.2.0/24")."""
    gateway: Arg[IPv4 | None] = arg(Resets(None), default=None)
    """IPv4 address of the gateway, inside the network. Removing it unsets it."""
    primary_nameserver: Arg[IPv4 | None] = arg(Resets(None), default=None)
    """IPv4 address of the first nameserver. Removing it unsets it."""
    secondary_nameserver: Arg[IPv4 | None] = arg(Resets(None), default=None)
    """IPv4 address of the second nameserver. Removing it unsets it."""

    def problems(self) -> Iterator[tuple[str, str]]:
        if given(self.gateway, self.specification):
            network = ipaddress.IPv4Network(self.specification)
            if ipaddress.IPv4Address(self.gateway or "") not in network:
                yield "gateway", "must be inside the network of specification"


class NetworkProvider(Lifecycle[NetworkArgs, models.Network]):
    follows: ClassVar[Follows] = MappingProxyType(
        {
            "netmask": ("specification", lambda cidr: str(ipaddress.IPv4Network(cidr).netmask)),
            "network_address": ("specification", lambda cidr: str(ipaddress.IPv4Network(cidr).network_address)),
            "is_public": ("specification", lambda _cidr: False),  # a network of Joviam cannot be created
        }
    )

    def post(self, op: Operation, args: NetworkArgs) -> models.Network:
        return op.create(models.Network, args.model_dump(exclude_unset=True) | {"name": args.name})

    def remove(self, op: Operation, live: models.Network) -> None:
        try:
            op.delete(live)
        except ValidationFail:
            # it is deleted before its replacement is created, to which the machines of this stack are connected later
            if not networking.leave(op, live.id):
                raise
            op.delete(live)

    def notices(self, change: Change) -> Iterator[str]:
        if change.replaces and self.delete_first(change):
            yield (
                "the network is deleted before its replacement is created, because the two overlap: meanwhile the "
                "machines of this stack that use it are disconnected from it"
            )

    def delete_first(self, change: Change) -> bool:
        specifications = (change.live.get("specification"), change.wanted.get("specification"))
        if "region" in change.steps or not given(*specifications):
            return False
        old, new = (ipaddress.IPv4Network(specification) for specification in specifications)
        return old.overlaps(new)


class Network(NetworkArgs, Resource, provider=NetworkProvider):
    """A private network.

        office = joviam.Network("office", specification="10.0.0.0/24", gateway="10.0.0.1")

    Rejected in preview: a value that is not CIDR or IPv4, a gateway outside the network. The API rejects overlapping
    networks (422).
    Source: reference, "Network Create", "Network Update".
    """

    netmask: Out[str] = out()
    """Netmask, such as "255.255.255.0"."""
    network_address: Out[str] = out()
    """First address of the range, which no machine can use."""
    is_public: Out[bool] = out()
    """Whether the network is reachable from the Internet. Always false for this resource."""

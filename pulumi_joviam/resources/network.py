"""Private networks.

Reference: "Network". What surprises: two private networks of one region cannot overlap, so a network
that is replaced by an overlapping one is deleted first. Public networks belong to Joviam: look them up.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import pulumi

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ValidationFail
from pulumi_joviam.lifecycle.arguments import Args, Cidr, IPv4, Region, Replaces, Resets, given
from pulumi_joviam.lifecycle.provider import Provider, Resource
from pulumi_joviam.resources import networking

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class NetworkArgs(Args):
    specification: Annotated[Cidr, Replaces("PUT /networks takes no specification")]
    region: Region
    gateway: Annotated[IPv4 | None, Resets(None)] = None
    primary_nameserver: Annotated[IPv4 | None, Resets(None)] = None
    secondary_nameserver: Annotated[IPv4 | None, Resets(None)] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if given(self.gateway, self.specification):
            network = ipaddress.IPv4Network(self.specification)
            if ipaddress.IPv4Address(self.gateway or "") not in network:
                yield "gateway", "must lie in the network that specification names"


class NetworkProvider(Provider[NetworkArgs, models.Network]):
    args = NetworkArgs
    model = models.Network
    outputs = ("netmask", "network_address", "is_public")

    def post(self, op: Operation, args: NetworkArgs) -> models.Network:
        return op.create(models.Network, args.model_dump(exclude_unset=True) | {"name": args.name})

    def remove(self, op: Operation, live: models.Network) -> None:
        try:
            op.delete(live)
        except ValidationFail:
            # deleted before the one that replaces it is made, which the machines of this stack are given then
            if not networking.leave(op, live.id):
                raise
            op.delete(live)

    def announce(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], before: Mapping[str, Any], steps: Mapping[str, str]
    ) -> Iterator[str]:
        yield from super().announce(olds, news, before, steps)
        if "replace" in steps.values() and self.delete_first(olds, news, steps):
            yield (
                "the network is deleted before the one that replaces it is made, since the two overlap: meanwhile "
                "machines of this stack that are in it are without it"
            )

    def delete_first(self, olds: Mapping[str, Any], news: Mapping[str, Any], steps: Mapping[str, str]) -> bool:
        specifications = (olds.get("specification"), news.get("specification"))
        if "region" in steps or not given(*specifications):
            return False
        old, new = (ipaddress.IPv4Network(specification) for specification in specifications)
        return old.overlaps(new)


class Network(Resource, provider=NetworkProvider):
    """A private network.

        office = joviam.Network("office", specification="10.0.0.0/24", gateway="10.0.0.1")

    Args:
        specification: The network in CIDR format ("192.168.2.0/24"). A change replaces.
        region: Region by id, code or name. Default: the stack config joviam:region. A change replaces.
        gateway: IPv4 address inside the network, or none. Updated in place; taken away: none.
        primary_nameserver: IPv4 address, or none. Updated in place; taken away: none.
        secondary_nameserver: IPv4 address, or none. Updated in place; taken away: none.
        name: Name of the network. Default: the resource's Pulumi name. Updated in place.

    Raises, in preview: what is not CIDR or IPv4, a gateway outside the network. The API refuses (422) overlaps.
    Source: reference, "Network Create", "Network Update".
    """

    specification: pulumi.Output[str]
    region: pulumi.Output[str]
    gateway: pulumi.Output[str | None]
    primary_nameserver: pulumi.Output[str | None]
    secondary_nameserver: pulumi.Output[str | None]
    name: pulumi.Output[str]
    netmask: pulumi.Output[str]
    """Netmask, e.g. "255.255.255.0"."""
    network_address: pulumi.Output[str]
    """First address of the range, which no machine can have."""
    is_public: pulumi.Output[bool]
    """Whether the network is routable on the Internet. False for what this resource makes."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        specification: pulumi.Input[str],
        region: pulumi.Input[str] | None = None,
        gateway: pulumi.Input[str] | None = None,
        primary_nameserver: pulumi.Input[str] | None = None,
        secondary_nameserver: pulumi.Input[str] | None = None,
        name: pulumi.Input[str] | None = None,
    ) -> None:
        super().__init__(
            resource_name,
            opts,
            specification=specification,
            region=region,
            gateway=gateway,
            primary_nameserver=primary_nameserver,
            secondary_nameserver=secondary_nameserver,
            name=name,
        )

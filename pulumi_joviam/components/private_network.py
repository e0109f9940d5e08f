"""A private network and named addresses in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pulumi

from pulumi_joviam.components.component import Component
from pulumi_joviam.lifecycle.arguments import Replaces
from pulumi_joviam.lifecycle.declare import Arg, Input, Made, Passed, Plain, arg, out
from pulumi_joviam.resources.ip_address import IpAddress
from pulumi_joviam.resources.network import Network


class PrivateNetworkArgs(Passed):
    specification: Arg[str] = arg(Replaces("PUT /networks takes no specification", "the network and the addresses"))
    """The network in CIDR format ("192.168.2.0/24")."""
    addresses: Plain[Mapping[str, Input[str] | None] | None, Mapping[str, IpAddress]] = arg(default=None)
    """{name: the IPv4 address to request, or None for any free one}: a plain dict, whose values may be Outputs. A
    change of one address replaces only that one. The attribute is {name: IpAddress}."""
    region: Arg[str | None] = arg(
        Replaces("no PUT takes a region", "everything"), default=None, unset="the stack config joviam:region"
    )
    """Region by id, code or name."""
    gateway: Arg[str | None] = arg(default=None)
    """IPv4 address inside the network, or none."""
    primary_nameserver: Arg[str | None] = arg(default=None)
    """IPv4 address, or none."""
    secondary_nameserver: Arg[str | None] = arg(default=None)
    """IPv4 address, or none."""


class PrivateNetwork(PrivateNetworkArgs, Component[PrivateNetworkArgs]):
    """A private network with named addresses.

        backstage = joviam.PrivateNetwork("backstage", specification="10.0.0.0/24", addresses={"db": "10.0.0.20"})
        joviam.Server("db", template="debian-9", public=False, ip_addresses=[backstage.addresses["db"].id])

    The children are called ``{name}-network`` and ``{name}-{address's name}``; in the cloud the network has the
    component's own name.

    Raises RunError if addresses is not a dict.
    """

    network: Made[Network] = out()
    """The network."""
    network_id: Made[pulumi.Output[str]] = out()
    """Id of the network."""

    def _check(self, name: str, args: PrivateNetworkArgs) -> None:
        if not isinstance(cast("object", args.addresses), (Mapping, type(None))):
            raise pulumi.RunError(
                f'addresses of the PrivateNetwork "{name}" must be a dict that the program knows: it says '
                "which addresses there are (each of them may be an Output)"
            )

    def _compose(self, name: str, args: PrivateNetworkArgs) -> None:
        below = pulumi.ResourceOptions(parent=self)
        self.network = self._child(
            Network,
            f"{name}-network",
            below,
            name=name,
            specification=args.specification,
            region=args.region,
            gateway=args.gateway,
            primary_nameserver=args.primary_nameserver,
            secondary_nameserver=args.secondary_nameserver,
        )
        self.network_id = network = self.network.id
        vars(self)["addresses"] = {  # type checkers take an assignment for the argument
            key: self._child(IpAddress, f"{name}-{key}", below, network=network, address=address)
            for key, address in (args.addresses or {}).items()
        }

    def _outputs(self) -> dict[str, Any]:
        return {**super()._outputs(), "addresses": {key: address.address for key, address in self.addresses.items()}}

"""IP addresses, public and private.

Reference: "IP Address". Note: the API shows the network of an address, but not its region. It does not release an
address that is attached, so we detach it first.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ArgumentError
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle.arguments import Chosen, Id, IPv4, Names, Replaces, Resets, Text, given
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.declare import Arg, Filled, Named, Out, arg, out
from pulumi_joviam.lifecycle.hooks import Follows
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.resources import networking

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class IpAddressArgs(Named):
    network: Arg[Id | None] = arg(Replaces("PUT /ip_addresses takes no network"), default=None)
    """Id of the network of the address. Without it, the address is public."""
    region: Filled[Text | None] = arg(
        Names("region"),
        Replaces("PUT /ip_addresses takes no region"),
        default=None,
        unset="without network, the stack config joviam:region",
    )
    """Region of a public address, by id, code or name. Not needed with network."""
    address: Filled[IPv4] = arg(
        Replaces("PUT /ip_addresses takes no address"), Chosen(), default=None, unset="any free one"
    )
    """IPv4 address: the one to request, and as an output the one that was allocated. Removing it changes nothing."""
    shareable: Arg[bool | None] = arg(Resets(False), default=None)
    """Whether several instances can use it at the same time."""

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.network is None and self.region is None:
            yield "network", "give a network, or for a public address a region (here or in joviam:region)"


class IpAddressProvider(Lifecycle[IpAddressArgs, models.IpAddress]):
    follows: ClassVar[Follows] = MappingProxyType({"network_id": ("network", lambda id: id)})

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        # the network determines the region
        return news if "network" in news else super().defaults(news, settings)

    def post(self, op: Operation, args: IpAddressArgs) -> models.IpAddress:
        if args.network is not None:
            self._agree(op, args.network, args)
        return networking.make_address(op, args.model_dump(exclude_unset=True))

    def converge(self, op: Operation, live: models.IpAddress, args: IpAddressArgs) -> models.IpAddress:
        self._agree(op, live.network_id, args)
        return super().converge(op, live, args)

    def as_inputs(self, live: models.IpAddress) -> dict[str, Any]:
        return {**super().as_inputs(live), "network": live.network_id}

    def described(self, op: Operation[Any], live: models.IpAddress) -> dict[str, Any]:
        # the network of a public address is Joviam's: the region says enough
        public = networking.public_networks(op).get(live.network_id)
        return self.as_inputs(live) | ({"network": None, "region": public.region} if public else {})

    def compare(self, field: str, change: Change) -> Step | Literal["same"]:
        if field == "region" and field not in change.live and "network" in change.wanted:
            return "update"  # newly given beside the network: only `up` can check whether the two agree
        return super().compare(field, change)

    def delete_first(self, change: Change) -> bool:
        wanted = change.wanted.get("address")
        return given(wanted) and wanted == change.live.get("address")

    def remove(self, op: Operation, live: models.IpAddress) -> None:
        networking.release(op, live)

    @staticmethod
    def _agree(op: Operation, network_id: str, args: IpAddressArgs) -> None:
        """Raise ArgumentError if both network and region are given and the network is in another region."""
        if args.network is None or args.region is None:
            return
        there = op.api.get(models.Network, network_id).region
        if not there.matches(args.region):
            raise ArgumentError("region", f"the network {network_id} is in {there.code}; leave the region out")


class IpAddress(IpAddressArgs, Resource, provider=IpAddressProvider):
    """An IP address, in one of your networks or public.

        public = joviam.IpAddress("public")
        private = joviam.IpAddress("private", network=office.id, address="10.0.0.20")

    Rejected in preview: neither network nor region, a value that is not IPv4. The API rejects an address that is in use
    (422).
    Source: reference, "IP Address Allocate", "IP Address Update".
    """

    network_id: Out[str] = out()
    """Id of the network that the address belongs to, public addresses included."""

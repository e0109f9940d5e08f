"""IP addresses, public and private.

Reference: "IP Address". What surprises: the API shows an address with its network, never with its
region; and it gives back no address that is attached, so we detach it first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pulumi

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ArgumentError
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle.arguments import Args, Id, IPv4, Names, Replaces, Resets, Text, given
from pulumi_joviam.lifecycle.provider import Provider, Resource
from pulumi_joviam.resources import networking

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class IpAddressArgs(Args):
    network: Annotated[Id | None, Replaces("PUT /ip_addresses takes no network")] = None
    region: Annotated[Text | None, Names("region"), Replaces("PUT /ip_addresses takes no region")] = None
    address: Annotated[IPv4 | None, Replaces("PUT /ip_addresses takes no address")] = None
    shareable: Annotated[bool | None, Resets(False)] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.network is None and self.region is None:
            yield "network", "say the network, or for a public address the region (here or in joviam:region)"


class IpAddressProvider(Provider[IpAddressArgs, models.IpAddress]):
    args = IpAddressArgs
    model = models.IpAddress
    outputs = ("address", "network_id")

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        # an address in a network of its own region needs no other word for the region
        return news if "network" in news else super().defaults(news, settings)

    def post(self, op: Operation, args: IpAddressArgs) -> models.IpAddress:
        if args.network is not None:
            self._agree(op, args.network, args)
        return networking.make_address(op, args.model_dump(exclude_unset=True))

    def converge(self, op: Operation, live: models.IpAddress, args: IpAddressArgs) -> models.IpAddress:
        self._agree(op, live.network_id, args)
        return super().converge(op, live, args)

    def said(self, live: models.IpAddress) -> dict[str, Any]:
        return {**super().said(live), "network": live.network_id}

    def compare(
        self, field: str, old: Mapping[str, Any], new: Mapping[str, Any], before: Mapping[str, Any]
    ) -> Literal["same", "update", "replace"]:
        if field == "region" and field not in old and "network" in new:
            return "update"  # said for the first time, beside the network: only `up` can see whether the two agree
        return super().compare(field, old, new, before)

    def delete_first(self, olds: Mapping[str, Any], news: Mapping[str, Any], _steps: Mapping[str, str]) -> bool:
        return given(news.get("address")) and news["address"] == olds.get("address")

    def remove(self, op: Operation, live: models.IpAddress) -> None:
        networking.release(op, live)

    @staticmethod
    def _agree(op: Operation, network_id: str, args: IpAddressArgs) -> None:
        """Raise ArgumentError where both network and region are said, and the network is in another region."""
        if args.network is None or args.region is None:
            return
        there = op.api.get(models.Network, network_id).region
        if not there.means(args.region):
            raise ArgumentError("region", f"the network {network_id} is in {there.code}; leave the region out")


class IpAddress(Resource, provider=IpAddressProvider):
    """An IP address: in a network of yours, or a public one.

        public = joviam.IpAddress("public")
        private = joviam.IpAddress("private", network=office.id, address="10.0.0.20")

    Args:
        network: Id of the network to take it from. A change replaces.
        region: Region of a public address, by id, code or name; not needed beside network. Default, without
            network: the stack config joviam:region. A change replaces.
        address: The IPv4 address to ask for. Default: any free one. A change replaces; taken away: stays.
        shareable: Whether several instances may have it at once. Default: false. Updated in place.
        name: Name of the address. Default: the resource's Pulumi name. Updated in place.

    Raises, in preview: neither network nor region, what is not IPv4. The API refuses (422) an address that is taken.
    Source: reference, "IP Address Allocate", "IP Address Update".
    """

    network: pulumi.Output[str | None]
    region: pulumi.Output[str | None]
    address: pulumi.Output[str]
    """The address in IPv4 notation, asked for or given."""
    shareable: pulumi.Output[bool | None]
    name: pulumi.Output[str]
    network_id: pulumi.Output[str]
    """Id of the network that it belongs to, also for a public address."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        network: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        address: pulumi.Input[str] | None = None,
        shareable: pulumi.Input[bool] | None = None,
        name: pulumi.Input[str] | None = None,
    ) -> None:
        super().__init__(
            resource_name, opts, network=network, region=region, address=address, shareable=shareable, name=name
        )

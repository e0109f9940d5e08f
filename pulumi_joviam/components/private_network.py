"""A private network and the addresses in it that something has to know by name."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from pulumi_joviam.resources.ip_address import IpAddress
from pulumi_joviam.resources.network import Network


class PrivateNetwork(pulumi.ComponentResource):
    """A private network with named addresses.

        backstage = joviam.PrivateNetwork("backstage", specification="10.0.0.0/24", addresses={"db": "10.0.0.20"})
        joviam.Server("db", template="debian-9", public=False, ip_addresses=[backstage.addresses["db"].id])

    The children are called ``{name}-network`` and ``{name}-{address's name}``; in the cloud the network has the
    component's own name.

    Args:
        specification: The network in CIDR format ("192.168.2.0/24"). A change replaces the network and the addresses.
        addresses: {name: the IPv4 address to ask for, or None for any free one}, a plain dict; the addresses in it may
            be Outputs. A change of one replaces that one; the others stay. Default: none.
        region: Region by id, code or name. Default: the stack config joviam:region. A change replaces everything.
        gateway: IPv4 address inside the network, or none. Updated in place.
        primary_nameserver: IPv4 address, or none. Updated in place.
        secondary_nameserver: IPv4 address, or none. Updated in place.

    Raises RunError for addresses that are no dict.
    """

    network: Network
    addresses: Mapping[str, IpAddress]
    """The addresses by their names."""
    network_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        specification: pulumi.Input[str],
        addresses: Mapping[str, pulumi.Input[str] | None] | None = None,
        region: pulumi.Input[str] | None = None,
        gateway: pulumi.Input[str] | None = None,
        primary_nameserver: pulumi.Input[str] | None = None,
        secondary_nameserver: pulumi.Input[str] | None = None,
    ) -> None:
        if not isinstance(addresses, (Mapping, type(None))):
            raise pulumi.RunError(
                f'addresses of the PrivateNetwork "{resource_name}" must be a dict that the program knows: it says '
                "which addresses there are (each of them may be an Output)"
            )
        super().__init__("joviam:index:PrivateNetwork", resource_name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.network = Network(
            f"{resource_name}-network",
            child,
            name=resource_name,
            specification=specification,
            region=region,
            gateway=gateway,
            primary_nameserver=primary_nameserver,
            secondary_nameserver=secondary_nameserver,
        )
        self.network_id = self.network.id
        self.addresses = {
            name: IpAddress(f"{resource_name}-{name}", child, network=self.network_id, address=address)
            for name, address in (addresses or {}).items()
        }
        self.register_outputs(
            {
                "network_id": self.network_id,
                "addresses": {name: address.address for name, address in self.addresses.items()},
            }
        )

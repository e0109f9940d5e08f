"""Manage the Joviam cloud from Pulumi programs: keys, networks, addresses, disks and instances."""

from pulumi_joviam.resources.disk import Disk
from pulumi_joviam.resources.instance import Instance, NetworkAdapterDict
from pulumi_joviam.resources.ip_address import IpAddress
from pulumi_joviam.resources.network import Network
from pulumi_joviam.resources.public_key import PublicKey

__all__ = [
    "Disk",
    "Instance",
    "IpAddress",
    "Network",
    "NetworkAdapterDict",
    "PublicKey",
]

"""Manage the Joviam cloud from Pulumi programs: keys, networks, addresses, disks and instances."""

from pulumi_joviam.resources.availability_group import AvailabilityGroup
from pulumi_joviam.resources.console_session import ConsoleSession
from pulumi_joviam.resources.disk import Disk
from pulumi_joviam.resources.instance import BootDiskDict, Instance, NetworkAdapterDict
from pulumi_joviam.resources.ip_address import IpAddress
from pulumi_joviam.resources.network import Network
from pulumi_joviam.resources.public_key import PublicKey
from pulumi_joviam.resources.template import Template

__all__ = [
    "BootDiskDict",
    "AvailabilityGroup",
    "ConsoleSession",
    "Disk",
    "Instance",
    "IpAddress",
    "Network",
    "NetworkAdapterDict",
    "PublicKey",
    "Template",
]

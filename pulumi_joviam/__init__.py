"""Manage the Joviam cloud from Pulumi programs: keys, networks, addresses, disks and instances.

Nothing is imported before it is used: a program, and the process that Pulumi starts for it, pay for what they need.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_joviam.components.private_network import PrivateNetwork
    from pulumi_joviam.components.server import Server
    from pulumi_joviam.components.server_pool import ServerPool
    from pulumi_joviam.lookups import (
        get_disk,
        get_disk_output,
        get_disks,
        get_disks_output,
        get_instance,
        get_instance_output,
        get_instances,
        get_instances_output,
        get_ip_address,
        get_ip_address_output,
        get_ip_addresses,
        get_ip_addresses_output,
        get_network,
        get_network_output,
        get_networks,
        get_networks_output,
        get_performance_tier,
        get_performance_tier_output,
        get_performance_tiers,
        get_performance_tiers_output,
        get_public_key,
        get_public_key_output,
        get_public_keys,
        get_public_keys_output,
        get_region,
        get_region_output,
        get_regions,
        get_regions_output,
        get_template,
        get_template_output,
        get_templates,
        get_templates_output,
    )
    from pulumi_joviam.resources.availability_group import AvailabilityGroup
    from pulumi_joviam.resources.console_session import ConsoleSession
    from pulumi_joviam.resources.disk import Disk
    from pulumi_joviam.resources.instance import BootDiskDict, Instance, NetworkAdapterDict
    from pulumi_joviam.resources.ip_address import IpAddress
    from pulumi_joviam.resources.network import Network
    from pulumi_joviam.resources.provider import Provider
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
    "Server",
    "ServerPool",
    "PrivateNetwork",
    "Provider",
    "get_region",
    "get_region_output",
    "get_regions",
    "get_regions_output",
    "get_performance_tier",
    "get_performance_tier_output",
    "get_performance_tiers",
    "get_performance_tiers_output",
    "get_template",
    "get_template_output",
    "get_templates",
    "get_templates_output",
    "get_disk",
    "get_disk_output",
    "get_disks",
    "get_disks_output",
    "get_instance",
    "get_instance_output",
    "get_instances",
    "get_instances_output",
    "get_network",
    "get_network_output",
    "get_networks",
    "get_networks_output",
    "get_ip_address",
    "get_ip_address_output",
    "get_ip_addresses",
    "get_ip_addresses_output",
    "get_public_key",
    "get_public_key_output",
    "get_public_keys",
    "get_public_keys_output",
]

_HOMES = {
    "AvailabilityGroup": "resources.availability_group",
    "BootDiskDict": "resources.instance",
    "ConsoleSession": "resources.console_session",
    "Disk": "resources.disk",
    "Instance": "resources.instance",
    "IpAddress": "resources.ip_address",
    "Network": "resources.network",
    "NetworkAdapterDict": "resources.instance",
    "PrivateNetwork": "components.private_network",
    "Provider": "resources.provider",
    "PublicKey": "resources.public_key",
    "Server": "components.server",
    "ServerPool": "components.server_pool",
    "Template": "resources.template",
}
"""Where what is not a look-up lives."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'lookups')}")
    globals()[name] = found = getattr(home, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

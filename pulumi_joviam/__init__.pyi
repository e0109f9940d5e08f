from .components.private_network import PrivateNetwork
from .components.server import Server
from .components.server_pool import ServerPool
from .lookups import (
    get_disk,
    get_disks,
    get_instance,
    get_instances,
    get_ip_address,
    get_ip_addresses,
    get_network,
    get_networks,
    get_performance_tier,
    get_performance_tiers,
    get_public_key,
    get_public_keys,
    get_region,
    get_regions,
    get_template,
    get_templates,
)
from .lookups.outputs import (
    get_disk_output,
    get_disks_output,
    get_instance_output,
    get_instances_output,
    get_ip_address_output,
    get_ip_addresses_output,
    get_network_output,
    get_networks_output,
    get_performance_tier_output,
    get_performance_tiers_output,
    get_public_key_output,
    get_public_keys_output,
    get_region_output,
    get_regions_output,
    get_template_output,
    get_templates_output,
)
from .resources.availability_group import AvailabilityGroup
from .resources.console_session import ConsoleSession
from .resources.disk import Disk
from .resources.instance import Instance
from .resources.instance_args import BootDiskDict, NetworkAdapterDict
from .resources.ip_address import IpAddress
from .resources.network import Network
from .resources.provider import Provider
from .resources.public_key import PublicKey
from .resources.template import Template

__all__ = [
    # in the order of a program: what is used stands before what uses it
    "PublicKey",
    "Network",
    "IpAddress",
    "Disk",
    "Template",
    "Instance",
    "BootDiskDict",
    "NetworkAdapterDict",
    "AvailabilityGroup",
    "ConsoleSession",
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

"""What type checkers read: the classes and look-ups are those of pulumi_joviam, without the components."""

from pulumi_joviam import (
    AvailabilityGroup as AvailabilityGroup,
)
from pulumi_joviam import (
    BootDiskDict as BootDiskDict,
)
from pulumi_joviam import (
    ConsoleSession as ConsoleSession,
)
from pulumi_joviam import (
    Disk as Disk,
)
from pulumi_joviam import (
    Instance as Instance,
)
from pulumi_joviam import (
    IpAddress as IpAddress,
)
from pulumi_joviam import (
    Network as Network,
)
from pulumi_joviam import (
    NetworkAdapterDict as NetworkAdapterDict,
)
from pulumi_joviam import (
    Provider as Provider,
)
from pulumi_joviam import (
    PublicKey as PublicKey,
)
from pulumi_joviam import (
    Template as Template,
)
from pulumi_joviam import (
    get_disk as get_disk,
)
from pulumi_joviam import (
    get_disk_output as get_disk_output,
)
from pulumi_joviam import (
    get_disks as get_disks,
)
from pulumi_joviam import (
    get_disks_output as get_disks_output,
)
from pulumi_joviam import (
    get_instance as get_instance,
)
from pulumi_joviam import (
    get_instance_output as get_instance_output,
)
from pulumi_joviam import (
    get_instances as get_instances,
)
from pulumi_joviam import (
    get_instances_output as get_instances_output,
)
from pulumi_joviam import (
    get_ip_address as get_ip_address,
)
from pulumi_joviam import (
    get_ip_address_output as get_ip_address_output,
)
from pulumi_joviam import (
    get_ip_addresses as get_ip_addresses,
)
from pulumi_joviam import (
    get_ip_addresses_output as get_ip_addresses_output,
)
from pulumi_joviam import (
    get_network as get_network,
)
from pulumi_joviam import (
    get_network_output as get_network_output,
)
from pulumi_joviam import (
    get_networks as get_networks,
)
from pulumi_joviam import (
    get_networks_output as get_networks_output,
)
from pulumi_joviam import (
    get_performance_tier as get_performance_tier,
)
from pulumi_joviam import (
    get_performance_tier_output as get_performance_tier_output,
)
from pulumi_joviam import (
    get_performance_tiers as get_performance_tiers,
)
from pulumi_joviam import (
    get_performance_tiers_output as get_performance_tiers_output,
)
from pulumi_joviam import (
    get_public_key as get_public_key,
)
from pulumi_joviam import (
    get_public_key_output as get_public_key_output,
)
from pulumi_joviam import (
    get_public_keys as get_public_keys,
)
from pulumi_joviam import (
    get_public_keys_output as get_public_keys_output,
)
from pulumi_joviam import (
    get_region as get_region,
)
from pulumi_joviam import (
    get_region_output as get_region_output,
)
from pulumi_joviam import (
    get_regions as get_regions,
)
from pulumi_joviam import (
    get_regions_output as get_regions_output,
)
from pulumi_joviam import (
    get_template as get_template,
)
from pulumi_joviam import (
    get_template_output as get_template_output,
)
from pulumi_joviam import (
    get_templates as get_templates,
)
from pulumi_joviam import (
    get_templates_output as get_templates_output,
)

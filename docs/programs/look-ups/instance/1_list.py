"""The addresses of all machines in a region."""

import pulumi
import pulumi_joviam as joviam

machines = joviam.get_instances(region="SY3")
pulumi.export(
    "addresses",
    {
        machine.name: [address.address for adapter in machine.network_adapters for address in adapter.ip_addresses]
        for machine in machines
    },
)

"""Addresses by name.

`None` allocates any free address.
"""

import pulumi
import pulumi_joviam as joviam

services = joviam.PrivateNetwork(
    "services",
    specification="10.26.0.0/24",
    gateway="10.26.0.1",
    addresses={"cache": "10.26.0.10", "queue": None},
)
for name, address in services.addresses.items():
    joviam.Server(f"services-{name}", template="debian-9", public=False, ip_addresses=[address.id])
    pulumi.export(f"services-{name}", address.address)

"""A network with a gateway and nameservers.

The gateway must be inside the network.
"""

import pulumi_joviam as joviam

joviam.Network(
    "branch",
    specification="10.20.0.0/24",
    gateway="10.20.0.1",
    primary_nameserver="9.9.9.9",
    secondary_nameserver="8.8.8.8",
)

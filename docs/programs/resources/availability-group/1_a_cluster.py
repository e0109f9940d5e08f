"""Three machines of a cluster on different hardware.

[ServerPool](../components/server-pool.md) does the same for identical servers.
"""

import pulumi_joviam as joviam

nodes = [joviam.Server(f"cluster-{number}", template="debian-9") for number in range(3)]
joviam.AvailabilityGroup("cluster", instances=[node.instance.id for node in nodes])

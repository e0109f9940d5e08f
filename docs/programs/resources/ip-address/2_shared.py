"""An address that two machines share.

Use this for failover: both machines have the address, and their software decides which one uses it.
"""

import pulumi
import pulumi_joviam as joviam

floating = joviam.IpAddress("floating", shareable=True)
for name in ("active", "standby"):
    joviam.Server(f"floating-{name}", template="debian-9", public=False, ip_addresses=[floating.id])

pulumi.export("floating", floating.address)

"""A disk and a public address created with the machine.

They are also deleted with it.
"""

import pulumi
import pulumi_joviam as joviam

mailer = joviam.Instance(
    "mailer",
    memory=1024,
    performance_tier="Standard",
    boot_disk={"template": "debian-9", "size": 20, "performance_tier": "Standard"},
    allocate_public_ip=True,
)
pulumi.export("mailer", mailer.public_ip)

"""A disk with data that must survive.

`protect` rejects every change that would delete or replace the disk. A larger `size` still grows it in place, and
`allow_stopping` allows a stop of the machine for that.
"""

import pulumi
import pulumi_joviam as joviam

data = joviam.Disk(
    "customer-data",
    size=100,
    performance_tier="Fast",
    allow_stopping=True,
    opts=pulumi.ResourceOptions(protect=True),
)
joviam.Server("customer-db", template="debian-9", memory=2048, data_disks=[data.id])

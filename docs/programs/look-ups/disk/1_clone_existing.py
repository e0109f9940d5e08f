"""Copy a disk that another stack manages."""

import pulumi_joviam as joviam

orders = joviam.get_disk(name="orders")
joviam.Disk("orders-copy", size=orders.size, performance_tier="Standard", source_disk=orders.id)

"""A database server whose data disk must survive: test_stack.py checks that it does."""

import pulumi
import pulumi_joviam as joviam

template = pulumi.Config().get("template") or "ubuntu-16-04"

orders = joviam.Disk("orders", size=50, performance_tier="Fast")
db = joviam.Server("db", template=template, public=False, data_disks=[orders.id])

pulumi.export("hostname", db.hostname)

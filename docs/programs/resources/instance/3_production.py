"""A database server in production.

`allow_stopping` allows `up` to stop the machine for changes that need it, such as more memory. The password is a secret
in the stack config: `pulumi config set --secret dbPassword`.
"""

import pulumi
import pulumi_joviam as joviam

password = pulumi.Config().require_secret("dbPassword")
system = joviam.Disk("db-system", size=20, performance_tier="Standard", template="debian-9")
tables = joviam.Disk("db-tables", size=50, performance_tier="Fast", opts=pulumi.ResourceOptions(protect=True))
joviam.Instance(
    "db",
    memory=4096,
    performance_tier="Fast",
    disks=[system.id, tables.id],
    context={"DB_PASSWORD": password, "ROLE": "db"},
    start_on_shutdown=True,
    allow_stopping=True,
    note="owned by the data team",
    opts=pulumi.ResourceOptions(protect=True, custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m")),
)

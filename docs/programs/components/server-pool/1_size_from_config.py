"""Set the number of servers in the stack config.

`pulumi config set workers 5` adds servers. A lower number removes the last ones.
"""

import pulumi
import pulumi_joviam as joviam

workers = joviam.ServerPool(
    "worker",
    count=pulumi.Config().get_int("workers") or 2,
    specification="10.25.0.0/24",
    template="ubuntu-16-04",
    public=False,
)
pulumi.export("workers", workers.private_ips)

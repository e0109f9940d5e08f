"""A shop built from three components: a private network, web servers on different hardware, and a database.

pulumi up
pulumi config set servers 3
pulumi up                      # adds a web server; for the others, only the availability group changes
"""

import pulumi
import pulumi_joviam as joviam

config = pulumi.Config()

backstage = joviam.PrivateNetwork("backstage", specification="10.10.0.0/24", addresses={"db": "10.10.0.10"})

web = joviam.ServerPool(
    "web",
    count=config.get_int("servers") or 2,
    network=backstage.network_id,
    template="ubuntu-16-04",
    context={"DATABASE": backstage.addresses["db"].address},
)

orders = joviam.Disk("orders", size=50, performance_tier="Fast")
db = joviam.Server(
    "db",
    template="debian-9",
    memory=4096,
    public=False,
    ip_addresses=[backstage.addresses["db"].id],
    data_disks=[orders.id],
)

pulumi.export("web", web.public_ips)
pulumi.export("db", db.private_ip)

"""A server that starts again whatever happens."""

import pulumi
import pulumi_joviam as joviam

monitor = joviam.Server(
    "monitor",
    template="debian-9",
    note="Watches all other servers. Call the operations team before you stop it.",
    start_on_shutdown=True,
)
pulumi.export("monitor", monitor.public_ip)

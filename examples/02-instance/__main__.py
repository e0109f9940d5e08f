"""A machine with a boot disk from a template, a public address, and an SSH key to log in with."""

import pulumi
import pulumi_joviam as joviam

key = joviam.PublicKey(
    "laptop",
    key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMt6BEwZpwJ1qV32yFowI1HtEhLGfM0fEwRRRSj7piFi me@laptop",
)
disk = joviam.Disk("web-disk", size=20, performance_tier="Standard", template="ubuntu-16-04")
address = joviam.IpAddress("web-address")

web = joviam.Instance(
    "web",
    memory=2048,
    performance_tier="Standard",
    disks=[disk.id],
    ip_addresses=[address.id],
    public_keys=[key.id],
    note="serves the shop",
)

pulumi.export("ip", web.public_ip)
pulumi.export("hostname", web.hostname)

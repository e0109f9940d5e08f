"""Two machines on a private network. Only the first one has a public address."""

import pulumi
import pulumi_joviam as joviam

network = joviam.Network("backstage", specification="192.168.10.0/24", gateway="192.168.10.1")
public = joviam.IpAddress("web-public")


def machine(name: str, memory: int, *addresses: joviam.IpAddress, note: str | None = None) -> joviam.Instance:
    """Create a machine with its own disk, on the private network."""
    disk = joviam.Disk(f"{name}-disk", size=20, performance_tier="Standard", template="ubuntu-16-04")
    private = joviam.IpAddress(f"{name}-private", network=network.id)
    return joviam.Instance(
        name,
        memory=memory,
        performance_tier="Standard",
        disks=[disk.id],
        ip_addresses=[*(address.id for address in addresses), private.id],
        note=note,
    )


web = machine("web", 2048, public)
db = machine("db", 4096)

pulumi.export("web", web.public_ip)
pulumi.export("db", db.private_ip)

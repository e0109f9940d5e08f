"""Two network adapters, one of them with DHCP."""

import pulumi_joviam as joviam

front = joviam.Network("front", specification="10.22.0.0/24")
back = joviam.Network("back", specification="10.23.0.0/24")
router_address = joviam.IpAddress("router-address", network=front.id, address="10.22.0.2")
router_disk = joviam.Disk("router-disk", size=20, performance_tier="Standard", template="debian-9")
joviam.Instance(
    "router",
    memory=1024,
    performance_tier="Standard",
    disks=[router_disk.id],
    network_adapters=[
        {"network": front.id, "ip_addresses": [router_address.id]},
        {"network": back.id, "ip_addresses": "dhcp"},
    ],
)

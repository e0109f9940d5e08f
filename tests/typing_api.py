"""The public API as type checkers see it. This file is checked by mypy and never run."""

import pulumi

import pulumi_joviam as joviam

size: pulumi.Output[int] = pulumi.Output.from_input(10)
key = joviam.PublicKey("key", key="ssh-ed25519 AAAA")
network = joviam.Network("network", specification="10.0.0.0/24", opts=pulumi.ResourceOptions(protect=True))
address = joviam.IpAddress("address", network=network.id, shareable=True)
disk = joviam.Disk("disk", size=size, performance_tier="Fast", template="ubuntu-16-04")
instance = joviam.Instance(
    "instance",
    memory=1024,
    performance_tier="Fast",
    disks=[disk.id],
    network_adapters=[
        {"network": network.id, "ip_addresses": [address.id]},
        {"network": network.id, "ip_addresses": "dhcp"},
        {"network": network.id},
    ],
    public_keys=[key.id],
    context={"A": address.address},
    boot_device="disk",
    power_state="stopped",
)
found: joviam.Disk = joviam.Disk.get("found", "00000000-0000-0000-0000-000000000000")

name: pulumi.Output[str] = instance.hostname
grown: pulumi.Output[int] = disk.size
public: pulumi.Output[str | None] = instance.public_ip

other = joviam.Provider("other", token="secret")
ubuntu = joviam.get_template(slug="ubuntu-16-04", region="SY3")
minimum: int | None = ubuntu.minimum_disk_size
later: pulumi.Output[int] = joviam.get_disk_output(id=disk.id).apply(lambda found: found.size)
joviam.Instance(
    "basic",
    memory=1024,
    performance_tier="Fast",
    boot_disk={"template": ubuntu.id, "size": 20, "performance_tier": "Fast", "delete_with_instance": False},
    allocate_public_ip=True,
    opts=pulumi.ResourceOptions(provider=other),
)
joviam.AvailabilityGroup("group", instances=[instance.id])
joviam.ConsoleSession("console", instance=instance.id, type="serial")

lan = joviam.PrivateNetwork("lan", specification="10.0.0.0/24", addresses={"db": "10.0.0.20", "spare": None})
server = joviam.Server("server", template=ubuntu.id, memory=size, ip_addresses=[lan.addresses["db"].id])
behind = joviam.Server("behind", template="debian-9", data_disks=pulumi.Output.all(disk.id), ip_addresses=[address.id])
pool = joviam.ServerPool("pool", count=2, network=lan.network_id, template="debian-9", context={"A": address.address})
private: pulumi.Output[str | None] = server.private_ip
everywhere: pulumi.Output[list[str | None]] = pool.public_ips
first: joviam.Disk = pool.servers[0].disk

joviam.Disk("wrong", size="10", performance_tier="Fast")  # type: ignore[arg-type] # a text is not a number
joviam.Disk("wrong", performance_tier="Fast")  # type: ignore[call-arg] # the size is missing
joviam.Instance("wrong", memory=1, performance_tier="Fast", boot_device="tape")  # type: ignore[arg-type] # not an allowed value
joviam.Server("wrong", memory=1024)  # type: ignore[call-arg] # the template is missing
joviam.ServerPool("wrong", count=size, network="id", template="debian-9")  # type: ignore[arg-type] # an unknown count

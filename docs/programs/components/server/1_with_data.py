"""A private server with a data disk."""

import pulumi
import pulumi_joviam as joviam

office_lan = joviam.Network("office-lan", specification="10.24.0.0/24")
files = joviam.Disk("files", size=200, performance_tier="Standard")
file_server = joviam.Server(
    "file-server",
    template="ubuntu-16-04",
    memory=2048,
    disk_size=40,
    public=False,
    network=office_lan.id,
    data_disks=[files.id],
)
pulumi.export("file-server", file_server.private_ip)

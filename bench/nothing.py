"""A dynamic provider that does nothing, to measure the cost of the engine alone.

Its classes replace those of pulumi_joviam in a program. BENCH_PADDING, {class: bytes} in JSON, makes the state of each
resource as large as ours.
"""

from __future__ import annotations

import json
import os
import uuid
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import CreateResult, ResourceProvider

ID = str(uuid.UUID(int=0))
OUTPUTS: dict[str, dict[str, Any]] = {
    "PublicKey": {"created_at": "2016-05-10T03:36:34.615Z"},
    "Network": {"netmask": "255.255.255.0", "network_address": "192.168.10.0", "is_public": False},
    "IpAddress": {"address": "192.168.10.2", "network_id": ID},
    "Disk": {"template_id": ID},
    "Instance": {
        "hostname": "web",
        "state": "running",
        "boot_disk_id": ID,
        "disk_ids": [ID],
        "adapters": [{"id": ID, "index": 0, "dhcp": False, "network_id": ID, "addresses": [ID]}],
        "public_ip": "203.0.113.2",
        "private_ip": "192.168.10.2",
    },
}
"""The outputs that are not arguments."""


class NothingProvider(ResourceProvider):
    """It has no attributes: with any, pulumi 3.272 fails with a RecursionError from about 960 resources on."""

    serialize_as_secret_always = False
    kind: ClassVar[str]

    def create(self, props: dict[str, Any]) -> CreateResult:
        padding = json.loads(os.environ.get("BENCH_PADDING", "{}")).get(self.kind)
        hidden = {"__padding": "x" * padding} if padding else {}
        return CreateResult(str(uuid.uuid4()), {**props, **OUTPUTS[self.kind], **hidden})


class PublicKeyProvider(NothingProvider):
    kind = "PublicKey"


class NetworkProvider(NothingProvider):
    kind = "Network"


class IpAddressProvider(NothingProvider):
    kind = "IpAddress"


class DiskProvider(NothingProvider):
    kind = "Disk"


class InstanceProvider(NothingProvider):
    kind = "Instance"


class _Resource(pulumi.dynamic.Resource):
    regional: ClassVar[bool] = True
    lifecycle: ClassVar[type[NothingProvider]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__(module="joviam", name=cls.__name__)

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        region = {"region": pulumi.Config("joviam").require("region")} if self.regional else {}
        props = {"name": resource_name, **region, **dict.fromkeys(OUTPUTS[self.lifecycle.kind]), **props}
        super().__init__(self.lifecycle(), resource_name, props, opts)


class PublicKey(_Resource):
    regional = False
    lifecycle = PublicKeyProvider


class Network(_Resource):
    lifecycle = NetworkProvider


class IpAddress(_Resource):
    lifecycle = IpAddressProvider


class Disk(_Resource):
    lifecycle = DiskProvider


class Instance(_Resource):
    lifecycle = InstanceProvider

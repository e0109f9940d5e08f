"""The shapes of responses in the API reference: exactly these keys, with these types.

A shape is a type, a pattern for strings, a set of strings, `Nullable(shape)`, `[shape]` for a list with at least one
element, or a dictionary of shapes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Union

Shape = Union[type, "re.Pattern[str]", "frozenset[str]", "Nullable", "list[Any]", "dict[str, Any]"]


@dataclass(frozen=True)
class Nullable:
    """The shape, or null."""

    shape: Any


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
CIDR = re.compile(r"\d+\.\d+\.\d+\.\d+/\d+")
DATES = {"created_at": TIME, "updated_at": TIME}

COMING = frozenset({"initial", "pending_verification", "provisioning", "failed_to_provision"})
GOING = frozenset({"terminating", "terminated", "transferred"})
NETWORK_STATES = frozenset({*COMING, "ready", *GOING})
INSTANCE_STATES = frozenset(
    {*COMING, "starting", "running", "updating", "updating_network", "stopping", "stopped", *GOING}
)
DISK_STATES = frozenset(
    {
        *COMING,
        "pending",
        "unattached",
        "attaching",
        "attached",
        "detaching",
        "resizing",
        "failed_to_terminate",
        *GOING,
    }
)

REGION: Shape = {"id": UUID, "name": str, "code": str}
PERFORMANCE_TIER: Shape = {"id": UUID, "name": str, "region": REGION}
PUBLIC_KEY: Shape = {"id": UUID, "name": str, "key": str, **DATES}
TEMPLATE: Shape = {
    "id": UUID,
    "name": Nullable(str),
    "region": REGION,
    "minimum_disk_size": Nullable(int),
    "allows_public_key_auth": bool,
    "slug": Nullable(str),
    "version": int,
    "disk_id": Nullable(UUID),
    "published": bool,
    "superseded_by_id": Nullable(UUID),
    "recommended_virtualization": frozenset({"hvm", "pv"}),
}
DISK: Shape = {
    "id": UUID,
    "name": str,
    "position": Nullable(int),
    "size": int,
    "performance_tier": PERFORMANCE_TIER,
    "template": Nullable(TEMPLATE),
    "state": DISK_STATES,
    "region": REGION,
    "instance_id": Nullable(UUID),
    "cdrom": bool,
    "is_template": bool,
    **DATES,
}
NETWORK: Shape = {
    "id": UUID,
    "name": Nullable(str),
    "is_public": bool,
    "specification": CIDR,
    "netmask": IPV4,
    "gateway": Nullable(IPV4),
    "primary_nameserver": Nullable(IPV4),
    "secondary_nameserver": Nullable(IPV4),
    "state": NETWORK_STATES,
    "network_address": IPV4,
    "region": REGION,
    **DATES,
}
IP_ADDRESS: Shape = {
    "id": UUID,
    "name": Nullable(str),
    "address": IPV4,
    "network_id": UUID,
    "instance_ids": list,
    "shareable": bool,
    **DATES,
}
NETWORK_ADAPTER: Shape = {
    "id": UUID,
    "index": int,
    "dhcp": bool,
    "network": NETWORK,
    "ip_addresses": list,
    **DATES,
}
INSTANCE: Shape = {
    "id": UUID,
    "name": str,
    "memory": int,
    "virtualization": frozenset({"hvm", "pv"}),
    "hostname": str,
    "boot_device": frozenset({"cdrom", "disk", "network"}),
    "start_on_shutdown": bool,
    "start_on_reboot": bool,
    "start_on_crash": bool,
    "state": INSTANCE_STATES,
    "performance_tier": PERFORMANCE_TIER,
    "disks": list,
    "public_keys": list,
    "network_adapters": list,
    "availability_group": list,
    "region": REGION,
    **DATES,
}
CONSOLE_SESSION: Shape = {
    "id": UUID,
    "state": frozenset({"failed", "initiating", "ready"}),
    "host": Nullable(str),
    "port": Nullable(int),
    "token": Nullable(str),
    "type": frozenset({"serial", "vnc"}),
    "url": Nullable(str),
    "instance_id": UUID,
    **DATES,
}


def differences(shape: Any, value: Any, where: str = "answer") -> list[str]:
    """Return the differences between a value and the shape."""
    if isinstance(shape, Nullable):
        return [] if value is None else differences(shape.shape, value, where)
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value)
        return [] if fits else [f"{where} is {value!r}, not like {shape.pattern}"]
    if isinstance(shape, frozenset):
        return [] if value in shape else [f"{where} is {value!r}, not one of {sorted(shape)}"]
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [f"{where} is {value!r}, not a list with something in it"]
        return [found for item in value for found in differences(shape[0], item, f"{where}[]")]
    if isinstance(shape, dict):
        if not isinstance(value, dict) or value.keys() != shape.keys():
            return [f"{where} has {sorted(value)}, not {sorted(shape)}"]
        return [found for key in shape for found in differences(shape[key], value[key], f"{where}.{key}")]
    return [] if type(value) is shape else [f"{where} is {value!r}, not {shape.__name__}"]

"""The API reference: every endpoint, the status of its example, and the shape of the response.

A shape has exactly these keys, with these types. It is a type, a pattern for strings, a set of strings,
`Nullable(shape)`, `[shape]` for a list with at least one element, or a dictionary of shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from tests.emulator.account import Account

Shape = Union[type, "re.Pattern[str]", "frozenset[str]", "Nullable", "list[Any]", "dict[str, Any]"]


@dataclass(frozen=True)
class Nullable:
    """The shape, or null."""

    shape: Any


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHhyzzy somebody@somewhere"

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
CIDR = re.compile(r"\d+\.\d+\.\d+\.\d+/\d+")
DATES = {"created_at": TIME, "updated_at": TIME}

CREATION_STATES = frozenset({"initial", "pending_verification", "provisioning", "failed_to_provision"})
DELETION_STATES = frozenset({"terminating", "terminated", "transferred"})
NETWORK_STATES = frozenset({*CREATION_STATES, "ready", *DELETION_STATES})
INSTANCE_STATES = frozenset(
    {*CREATION_STATES, "starting", "running", "updating", "updating_network", "stopping", "stopped", *DELETION_STATES}
)
DISK_STATES = frozenset(
    {
        *CREATION_STATES,
        "pending",
        "unattached",
        "attaching",
        "attached",
        "detaching",
        "resizing",
        "failed_to_terminate",
        *DELETION_STATES,
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


ENDPOINTS: list[tuple[str, str, int, Shape]] = [
    ("GET", "/console_sessions/{console_session_id}", 200, CONSOLE_SESSION),
    ("POST", "/disks", 201, DISK),
    ("DELETE", "/disks/{disk_id}", 200, DISK),
    ("GET", "/disks/{disk_id}", 200, DISK),
    ("GET", "/disks/{disk_id}/state", 200, {"state": str}),
    ("GET", "/disks", 200, [DISK]),
    ("PUT", "/disks/{disk_id}", 200, DISK),
    ("POST", "/disks/{disk_id}/resize", 200, DISK),
    ("POST", "/disks/{disk_id}/clone", 201, DISK),
    ("POST", "/instances", 201, INSTANCE),
    ("POST", "/instances/assemble", 200, INSTANCE),
    ("DELETE", "/instances/{instance_id}", 202, INSTANCE),
    ("GET", "/instances/{instance_id}", 200, INSTANCE),
    ("GET", "/instances", 200, [INSTANCE]),
    ("PUT", "/instances/{instance_id}", 200, INSTANCE),
    ("GET", "/instances/{instance_id}/state", 200, {"state": str}),
    ("GET", "/instances/{instance_id}/note", 200, {"note": str}),
    ("POST", "/instances/{instance_id}/start", 202, INSTANCE),
    ("POST", "/instances/{instance_id}/stop", 202, INSTANCE),
    ("POST", "/instances/{instance_id}/remote_access", 202, CONSOLE_SESSION),
    ("PUT", "/instances/{instance_id}/disks", 200, [DISK]),
    ("PUT", "/instances/{instance_id}/public_keys", 200, [PUBLIC_KEY]),
    ("PUT", "/instances/{instance_id}/network_adapters", 200, [NETWORK_ADAPTER]),
    ("PUT", "/instances/{instance_id}/availability_group", 200, [str]),
    ("GET", "/instances/{instance_id}/context", 200, {"A": str}),
    ("POST", "/instances/{instance_id}/context", 200, {"A": str}),
    ("PUT", "/instances/{instance_id}/context", 200, {"A": str}),
    ("DELETE", "/instances/{instance_id}/context/{instance_context_key}", 200, {"A": str}),
    ("POST", "/ip_addresses", 201, IP_ADDRESS),
    ("DELETE", "/ip_addresses/{ip_address_id}", 200, {}),
    ("GET", "/ip_addresses", 200, [IP_ADDRESS]),
    ("GET", "/ip_addresses/public", 200, [IP_ADDRESS]),
    ("GET", "/ip_addresses/private", 200, [IP_ADDRESS]),
    ("GET", "/ip_addresses/{ip_address_id}", 200, IP_ADDRESS),
    ("PUT", "/ip_addresses/{ip_address_id}", 200, IP_ADDRESS),
    ("POST", "/networks", 201, NETWORK),
    ("DELETE", "/networks/{network_id}", 200, NETWORK),
    ("GET", "/networks", 200, [NETWORK]),
    ("GET", "/networks/public", 200, [NETWORK]),
    ("GET", "/networks/private", 200, [NETWORK]),
    ("GET", "/networks/{network_id}", 200, NETWORK),
    ("PUT", "/networks/{network_id}", 200, NETWORK),
    ("GET", "/performance_tiers/instances", 200, [PERFORMANCE_TIER]),
    ("GET", "/performance_tiers/disks", 200, [PERFORMANCE_TIER]),
    ("POST", "/public_keys", 201, PUBLIC_KEY),
    ("DELETE", "/public_keys/{public_key_id}", 200, {}),
    ("GET", "/public_keys/{public_key_id}", 200, PUBLIC_KEY),
    ("GET", "/public_keys", 200, [PUBLIC_KEY]),
    ("PUT", "/public_keys/{public_key_id}", 200, PUBLIC_KEY),
    ("GET", "/regions/{region_id}", 200, REGION),
    ("GET", "/regions", 200, [REGION]),
    ("GET", "/templates/{template_id}", 200, TEMPLATE),
    ("GET", "/templates", 200, [TEMPLATE]),
    ("POST", "/templates", 201, TEMPLATE),
]
"""(verb, path, status, shape)"""

EXAMPLES: dict[str, Callable[[Account], dict[str, Any]]] = {
    "POST /public_keys": lambda _account: {"name": "laptop", "key": KEY},
    "PUT /public_keys/{public_key_id}": lambda _account: {"name": "desktop"},
}
"""{endpoint: the body of a request that succeeds}, for nouns that only have POST, GET, PUT and DELETE: tests create,
update and delete one with these. tour.py covers all others."""


def make(account: Account, path: str) -> str:
    """Create an object of a noun ("/public_keys") with a plain request, and return its id."""
    made = account.call("POST", path, EXAMPLES[f"POST {path}"](account))
    account.settle()
    return str(made["id"])


def differences(
    shape: Shape, value: list[Any] | dict[str, Any] | str | float | None, where: str = "response"
) -> list[str]:
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
            return [f"{where} is {value!r}, not a non-empty list"]
        return [found for item in value for found in differences(shape[0], item, f"{where}[]")]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{where} is {value!r}, not an object"]
        if value.keys() != shape.keys():
            return [f"{where} has {sorted(value)}, not {sorted(shape)}"]
        return [found for key in shape for found in differences(shape[key], value[key], f"{where}.{key}")]
    return [] if type(value) is shape else [f"{where} is {value!r}, not {shape.__name__}"]

"""What a program says about an instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, Field
from typing_extensions import NotRequired, TypedDict

from pulumi_joviam.lifecycle.arguments import (
    Alike,
    Args,
    DiskTier,
    Id,
    Ids,
    InstanceTier,
    MayStop,
    Region,
    Resets,
    Template,
)

STOPS = MayStop()


class BootDisk(TypedDict):
    """What a program says about the disk. ``size`` is in GB."""

    template: Template
    size: Annotated[int, Field(gt=0)]
    performance_tier: DiskTier
    delete_with_instance: NotRequired[bool]


class NetworkAdapter(TypedDict):
    """One adapter of an instance, as the API takes it."""

    network: Id
    ip_addresses: NotRequired[list[Id] | Literal["dhcp"]]


class BootDiskDict(TypedDict):
    """A disk to be made with the instance. ``size`` in GB; ``delete_with_instance`` is true unless said otherwise."""

    template: pulumi.Input[str]
    size: pulumi.Input[int]
    performance_tier: pulumi.Input[str]
    delete_with_instance: NotRequired[pulumi.Input[bool]]


class NetworkAdapterDict(TypedDict):
    """One adapter, in device order. ``ip_addresses``: ids of addresses in the network, or "dhcp". Default: none."""

    network: pulumi.Input[str]
    ip_addresses: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]] | Literal["dhcp"]]]


def meaning(adapters: Sequence[NetworkAdapter]) -> list[tuple[str, Any]]:
    """Return what adapters mean: networks in device order, the addresses of each in any order."""
    wanted = [(adapter["network"], adapter.get("ip_addresses", [])) for adapter in adapters]
    return [(network, on if on == "dhcp" else frozenset(on)) for network, on in wanted]


def _variable(name: str) -> str:
    if not name or "/" in name or name in (".", ".."):
        raise ValueError("is no name of a variable: names have one character or more, no slash, and are not . or ..")
    return name


class InstanceArgs(Args):
    memory: Annotated[int, Field(gt=0), STOPS]
    performance_tier: Annotated[InstanceTier, STOPS]
    region: Region
    disks: Annotated[Ids | None, Resets([])] = None
    boot_disk: BootDisk | None = None
    ip_addresses: Annotated[Ids | None, Resets([])] = None
    network_adapters: Annotated[list[NetworkAdapter] | None, Resets([]), Alike(meaning)] = None
    networks: Annotated[Ids | None, Resets([]), Alike(frozenset)] = None
    allocate_public_ip: Annotated[bool | None, Resets(False)] = None
    allocate_private_ip: Annotated[bool | None, Resets(False)] = None
    availability_group: Annotated[Ids | None, Resets([]), Alike(frozenset)] = None
    public_keys: Annotated[Ids | None, Resets([]), Alike(frozenset)] = None
    boot_device: Annotated[Literal["cdrom", "disk", "network"] | None, Resets("disk")] = None
    virtualization: Annotated[Literal["hvm", "pv"] | None, STOPS] = None
    start_on_crash: Annotated[bool | None, Resets(True)] = None
    start_on_reboot: Annotated[bool | None, Resets(True)] = None
    start_on_shutdown: Annotated[bool | None, Resets(False)] = None
    note: Annotated[str | None, Field(repr=False), Resets("")] = None
    context: Annotated[dict[Annotated[str, AfterValidator(_variable)], str] | None, Field(repr=False), Resets({})] = (
        None
    )
    power_state: Literal["running", "stopped", "unmanaged"] = "running"
    allow_stopping: bool | None = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.ip_addresses is not None and self.network_adapters is not None:
            yield "network_adapters", "give ip_addresses (one adapter for each network) or network_adapters, not both"
        if self.disks is not None and self.boot_disk is not None:
            yield "boot_disk", "give disks that exist or a boot_disk to be made, not both"
        for field in ("networks", "allocate_public_ip", "allocate_private_ip"):
            if getattr(self, field) is None:
                continue
            if self.boot_disk is None:
                yield field, "goes with boot_disk; with disks, make an IpAddress and give it in ip_addresses"
            elif self.ip_addresses is not None or self.network_adapters is not None:
                yield field, "makes addresses; give it, or those that exist (ip_addresses, network_adapters), not both"

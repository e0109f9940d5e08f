"""What a program says about an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, Field
from typing_extensions import NotRequired, TypedDict

from pulumi_joviam.lifecycle.arguments import (
    Alike,
    DiskTier,
    Id,
    Ids,
    InstanceTier,
    MayStop,
    Positive,
    Resets,
    Template,
)
from pulumi_joviam.lifecycle.declare import Arg, Argument, Filled, Input, Regional, arg

STOPS = MayStop()
IdsArg = Argument[Sequence[Input[str]] | None, Ids | None]
"""Ids of objects, a list that may be left out."""


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


def variable(name: str) -> str:
    if not name or "/" in name or name in (".", ".."):
        raise ValueError("is no name of a variable: names have one character or more, no slash, and are not . or ..")
    return name


class InstanceArgs(Regional):
    memory: Arg[Positive] = arg(STOPS)
    """RAM in MB."""
    performance_tier: Arg[InstanceTier] = arg(STOPS)
    """Tier for instances, by id or name."""
    disks: IdsArg = arg(Resets([]), default=None)
    """Ids of disks, in device order; the first is the boot disk. Another first disk stops the instance, see
    allow_stopping."""
    boot_disk: Argument[BootDiskDict | None, BootDisk | None] = arg(default=None)
    """A disk to be made with the instance, instead of disks: {"template", "size" in GB, "performance_tier",
    "delete_with_instance" (default: true)}. A larger size grows it in place; another template or tier, or a size
    smaller than the program said before, makes a new disk and swaps it in: the instance and its addresses stay, what
    was on the old disk is lost, unless delete_with_instance is false. Both may stop the instance, the swap always.
    Taken away for disks: as another boot_disk, unless it is among them; else nothing changes."""
    ip_addresses: IdsArg = arg(Resets([]), default=None)
    """Ids of addresses; each network among them gets an adapter, in this order."""
    network_adapters: Argument[Sequence[Input[NetworkAdapterDict]] | None, list[NetworkAdapter] | None] = arg(
        Resets([]), Alike(meaning), default=None
    )
    """Adapters in device order, each {"network": id, "ip_addresses": [ids] or "dhcp"}. Not together with
    ip_addresses."""
    networks: IdsArg = arg(Resets([]), Alike(frozenset), default=None)
    """With boot_disk: ids of networks in which an address is made for the instance, and given back with it."""
    allocate_public_ip: Arg[bool | None] = arg(Resets(False), default=None)
    """With boot_disk: whether a public address is made for the instance, and given back with it."""
    allocate_private_ip: Arg[bool | None] = arg(Resets(False), default=None)
    """With boot_disk: the same in the first private network of the region."""
    availability_group: IdsArg = arg(Resets([]), Alike(frozenset), default=None)
    """Ids of instances to be kept on other hardware than this one, in any order. Instances that name each other are a
    cycle: use an AvailabilityGroup."""
    public_keys: IdsArg = arg(Resets([]), Alike(frozenset), default=None)
    """Ids of public keys, in any order."""
    boot_device: Arg[Literal["cdrom", "disk", "network"] | None] = arg(Resets("disk"), default=None)
    """What it boots from."""
    virtualization: Arg[Literal["hvm", "pv"] | None] = arg(STOPS, default=None, unset="the API's choice")
    """How it is virtualized. Taken away: nothing changes."""
    start_on_crash: Arg[bool | None] = arg(Resets(True), default=None)
    """Start again after a crash."""
    start_on_reboot: Arg[bool | None] = arg(Resets(True), default=None)
    """Start again after a reboot."""
    start_on_shutdown: Arg[bool | None] = arg(Resets(False), default=None)
    """Start again after a shutdown."""
    note: Arg[str | None] = arg(Field(repr=False), Resets(""), default=None)
    """Free text."""
    context: Argument[Mapping[str, Input[str]] | None, dict[Annotated[str, AfterValidator(variable)], str] | None] = (
        arg(Field(repr=False), Resets({}), default=None)
    )
    """Variables that the machine can read, {name: text}."""
    power_state: Filled[Literal["running", "stopped", "unmanaged"]] = arg(default="running")
    """What to keep it at; "unmanaged" leaves the power state alone. A machine that somebody else stopped is started
    again by the `up` after a refresh, unless it is "unmanaged"."""
    allow_stopping: Arg[bool | None] = arg(default=None, unset="false")
    """Whether a change that the API refuses while the instance runs may stop it, change it and start it again; without
    it such an update fails and changes nothing."""

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

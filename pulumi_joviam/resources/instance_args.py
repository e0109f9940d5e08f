"""The arguments of an instance."""

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
"""A list of ids that may be omitted."""


class BootDisk(TypedDict):
    """A disk to be created with the instance."""

    template: Template
    """Template to copy, by id, slug or name."""
    size: Annotated[int, Field(gt=0)]
    """Size in GB."""
    performance_tier: DiskTier
    """Tier for disks, by id or name."""
    delete_with_instance: NotRequired[bool]
    """Whether it is deleted with the instance. Default: true."""


class NetworkAdapter(TypedDict):
    """One adapter of an instance."""

    network: Id
    """Id of the network."""
    ip_addresses: NotRequired[list[Id] | Literal["dhcp"]]
    """Ids of addresses in the network, or "dhcp". Default: none."""


class Adapter(TypedDict):
    """An adapter that an instance has."""

    id: str
    """Id of the adapter."""
    index: int
    """Its place in device order."""
    dhcp: bool
    """Whether it is configured by DHCP."""
    network_id: str
    """Id of its network."""
    addresses: list[str]
    """Its addresses in IPv4 notation."""


class BootDiskDict(TypedDict):
    """A disk to be created with the instance. ``size`` is in GB. ``delete_with_instance`` defaults to true."""

    template: pulumi.Input[str]
    size: pulumi.Input[int]
    performance_tier: pulumi.Input[str]
    delete_with_instance: NotRequired[pulumi.Input[bool]]


class NetworkAdapterDict(TypedDict):
    """One network adapter. ``ip_addresses``: ids of addresses in the network, or "dhcp". Default: none."""

    network: pulumi.Input[str]
    ip_addresses: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]] | Literal["dhcp"]]]


def meaning(adapters: Sequence[NetworkAdapter]) -> list[tuple[str, Any]]:
    """Return what two lists of adapters are compared by: networks in device order, addresses in any order."""
    wanted = [(adapter["network"], adapter.get("ip_addresses", [])) for adapter in adapters]
    return [(network, on if on == "dhcp" else frozenset(on)) for network, on in wanted]


def variable(name: str) -> str:
    if not name or "/" in name or name in (".", ".."):
        raise ValueError("is not a variable name: it must not be empty, . or .., or contain a slash")
    return name


class InstanceArgs(Regional):
    memory: Arg[Positive] = arg(STOPS)
    """RAM in MB."""
    performance_tier: Arg[InstanceTier] = arg(STOPS)
    """Instance performance tier, by id or name."""
    disks: IdsArg = arg(Resets([]), default=None)
    """Ids of disks, in device order. The first is the boot disk; changing it stops the instance (see
    allow_stopping)."""
    boot_disk: Argument[BootDiskDict | None, BootDisk | None] = arg(default=None)
    """A disk to be created with the instance, instead of disks: {"template", "size" in GB, "performance_tier",
    "delete_with_instance" (default: true)}. A larger size grows it in place and may stop the instance. Another template
    or tier, or a size smaller than the program had before, swaps in a new disk and always stops the instance: it keeps
    its addresses, but the data on the old disk are lost, unless delete_with_instance is false. Replacing it by disks is
    such a swap, unless it is one of them. Removing it changes nothing."""
    ip_addresses: IdsArg = arg(Resets([]), default=None)
    """Ids of addresses. Each of their networks gets an adapter, in this order."""
    network_adapters: Argument[Sequence[Input[NetworkAdapterDict]] | None, list[NetworkAdapter] | None] = arg(
        Resets([]), Alike(meaning), default=None
    )
    """Network adapters in device order, each {"network": id, "ip_addresses": [ids] or "dhcp"}. Cannot be combined with
    ip_addresses."""
    networks: IdsArg = arg(Resets([]), Alike(frozenset), default=None)
    """With boot_disk: ids of networks in which to allocate an address for the instance. It is released with it."""
    allocate_public_ip: Arg[bool | None] = arg(Resets(False), default=None)
    """With boot_disk: whether to allocate a public address for the instance. It is released with it."""
    allocate_private_ip: Arg[bool | None] = arg(Resets(False), default=None)
    """With boot_disk: whether to allocate an address in the first private network of the region."""
    availability_group: IdsArg = arg(Resets([]), Alike(frozenset), default=None)
    """Ids of instances that must run on other hardware than this one, in any order. For instances that list each other,
    use an AvailabilityGroup: Pulumi does not allow a cycle."""
    public_keys: IdsArg = arg(Resets([]), Alike(frozenset), default=None)
    """Ids of the SSH public keys to install, in any order."""
    boot_device: Arg[Literal["cdrom", "disk", "network"] | None] = arg(Resets("disk"), default=None)
    """The device to boot from."""
    virtualization: Arg[Literal["hvm", "pv"] | None] = arg(STOPS, default=None, unset="the API's choice")
    """Type of virtualization. Removing it changes nothing."""
    start_on_crash: Arg[bool | None] = arg(Resets(True), default=None)
    """Whether to start again after a crash."""
    start_on_reboot: Arg[bool | None] = arg(Resets(True), default=None)
    """Whether to start again after a reboot."""
    start_on_shutdown: Arg[bool | None] = arg(Resets(False), default=None)
    """Whether to start again after a shutdown."""
    note: Arg[str | None] = arg(Field(repr=False), Resets(""), default=None)
    """Free text, for people."""
    context: Argument[Mapping[str, Input[str]] | None, dict[Annotated[str, AfterValidator(variable)], str] | None] = (
        arg(Field(repr=False), Resets({}), default=None)
    )
    """Variables that the instance can read, {name: text}. Removing one deletes it."""
    power_state: Filled[Literal["running", "stopped", "unmanaged"]] = arg(default="running")
    """The desired power state. After a refresh, `up` starts a machine again that was stopped by hand. "unmanaged"
    leaves the power state alone."""
    allow_stopping: Arg[bool | None] = arg(default=None, unset="false")
    """Whether a change that the API rejects while the instance runs may stop the instance and start it again. Without
    it, such an update fails and changes nothing."""

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.ip_addresses is not None and self.network_adapters is not None:
            yield "network_adapters", "give either ip_addresses (one adapter per network) or network_adapters, not both"
        if self.disks is not None and self.boot_disk is not None:
            yield "boot_disk", "give either disks (existing ones) or boot_disk (a new one), not both"
        for field in ("networks", "allocate_public_ip", "allocate_private_ip"):
            if getattr(self, field) is None:
                continue
            if self.boot_disk is None:
                yield field, "needs boot_disk; with disks, create an IpAddress and pass it in ip_addresses"
            elif self.ip_addresses is not None or self.network_adapters is not None:
                yield (
                    field,
                    "allocates addresses; it cannot be combined with existing ones (ip_addresses, network_adapters)",
                )

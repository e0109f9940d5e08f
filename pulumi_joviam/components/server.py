"""A machine with all that it needs: a boot disk, addresses and the instance, created and managed together.

Note: another template, tier or region of the boot disk creates another machine with the same addresses. The instance is
replaced together with its disk, because a running system must not lose the disk that it booted from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import pulumi

from pulumi_joviam.components.component import Component
from pulumi_joviam.lifecycle.arguments import MayStop, Replaces
from pulumi_joviam.lifecycle.declare import Arg, Input, Made, Passed, Plain, arg, out
from pulumi_joviam.resources.disk import Disk
from pulumi_joviam.resources.instance import Instance
from pulumi_joviam.resources.ip_address import IpAddress

NEW_SYSTEM = "a running system must not lose the disk that it booted from"


class EachServerArgs(Passed):
    """What a single server and the servers of a pool have in common."""

    template: Arg[str] = arg(Replaces(NEW_SYSTEM, "disk and instance"))
    """Template of the boot disk, by id, slug or name."""
    memory: Arg[int] = arg(MayStop("the server"), default=1024)
    """RAM in MB."""
    performance_tier: Arg[str] = arg(MayStop("the server"), default="Standard")
    """Tier for instances, by id or name."""
    disk_size: Arg[int] = arg(MayStop("the server"), default=20)
    """Size of the boot disk in GB. A smaller one replaces disk and instance."""
    disk_performance_tier: Arg[str] = arg(Replaces(NEW_SYSTEM, "disk and instance"), default="Standard")
    """Tier for disks, by id or name."""
    region: Arg[str | None] = arg(
        Replaces("no PUT takes a region", "everything"), default=None, unset="the stack config joviam:region"
    )
    """Region by id, code or name."""
    public: Plain[bool, bool] = arg(default=True)
    """Whether to allocate a public address for it: a plain bool, not an Output."""
    public_keys: Arg[Sequence[Input[str]] | None] = arg(default=None)
    """Ids of public keys, in any order."""
    context: Arg[Mapping[str, Input[str]] | None] = arg(default=None)
    """Variables that the machine can read, {name: text}."""
    note: Arg[str | None] = arg(default=None)
    """Free text, for people."""
    power_state: Arg[Literal["running", "stopped", "unmanaged"]] = arg(default="running")
    """The desired power state. "unmanaged" leaves it alone."""
    boot_device: Arg[Literal["cdrom", "disk", "network"] | None] = arg(default=None, unset='"disk"')
    """The device to boot from."""
    start_on_crash: Arg[bool | None] = arg(default=None, unset="true")
    """Whether to start again after a crash."""
    start_on_reboot: Arg[bool | None] = arg(default=None, unset="true")
    """Whether to start again after a reboot."""
    start_on_shutdown: Arg[bool | None] = arg(default=None, unset="false")
    """Whether to start again after a shutdown."""
    allow_stopping: Arg[bool | None] = arg(default=None, unset="false")
    """Whether a change may stop the server and start it again. Without it, a change that the API rejects while the
    server runs fails and changes nothing."""


class ServerArgs(EachServerArgs):
    name: Arg[str | None] = arg(default=None, unset="the Pulumi name of the server")
    """Name of the machine in the cloud."""
    network: Plain[Input[str] | None, Input[str] | None] = arg(default=None)
    """Id of a private network in which to allocate an address for it."""
    ip_addresses: Arg[Sequence[Input[str]]] = arg(default=())
    """Ids of other addresses, such as those of a PrivateNetwork."""
    data_disks: Arg[Sequence[Input[str]]] = arg(default=())
    """Ids of other disks, after the boot disk. They are not deleted with the server."""


class Server(ServerArgs, Component[ServerArgs]):
    """A machine: a boot disk from a template, a public and, in a network, a private address, and the instance.

    The children are called ``{name}-disk``, ``{name}-public``, ``{name}-private`` and ``{name}-instance``.

        shop = joviam.Server("shop", template="ubuntu-16-04", memory=2048, public_keys=[laptop.id])

    Raises RunError if public is not a bool.
    """

    disk: Made[Disk] = out()
    """The boot disk."""
    public_address: Made[IpAddress | None] = out()
    """The public address, if it has one."""
    private_address: Made[IpAddress | None] = out()
    """The address in ``network``, if one is given."""
    instance: Made[Instance] = out()
    """The instance."""
    instance_id: Made[pulumi.Output[str]] = out()
    """Id of the instance."""
    hostname: Made[pulumi.Output[str]] = out()
    """Its host name."""
    public_ip: Made[pulumi.Output[str | None]] = out()
    """Its first public address."""
    private_ip: Made[pulumi.Output[str | None]] = out()
    """Its first private address."""

    def _check(self, name: str, args: ServerArgs) -> None:
        if not isinstance(cast("object", args.public), bool):
            raise pulumi.RunError(
                f'public of the Server "{name}" must be True or False, and known to the program (from config: '
                "require_bool): it says whether there is an address at all"
            )

    def _compose(self, name: str, args: ServerArgs) -> None:
        below = pulumi.ResourceOptions(parent=self)
        self.disk = self._child(
            Disk,
            f"{name}-disk",
            below,
            size=args.disk_size,
            performance_tier=args.disk_performance_tier,
            region=args.region,
            template=args.template,
            allow_stopping=args.allow_stopping,
        )
        self.public_address = self.private_address = None
        if args.public:
            self.public_address = self._child(IpAddress, f"{name}-public", below, region=args.region)
        if args.network is not None:
            self.private_address = self._child(IpAddress, f"{name}-private", below, network=args.network)
        own = [address.id for address in (self.public_address, self.private_address) if address]
        self.instance = self._child(
            Instance,
            f"{name}-instance",
            # addresses and data disks can be on one instance only, so the old one is deleted first
            pulumi.ResourceOptions(parent=self, replace_with=[self.disk], delete_before_replace=True),
            name=name if args.name is None else args.name,
            memory=args.memory,
            performance_tier=args.performance_tier,
            region=args.region,
            disks=_joined([self.disk.id], args.data_disks),
            ip_addresses=_joined(own, args.ip_addresses),
            public_keys=args.public_keys,
            context=args.context,
            note=args.note,
            power_state=args.power_state,
            boot_device=args.boot_device,
            start_on_crash=args.start_on_crash,
            start_on_reboot=args.start_on_reboot,
            start_on_shutdown=args.start_on_shutdown,
            allow_stopping=args.allow_stopping,
        )
        self.instance_id = self.instance.id
        self.hostname = self.instance.hostname
        self.public_ip = self.instance.public_ip
        self.private_ip = self.instance.private_ip


def _joined(own: Sequence[pulumi.Output[str]], more: Input[Sequence[Input[str]]]) -> Input[Sequence[Input[str]]]:
    """Return the ids of the server's own parts, followed by others."""
    if isinstance(more, Sequence):  # some of them may be known before the others
        return [*own, *more]
    return pulumi.Output.all(own, more).apply(lambda known: [*known[0], *known[1]])

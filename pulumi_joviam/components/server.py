"""A machine with all that it needs: a boot disk, addresses and the instance, made and kept together.

What surprises: another template, tier or region of the boot disk makes another machine on the same addresses. The
instance is replaced with its disk, because a running system must not lose the disk that it started from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from pulumi_joviam.resources.disk import Disk
from pulumi_joviam.resources.instance import Instance
from pulumi_joviam.resources.ip_address import IpAddress


class Server(pulumi.ComponentResource):
    """A machine: a boot disk from a template, a public and, in a network, a private address, and the instance.

    The children are called ``{name}-disk``, ``{name}-public``, ``{name}-private`` and ``{name}-instance``; in the cloud
    the machine has the server's own name. What is not an argument here is set on the children, with ``transforms``.

        shop = joviam.Server("shop", template="ubuntu-16-04", memory=2048, public_keys=[laptop.id])

    Args:
        template: Template of the boot disk, by id, slug or name. A change replaces disk and instance.
        memory: RAM in MB. Default: 1024. Updated in place; may stop the server, see allow_stopping.
        performance_tier: Tier for instances, by id or name. Default: "Standard". Updated in place; may stop the server.
        disk_size: Size of the boot disk in GB. Default: 20. A larger one grows the disk in place and may stop the
            server; a smaller one replaces disk and instance.
        disk_performance_tier: Tier for disks, by id or name. Default: "Standard". A change replaces disk and instance.
        region: Region by id, code or name. Default: the stack config joviam:region. A change replaces everything.
        public: Whether it has a public address, of its own: a plain bool. Default: true. Updated in place.
        network: Id of a private network in which it has an address, of its own. Default: none. Updated in place.
        ip_addresses: Ids of further addresses, such as those of a PrivateNetwork. Default: none. Updated in place.
        data_disks: Ids of further disks, behind the boot disk. They outlive the server. Default: none. Updated in
            place.
        public_keys: Ids of public keys, in any order. Default: none. Updated in place.
        context: Variables that the machine can read, {name: text}. Default: none. Updated in place.
        allow_stopping: Whether a change may stop the server and start it again; without it, one that the API refuses
            while the server runs fails and changes nothing. Default: false.

    Raises RunError for a public that is no bool.
    """

    disk: Disk
    """The boot disk."""
    public_address: IpAddress | None
    """The public address, if it has one."""
    private_address: IpAddress | None
    """The address in ``network``, if one was said."""
    instance: Instance
    instance_id: pulumi.Output[str]
    hostname: pulumi.Output[str]
    public_ip: pulumi.Output[str | None]
    """Its first public address."""
    private_ip: pulumi.Output[str | None]
    """Its first private address."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        template: pulumi.Input[str],
        memory: pulumi.Input[int] = 1024,
        performance_tier: pulumi.Input[str] = "Standard",
        disk_size: pulumi.Input[int] = 20,
        disk_performance_tier: pulumi.Input[str] = "Standard",
        region: pulumi.Input[str] | None = None,
        public: bool = True,
        network: pulumi.Input[str] | None = None,
        ip_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] = (),
        data_disks: pulumi.Input[Sequence[pulumi.Input[str]]] = (),
        public_keys: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        context: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        allow_stopping: pulumi.Input[bool] | None = None,
    ) -> None:
        if not isinstance(public, bool):
            raise pulumi.RunError(
                f'public of the Server "{resource_name}" must be True or False, and known to the program (from config: '
                "require_bool): it says whether there is an address at all"
            )
        super().__init__("joviam:index:Server", resource_name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.disk = Disk(
            f"{resource_name}-disk",
            child,
            size=disk_size,
            performance_tier=disk_performance_tier,
            region=region,
            template=template,
            allow_stopping=allow_stopping,
        )
        self.public_address = IpAddress(f"{resource_name}-public", child, region=region) if public else None
        self.private_address = (
            IpAddress(f"{resource_name}-private", child, network=network) if network is not None else None
        )
        own = [address.id for address in (self.public_address, self.private_address) if address]
        self.instance = Instance(
            f"{resource_name}-instance",
            # addresses and data disks can be on one instance only, so the old one goes first
            pulumi.ResourceOptions(parent=self, replace_with=[self.disk], delete_before_replace=True),
            name=resource_name,
            memory=memory,
            performance_tier=performance_tier,
            region=region,
            disks=_joined([self.disk.id], data_disks),
            ip_addresses=_joined(own, ip_addresses),
            public_keys=public_keys,
            context=context,
            allow_stopping=allow_stopping,
        )
        self.instance_id = self.instance.id
        self.hostname = self.instance.hostname
        self.public_ip = self.instance.public_ip
        self.private_ip = self.instance.private_ip
        self.register_outputs(
            {
                "instance_id": self.instance_id,
                "hostname": self.hostname,
                "public_ip": self.public_ip,
                "private_ip": self.private_ip,
            }
        )


def _joined(
    own: Sequence[pulumi.Output[str]], more: pulumi.Input[Sequence[pulumi.Input[str]]]
) -> pulumi.Input[Sequence[pulumi.Input[str]]]:
    """Return the ids of a server's own parts and of others, in this order."""
    if isinstance(more, Sequence):  # each of them may be known before the others are
        return [*own, *more]
    return pulumi.Output.all(own, more).apply(lambda known: [*known[0], *known[1]])

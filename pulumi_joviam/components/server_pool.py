"""Servers that do the same work: alike, on one private network, kept apart from each other.

What surprises: servers are numbered, and the last one leaves first, so that every other one stays what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from pulumi_joviam.components.server import Server
from pulumi_joviam.resources.availability_group import AvailabilityGroup
from pulumi_joviam.resources.network import Network


class ServerPool(pulumi.ComponentResource):
    """A number of equal servers on one private network, on different hardware.

    The servers are called ``{name}-1``, ``{name}-2`` and so on. Growing by one makes the next and tells the others
    whom they are kept apart from; shrinking by one takes the last away. The other children are ``{name}-group`` and,
    where the pool has a network of its own, ``{name}-network``.

        pool = joviam.ServerPool("pool", count=3, specification="10.1.0.0/24", template="ubuntu-16-04")

    Args:
        count: Number of servers, a plain number: 0 or more. Two and more are in one availability group.
        specification: A network of the pool's own, in CIDR format ("192.168.2.0/24"). A change replaces the network
            and the private addresses. Not together with network.
        network: Id of a network that exists, instead of specification.
        template: Template of the boot disks, by id, slug or name. A change replaces disks and instances.
        memory, performance_tier, disk_size, disk_performance_tier, region, public, public_keys, context,
            allow_stopping: As with Server, for each of the servers.

    Raises RunError for a count that is no number, and unless there is exactly one of specification and network.
    """

    servers: Sequence[Server]
    network: Network | None
    """The network, if it is the pool's own."""
    group: AvailabilityGroup | None
    """What keeps the servers apart, if there are several."""
    network_id: pulumi.Output[str]
    instance_ids: pulumi.Output[list[str]]
    public_ips: pulumi.Output[list[str | None]]
    """The public address of each server, in order."""
    private_ips: pulumi.Output[list[str | None]]
    """The private address of each server, in order."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        count: int,
        specification: pulumi.Input[str] | None = None,
        network: pulumi.Input[str] | None = None,
        template: pulumi.Input[str],
        memory: pulumi.Input[int] = 1024,
        performance_tier: pulumi.Input[str] = "Standard",
        disk_size: pulumi.Input[int] = 20,
        disk_performance_tier: pulumi.Input[str] = "Standard",
        region: pulumi.Input[str] | None = None,
        public: bool = True,
        public_keys: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        context: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        allow_stopping: pulumi.Input[bool] | None = None,
    ) -> None:
        if not isinstance(count, int) or count < 0:
            raise pulumi.RunError(
                f'the count of the ServerPool "{resource_name}" must be a whole number, 0 or more, that the program '
                "knows (from config: require_int)"
            )
        if (specification is None) == (network is None):
            raise pulumi.RunError(
                f'the ServerPool "{resource_name}" needs one private network: give it specification (a network of its '
                "own) or network (the id of one that exists)"
            )
        super().__init__("joviam:index:ServerPool", resource_name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.network = None
        if specification is not None:
            self.network = Network(f"{resource_name}-network", child, specification=specification, region=region)
            network = self.network.id
        self.network_id = pulumi.Output.from_input(network or "")
        self.servers = [
            Server(
                f"{resource_name}-{number}",
                child,
                template=template,
                memory=memory,
                performance_tier=performance_tier,
                disk_size=disk_size,
                disk_performance_tier=disk_performance_tier,
                region=region,
                public=public,
                network=self.network_id,
                public_keys=public_keys,
                context=context,
                allow_stopping=allow_stopping,
            )
            for number in range(1, count + 1)
        ]
        ids = [server.instance_id for server in self.servers]
        self.group = AvailabilityGroup(f"{resource_name}-group", child, instances=ids) if count > 1 else None
        self.instance_ids = pulumi.Output.all(*ids)
        self.public_ips = pulumi.Output.all(*(server.public_ip for server in self.servers))
        self.private_ips = pulumi.Output.all(*(server.private_ip for server in self.servers))
        self.register_outputs(
            {
                "network_id": self.network_id,
                "instance_ids": self.instance_ids,
                "public_ips": self.public_ips,
                "private_ips": self.private_ips,
            }
        )

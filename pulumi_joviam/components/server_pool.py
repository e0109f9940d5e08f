"""Identical servers on one private network and on different hardware.

Note: servers are numbered, and the last one is removed first, so that all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pulumi

from pulumi_joviam.components.component import Component
from pulumi_joviam.components.server import EachServerArgs, Server
from pulumi_joviam.lifecycle.arguments import Replaces
from pulumi_joviam.lifecycle.declare import Input, Made, Plain, arg, out
from pulumi_joviam.resources.availability_group import AvailabilityGroup
from pulumi_joviam.resources.network import Network


class ServerPoolArgs(EachServerArgs):
    count: Plain[int, int] = arg()
    """Number of servers: a plain number, not an Output, 0 or more. Two or more are in one availability group."""
    specification: Plain[Input[str] | None, Input[str] | None] = arg(
        Replaces("PUT /networks takes no specification", "the network and the private addresses"), default=None
    )
    """Range of a new private network for the pool, in CIDR format ("192.168.2.0/24"). Alternative to network."""
    network: Plain[Input[str] | None, Network | None] = arg(default=None)
    """Id of an existing network, instead of specification. The attribute is the pool's own Network, or None."""


class ServerPool(ServerPoolArgs, Component[ServerPoolArgs]):
    """A number of identical servers on one private network, on different hardware.

    The servers are called ``{name}-1``, ``{name}-2`` and so on. A pool that grows by one creates the next server and
    adds it to the availability group of the others; one that shrinks by one deletes the last. The other children are
    ``{name}-group`` and, where the pool has a network of its own, ``{name}-network``. Each server has the arguments of
    the pool that a Server has.

        pool = joviam.ServerPool("pool", count=3, specification="10.1.0.0/24", template="ubuntu-16-04")

    Raises RunError if count is not a number, and unless exactly one of specification and network is given.
    """

    servers: Made[Sequence[Server]] = out()
    """The servers, in order."""
    group: Made[AvailabilityGroup | None] = out()
    """The group that keeps the servers on different hardware, if there are several."""
    network_id: Made[pulumi.Output[str]] = out()
    """Id of the network."""
    instance_ids: Made[pulumi.Output[list[str]]] = out()
    """Id of the instance of each server, in order."""
    public_ips: Made[pulumi.Output[list[str | None]]] = out()
    """The public address of each server, in order."""
    private_ips: Made[pulumi.Output[list[str | None]]] = out()
    """The private address of each server, in order."""

    def _check(self, name: str, args: ServerPoolArgs) -> None:
        if not isinstance(cast("object", args.count), int) or args.count < 0:
            raise pulumi.RunError(
                f'the count of the ServerPool "{name}" must be a whole number, 0 or more, that the program '
                "knows (from config: require_int)"
            )
        if (args.specification is None) == (args.network is None):
            raise pulumi.RunError(
                f'the ServerPool "{name}" needs one private network: give it specification (a network of its '
                "own) or network (the id of one that exists)"
            )

    def _compose(self, name: str, args: ServerPoolArgs) -> None:
        below = pulumi.ResourceOptions(parent=self)
        own = None
        if args.specification is not None:
            own = self._child(Network, f"{name}-network", below, specification=args.specification, region=args.region)
        vars(self)["network"] = own  # type checkers take an assignment for the argument
        self.network_id = pulumi.Output.from_input(own.id if own else args.network or "")
        shared = {argument: getattr(args, argument) for argument in EachServerArgs._declaration.specs}
        self.servers = [
            self._child(
                Server,
                f"{name}-{number}",
                below,
                network=self.network_id,
                **shared,
            )
            for number in range(1, args.count + 1)
        ]
        ids = [server.instance_id for server in self.servers]
        self.group = self._child(AvailabilityGroup, f"{name}-group", below, instances=ids) if args.count > 1 else None
        self.instance_ids = pulumi.Output.all(*ids)
        self.public_ips = pulumi.Output.all(*(server.public_ip for server in self.servers))
        self.private_ips = pulumi.Output.all(*(server.private_ip for server in self.servers))

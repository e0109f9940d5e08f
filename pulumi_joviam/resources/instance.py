"""Instances: virtual machines, assembled from existing parts or created with a boot disk and addresses.

Reference: "Instance". Note: disks, adapters, keys, note, context and power each have an endpoint of their own, so one
change of a program can be several requests. Which changes need a stop is undocumented, so they are tried live first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ApiError
from pulumi_joviam.api.models import Named
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle.aliases import Path, at
from pulumi_joviam.lifecycle.arguments import given
from pulumi_joviam.lifecycle.change import Change, Step
from pulumi_joviam.lifecycle.declare import Out, out
from pulumi_joviam.lifecycle.effects import UNLESS_RETAINED, Effect, Fate, Stop
from pulumi_joviam.lifecycle.hooks import Follows
from pulumi_joviam.lifecycle.order import does_not_matter, named_otherwise
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.lifecycle.state import Hidden, Memory
from pulumi_joviam.resources import boot_disk, networking, power
from pulumi_joviam.resources.disk_size import too_small
from pulumi_joviam.resources.instance_args import Adapter, InstanceArgs

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


SETTINGS = {"boot_device", "virtualization", "start_on_crash", "start_on_reboot", "start_on_shutdown"}
GIVEN = {"name", "memory", "region", "public_keys", "availability_group"}
"""Accepted by both ways to create an instance."""
ASSEMBLED = SETTINGS | {"disks", "ip_addresses"}
"""Accepted by assembling in addition."""
UPDATED = SETTINGS | {"name", "memory", "performance_tier", "note"}
"""Accepted by PUT /instances."""
LATER = {"virtualization", "boot_device", "context", "ip_addresses", "network_adapters"}
"""Not accepted by basic create, but needed before the first boot."""


@dataclass
class InstanceMemory(boot_disk.DiskMemory, networking.AddressMemory, power.StopMemory):
    """The private state of an instance."""


class InstanceProvider(Lifecycle[InstanceArgs, models.Instance]):
    memory: ClassVar[type[Memory]] = InstanceMemory
    follows: ClassVar[Follows] = MappingProxyType(
        {"disk_ids": ("disks", lambda ids: ids), "boot_disk_id": ("disks", lambda ids: ids[0] if ids else "")}
    )
    moved_by: ClassVar[Mapping[str, Collection[str]]] = MappingProxyType(
        {
            "hostname": {"name"},
            "state": {"power_state"},
            **dict.fromkeys(("boot_disk_id", "disk_ids"), ("disks", "boot_disk")),
            "adapters": networking.ADDRESSES,
            "public_ip": networking.ADDRESSES - {networking.PRIVATE},
            "private_ip": networking.ADDRESSES - {networking.PUBLIC},
        }
    )
    secret: ClassVar[tuple[str, ...]] = ("context",)
    api_names: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "instance_performance_tier": "performance_tier",
            "disk_performance_tier": "boot_disk.performance_tier",
            "template": "boot_disk.template",
            "size": "boot_disk.size",
        }
    )

    def post(self, op: Operation[InstanceMemory], args: InstanceArgs) -> models.Instance:
        disk = args.boot_disk
        body = args.model_dump(include=GIVEN if disk else GIVEN | ASSEMBLED, exclude_unset=True)
        if disk is None:
            body["performance_tier"] = args.performance_tier
            addresses = args.ip_addresses or ()

            def may_be_it(live: models.Instance) -> bool:  # by those that it has so far
                return {*networking.Addresses(live.network_adapters)} <= {*addresses}

            same = {"ip_addresses": may_be_it}
            make = functools.partial(op.create, models.Instance, body, "/instances/assemble", alike=same)
            return op.retry_when_settled(args.disks or (), make, addresses=addresses, to="")
        body |= args.model_dump(include=networking.SOURCES, exclude_unset=True)
        boots = {
            "disk_performance_tier": disk["performance_tier"],
            "template": disk["template"],
            "size": disk["size"],
        }
        body |= {
            **boots,
            "instance_performance_tier": args.performance_tier,
            # what the machine reads when it boots must exist before
            "start_when_ready": args.power_state == "running" and not args.model_fields_set & LATER,
        }
        shows = {**body, "performance_tier": args.performance_tier}
        alike: dict[str, Callable[[models.Instance], bool]] = {
            "instance_performance_tier": named_otherwise,
            "start_when_ready": does_not_matter,
            **dict.fromkeys(networking.SOURCES, lambda live: networking.may_have(live, args)),
            **dict.fromkeys(boots, lambda live: not live.disks or boot_disk.Booted(live.disks[0]).matches(disk)),
        }
        live = op.create(models.Instance, body, shows=shows, alike=alike)
        if live.disks:
            op.private.boot_disk = live.disks[0].id
        networking.adopt(op, live, args)
        return live

    def converge(self, op: Operation[InstanceMemory], live: models.Instance, args: InstanceArgs) -> models.Instance:
        with op.exclusive(live.id):
            op.wait_ready(live)
            live = self.look(op, live.id, args.model_fields_set)
            if changes := [*self._settings(op, live, args), *boot_disk.change(op, live, args)]:
                power.change(op, live.id, changes, allowed=bool(args.allow_stopping))
                live = self.look(op, live.id, args.model_fields_set)
            differing = self.differing(live, args)
            networking.connect(op, live, args, differing)
            networking.allocate(op, live, args)
            for field in ("public_keys", "availability_group"):
                if field in differing:
                    self._replace(op, live, field, differing[field])
            if "context" in differing:
                self._set_context(op, live, differing["context"])
            self._set_power(op, live, args)
            boot_disk.tidy(op, args)
            return op.wait_ready(self.look(op, live.id, args.model_fields_set))

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        return {"power_state": "running", **super().defaults(news, settings)}

    def fits(self, said: Mapping[str, Any], found: Mapping[Path, Named]) -> Iterator[tuple[str, str]]:
        yield from too_small(found.get(("boot_disk", "template")), at(said, ("boot_disk", "size")), "boot_disk.size")

    def look(self, op: Operation[InstanceMemory], id: str, fields: set[str]) -> models.Instance:
        live = op.api.get(models.Instance, id)
        # these have endpoints of their own, so they are read only if the program sets them
        if "note" in fields:
            live = live.with_details(note=op.api.note(id))
        if "context" in fields:
            live = live.with_details(context=op.api.context(id))
        return live.with_details(made_disk_id=op.private.boot_disk or None)

    def remove(self, op: Operation[InstanceMemory], live: models.Instance) -> None:
        def prepare(now: models.Instance) -> None:
            """Stop it and detach its parts: the API may delete attached ones, and not all are ours to delete."""
            disks = [disk.id for disk in now.disks]
            given = set(disks) - set(boot_disk.going(op.private))
            made = (op.private.addresses or {}).values()
            addresses = [ip.id for adapter in now.network_adapters for ip in adapter.ip_addresses if ip.id not in made]
            if (given or addresses) and now.state not in now.new:
                now = op.wait_settled(now)
            if now.state == "running":
                power.stop(op, now.id)
            if addresses and now.settled:
                networking.replace(op, now.id, [])
            if given or (disks and now.settled):
                path = op.api.path(models.Instance, now.id, "disks")
                op.retry_when_settled(disks, lambda: op.api.call("PUT", path, {"disks": []}))

        with op.exclusive(live.id):
            op.delete(live, prepare)

    def clean_up(self, op: Operation[InstanceMemory]) -> None:
        boot_disk.clean_up(op)
        for source in list(op.private.addresses or ()):
            networking.give_back(op, source)

    def forget(self, op: Operation[InstanceMemory]) -> None:
        memory = op.private
        addresses = list((memory.addresses or {}).values())
        disks = [id for id in (*memory.created, *memory.leaving) if id not in addresses]
        if disks or addresses:
            op.warn(
                "the instance no longer exists, so nothing manages what was created with it. If they still "
                "exist, delete "
                f"by hand: disks {', '.join(disks) or 'none'}; IP addresses {', '.join(addresses) or 'none'}"
            )

    def as_inputs(self, live: models.Instance) -> dict[str, Any]:
        said = super().as_inputs(live) | networking.as_inputs(live)
        said |= {
            "disks": [disk.id for disk in live.disks],
            "boot_disk": boot_disk.Booted(live.boot_disk) if live.boot_disk else None,
            "public_keys": [key.id for key in live.public_keys],
            "power_state": "stopped" if live.state in ("stopped", "stopping") else "running",
        }
        unseen = {field for field in ("note", "context") if said[field] is None}
        return {field: value for field, value in said.items() if field not in unseen}

    def described(self, op: Operation[Any], live: models.Instance) -> dict[str, Any]:
        adapters = live.network_adapters
        networks = {adapter.network.id for adapter in adapters}
        # the addresses alone say which adapters there are: one in each network, none without an address
        plain = len(networks) == len(adapters) and all(it.ip_addresses and not it.dhcp for it in adapters)
        others = {"boot_disk", *networking.SOURCES, "network_adapters" if plain else "ip_addresses"}
        return {field: value for field, value in self.as_inputs(live).items() if field not in others}

    def as_outputs(self, live: models.Instance) -> dict[str, Any]:
        adapters = live.network_adapters
        addresses = [(adapter.network.is_public, ip.address) for adapter in adapters for ip in adapter.ip_addresses]
        return {
            "hostname": live.hostname,
            "state": live.state,
            "boot_disk_id": live.boot_disk.id if live.boot_disk else None,
            "disk_ids": [disk.id for disk in live.disks],
            "adapters": [
                {
                    "id": adapter.id,
                    "index": adapter.index,
                    "dhcp": adapter.dhcp,
                    "network_id": adapter.network.id,
                    "addresses": [ip.address for ip in adapter.ip_addresses],
                }
                for adapter in adapters
            ],
            "public_ip": next((address for is_public, address in addresses if is_public), None),
            "private_ip": next((address for is_public, address in addresses if not is_public), None),
        }

    def compare(self, field: str, change: Change) -> Step | Literal["same"]:
        live, wanted = change.live, change.wanted[field]
        if field == "power_state":
            if wanted == "unmanaged":
                return "same"
            # the state of 0.1.0 has it only if the program set it
            now = "stopped" if live.get("state") in ("stopped", "stopping") else "running"
            change = replace(change, live={field: now, **live})
        if field == "boot_disk" and (there := live.get(field)):
            size = wanted["size"]
            if size < there["size"] and not boot_disk.shrunk(there, wanted, change.before.get(field)):
                change = replace(change, live={field: {**there, "size": size}})
        return super().compare(field, change)

    def stays(self, field: str, shown: Any, said: Any) -> bool:
        return field == "boot_disk" and bool(said) and bool(shown["size"] > said["size"])

    def effects(self, change: Change, private: InstanceMemory) -> Iterator[Effect]:
        if change.removes:
            if change.before.get("disks"):
                yield Fate("its disks stay, except those that this change deletes itself")
            for loss in boot_disk.lost(
                change, private, "replacing the instance", "its boot disk", unless=UNLESS_RETAINED
            ):
                yield loss
                yield Fate("its boot disk was created with it and is deleted with it")
            if private.addresses:
                yield Fate("the addresses that were created with it are released")
            return
        if not power.rests(change.live, change.wanted):
            yield from super().effects(change, private)
        yield from boot_disk.effects(change, private)
        if "power_state" in change.steps and change.wanted["power_state"] == "stopped":
            yield Stop("power_state", True, "power_state stops it", asked_for=True)

    def unfinished(self, private: InstanceMemory) -> set[str]:
        return {"power_state"} if private.stopped_for_change else set()

    def moved(self, change: Change, unfinished: Collection[str]) -> set[str]:
        if "boot_disk" in change.steps and "boot_disk" not in unfinished and not boot_disk.swaps(change):
            steps = {field: step for field, step in change.steps.items() if field != "boot_disk"}
            change = replace(change, steps=steps)
        return super().moved(change, unfinished)

    def notices(self, change: Change) -> Iterator[str]:
        return iter(()) if change.removes else boot_disk.notices(change)

    def _state(
        self, op: Operation[InstanceMemory], live: models.Instance, arguments: Mapping[str, Any], hidden: Hidden
    ) -> dict[str, Any]:
        # where a change from disks to a boot_disk has failed, the first disk is either of them, not both
        if arguments.get("disks") and "boot_disk" in arguments:
            swapped = op.private.boot_disk in [disk.id for disk in live.disks]
            arguments = {key: value for key, value in arguments.items() if key != ("disks" if swapped else "boot_disk")}
        return super()._state(op, live, arguments, hidden)

    def delete_first(self, change: Change) -> bool:
        def only_one_can_have(said: Mapping[str, Any]) -> set[str]:
            disks: list[Any] = said.get("disks") or []
            return networking.held(said) | {id for id in (disks if given(disks) else []) if given(id)}

        return bool(only_one_can_have(change.live) & only_one_can_have(change.wanted))

    def _settings(self, op: Operation[InstanceMemory], live: models.Instance, args: InstanceArgs) -> list[power.Change]:
        """Return the request that changes settings, if any differ."""
        differing = self.differing(live, args)
        body = {field: differing[field] for field in differing.keys() & UPDATED}
        if not body:
            return []
        return [lambda: op.retry_while_changing(live, lambda now: op.api.update(models.Instance, now.id, body))]

    def _set_power(self, op: Operation[InstanceMemory], live: models.Instance, args: InstanceArgs) -> None:
        if args.power_state == "stopped":
            op.private.stopped_for_change = ""
        power.resume(op)
        if "power_state" in args.model_fields_set:
            if args.power_state == "running":
                power.start(op, live.id)
            elif args.power_state == "stopped":
                power.stop(op, live.id)

    def _replace(self, op: Operation[InstanceMemory], live: models.Instance, what: str, wanted: Any) -> None:
        path = op.api.path(models.Instance, live.id, what)
        op.retry_while_changing(
            op.api.get(models.Instance, live.id), lambda _now: op.api.call("PUT", path, {what: wanted})
        )
        op.wait_settled(op.api.get(models.Instance, live.id))

    def _set_context(self, op: Operation[InstanceMemory], live: models.Instance, wanted: Mapping[str, str]) -> None:
        path, there = op.api.path(models.Instance, live.id, "context"), live.context or {}
        changed = {key: value for key, value in wanted.items() if there.get(key) != value}
        if changed:
            try:
                op.api.call("PUT" if there else "POST", path, changed)
            except ApiError as error:  # the engine cannot know that the message may contain a secret
                raise error.untold(changed.values()) from None
        for key in there.keys() - wanted.keys():
            op.api.call("DELETE", op.api.path(models.Instance, live.id, "context", key))


class Instance(InstanceArgs, Resource, provider=InstanceProvider):
    """A virtual machine.

        web = joviam.Instance(
            "web",
            memory=2048,
            performance_tier="Standard",
            disks=[system.id, data.id],
            ip_addresses=[public.id, private.id],
            public_keys=[laptop.id],
        )
        mail = joviam.Instance(  # with a disk and an address that are created and deleted with it
            "mail",
            memory=1024,
            performance_tier="Standard",
            boot_disk={"template": "debian-9", "size": 10, "performance_tier": "Standard"},
            allocate_public_ip=True,
        )

    Rejected in preview: wrong types, duplicate ids, ip_addresses together with network_adapters; an unknown region,
    tier or template; a boot_disk smaller than the minimum_disk_size of its new template.
    Source: reference, "Instance Create (basic)", "Instance Create (advanced)" and the pages after them.
    """

    hostname: Out[str] = out()
    """Its host name."""
    state: Out[str] = out()
    """State of the instance, "running" or "stopped"."""
    boot_disk_id: Out[str | None] = out()
    """Id of its first disk."""
    disk_ids: Out[list[str]] = out()
    """Ids of all its disks, in device order."""
    adapters: Out[list[Adapter]] = out()
    """Its adapters in device order: id, index, dhcp, network_id, addresses."""
    public_ip: Out[str | None] = out()
    """Its first public address."""
    private_ip: Out[str | None] = out()
    """Its first private address."""

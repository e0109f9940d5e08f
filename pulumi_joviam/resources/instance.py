"""Instances: virtual machines, assembled from what exists or made with a boot disk and addresses of their own.

Reference: "Instance". What surprises: disks, adapters, keys, note, context and power
each have an address of their own, so one change of a program may be several requests; and what needs a
stop is known only by asking, so it is tried live first.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import pulumi

from pulumi_joviam.api import models
from pulumi_joviam.api.errors import ApiError
from pulumi_joviam.api.models import Named
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.lifecycle.arguments import given
from pulumi_joviam.lifecycle.provider import Provider, Resource
from pulumi_joviam.lifecycle.words import Path, at
from pulumi_joviam.resources import boot_disk, networking, power
from pulumi_joviam.resources.disk import UNLESS_RETAINED, too_small
from pulumi_joviam.resources.instance_args import BootDiskDict, InstanceArgs, NetworkAdapterDict

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


SETTINGS = {"boot_device", "virtualization", "start_on_crash", "start_on_reboot", "start_on_shutdown"}
GIVEN = {"name", "memory", "region", "public_keys", "availability_group"}
"""What both ways to create an instance take."""
ASSEMBLED = SETTINGS | {"disks", "ip_addresses"}
"""What assembling takes beside that."""
UPDATED = SETTINGS | {"name", "memory", "performance_tier", "note"}
"""What PUT /instances takes."""
LATER = {"virtualization", "boot_device", "context", "ip_addresses", "network_adapters"}
"""What basic create does not take, and a machine should find when it boots for the first time."""


class InstanceProvider(Provider[InstanceArgs, models.Instance]):
    args = InstanceArgs
    model = models.Instance
    outputs = ("hostname", "state", "boot_disk_id", "disk_ids", "adapters", "public_ip", "private_ip")
    nullable = ("boot_disk_id", "public_ip", "private_ip")
    filled = ("name", "region", "power_state")
    secret = ("context",)
    api_names = MappingProxyType(
        {
            "instance_performance_tier": "performance_tier",
            "disk_performance_tier": "boot_disk.performance_tier",
            "template": "boot_disk.template",
            "size": "boot_disk.size",
        }
    )

    def post(self, op: Operation, args: InstanceArgs) -> models.Instance:
        disk = args.boot_disk
        body = args.model_dump(include=GIVEN if disk else GIVEN | ASSEMBLED, exclude_unset=True)
        if disk is None:
            body["performance_tier"] = args.performance_tier
            path = "/instances/assemble"
            make = functools.partial(op.create, models.Instance, body, path)
            return op.when_at_rest(args.disks or (), make, addresses=args.ip_addresses or (), to="")
        body |= args.model_dump(include={"networks", networking.PUBLIC, networking.PRIVATE}, exclude_unset=True)
        body |= {
            "instance_performance_tier": args.performance_tier,
            "disk_performance_tier": disk["performance_tier"],
            "template": disk["template"],
            "size": disk["size"],
            # what the machine reads when it boots has to be there before
            "start_when_ready": args.power_state == "running" and not args.model_fields_set & LATER,
        }
        shows = {name: getattr(args, name) for name in ("name", "memory", "region", "performance_tier")}
        live = op.create(models.Instance, body, shows=shows)
        if live.disks:
            op.kept[boot_disk.MADE] = live.disks[0].id
        networking.adopt(op, live, args)
        return live

    def converge(self, op: Operation, live: models.Instance, args: InstanceArgs) -> models.Instance:
        with op.turn(live.id):
            op.settled(live)
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
            return op.settled(self.look(op, live.id, args.model_fields_set))

    def defaults(self, news: dict[str, Any], settings: Settings) -> dict[str, Any]:
        return {"power_state": "running", **super().defaults(news, settings)}

    def fits(self, said: Mapping[str, Any], found: Mapping[Path, Named]) -> Iterator[tuple[str, str]]:
        yield from too_small(found.get(("boot_disk", "template")), at(said, ("boot_disk", "size")), "boot_disk.size")

    def look(self, op: Operation, id: str, fields: set[str]) -> models.Instance:
        live = op.api.get(models.Instance, id)
        # at addresses of their own, so asked for only where a program sets them
        if "note" in fields:
            live = live.with_details(note=op.api.note(id))
        if "context" in fields:
            live = live.with_details(context=op.api.context(id))
        return live.with_details(made_disk_id=op.kept.get(boot_disk.MADE))

    def remove(self, op: Operation, live: models.Instance) -> None:
        def prepare(now: models.Instance) -> None:
            """Stop it and take its parts off: the API may delete attached ones, and not all are ours to delete."""
            disks = [disk.id for disk in now.disks]
            given = set(disks) - set(boot_disk.going(op))
            made = op.kept.get(networking.MADE, {}).values()
            addresses = [ip.id for adapter in now.network_adapters for ip in adapter.ip_addresses if ip.id not in made]
            if (given or addresses) and now.state not in now.new:
                now = op.at_rest(now)
            if now.state == "running":
                power.stop(op, now.id)
            if addresses and now.settled:
                networking.replace(op, now.id, [])
            if given or (disks and now.settled):
                path = op.api.path(models.Instance, now.id, "disks")
                op.when_at_rest(disks, lambda: op.api.call("PUT", path, {"disks": []}))

        with op.turn(live.id):
            op.delete(live, prepare)

    def clean_up(self, op: Operation) -> None:
        boot_disk.clean_up(op)
        for source in list(op.kept.get(networking.MADE, ())):
            networking.give_back(op, source)

    def forget(self, op: Operation) -> None:
        made = (op.kept[name] for name in (boot_disk.MADE, boot_disk.NEXT) if name in op.kept)
        disks = [*made, *op.kept.get(boot_disk.OLD, ())]
        addresses = list(op.kept.get(networking.MADE, {}).values())
        if disks or addresses:
            op.warn(
                "the instance is gone, so nothing manages any more what was made with it. If they still exist, delete "
                f"them by hand: disks {', '.join(disks) or 'none'}; IP addresses {', '.join(addresses) or 'none'}"
            )

    def said(self, live: models.Instance) -> dict[str, Any]:
        said = super().said(live) | networking.said(live)
        said |= {
            "disks": [disk.id for disk in live.disks],
            "boot_disk": boot_disk.Booted(live.boot_disk) if live.boot_disk else None,
            "public_keys": [key.id for key in live.public_keys],
            "power_state": "stopped" if live.state in ("stopped", "stopping") else "running",
        }
        unseen = {field for field in ("note", "context") if said[field] is None}
        return {field: value for field, value in said.items() if field not in unseen}

    def computed(self, live: models.Instance) -> dict[str, Any]:
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

    def compare(
        self, field: str, old: Mapping[str, Any], new: Mapping[str, Any], before: Mapping[str, Any]
    ) -> Literal["same", "update", "replace"]:
        if field == "power_state":
            if new[field] == "unmanaged":
                return "same"
            # 0.1.0 said nothing of it in the state where the program did not
            old = {field: "stopped" if old.get("state") in ("stopped", "stopping") else "running", **old}
        if field == "boot_disk" and (there := old.get(field)):
            size = new[field]["size"]
            if size < there["size"] and not boot_disk.shrunk(there, new[field], before.get(field)):
                old = {field: {**there, "size": size}}
        return super().compare(field, old, new, before)

    def stays(self, field: str, shown: Any, said: Any) -> bool:
        return field == "boot_disk" and bool(said) and bool(shown["size"] > said["size"])

    def announce(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], before: Mapping[str, Any], steps: Mapping[str, str]
    ) -> Iterator[str]:
        if "replace" in steps.values():
            if old := olds.get("boot_disk"):
                what = f"its boot disk, {UNLESS_RETAINED}"
                yield from boot_disk.announce_loss(old, "replacing the instance", what)
            return
        if not power.rests(olds, news):
            yield from super().announce(olds, news, before, steps)
        yield from boot_disk.announce(olds, news, before, steps)

    def _state(
        self, op: Operation, live: models.Instance, arguments: Mapping[str, Any], words: Mapping[str, Any]
    ) -> dict[str, Any]:
        # where a change from disks to a boot_disk has failed, the first disk is either of them, not both
        if arguments.get("disks") and "boot_disk" in arguments:
            swapped = op.kept.get(boot_disk.MADE) in [disk.id for disk in live.disks]
            arguments = {key: value for key, value in arguments.items() if key != ("disks" if swapped else "boot_disk")}
        return super()._state(op, live, arguments, words)

    def delete_first(self, olds: Mapping[str, Any], news: Mapping[str, Any], _steps: Mapping[str, str]) -> bool:
        def only_one_can_have(said: Mapping[str, Any]) -> set[str]:
            disks = said.get("disks") or []
            return networking.held(said) | {id for id in (disks if given(disks) else []) if given(id)}

        return bool(only_one_can_have(olds) & only_one_can_have(news))

    def _settings(self, op: Operation, live: models.Instance, args: InstanceArgs) -> list[power.Change]:
        """Return the one request that changes settings, if any differs."""
        differing = self.differing(live, args)
        body = {field: differing[field] for field in differing.keys() & UPDATED}
        if not body:
            return []
        return [lambda: op.steadily(live, lambda now: op.api.update(models.Instance, now.id, body))]

    def _set_power(self, op: Operation, live: models.Instance, args: InstanceArgs) -> None:
        if args.power_state == "stopped":
            op.kept.pop(power.STOPPED_FOR_CHANGE, None)
        power.resume(op)
        if "power_state" in args.model_fields_set:
            if args.power_state == "running":
                power.start(op, live.id)
            elif args.power_state == "stopped":
                power.stop(op, live.id)

    def _replace(self, op: Operation, live: models.Instance, what: str, wanted: Any) -> None:
        path = op.api.path(models.Instance, live.id, what)
        op.steadily(op.api.get(models.Instance, live.id), lambda _now: op.api.call("PUT", path, {what: wanted}))
        op.at_rest(op.api.get(models.Instance, live.id))

    def _set_context(self, op: Operation, live: models.Instance, wanted: Mapping[str, str]) -> None:
        path, there = op.api.path(models.Instance, live.id, "context"), live.context or {}
        changed = {key: value for key, value in wanted.items() if there.get(key) != value}
        if changed:
            try:
                op.api.call("PUT" if there else "POST", path, changed)
            except ApiError as error:  # the engine cannot know that its words may repeat a secret
                raise error.untold(changed.values()) from None
        for key in there.keys() - wanted.keys():
            op.api.call("DELETE", op.api.path(models.Instance, live.id, "context", key))


class Instance(Resource, provider=InstanceProvider):
    """A virtual machine.

        web = joviam.Instance(
            "web",
            memory=2048,
            performance_tier="Standard",
            disks=[system.id, data.id],
            ip_addresses=[public.id, private.id],
            public_keys=[laptop.id],
        )
        mail = joviam.Instance(  # with a disk and an address that are made and deleted with it
            "mail",
            memory=1024,
            performance_tier="Standard",
            boot_disk={"template": "debian-9", "size": 10, "performance_tier": "Standard"},
            allocate_public_ip=True,
        )

    Args:
        memory: RAM in MB. Updated in place; may stop the instance, see allow_stopping.
        performance_tier: Tier for instances, by id or name. Updated in place; may stop the instance.
        region: Region by id, code or name. Default: the stack config joviam:region. A change replaces.
        disks: Ids of disks, in device order; the first is the boot disk. Default: none. Updated in place; another first
            disk stops the instance, see allow_stopping.
        ip_addresses: Ids of addresses; each network among them gets an adapter, in this order. Updated in place.
        boot_disk: A disk to be made with the instance, instead of disks: {"template", "size" in GB,
            "performance_tier", "delete_with_instance" (default: true)}. A larger size grows it in place; another
            template or tier, or a size smaller than the program said before, makes a new disk and swaps it in: the
            instance and its addresses stay, what was on the old disk is lost, unless delete_with_instance is false.
            Both may stop the instance, the swap always. Updated in place; taken away for disks: as another
            boot_disk, unless it is among them; else nothing changes.
        network_adapters: Adapters in device order, each {"network": id, "ip_addresses": [ids] or "dhcp"}. Not
            together with ip_addresses. Updated in place.
        networks: With boot_disk: ids of networks in which an address is made for the instance, and given back with
            it. Updated in place.
        allocate_public_ip: With boot_disk: whether a public address is made for the instance, and given back with
            it. Default: false. Updated in place.
        allocate_private_ip: With boot_disk: the same in the first private network of the region. Default: false.
            Updated in place.
        availability_group: Ids of instances to be kept on other hardware than this one, in any order. Instances that
            name each other are a cycle: use an AvailabilityGroup. Updated in place.
        public_keys: Ids of public keys, in any order. Updated in place.
        boot_device: "disk" (default), "cdrom" or "network". Updated in place.
        virtualization: "hvm" or "pv". Default: the API's choice. Updated in place; may stop the instance; taken
            away: nothing changes.
        start_on_crash: Start again after a crash. Default: true. Updated in place.
        start_on_reboot: Start again after a reboot. Default: true. Updated in place.
        start_on_shutdown: Start again after a shutdown. Default: false. Updated in place.
        note: Free text. Default: "". Updated in place.
        context: Variables that the machine can read, {name: text}. Default: {}. Updated in place.
        power_state: "running" (default), "stopped", or "unmanaged": then nobody is started or stopped for it. A machine
            that somebody else stopped is started again by the `up` after a refresh, unless it is "unmanaged".
        allow_stopping: Whether a change that the API refuses while the instance runs may stop it, change it and
            start it again; without it such an update fails and changes nothing. Default: false.
        name: Name of the instance. Default: the resource's Pulumi name. Updated in place.

    Raises, in preview: wrong types, ids named twice, ip_addresses together with network_adapters; a region, tier or
    template that does not exist; a boot_disk smaller than its new template's minimum_disk_size.
    Source: reference, "Instance Create (basic)", "Instance Create (advanced)" and the pages after them.
    """

    memory: pulumi.Output[int]
    performance_tier: pulumi.Output[str]
    region: pulumi.Output[str]
    disks: pulumi.Output[list[str] | None]
    boot_disk: pulumi.Output[dict[str, Any] | None]
    ip_addresses: pulumi.Output[list[str] | None]
    network_adapters: pulumi.Output[list[dict[str, Any]] | None]
    networks: pulumi.Output[list[str] | None]
    allocate_public_ip: pulumi.Output[bool | None]
    allocate_private_ip: pulumi.Output[bool | None]
    availability_group: pulumi.Output[list[str] | None]
    public_keys: pulumi.Output[list[str] | None]
    boot_device: pulumi.Output[str | None]
    virtualization: pulumi.Output[str | None]
    start_on_crash: pulumi.Output[bool | None]
    start_on_reboot: pulumi.Output[bool | None]
    start_on_shutdown: pulumi.Output[bool | None]
    note: pulumi.Output[str | None]
    context: pulumi.Output[dict[str, str] | None]
    power_state: pulumi.Output[str]
    allow_stopping: pulumi.Output[bool | None]
    name: pulumi.Output[str]
    hostname: pulumi.Output[str]
    state: pulumi.Output[str]
    """State of the instance, "running" or "stopped"."""
    boot_disk_id: pulumi.Output[str | None]
    """Id of its first disk."""
    disk_ids: pulumi.Output[list[str]]
    """Ids of all its disks, in device order."""
    adapters: pulumi.Output[list[dict[str, Any]]]
    """Its adapters in device order: id, index, dhcp, network_id, addresses."""
    public_ip: pulumi.Output[str | None]
    """Its first public address."""
    private_ip: pulumi.Output[str | None]
    """Its first private address."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        memory: pulumi.Input[int],
        performance_tier: pulumi.Input[str],
        region: pulumi.Input[str] | None = None,
        disks: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        boot_disk: pulumi.Input[BootDiskDict] | None = None,
        ip_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        network_adapters: pulumi.Input[Sequence[pulumi.Input[NetworkAdapterDict]]] | None = None,
        networks: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        allocate_public_ip: pulumi.Input[bool] | None = None,
        allocate_private_ip: pulumi.Input[bool] | None = None,
        availability_group: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        public_keys: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        boot_device: pulumi.Input[Literal["cdrom", "disk", "network"]] | None = None,
        virtualization: pulumi.Input[Literal["hvm", "pv"]] | None = None,
        start_on_crash: pulumi.Input[bool] | None = None,
        start_on_reboot: pulumi.Input[bool] | None = None,
        start_on_shutdown: pulumi.Input[bool] | None = None,
        note: pulumi.Input[str] | None = None,
        context: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        power_state: pulumi.Input[Literal["running", "stopped", "unmanaged"]] = "running",
        allow_stopping: pulumi.Input[bool] | None = None,
        name: pulumi.Input[str] | None = None,
    ) -> None:
        super().__init__(
            resource_name,
            opts,
            memory=memory,
            performance_tier=performance_tier,
            region=region,
            disks=disks,
            boot_disk=boot_disk,
            ip_addresses=ip_addresses,
            network_adapters=network_adapters,
            networks=networks,
            allocate_public_ip=allocate_public_ip,
            allocate_private_ip=allocate_private_ip,
            availability_group=availability_group,
            public_keys=public_keys,
            boot_device=boot_device,
            virtualization=virtualization,
            start_on_crash=start_on_crash,
            start_on_reboot=start_on_reboot,
            start_on_shutdown=start_on_shutdown,
            note=note,
            context=context,
            power_state=power_state,
            allow_stopping=allow_stopping,
            name=name,
        )

"""The API's nouns as it shows them. Where a noun lives and what its states mean is class data.

A model never decides anything: it is what was seen at one moment. Fields the API may add later are
ignored. Ids are checked to be UUIDs here, so nothing else can ever reach the path of a request, and states
to be words, so they can be shown as they are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, StringConstraints

from pulumi_joviam.api.errors import readable

T = TypeVar("T")

UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
Id = Annotated[str, StringConstraints(pattern=f"^{UUID}$", to_lower=True)]
State = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,40}$")]
Int = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""A number that is still the same when the engine takes it for a float."""
Listed = Annotated[list[T], FailFast()]
"""A list that is not read beyond what cannot be read: pydantic's words about millions of items take gigabytes."""


@dataclass(frozen=True)
class AnyBut:
    """Every state but one."""

    state: str

    def __contains__(self, state: object) -> bool:
        return state != self.state


class _NotIterable:
    """Hides pydantic's iteration: Pulumi exports what has one as pairs, and any other object as a mapping."""

    def __get__(self, _instance: object, _owner: object = None) -> Any:
        raise AttributeError("__iter__")


class Model(BaseModel):
    """An object of the API. ``noun`` is what a person calls it, ``path`` where it lives."""

    # defer_build: programs import these classes too and must not pay for validators that only the plugin needs
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    noun: ClassVar[str]
    path: ClassVar[str]
    # an object without states is always settled
    ready: ClassVar[frozenset[str]] = frozenset({""})
    failed: ClassVar[frozenset[str]] = frozenset()
    gone: ClassVar[frozenset[str]] = frozenset({"terminated", "transferred"})
    has_state_path: ClassVar[bool] = False
    listed: ClassVar[bool] = True
    """Whether `GET path` lists all of the account."""

    __iter__: ClassVar[Any] = _NotIterable()

    id: Id
    state: State = ""

    @property
    def settled(self) -> bool:
        """Whether the object rests: no transition is under way."""
        return self.state in self.ready or self.state in self.failed or self.state in self.gone

    @property
    def called(self) -> str:
        """What a person calls it, and its id."""
        return f'"{readable(getattr(self, "name", None))}" ({self.id})'

    @property
    def shown_on(self) -> list[str]:
        """The ids of the instances that have it, as it shows them itself."""
        return []


class Named(Model):
    """Something that a program may call by its id or by a word."""

    @property
    def words(self) -> tuple[str, ...]:
        """Everything a person may call it: the id first, then the word we would show."""
        raise NotImplementedError

    def matches(self, said: str) -> bool:
        """Say whether a program that says ``said`` means this, as it is called now."""
        return said in self.words or said.lower() == self.id

    def as_input(self, like: str | None = None) -> str:
        """Return what a program would say: the id if it said one before, else the usual word."""
        return self.words[0] if like is not None and len(like) == len(self.id) else self.words[1]


class Region(Named):
    """Reference: Region."""

    noun = "region"
    path = "/regions"

    name: str
    code: str

    @property
    def words(self) -> tuple[str, ...]:
        return (self.id, self.code, self.name)


class PerformanceTier(Named):
    """Reference: Performance Tier. Listed apart for disks and for instances."""

    noun = "performance tier"
    path = "/performance_tiers"

    name: str
    region: Region

    @property
    def words(self) -> tuple[str, ...]:
        return (self.id, self.name)


class Template(Named):
    """Reference: Template. A slug names the newest version of a line."""

    noun = "template"
    path = "/templates"

    name: str | None = None
    slug: str | None = None
    region: Region
    version: Int
    minimum_disk_size: Int | None = None
    allows_public_key_auth: bool
    disk_id: Id | None = None
    published: bool
    recommended_virtualization: str
    superseded_by_id: Id | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(word for word in (self.id, self.slug, self.name) if word)


class PublicKey(Model):
    """Reference: Public Key."""

    noun = "public key"
    path = "/public_keys"

    name: str
    key: str
    created_at: str
    updated_at: str


class Network(Model):
    """Reference: Network."""

    noun = "network"
    path = "/networks"
    ready = frozenset({"ready"})
    failed = frozenset({"failed_to_provision"})

    name: str | None = None
    is_public: bool
    specification: str
    netmask: str
    network_address: str
    gateway: str | None = None
    primary_nameserver: str | None = None
    secondary_nameserver: str | None = None
    region: Region
    created_at: str
    updated_at: str


class IpAddress(Model):
    """Reference: IP Address."""

    noun = "IP address"
    path = "/ip_addresses"

    name: str | None = None
    address: str
    network_id: Id
    instance_ids: Listed[Id]
    shareable: bool
    created_at: str
    updated_at: str

    @property
    def called(self) -> str:
        return f"{self.address} ({self.id})"

    @property
    def shown_on(self) -> list[str]:
        return self.instance_ids


class Disk(Model):
    """Reference: Disk. ``size`` is in GB."""

    noun = "disk"
    path = "/disks"
    ready = frozenset({"attached", "unattached"})
    failed = frozenset({"failed_to_provision", "failed_to_terminate"})
    has_state_path = True

    name: str
    size: Int
    performance_tier: PerformanceTier
    region: Region
    template: Template | None = None
    cdrom: bool
    is_template: bool
    instance_id: Id | None = None
    position: Int | None = None
    created_at: str
    updated_at: str

    @property
    def shown_on(self) -> list[str]:
        return [self.instance_id] if self.instance_id else []


class NetworkAdapter(Model):
    """Reference: Network Adapter."""

    noun = "network adapter"
    path = ""

    index: Int
    dhcp: bool
    network: Network
    ip_addresses: Listed[IpAddress]
    created_at: str
    updated_at: str


class Instance(Model):
    """Reference: Instance. ``memory`` is in MB.

    The API shows ``note`` and ``context`` at addresses of their own: None means nobody has looked.
    """

    noun = "instance"
    path = "/instances"
    new: ClassVar[frozenset[str]] = frozenset({"initial", "pending_verification", "provisioning"})
    """States of one that has never run."""
    ready = frozenset({"running", "stopped"})
    failed = frozenset({"failed_to_provision"})
    has_state_path = True

    name: str
    hostname: str
    memory: Int
    performance_tier: PerformanceTier
    region: Region
    virtualization: str
    boot_device: str
    start_on_crash: bool
    start_on_reboot: bool
    start_on_shutdown: bool
    disks: Listed[Disk]
    network_adapters: Listed[NetworkAdapter]
    public_keys: Listed[PublicKey]
    availability_group: Listed[Id]
    created_at: str
    updated_at: str
    note: str | None = None
    context: dict[str, str] | None = Field(default=None, repr=False)
    made_disk_id: Id | None = None
    """The disk that was made for it. The API does not say it: whoever made it knows."""

    @property
    def boot_disk(self) -> Disk | None:
        """The disk that was made for it, wherever it stands in the list; without one, the first."""
        if self.made_disk_id is None:
            return self.disks[0] if self.disks else None
        return next((disk for disk in self.disks if disk.id == self.made_disk_id), None)

    def has(self, id: str) -> bool:
        """Whether it lists the disk or the address among its own."""
        addresses = [address.id for adapter in self.network_adapters for address in adapter.ip_addresses]
        return id in [disk.id for disk in self.disks] or id in addresses

    def with_details(self, **details: Any) -> Instance:
        """Return a copy that also knows ``note``, ``context`` or ``made_disk_id``."""
        return self.model_copy(update=details)


class ConsoleSession(Model):
    """Reference: Console Session. One that failed is as good as gone: it can be neither used nor deleted."""

    noun = "console session"
    path = "/console_sessions"
    ready = frozenset({"ready"})
    failed = frozenset({"failed"})
    gone = frozenset({"failed", "terminated"})
    listed = False

    type: str
    host: str | None = None
    port: Int | None = None
    token: str | None = Field(default=None, repr=False)
    url: str | None = None
    instance_id: Id
    created_at: str
    updated_at: str


_preparing = threading.Lock()


def prepare() -> None:
    """Build the validators of all models, once: left to first use, several threads would build them at once."""
    with _preparing:
        waiting: list[type[Model]] = [Model]
        while waiting:
            model = waiting.pop()
            model.model_rebuild()
            waiting += model.__subclasses__()

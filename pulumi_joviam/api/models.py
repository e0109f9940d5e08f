"""The API's objects. Paths and the meaning of states are class attributes.

A model is a snapshot and has no logic of its own. Fields that the API may add later are ignored. Ids are
validated as UUIDs here, so nothing else can reach the path of a request, and states as single words, so
they can be printed as they are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, StringConstraints

from pulumi_joviam.api.errors import readable

T = TypeVar("T")

UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
Id = Annotated[str, StringConstraints(pattern=f"^{UUID}$", to_lower=True)]
State = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,40}$")]
Int = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""An integer that a float represents exactly: the engine stores numbers as floats."""
Listed = Annotated[list[T], FailFast()]
"""A list whose validation stops at the first error: pydantic's errors for millions of items take gigabytes."""


@dataclass(frozen=True)
class AnyBut:
    """Every state but one."""

    state: str

    def __contains__(self, state: object) -> bool:
        return state != self.state


class _NotIterable:
    """Hides pydantic's iteration: Pulumi exports an iterable object as pairs, and any other as a mapping."""

    def __get__(self, _instance: object, _owner: object = None) -> Any:
        raise AttributeError("__iter__")


class Model(BaseModel):
    """An object of the API. ``noun`` is its kind in messages, ``path`` the path of its list."""

    # defer_build: programs import these classes too and must not pay for validators that only the plugin needs
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    noun: ClassVar[str]
    path: ClassVar[str]
    # an object without states is always settled
    ready: ClassVar[frozenset[str]] = frozenset({""})
    failed: ClassVar[frozenset[str]] = frozenset()
    gone: ClassVar[frozenset[str]] = frozenset({"terminated", "transferred"})
    has_state_path: ClassVar[bool] = False
    listed: ClassVar[bool] = True
    """Whether `GET path` lists all of the account's objects."""
    independent: ClassVar[bool] = True
    """Whether creating, changing or deleting one changes no other of its kind."""
    deletable: ClassVar[bool] = True
    """Whether the API can delete one."""
    apart: ClassVar[frozenset[str]] = frozenset()
    """Fields that the API does not show with the object."""

    __iter__: ClassVar[Any] = _NotIterable()

    id: Id
    state: State = ""

    @classmethod
    def plural(cls) -> str:
        """Return what a person calls several."""
        return f"{cls.noun}es" if cls.noun.endswith("s") else f"{cls.noun}s"

    @classmethod
    def paths(cls) -> dict[str, str]:
        """Return {use: the path of the list of those for that use}; "" if there is one list for all."""
        return {"": cls.path}

    @property
    def settled(self) -> bool:
        """Whether no state transition is in progress."""
        return self.state in self.ready or self.state in self.failed or self.state in self.gone

    @property
    def called(self) -> str:
        """Its name and id, for messages."""
        return f'"{readable(getattr(self, "name", None))}" ({self.id})'

    @property
    def shown_on(self) -> list[str]:
        """The ids of the instances that have it, according to the object itself."""
        return []

    @property
    def measure(self) -> str:
        """Its size, or what else a person needs to recognize it, for lists."""
        return ""

    @property
    def made_at(self) -> float | None:
        """When it was created by the server's clock, or None if it does not show that."""
        try:
            made = datetime.fromisoformat(getattr(self, "created_at", "").replace("Z", "+00:00"))
        except ValueError:
            return None
        return (made if made.tzinfo else made.replace(tzinfo=timezone.utc)).timestamp()


class Named(Model):
    """An object that a program may refer to by its id or by a name."""

    @property
    def words(self) -> tuple[str, ...]:
        """All names that refer to it: the id first, then the preferred name."""
        raise NotImplementedError

    def matches(self, name: str) -> bool:
        """Return whether ``name`` refers to this object, by its current names."""
        return name in self.words or name.lower() == self.id

    def as_input(self, like: str | None = None) -> str:
        """Return the input that refers to it: its id if ``like`` is an id, else the preferred name."""
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
    """Reference: Performance Tier. Disks and instances have separate lists."""

    noun = "performance tier"
    path = "/performance_tiers"

    name: str
    region: Region

    @classmethod
    def paths(cls) -> dict[str, str]:
        return {use: f"{cls.path}/{use}s" for use in ("disk", "instance")}

    @property
    def words(self) -> tuple[str, ...]:
        return (self.id, self.name)


class Template(Named):
    """Reference: Template. A slug names the newest version of a line."""

    noun = "template"
    path = "/templates"
    deletable = False

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

    @property
    def measure(self) -> str:
        return f"version {self.version}"


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
    ready: ClassVar[frozenset[str]] = frozenset({"ready"})
    failed: ClassVar[frozenset[str]] = frozenset({"failed_to_provision"})

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

    @property
    def measure(self) -> str:
        return self.specification


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
    def measure(self) -> str:
        return self.address

    @property
    def shown_on(self) -> list[str]:
        return self.instance_ids


class Disk(Model):
    """Reference: Disk. ``size`` is in GB."""

    noun = "disk"
    path = "/disks"
    ready: ClassVar[frozenset[str]] = frozenset({"attached", "unattached"})
    failed: ClassVar[frozenset[str]] = frozenset({"failed_to_provision", "failed_to_terminate"})
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
    def template_id(self) -> str | None:
        """Id of the template version that it was created from."""
        return self.template.id if self.template else None

    @property
    def measure(self) -> str:
        return f"{self.size} GB"

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

    The API returns ``note`` and ``context`` at separate paths: None means not requested yet.
    """

    noun = "instance"
    path = "/instances"
    independent = False
    new: ClassVar[frozenset[str]] = frozenset({"initial", "pending_verification", "provisioning"})
    """States before the first run."""
    ready: ClassVar[frozenset[str]] = frozenset({"running", "stopped"})
    failed: ClassVar[frozenset[str]] = frozenset({"failed_to_provision"})
    has_state_path = True
    apart: ClassVar[frozenset[str]] = frozenset({"note", "context", "made_disk_id"})

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
    """The disk that was created with it. The API does not return this: the private state holds it."""

    @property
    def measure(self) -> str:
        return f"{self.memory} MB"

    @property
    def boot_disk(self) -> Disk | None:
        """The disk that was created with it, at any position; if that is unknown, the first one."""
        if self.made_disk_id is None:
            return self.disks[0] if self.disks else None
        return next((disk for disk in self.disks if disk.id == self.made_disk_id), None)

    def has(self, id: str) -> bool:
        """Whether the disk or the IP address is attached to it."""
        addresses = [address.id for adapter in self.network_adapters for address in adapter.ip_addresses]
        return id in [disk.id for disk in self.disks] or id in addresses

    def with_details(self, **details: Any) -> Instance:
        """Return a copy with ``note``, ``context`` or ``made_disk_id`` filled in."""
        return self.model_copy(update=details)


class ConsoleSession(Model):
    """Reference: Console Session. A failed one counts as gone: it can be neither used nor deleted."""

    noun = "console session"
    path = "/console_sessions"
    ready: ClassVar[frozenset[str]] = frozenset({"ready"})
    failed: ClassVar[frozenset[str]] = frozenset({"failed"})
    gone: ClassVar[frozenset[str]] = frozenset({"failed", "terminated"})
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
    """Build the validators of all models, once: otherwise several threads would build them on first use."""
    with _preparing:
        pending: list[type[Model]] = [Model]
        while pending:
            model = pending.pop()
            model.model_rebuild()
            pending += model.__subclasses__()

"""Console sessions: created for a running instance, ready after a while, deleted with the instance."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.operation import Operation, show
from pulumi_joviam.emulator.region import Region
from pulumi_joviam.emulator.store import Card, Check, Moving, Object, Store

TYPES = ("serial", "vnc")


class ConsoleSessionShown(TypedDict):
    """A console session as the API shows it."""

    id: str
    state: str
    host: str | None
    port: int | None
    token: str | None
    type: str
    url: str | None
    instance_id: str
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class ConsoleSession(Moving):
    """A request to connect to an instance, and then the credentials for it."""

    kind = "console_sessions"
    transitions: ClassVar[Mapping[str, str]] = {"initiating": "ready"}
    ready: ClassVar[frozenset[str]] = frozenset({"ready"})
    failed = "failed"

    type: str
    instance_id: str
    host: str
    secret: str = field(default_factory=lambda: secrets.token_hex(8))

    def show(self, store: Store) -> ConsoleSessionShown:
        ready, vnc = self.state == "ready", self.type == "vnc"
        return {
            "id": self.id,
            "state": self.state,
            "host": self.host if ready and not vnc else None,
            "port": 50321 if ready and not vnc else None,
            "token": self.secret if ready else None,
            "type": self.type,
            "url": f"wss://{self.host}/{self.id}" if ready and vnc else None,
            "instance_id": self.instance_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        return {**self._moves(), "name": self.type}

    def gone(self) -> bool:
        return False  # the API has no state for an ended session: it is removed with its instance

    def remove(self, store: Store) -> None:
        Object.remove(self, store)

    def drop_references(self, store: Store, gone: Object) -> None:
        if self.instance_id == gone.id:
            self.remove(store)


class RemoteAccess(Body):
    type: str = "vnc"


def create(store: Store, instance_id: str, body: RemoteAccess) -> ConsoleSessionShown:
    """Start a remote access session."""
    instance = store.find(Instance, instance_id)
    with Check() as check:
        check("type", body.type in TYPES, f"must be one of {', '.join(TYPES)}")
    instance.require("running")
    host = f"{store.find(Region, instance.region).code.lower()}.console.example"
    session = ConsoleSession(type=body.type, instance_id=instance.id, host=host)
    return store.provision(session, state="initiating").show(store)


OPERATIONS = (
    Operation("GET /console_sessions/{console_session_id}", show(ConsoleSession)),
    Operation("POST /instances/{instance_id}/remote_access", create, 202),
)

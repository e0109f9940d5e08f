"""Public keys: created and deleted at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from typing_extensions import TypedDict

from pulumi_joviam.emulator.body import Body, Changes
from pulumi_joviam.emulator.operation import Operation, index, show
from pulumi_joviam.emulator.store import Card, Check, Empty, Object, Store

OPENSSH = re.compile(
    r"(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r" [A-Za-z0-9+/]+={0,3}( [^\r\n]*)?\s*"
)


class PublicKeyShown(TypedDict):
    """A public key as the API shows it."""

    id: str
    name: str
    key: str
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class PublicKey(Object):
    """An SSH public key."""

    kind = "public_keys"

    name: str
    key: str

    def show(self, store: Store) -> PublicKeyShown:
        return {
            "id": self.id,
            "name": self.name,
            "key": self.key,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    def card(self, store: Store) -> Card:
        return {"id": self.id, "name": self.name, "type": self.key.partition(" ")[0]}


class PublicKeyCreate(Body):
    name: str
    key: str


class PublicKeyUpdate(Changes):
    name: str = ""


def create(store: Store, body: PublicKeyCreate) -> PublicKeyShown:
    """Upload a public key."""
    with Check() as check:
        check.name(body.name)
        check("key", OPENSSH.fullmatch(body.key) is not None, "is not a public key in OpenSSH format")
        taken = any(other.key == body.key for other in store.all(PublicKey))
        check("key", store.switches.duplicate_keys or not taken, "has already been taken")
    return store.add(PublicKey(name=body.name, key=body.key)).show(store)


def update(store: Store, public_key_id: str, body: PublicKeyUpdate) -> PublicKeyShown:
    """Update a public key."""
    key = store.find(PublicKey, public_key_id)
    with Check() as check:
        if "name" in body.model_fields_set:
            check.name(body.name)
    store.touch(key, body.given())
    return key.show(store)


def delete(store: Store, public_key_id: str) -> Empty:
    """Delete a public key; instances that use it lose it."""
    store.find(PublicKey, public_key_id).remove(store)
    return {}


OPERATIONS = (
    Operation("GET /public_keys", index(PublicKey)),
    Operation("POST /public_keys", create, 201),
    Operation("GET /public_keys/{public_key_id}", show(PublicKey)),
    Operation("PUT /public_keys/{public_key_id}", update),
    Operation("DELETE /public_keys/{public_key_id}", delete),
)

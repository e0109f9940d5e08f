"""SSH public keys. The smallest resource: read this file first, the others have its shape.

Reference: "Public Key". What surprises: only the name can be changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import AfterValidator

from pulumi_joviam.api import models
from pulumi_joviam.lifecycle.arguments import Alike, Replaces, Text
from pulumi_joviam.lifecycle.declare import Arg, Named, Out, arg
from pulumi_joviam.lifecycle.provider import Provider
from pulumi_joviam.lifecycle.resource import Resource

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


PRIVATE = re.compile("-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-|b3BlbnNzaC1rZXktdjE", re.IGNORECASE)
"""What every private key holds: PEM, SSH2 and PGP; PuTTY; OpenSSH, also without the lines around it (in base64)."""


def _public(key: str) -> str:
    if PRIVATE.search(key):
        raise ValueError("is a private key, which must never leave its machine: give the public one (the .pub file)")
    return key


def same_key(key: str) -> tuple[str, ...]:
    """Return what makes an OpenSSH key what it is: its type and its body, not the comment behind them."""
    return tuple(key.split()[:2])


class PublicKeyArgs(Named):
    key: Arg[Text] = arg(AfterValidator(_public), Replaces("PUT /public_keys takes a name only"), Alike(same_key))
    """Public key in OpenSSH format ("ssh-ed25519 AAAA… me@host"). Another comment behind the key is no change."""


class PublicKeyProvider(Provider[PublicKeyArgs, models.PublicKey]):
    def post(self, op: Operation, args: PublicKeyArgs) -> models.PublicKey:
        return op.create(models.PublicKey, {"name": args.name, "key": args.key})


class PublicKey(PublicKeyArgs, Resource, provider=PublicKeyProvider):
    """An SSH public key that instances can be given.

        laptop = joviam.PublicKey("laptop", key="ssh-ed25519 AAAA… me@laptop")

    Raises, in preview: an empty key, a private key. The API refuses (422) what is not an OpenSSH key.
    Source: reference, "Public Key Create", "Public Key Update".
    """

    created_at = Out[str]()
    """When the key was uploaded."""

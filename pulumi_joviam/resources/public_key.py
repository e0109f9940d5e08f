"""SSH public keys. The smallest resource: read this file first, the others follow its structure.

Reference: "Public Key". Note: only the name can be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_joviam.api import models
from pulumi_joviam.lifecycle.arguments import OpenSshKey, Replaces
from pulumi_joviam.lifecycle.declare import Arg, Named, Out, arg, out
from pulumi_joviam.lifecycle.provider import Lifecycle
from pulumi_joviam.lifecycle.resource import Resource

if TYPE_CHECKING:
    from pulumi_joviam.lifecycle.operation import Operation


class PublicKeyArgs(Named):
    key: Arg[OpenSshKey] = arg(Replaces("PUT /public_keys takes a name only"))
    """Public key in OpenSSH format ("ssh-ed25519 AAAA… me@host"). Another comment after the key is no change."""


class PublicKeyProvider(Lifecycle[PublicKeyArgs, models.PublicKey]):
    def post(self, op: Operation, args: PublicKeyArgs) -> models.PublicKey:
        return op.create(models.PublicKey, {"name": args.name, "key": args.key})


class PublicKey(PublicKeyArgs, Resource, provider=PublicKeyProvider):
    """An SSH public key for instances.

        laptop = joviam.PublicKey("laptop", key="ssh-ed25519 AAAA… me@laptop")

    Rejected in preview: an empty key, a private key. The API rejects anything but an OpenSSH key (422).
    Source: reference, "Public Key Create", "Public Key Update".
    """

    created_at: Out[str] = out()
    """When the key was uploaded."""

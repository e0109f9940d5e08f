"""SSH public keys. The smallest resource: read this file first, the others have its shape.

Reference: "Public Key". What surprises: only the name can be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pulumi

from pulumi_joviam import models
from pulumi_joviam.args import Alike, Args, Replaces, Text
from pulumi_joviam.provider import Provider, Resource

if TYPE_CHECKING:
    from pulumi_joviam.operation import Operation


def same_key(key: str) -> tuple[str, ...]:
    """Return what makes an OpenSSH key what it is: its type and its body, not the comment behind them."""
    return tuple(key.split()[:2])


class PublicKeyArgs(Args):
    key: Annotated[Text, Replaces("PUT /public_keys takes a name only"), Alike(same_key)]


class PublicKeyProvider(Provider[PublicKeyArgs, models.PublicKey]):
    args = PublicKeyArgs
    model = models.PublicKey
    outputs = ("created_at",)

    def post(self, op: Operation, args: PublicKeyArgs) -> models.PublicKey:
        return op.create(models.PublicKey, {"name": args.name, "key": args.key})


class PublicKey(Resource, provider=PublicKeyProvider):
    """An SSH public key that instances can be given.

        laptop = joviam.PublicKey("laptop", key="ssh-ed25519 AAAA… me@laptop")

    Args:
        key: Public key in OpenSSH format ("ssh-ed25519 AAAA… me@host"). A change replaces; a change of only the
            comment behind the key is none.
        name: Name of the key. Default: the resource's Pulumi name. Updated in place.

    Raises, in preview: an empty key. The API refuses (422) what is not an OpenSSH key.
    Source: reference, "Public Key Create", "Public Key Update".
    """

    key: pulumi.Output[str]
    name: pulumi.Output[str]
    created_at: pulumi.Output[str]
    """When the key was uploaded."""

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        key: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
    ) -> None:
        super().__init__(resource_name, opts, key=key, name=name)

"""What a user wants to have imported. Apart from the rest, which takes a while to load: `--help` needs only this."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """What can be imported, in the order of a program: what is used stands before what uses it."""

    PUBLIC_KEY = "public-key"
    NETWORK = "network"
    IP_ADDRESS = "ip-address"
    DISK = "disk"
    TEMPLATE = "template"
    INSTANCE = "instance"
    AVAILABILITY_GROUP = "availability-group"


@dataclass(frozen=True)
class Filter:
    """What is wanted: all that fits to everything said. Nothing said means any."""

    ids: Collection[str] = ()
    region: str | None = None
    name: str | None = None
    kinds: Collection[Kind] = ()

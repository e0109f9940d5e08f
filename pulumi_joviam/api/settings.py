"""Settings: from the stack config, then the environment, then a default.

| stack config            | environment        | default                            |
|-------------------------|--------------------|------------------------------------|
| `joviam:token` (secret) | `JOVIAM_TOKEN`     | none: required                     |
| `joviam:endpoint`       | `JOVIAM_ENDPOINT`  | https://cloud.joviam.com/api/v1    |
| `joviam:region`         | none               | none: set it on each resource      |
| `joviam:maxConcurrency` | none               | 32 requests in flight              |

The region never comes from the environment: a colleague's shell must not replace the resources of a stack.
A command without a stack (`pulumi-joviam console`, `import`) reads the environment only.
Whitespace around a value is removed, since copying adds it. A value of whitespace only counts as not set.
The token is sent over TLS only; plain http is allowed for an endpoint on this machine, such as the emulator.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pulumi_joviam.api.errors import ConfigError
from pulumi_joviam.api.pace import Pace

ENDPOINT = "https://cloud.joviam.com/api/v1"
MAX_CONCURRENCY = 32
HIGHEST_CONCURRENCY = 1000
ENVIRONMENT = "the environment variable JOVIAM_TOKEN"


@dataclass(frozen=True)
class Settings:
    """How to reach an account. The token is in no repr; equal settings share one connection.

    Error messages use ``token_source``, where the token came from ("the stack config joviam:token"), and
    ``endpoint_name``, the setting that changes the endpoint. ``pace`` is for tests.
    """

    token: str = field(repr=False)
    endpoint: str = ENDPOINT
    region: str | None = None
    max_concurrency: int = MAX_CONCURRENCY
    token_source: str = "the argument token"  # noqa: S105 - where it came from, not what it is
    endpoint_name: str = field(default="joviam:endpoint", repr=False, compare=False)
    pace: Pace = field(default=Pace(), repr=False)

    def __post_init__(self) -> None:
        """Raise ConfigError for settings that no request can be sent with."""
        object.__setattr__(self, "token", self.token.strip())
        object.__setattr__(self, "endpoint", self.endpoint.strip().rstrip("/"))
        if not self.token:
            raise ConfigError(
                "no Joviam token: set it with `pulumi config set --secret joviam:token`, "
                "or in the environment variable JOVIAM_TOKEN"
            )
        if not _is_one_word(self.token):
            raise ConfigError(
                f"{self.token_source} contains characters that no Joviam token has (line breaks, spaces, …)"
            )
        if not _is_plain_address(self.endpoint):
            given = repr(self.endpoint) if "@" not in self.endpoint else "one with a user name or password in it"
            raise ConfigError(f"{self.endpoint_name} must be a plain http(s) address such as {ENDPOINT}, not {given}")
        if not _keeps_the_token(self.endpoint):
            raise ConfigError(
                f"{self.endpoint_name} is {self.endpoint}: refusing to send the token over plain http; "
                "use https (http is allowed for localhost only)"
            )
        if not 1 <= self.max_concurrency <= HIGHEST_CONCURRENCY:
            raise _not_a_width(self.max_concurrency)

    @functools.cached_property
    def account(self) -> str:
        """The digest that identifies the account in the state. It does not reveal the token."""
        return hashlib.blake2b(f"{self.endpoint}\n{self.token}".encode(), digest_size=8).hexdigest()

    @classmethod
    def load(cls, get: Callable[[str], Any] | None, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        ``get`` looks up stack config by its full key, e.g. ``joviam:token``; None for a command without a stack.
        """

        def said(key: str) -> str:
            value = get(key) if get else None
            return "" if value is None else str(value).strip()

        # joviam-provider:tokenSource is set by pulumi_joviam.Provider, not by users
        token, source = said("joviam:token"), said("joviam-provider:tokenSource") or "the stack config joviam:token"
        if not token:
            token, source = environ.get("JOVIAM_TOKEN", ""), ENVIRONMENT
        if not token.strip() and get is None:
            raise ConfigError("no Joviam token: set the environment variable JOVIAM_TOKEN")
        endpoint, elsewhere = said("joviam:endpoint"), environ.get("JOVIAM_ENDPOINT", "").strip()
        width = said("joviam:maxConcurrency") or str(MAX_CONCURRENCY)
        if not width.isdecimal() or len(width) > len(str(HIGHEST_CONCURRENCY)):
            raise _not_a_width(width)
        return cls(
            token=token,
            endpoint=endpoint or elsewhere or ENDPOINT,
            region=said("joviam:region") or None,
            max_concurrency=int(width),
            token_source=source,
            endpoint_name="JOVIAM_ENDPOINT" if get is None or (elsewhere and not endpoint) else "joviam:endpoint",
        )


def _not_a_width(said: object) -> ConfigError:
    return ConfigError(
        f"joviam:maxConcurrency must be a whole number from 1 to {HIGHEST_CONCURRENCY}, not {str(said)[:20]!r}"
    )


def _is_one_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_plain_address(address: str) -> bool:
    """Return whether paths can be appended to ``address``, and it has no password that an error would show."""
    try:
        url = urlsplit(address)
        port_is_a_port = url.port != 0
    except ValueError:  # a port above 65535, an incomplete IPv6 address
        return False
    plain = _is_one_word(address) and not set(address) & set("?#@\\")
    return plain and port_is_a_port and url.scheme in ("http", "https") and bool(url.hostname)


def _keeps_the_token(address: str) -> bool:
    """Return whether requests to ``address`` are encrypted, or stay on this machine."""
    url = urlsplit(address)
    host = (url.hostname or "").rstrip(".")
    try:
        here = ipaddress.ip_address(host)
    except ValueError:
        return url.scheme == "https" or host == "localhost" or host.endswith(".localhost")
    return url.scheme == "https" or here.is_loopback or here.is_unspecified

"""Where the settings come from: stack config first, then the environment, then a default.

| stack config            | environment        | default                            |
|-------------------------|--------------------|------------------------------------|
| `joviam:token` (secret) | `JOVIAM_TOKEN`     | none: required                     |
| `joviam:endpoint`       | `JOVIAM_ENDPOINT`  | https://cloud.joviam.com/api/v1    |
| `joviam:region`         | none               | none: each resource says its own   |
| `joviam:maxConcurrency` | none               | 32 requests in flight              |

The region never comes from the environment: a colleague's shell must not replace a stack.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pulumi_joviam.errors import ConfigError

ENDPOINT = "https://cloud.joviam.com/api/v1"
MAX_CONCURRENCY = 32


@dataclass(frozen=True)
class Settings:
    """What is needed to talk to an account. The token is in no repr; two equal settings share one connection.

    ``token_source`` says in a user's words where the token came from ("the stack config joviam:token").
    """

    token: str = field(repr=False)
    endpoint: str = ENDPOINT
    region: str | None = None
    max_concurrency: int = MAX_CONCURRENCY
    token_source: str = "the argument token"  # noqa: S105 - where it came from, not what it is

    def __post_init__(self) -> None:
        """Raise ConfigError for what no request could be made with."""
        if not self.token:
            raise ConfigError(
                "no Joviam token: set it with `pulumi config set --secret joviam:token`, "
                "or in the environment variable JOVIAM_TOKEN"
            )
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise ConfigError(f"{self.token_source} holds characters that no Joviam token has (line ends, blanks, …)")
        url = urlsplit(self.endpoint)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
            raise ConfigError(
                f"joviam:endpoint must be a plain http(s) address such as {ENDPOINT}, not {self.endpoint!r}"
            )
        if self.max_concurrency < 1:
            raise ConfigError(f"joviam:maxConcurrency must be a whole number from 1, not {self.max_concurrency}")

    @classmethod
    def load(cls, get: Callable[[str], Any], environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings. ``get`` looks up stack config by its full key, e.g. ``joviam:token``."""
        token, source = get("joviam:token"), "the stack config joviam:token"
        if not token:
            token, source = environ.get("JOVIAM_TOKEN", ""), "the environment variable JOVIAM_TOKEN"
        width = get("joviam:maxConcurrency") or MAX_CONCURRENCY
        try:
            width = int(width)
        except ValueError:
            raise ConfigError(f"joviam:maxConcurrency must be a whole number from 1, not {width!r}") from None
        return cls(
            token=str(token),
            endpoint=str(get("joviam:endpoint") or environ.get("JOVIAM_ENDPOINT") or ENDPOINT).rstrip("/"),
            region=get("joviam:region") or None,
            max_concurrency=width,
            token_source=source,
        )

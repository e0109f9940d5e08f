"""Another account in the same stack.

Pulumi gives every provider resource a plugin process of its own, with the configuration said here in place of
the stack's. What surprises: nothing of the stack's configuration reaches that process, so what is not said here
is filled in from it; and `refresh` and `destroy` use the configuration of the last `up`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi

PACKAGE = "pulumi-python"
"""The package of all dynamic resources: Pulumi hands a provider to the resources of its package."""


class Provider(pulumi.ProviderResource):
    """Another Joviam account beside the one of the stack config.

        other = joviam.Provider("other", token=pulumi.Config().require_secret("otherToken"))
        joviam.PublicKey("key", key="ssh-ed25519 AAAA…", opts=pulumi.ResourceOptions(provider=other))
        joviam.get_networks_output(opts=pulumi.InvokeOptions(provider=other))

    A component hands it on to its children: ``opts=pulumi.ResourceOptions(providers=[other])``.

    Args:
        token: Access token of the account. Always a secret in the state.
        endpoint: Address of the API. Default: as for the stack (joviam:endpoint, JOVIAM_ENDPOINT, the public API).
        region: Region of resources that say none, by id, code or name. Default: the stack config joviam:region.
        max_concurrency: Requests in flight at once. Default: the stack config joviam:maxConcurrency, else 32.

    A change updates the provider alone, but another region means for each resource that says none what a change
    of its own region means. Raises RunError for an empty token: it never means the account of the stack.
    """

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        token: pulumi.Input[str],
        endpoint: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        max_concurrency: pulumi.Input[int] | None = None,
    ) -> None:
        def there(said: str | None) -> str:
            if not said or not said.strip():
                raise pulumi.RunError(f'the token of the Provider "{resource_name}" is empty')
            return said

        said = {"endpoint": endpoint, "region": region, "maxConcurrency": max_concurrency}
        stack = pulumi.Config("joviam")
        found = {f"joviam:{key}": stack.get(key) if value is None else value for key, value in said.items()}
        # in the configuration of a plugin every value is text
        config = {key: _read(value, str) for key, value in found.items() if value is not None}
        config["joviam-provider:tokenSource"] = f'the Provider "{resource_name}"'
        token = _read(token, there)
        super().__init__(PACKAGE, resource_name, {**config, "joviam:token": pulumi.Output.secret(token)}, opts)
        # for look-ups: what is found with a secret token is no secret
        config["joviam:token"] = pulumi.Output.unsecret(token) if isinstance(token, pulumi.Output) else token
        self._account = config


def _read(value: pulumi.Input[Any] | None, reader: Callable[[Any], str]) -> pulumi.Input[str]:
    """Apply ``reader``, to a plain value at once: plain look-ups can do with nothing else."""
    plain = value is None or isinstance(value, (str, int))
    return reader(value) if plain else pulumi.Output.from_input(value).apply(reader)

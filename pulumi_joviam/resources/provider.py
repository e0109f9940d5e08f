"""Another account in the same stack.

Pulumi starts a plugin process for each provider resource, with the configuration given here instead of the stack's.
Note: that process does not see the stack's configuration, so missing values are filled in from it here. `refresh` and
`destroy` use the configuration of the last `up`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_joviam.lifecycle.declare import Arg, Input, Passed, arg

PACKAGE = "pulumi-python"
"""The package of all dynamic resources: Pulumi passes a provider to the resources of its package."""
NATIVE_PACKAGE = "joviam"
"""The package of the same resources when the native plugin serves them."""


class ProviderArgs(Passed):
    token: Arg[str] = arg()
    """Access token of the account. Always encrypted in the state."""
    endpoint: Arg[str | None] = arg(
        default=None, unset="as for the stack: joviam:endpoint, JOVIAM_ENDPOINT, the public API"
    )
    """URL of the API."""
    region: Arg[str | None] = arg(default=None, unset="the stack config joviam:region")
    """Region of resources without a region of their own, by id, code or name. A change replaces those of them whose
    region cannot be changed."""
    max_concurrency: Arg[int | None] = arg(default=None, unset="the stack config joviam:maxConcurrency, else 32")
    """Highest number of concurrent requests."""


class Provider(ProviderArgs, pulumi.ProviderResource):
    """Another Joviam account, besides the one in the stack config.

        other = joviam.Provider("other", token=pulumi.Config().require_secret("otherToken"))
        joviam.PublicKey("key", key="ssh-ed25519 AAAA…", opts=pulumi.ResourceOptions(provider=other))
        joviam.get_networks_output(opts=pulumi.InvokeOptions(provider=other))

    A component passes it on to its children: ``opts=pulumi.ResourceOptions(providers=[other])``.

    Raises RunError for an empty token: it never falls back to the account of the stack.
    """

    if TYPE_CHECKING:
        resource_name: str = arg(kw_only=False)
        opts: pulumi.ResourceOptions | None = arg(default=None, kw_only=False)

    def _begin(self, resource_name: str, opts: pulumi.ResourceOptions | None, **arguments: Any) -> None:
        def filled(value: str | None) -> str:
            if not value or not value.strip():
                raise pulumi.RunError(f'the token of the Provider "{resource_name}" is empty')
            return value

        passed = self._declaration.complete(arguments)
        token, passed["maxConcurrency"] = passed.pop("token"), passed.pop("max_concurrency")
        stack = pulumi.Config("joviam")
        found = {f"joviam:{key}": stack.get(key) if value is None else value for key, value in passed.items()}
        # in the configuration of a plugin every value is text
        config = {key: _read(value, str) for key, value in found.items() if value is not None}
        config["joviam-provider:tokenSource"] = f'the Provider "{resource_name}"'
        token = _read(token, filled)
        props = {**config, "joviam:token": pulumi.Output.secret(token)}
        if opts and opts.provider:
            raise pulumi.RunError(f'the Provider "{resource_name}" cannot have a provider itself')
        self._register(resource_name, opts, props)
        # for look-ups: what a secret token finds is not secret
        config["joviam:token"] = pulumi.Output.unsecret(token) if isinstance(token, pulumi.Output) else token
        self._account = config

    def _register(
        self, resource_name: str, opts: pulumi.ResourceOptions | None, config: Mapping[str, Input[str]]
    ) -> None:
        # not ProviderResource's constructor: the SDK would take this line for that of the program
        pulumi.CustomResource.__init__(self, f"pulumi:providers:{PACKAGE}", resource_name, dict(config), opts)
        self.package = PACKAGE


def _read(value: Input[Any], reader: Callable[[Any], str]) -> Input[str]:
    """Apply ``reader``, to a plain value at once: plain look-ups need plain values."""
    plain = value is None or isinstance(value, (str, int))
    return reader(value) if plain else pulumi.Output.from_input(value).apply(reader)

"""The secret outputs of a resource: its arguments that are secrets or contain one, and what follows from them.

The engine hides the secrets of plugin calls from a Python plugin, and marks what that returns by the inputs. But a step
that changes nothing keeps the old outputs, and of those it marks only an argument that is a secret as a whole. So a
variable of a context that becomes a secret without another value would stay in the state in clear. The option
additional_secret_outputs covers that; what it has to name is known only when the program's values are there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_joviam.lifecycle.arguments import Value

KEY = "__secrets"
"""The input for `SecretOutputs`. It has no value, so nothing of it reaches the engine."""


@dataclass(frozen=True)
class SecretOutputs:
    """Adds to ``names`` the arguments that hold a secret, and what follows from them, as soon as that is known.

    An input that is awaited with the others, before the options of the resource are read. ``names`` is the list in its
    option additional_secret_outputs.
    """

    arguments: Mapping[str, Any]
    follow: Mapping[str, str]
    """{output: the argument that it follows from}."""
    names: list[str]

    def __await__(self) -> Generator[Any, None, None]:
        return self._find().__await__()

    async def _find(self) -> None:
        for argument, value in self.arguments.items():
            if any([await output.is_secret() for output in _outputs(value)]):
                shown = [argument, *(name for name, source in self.follow.items() if source == argument)]
                self.names.extend(name for name in shown if name not in self.names)


def _outputs(value: pulumi.Output[Any] | Value) -> Iterator[pulumi.Output[Any]]:
    """Yield all outputs in a value."""
    if isinstance(value, pulumi.Output):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _outputs(item)

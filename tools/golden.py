"""Samples of the type and provider that the state stores for each resource: tests/golden/providers.json.

`python tools/golden.py` adds missing samples. It never changes one, because the state of users contains them.
"""

from __future__ import annotations

import json
from pathlib import Path

from pulumi.dynamic.dynamic import serialize_provider

import pulumi_joviam as joviam
from pulumi_joviam.lifecycle.resource import Resource

FILE = Path(__file__).resolve().parent.parent / "tests/golden/providers.json"


def sample(resource: type[Resource]) -> dict[str, str]:
    """Return the type and the provider in the state of a resource."""
    provider = serialize_provider(resource._lifecycle())
    return {"type": f"pulumi-python:{resource._resource_type_name}", "provider": provider}


def main() -> None:
    """Add the samples that are missing."""
    samples = json.loads(FILE.read_text())
    for found in (getattr(joviam, name) for name in joviam.__all__):
        if isinstance(found, type) and issubclass(found, Resource):
            samples.setdefault(found.__name__, sample(found))
    FILE.write_text(json.dumps(dict(sorted(samples.items())), indent=2) + "\n")


if __name__ == "__main__":
    main()

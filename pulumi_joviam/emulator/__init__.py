"""An emulator of the Joviam API: a local HTTP server, strict, asynchronous, with faults on demand. No account needed.

    with Emulator(token="t", provision_seconds=0.2) as cloud:
        requests.get(f"{cloud.url}/regions", headers={"Authorization": "Bearer t"})

Needs the extra `pulumi-joviam[emulator]`. It imports nothing from the rest of the package, so that each can test
the other.
"""

try:
    import fastapi as _fastapi  # noqa: F401 # pyright: ignore[reportUnusedImport] - imported here for one clear error if it is missing
    import fastapi_offline as _fastapi_offline  # noqa: F401 # pyright: ignore[reportUnusedImport] - the same
    import uvicorn as _uvicorn  # noqa: F401 # pyright: ignore[reportUnusedImport] - the same
except ImportError as _error:
    raise ImportError(
        f"the emulator needs {_error.name}, which comes with an extra: pip install 'pulumi-joviam[emulator]'"
    ) from _error

from pulumi_joviam.emulator.data_file import UnusableData
from pulumi_joviam.emulator.request import Request
from pulumi_joviam.emulator.server import Emulator

__all__ = ["Emulator", "Request", "UnusableData"]

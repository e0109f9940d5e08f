"""The emulator itself: check that it is not the bottleneck of the other measurements."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from bench.report import Findings, Limit
from bench.stacks import Lab

CONNECTIONS = 16


def emulator(lab: Lab) -> Findings:
    """How many requests per second the emulator answers."""
    disks, seconds = (50, 0.5) if lab.quick else (500, 3.0)
    lab.cloud.prepare()
    lab.script("make", disks)
    lab.cloud.requests()
    asyncio.run(_ask(lab, seconds))
    rate = lab.cloud.requests().total() / seconds
    return Findings(
        limits=[Limit(f"emulator, {disks} disks, {CONNECTIONS} connections", rate, 1000, "requests/s", at_least=True)]
    )


async def _ask(lab: Lab, seconds: float) -> None:
    """Send the same small request again and again, on all connections at once."""
    url = urlsplit(lab.cloud.url)
    request = (
        f"GET {url.path}/regions HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {lab.cloud.token}\r\n\r\n"
    ).encode()
    end = time.monotonic() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        while time.monotonic() < end:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(head.decode())
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))

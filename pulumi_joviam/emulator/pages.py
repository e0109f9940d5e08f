"""Serves the live page for browsers. It is not part of the API.

Access: on a loopback address every user of this machine, without a token, but no page of another site, even if its
name resolves to this machine (DNS rebinding). On any other address the browser asks for a password: the token.
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

ASSETS = Path(__file__).parent / "assets"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class LivePage:
    """The page at `address`, and its assets and data.

    `version` returns a new string after every change, `picture` the data as JSON values.
    """

    def __init__(self, address: str, token: str, *, version: Callable[[], str], picture: Callable[[], Any]) -> None:
        self.address = address
        self.token = token
        self.version = version
        self.picture = picture

    def routes(self) -> list[Route]:
        """Return the routes of the page, its assets and its data."""
        return [
            self._route("/", partial(_file, "live.html")),
            self._route("/live.css", partial(_file, "live.css")),
            self._route("/live.js", partial(_file, "live.js")),
            self._route("/live.json", self._data),
        ]

    def _route(self, path: str, answer: Callable[[Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            response = self._refusal(request) or answer(request)
            response.headers.update(HEADERS)
            return response

        return Route(path, endpoint)

    def _data(self, request: Request) -> Response:
        version = f'"{self.version()}"'
        if request.headers.get("if-none-match") == version:
            return Response(status_code=304)
        return Response(to_json(self.picture()), media_type="application/json", headers={"ETag": version})

    def _refusal(self, request: Request) -> Response | None:
        if not _is_loopback(_host(self.address)):
            return None if self._knows_token(request) else _ask_for_password()
        host = _host(f"//{request.headers.get('host', '')}")
        if host == "localhost" or _is_loopback(host):
            return None
        return PlainTextResponse(f"This page is only available at {self.address}\n", 403)

    def _knows_token(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            _, _, password = base64.b64decode(value, validate=True).partition(b":")
        except ValueError:
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(password, self.token.encode())


def _file(name: str, _request: Request) -> Response:
    return FileResponse(ASSETS / name)


def _ask_for_password() -> Response:
    realm = "Joviam emulator: any name, and the token as password"
    headers = {"WWW-Authenticate": f'Basic realm="{realm}", charset="UTF-8"'}
    return PlainTextResponse("The password is the token.\n", 401, headers)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""A HashiCorp Vault that encrypts nothing: it keeps the key of a stack's secrets for `pulumi`.

From a passphrase each command derives that key by a million rounds of a hash, which is a third of what it costs.
Secrets in state and settings are encrypted alike. The tests of examples and templates use a passphrase.
"""

from __future__ import annotations

import functools
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Transit(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"data": {"plaintext": asked.get("ciphertext"), "ciphertext": asked.get("plaintext")}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@functools.cache
def vault() -> str:
    """Start it for the rest of this process, and return its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"

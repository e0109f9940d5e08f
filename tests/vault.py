"""A fake HashiCorp Vault that wraps the key of a stack's secrets without encrypting it.

With a passphrase, each command derives that key with a million rounds of a hash, a third of its time. Secrets in state
and settings are encrypted in the same way. The tests of examples and templates use a passphrase.
"""

from __future__ import annotations

import functools
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Transit(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"data": {"plaintext": request.get("ciphertext"), "ciphertext": request.get("plaintext")}})
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

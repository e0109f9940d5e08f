"""Public keys for tests: well-formed and distinct, without a private key."""

from __future__ import annotations

import base64
import hashlib
import struct


def key(owner: str) -> str:
    """Return an OpenSSH key that depends only on the owner."""
    parts = (b"ssh-ed25519", hashlib.sha256(owner.encode()).digest())
    body = base64.b64encode(b"".join(struct.pack(">I", len(part)) + part for part in parts)).decode()
    return f"ssh-ed25519 {body} {owner.replace(' ', '-')}"

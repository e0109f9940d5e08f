"""Read the key from a file."""

from pathlib import Path

import pulumi_joviam as joviam

public_key = Path.home() / ".ssh" / "id_ed25519.pub"
joviam.PublicKey("from-file", key=public_key.read_text())

"""Several keys.

The machine accepts all of them. Their order does not matter.
"""

import pulumi_joviam as joviam

team = {
    "laptop": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICTUuW9Y2m1KhRIxO70Coo6/DKld7G5Mhu94zn8B54is laptop",
    "desktop": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGcAhpyP90gONKcKcIsChwDbqjoDO1ZSuQOv6J9JoxRW desktop",
}
keys = [joviam.PublicKey(f"team-{name}", key=key) for name, key in team.items()]
joviam.Server("team-server", template="ubuntu-16-04", public_keys=[key.id for key in keys])

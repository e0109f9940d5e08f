"""The first `pulumi up`: upload an SSH key."""

import pulumi
import pulumi_joviam as joviam

laptop = joviam.PublicKey(
    "laptop",
    key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMt6BEwZpwJ1qV32yFowI1HtEhLGfM0fEwRRRSj7piFi me@laptop",
)

pulumi.export("key", laptop.id)

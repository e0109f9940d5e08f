"""A server that accepts every key of the account."""

import pulumi_joviam as joviam

everyone = [key.id for key in joviam.get_public_keys()]
joviam.Server("open-to-all", template="debian-9", public_keys=everyone)

"""A server in an existing network."""

import pulumi_joviam as joviam

headquarters = joviam.get_network(specification="10.28.0.0/24", region="SY3")
joviam.Server("at-headquarters", template="debian-9", public=False, network=headquarters.id)

"""A network that other stacks use through the id that it exports."""

import pulumi
import pulumi_joviam as joviam

backstage = joviam.Network("backstage", specification="10.20.0.0/24")

pulumi.export("network", backstage.id)

"""The network that other stacks build on: what it exports is what they may use."""

import pulumi
import pulumi_joviam as joviam

backstage = joviam.Network("backstage", specification="10.20.0.0/24")

pulumi.export("network", backstage.id)

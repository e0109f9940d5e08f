"""The tiers for disks in a region."""

import pulumi
import pulumi_joviam as joviam

tiers = joviam.get_performance_tiers(use="disk", region="ML1")
pulumi.export("disk-tiers", [tier.name for tier in tiers])

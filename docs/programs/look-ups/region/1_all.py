"""A network in every region."""

import pulumi_joviam as joviam

for region in joviam.get_regions():
    joviam.Network(f"hub-{region.code}", specification="10.27.0.0/24", region=region.code)

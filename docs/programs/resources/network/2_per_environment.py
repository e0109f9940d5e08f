"""A network for each environment.

The ranges must not overlap: the API rejects a network that overlaps another one.
"""

import pulumi_joviam as joviam

for number, environment in enumerate(["test", "staging", "production"]):
    joviam.Network(f"net-{environment}", specification=f"10.{30 + number}.0.0/16")

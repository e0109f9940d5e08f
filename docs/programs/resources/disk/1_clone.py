"""A copy of another disk.

The disk is cloned when it is created, and then grown to its size. Later changes to the source do not affect it.
"""

import pulumi_joviam as joviam

original = joviam.Disk("original", size=10, performance_tier="Standard", template="debian-9")
joviam.Disk("copy", size=20, performance_tier="Standard", source_disk=original.id)

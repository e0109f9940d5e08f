"""A copy of another disk.

The copy is made when the disk is created, and grown to its size. Later changes of the source do not reach it.
"""

import pulumi_joviam as joviam

original = joviam.Disk("original", size=10, performance_tier="Standard", template="debian-9")
joviam.Disk("copy", size=20, performance_tier="Standard", source_disk=original.id)

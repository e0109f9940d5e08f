"""A new version, and a machine created from it.

`depends_on` makes the server wait for the new version. A disk keeps the version that it was created from: later
versions replace nothing.
"""

import pulumi
import pulumi_joviam as joviam

built = joviam.Disk("built", size=20, performance_tier="Standard", template="ubuntu-16-04")
golden_image = joviam.Template("golden-image", disk=built.id, supersedes="ubuntu-16-04")
joviam.Server("from-golden", template="ubuntu-16-04", opts=pulumi.ResourceOptions(depends_on=[golden_image]))
pulumi.export("golden-version", golden_image.version)

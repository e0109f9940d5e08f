"""A disk that is large enough for a template.

The disk uses the slug, not `ubuntu.id`, which is the id of the newest version. When Joviam publishes another version,
`ubuntu.id` changes, and the next `up` would replace the disk and lose its data. With the slug, a disk keeps the version
that it was created from.
"""

import pulumi_joviam as joviam

ubuntu = joviam.get_template(slug="ubuntu-16-04")
joviam.Disk("fitting", size=ubuntu.minimum_disk_size or 10, performance_tier="Fast", template="ubuntu-16-04")

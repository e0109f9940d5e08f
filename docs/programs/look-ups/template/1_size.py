"""A disk that is large enough for a template.

The disk uses the slug, not `ubuntu.id`. An id is one version, and the look-up finds the newest: as soon as Joviam
publishes the next one, the id would be another, and the next `up` would replace the disk and lose what is on it. With
the slug, a disk keeps the version that it was made from.
"""

import pulumi_joviam as joviam

ubuntu = joviam.get_template(slug="ubuntu-16-04")
joviam.Disk("fitting", size=ubuntu.minimum_disk_size or 10, performance_tier="Fast", template="ubuntu-16-04")

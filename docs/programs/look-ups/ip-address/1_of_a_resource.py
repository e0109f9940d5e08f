"""Look up what a resource created.

The `_output` form takes an output of a resource, and asks the API once that is known.
"""

import pulumi
import pulumi_joviam as joviam

entrance = joviam.IpAddress("entrance")
details = joviam.get_ip_address_output(id=entrance.id)
pulumi.export("entrance-used-by", details.apply(lambda found: found.instance_ids))

"""A backup in another account.

Resources, components and look-ups use the account of the Provider in their `opts`. Without one, they use the stack's.
"""

import pulumi
import pulumi_joviam as joviam

customer = joviam.Provider("customer", token=pulumi.Config("customer").require_secret("token"), region="ML1")
joviam.Disk("here", size=10, performance_tier="Fast")
joviam.Disk("elsewhere", size=10, performance_tier="Fast", opts=pulumi.ResourceOptions(provider=customer))
joviam.Server("customer-server", template="debian-9", opts=pulumi.ResourceOptions(providers=[customer]))
networks = joviam.get_networks_output(opts=pulumi.InvokeOptions(provider=customer))

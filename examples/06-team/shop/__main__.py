"""A server on the network of another stack: shop/dev uses network/dev, and shop/prod uses network/prod."""

import pulumi
import pulumi_joviam as joviam

network = pulumi.StackReference(f"organization/network/{pulumi.get_stack()}")

web = joviam.Server("web", template="ubuntu-16-04", network=network.require_output("network"))

pulumi.export("ip", web.public_ip)

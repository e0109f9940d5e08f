"""Set arguments that the component does not have.

A transform sets them on a child. Here, it sets `start_on_shutdown` on the instance.
"""

import pulumi
import pulumi_joviam as joviam


def restart(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if not args.type_.endswith("joviam:Instance"):
        return None
    return pulumi.ResourceTransformResult({**args.props, "start_on_shutdown": True}, args.opts)


joviam.Server("always-on", template="debian-9", opts=pulumi.ResourceOptions(transforms=[restart]))

"""The screen of a machine.

The token is a secret output: `pulumi stack output screen-token --show-secrets` prints it. For occasional use,
`pulumi-joviam console NAME` is simpler.
"""

import pulumi
import pulumi_joviam as joviam

kiosk = joviam.Server("kiosk", template="debian-9")
screen = joviam.ConsoleSession("screen", instance=kiosk.instance.id, type="vnc")
pulumi.export("screen-url", screen.url)
pulumi.export("screen-token", screen.token)

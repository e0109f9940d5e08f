"""${DESCRIPTION}: a machine with a public address, and with your SSH key if `publicKey` is set."""

import pulumi
import pulumi_joviam as joviam

key = pulumi.Config().get("publicKey")
keys = [joviam.PublicKey("me", key=key).id] if key else []

web = joviam.Server("web", template="ubuntu-16-04", memory=1024, disk_size=20, public_keys=keys)

pulumi.export("ip", web.public_ip)
pulumi.export("hostname", web.hostname)

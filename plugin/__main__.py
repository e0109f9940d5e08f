"""The native plugin in an environment of its own. Pulumi starts this folder and passes its address."""

from pulumi_joviam.native.plugin import main

main()

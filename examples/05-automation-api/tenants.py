"""One stack for each tenant, all at once: the Automation API runs Pulumi from a Python script.

export JOVIAM_TOKEN=…                 # and JOVIAM_ENDPOINT for an emulator
export PULUMI_CONFIG_PASSPHRASE=…     # encrypts the secrets in the state
python tenants.py up                  # a server for each tenant
python tenants.py refresh             # what did somebody change by hand?
python tenants.py destroy             # the servers, then the stacks themselves

The state is where PULUMI_BACKEND_URL says, or where you have logged in with `pulumi login`. A tenant whose run fails
does not hold up the others. Before you take a tenant out of the list, destroy it: `python tenants.py destroy bakery`.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import pulumi
import pulumi_joviam as joviam
from pulumi import automation

REGION = "SY3"
TENANTS = {"bakery": 1024, "florist": 2048, "garage": 1024}
"""{tenant: MB of memory}"""


def program(tenant: str) -> Callable[[], None]:
    """Return the Pulumi program of a tenant."""

    def server() -> None:
        made = joviam.Server(tenant, template="ubuntu-16-04", memory=TENANTS[tenant], region=REGION)
        pulumi.export("ip", made.public_ip)

    return server


def run(verb: str, tenant: str) -> str:
    """Bring the stack of a tenant up, refresh or destroy it, and return what came of that."""
    stack = automation.create_or_select_stack(
        stack_name=tenant,
        project_name="joviam-tenants",
        program=program(tenant),
        # the provider of these resources is Python, too: the one that runs this script
        opts=automation.LocalWorkspaceOptions(env_vars={"PULUMI_PYTHON_CMD": sys.executable}),
    )
    if verb == "up":
        up = stack.up()
        return f"{told(up.summary)}; {up.outputs['ip'].value}"
    return told(stack.refresh().summary if verb == "refresh" else stack.destroy(remove=True).summary)


def told(summary: automation.UpdateSummary) -> str:
    """Return the counts of a run in words."""
    changes = {change: number for change, number in (summary.resource_changes or {}).items() if change != "same"}
    return ", ".join(f"{number} to {change}" for change, number in sorted(changes.items())) or "no changes"


def main() -> None:
    """Do the same for all tenants, or those that are named, in parallel."""
    verb, *named = sys.argv[1:] or [""]
    if verb not in ("up", "refresh", "destroy") or not set(named) <= set(TENANTS):
        sys.exit(f"usage: python tenants.py up|refresh|destroy [{'|'.join(TENANTS)} …]")
    failed = False
    with ThreadPoolExecutor(len(TENANTS)) as pool:
        runs = {pool.submit(run, verb, tenant): tenant for tenant in named or TENANTS}
        for done in as_completed(runs):
            try:
                print(f"{runs[done]}: {done.result()}", flush=True)
            except automation.CommandError as error:
                failed = True
                print(f"{runs[done]}: {error}", file=sys.stderr, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

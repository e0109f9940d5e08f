"""One stack for each tenant, in parallel: the Automation API runs Pulumi from a Python script.

export JOVIAM_TOKEN=…                 # with an emulator, also JOVIAM_ENDPOINT
export PULUMI_CONFIG_PASSPHRASE=…     # encrypts the secrets in the state
python tenants.py up                  # a server for each tenant
python tenants.py refresh             # finds changes by hand
python tenants.py destroy             # deletes the servers, then the stacks

The state is in PULUMI_BACKEND_URL, or in the backend of `pulumi login`. If the run for one tenant fails, the others
continue. Before you remove a tenant from the list, destroy its stack: `python tenants.py destroy bakery`.
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

    def main() -> None:
        server = joviam.Server(tenant, template="ubuntu-16-04", memory=TENANTS[tenant], region=REGION)
        pulumi.export("ip", server.public_ip)

    return main


def run(command: str, tenant: str) -> str:
    """Run a command on the stack of a tenant, and return a summary."""
    stack = automation.create_or_select_stack(
        stack_name=tenant,
        project_name="joviam-tenants",
        program=program(tenant),
        # the provider is a Python process, too: run it with the Python of this script
        opts=automation.LocalWorkspaceOptions(env_vars={"PULUMI_PYTHON_CMD": sys.executable}),
    )
    if command == "up":
        up = stack.up()
        return f"{counts(up.summary)}; {up.outputs['ip'].value}"
    return counts(stack.refresh().summary if command == "refresh" else stack.destroy(remove=True).summary)


def counts(summary: automation.UpdateSummary) -> str:
    """Return how many resources changed, and how."""
    changes = {change: number for change, number in (summary.resource_changes or {}).items() if change != "same"}
    return ", ".join(f"{number} to {change}" for change, number in sorted(changes.items())) or "no changes"


def main() -> None:
    """Run a command for all tenants, or for the given ones, in parallel."""
    command, *given = sys.argv[1:] or [""]
    if command not in ("up", "refresh", "destroy") or not set(given) <= set(TENANTS):
        sys.exit(f"usage: python tenants.py up|refresh|destroy [{'|'.join(TENANTS)} …]")
    failed = False
    with ThreadPoolExecutor(len(TENANTS)) as pool:
        runs = {pool.submit(run, command, tenant): tenant for tenant in given or TENANTS}
        for done in as_completed(runs):
            try:
                print(f"{runs[done]}: {done.result()}", flush=True)
            except automation.CommandError as error:
                failed = True
                print(f"{runs[done]}: {error}", file=sys.stderr, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

"""Show the main use with the real pulumi and an emulated cloud: `make demo`.

Each step announces what will happen, shows the output of the CLI, and checks that it happened.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pulumi_joviam.emulator import Emulator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "03-private-network"
TOKEN = "demo-token"  # noqa: S105 - works only for the emulator of this run


class Demo:
    """A copy of the example in a temporary folder, with its own backend and cloud."""

    def __init__(self, folder: Path, cloud: Emulator) -> None:
        self.cloud = cloud
        self.project = Path(shutil.copytree(EXAMPLE, folder / "project"))
        self.program = self.project / "__main__.py"
        (folder / "state").mkdir()
        engine = subprocess.run(
            [sys.executable, ROOT / "tools/engine/install.py"], check=True, stdout=subprocess.PIPE, text=True
        )
        self.environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), engine.stdout.strip(), os.environ["PATH"]]),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def run(self, *command: str) -> str:
        """Run a command, and print and return its output. Ends the demo if it fails."""
        print(f"$ pulumi {' '.join(command)}", flush=True)
        with subprocess.Popen(
            ["pulumi", *command],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            printed = ""
            for line in running.stdout or ():
                printed += line
                print("  " + line, end="", flush=True)
        if running.returncode:
            sys.exit(f"\nThe demo failed: pulumi exited with status {running.returncode}.")
        return printed

    def step(self, announcement: str, *command: str, **expected: int) -> None:
        """Announce and run a command. Its summary must have exactly the ``expected`` counts."""
        print(f"\n==> {announcement}", flush=True)
        printed = self.run(*command)
        summary = re.findall(r"^ +[-+~]*\s?(\d+) (?:to )?(create|update|delete|replace)d?$", printed, re.MULTILINE)
        counts = {operation: int(number) for number, operation in summary}
        if counts != expected:
            sys.exit(f"\nThe demo failed: expected {expected}, but the CLI reported {counts}.")

    def change(self, old: str, new: str) -> None:
        """Edit the program as a user would."""
        text = self.program.read_text()
        if text.count(old) != 1:
            sys.exit(f"\nThe demo failed: the example does not contain {old!r} exactly once.")
        print(f"\n==> Edit the program: {old}  becomes  {new}")
        self.program.write_text(text.replace(old, new))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Emulator(token=TOKEN, provision_seconds=0.8) as cloud:
        demo = Demo(Path(folder), cloud)
        print(f"\n==> An emulated Joviam cloud listens on {cloud.url}. Create a stack that uses it")
        demo.run("stack", "init", "demo")
        demo.run("config", "set", "joviam:endpoint", cloud.url)
        demo.run("config", "set", "joviam:region", "SY3")
        demo.run("config", "set", "--secret", "joviam:token", TOKEN)

        demo.step("preview: nothing exists yet, so everything would be created", "preview", create=9)
        demo.step("up: everything is created, in the order of dependencies", "up", "--yes", "--skip-preview", create=9)
        demo.step("preview again: nothing to do", "preview")

        demo.change('machine("db", 4096)', 'machine("db", 4096, note="holds the orders")')
        demo.change('("web-public")', '("web-public", address="203.0.113.77")')
        demo.step(
            "preview: the note is updated in place; another public address is another object, so it is replaced, "
            "and its machine is updated",
            "preview", "--diff", update=2, replace=1,
        )  # fmt: skip
        demo.step("up: exactly these changes", "up", "--yes", "--skip-preview", update=2, replace=1)

        network = cloud.objects("networks")[0]
        db = next(instance for instance in cloud.objects("instances") if instance["name"] == "db")
        cloud.change(network["id"], gateway="192.168.10.254")
        cloud.change(db["id"], state="stopped")
        print("\n==> Outside Pulumi, somebody changes the network's gateway and stops the machine db")
        demo.step("refresh: finds both changes", "refresh", "--yes", "--skip-preview", "--diff", update=2)
        demo.step("up: reverts both changes", "up", "--yes", "--skip-preview", "--diff", update=2)
        demo.step("refresh: finds no drift", "refresh", "--yes", "--skip-preview")

        demo.step("destroy: deletes everything, in reverse order", "destroy", "--yes", "--skip-preview", delete=9)
        left = {kind: number for kind, number in cloud.count().items() if number}
        if left:
            sys.exit(f"\nThe demo failed: these objects are still in the cloud: {left}.")
        print("\n==> The cloud is empty. Every step did what was announced.")


if __name__ == "__main__":
    main()

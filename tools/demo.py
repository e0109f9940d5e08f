"""The main job, seen on the real pulumi and an emulated cloud: `make demo`.

Each step says first what to look at, then shows what the CLI prints, then checks that it was so.
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
TOKEN = "demo-token"  # noqa: S105 - opens nothing but the emulator of this run


class Demo:
    """A copy of the example in a temporary folder, with a backend and a cloud of its own."""

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
        """Run a command, show what it prints, and return that. Ends the demo if it fails."""
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
            sys.exit(f"\nThe demo failed: pulumi ended with {running.returncode}.")
        return printed

    def step(self, look_at: str, *command: str, **expected: int) -> None:
        """Announce, run, and compare the summary: ``expected`` counts what the CLI must say, and nothing else."""
        print(f"\n==> {look_at}", flush=True)
        printed = self.run(*command)
        summary = re.findall(r"^ +[-+~]*\s?(\d+) (?:to )?(create|update|delete|replace)d?$", printed, re.MULTILINE)
        found = {word: int(number) for number, word in summary}
        if found != expected:
            sys.exit(f"\nThe demo failed: announced was {expected}, the CLI said {found}.")

    def change(self, old: str, new: str) -> None:
        """Edit the program as its author would."""
        text = self.program.read_text()
        if text.count(old) != 1:
            sys.exit(f"\nThe demo failed: the example does not hold {old!r} once.")
        print(f"\n==> We edit the program: {old}  becomes  {new}")
        self.program.write_text(text.replace(old, new))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Emulator(token=TOKEN, provision_seconds=0.8) as cloud:
        demo = Demo(Path(folder), cloud)
        print(f"\n==> An emulated Joviam cloud listens on {cloud.url}; a new stack is told of it")
        demo.run("stack", "init", "demo")
        demo.run("config", "set", "joviam:endpoint", cloud.url)
        demo.run("config", "set", "joviam:region", "SY3")
        demo.run("config", "set", "--secret", "joviam:token", TOKEN)

        demo.step("preview: nothing exists yet, so everything would be created", "preview", create=9)
        demo.step("up: made in the order that the references ask for", "up", "--yes", "--skip-preview", create=9)
        demo.step("preview again: nothing to do", "preview")

        demo.change('machine("db", 4096)', 'machine("db", 4096, note="holds the orders")')
        demo.change('("web-public")', '("web-public", address="203.0.113.77")')
        demo.step(
            "preview: the note is updated in place; another public address is another object, so it is replaced, "
            "and its machine gets the new one",
            "preview", "--diff", update=2, replace=1,
        )  # fmt: skip
        demo.step("up: exactly that", "up", "--yes", "--skip-preview", update=2, replace=1)

        network = cloud.objects("networks")[0]
        db = next(instance for instance in cloud.objects("instances") if instance["name"] == "db")
        cloud.change(network["id"], gateway="192.168.10.254")
        cloud.change(db["id"], state="stopped")
        print("\n==> Behind Pulumi's back somebody changes the network's gateway and stops the machine db")
        demo.step("refresh: both are found, by argument", "refresh", "--yes", "--skip-preview", "--diff", update=2)
        demo.step("up: both are repaired", "up", "--yes", "--skip-preview", "--diff", update=2)
        demo.step("refresh: nothing is left to find", "refresh", "--yes", "--skip-preview")

        demo.step("destroy: everything goes, in the opposite order", "destroy", "--yes", "--skip-preview", delete=9)
        left = {kind: number for kind, number in cloud.count().items() if number}
        if left:
            sys.exit(f"\nThe demo failed: the cloud still holds {left}.")
        print("\n==> The cloud is empty. That was all as announced.")


if __name__ == "__main__":
    main()

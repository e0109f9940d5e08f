"""The example for teams, as its README tells it: two people, one PostgreSQL backend, and the lock between them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_joviam.emulator import Emulator
from tests.conftest import ROOT
from tests.kill import end

TEAM = ROOT / "examples" / "06-team"
DATABASE = Path("/usr/lib/postgresql")  # where README looks for it
SECONDS = 120

Block = tuple[str, list[str]]
"""(What the first line says: whose terminal it is; the other lines)."""


def told(replaced: dict[str, str]) -> list[list[Block]]:
    """Return what README says to type, section by section, with places of this test instead of README's."""
    text = (TEAM / "README.md").read_text()
    for there, here in replaced.items():
        assert there in text
        text = text.replace(there, here)
    play: list[list[Block]] = []
    for section in text.split("\n## ")[1:]:
        blocks = [block.splitlines() for block in re.findall(r"```sh\n# (.*?)```", section, re.DOTALL)]
        play.append([(remark, lines) for remark, *lines in blocks])
    return play


class Terminal:
    """A shell whose folder and exports last from line to line, at first those of whoever opened it."""

    def __init__(self, folder: Path, environ: dict[str, str], user: str | None = None) -> None:
        self.folder, self.environ, self.user = folder, environ, user
        self.lasting = Path(tempfile.mkdtemp(dir=environ["HOME"])) / "lasting"
        self.lasting.touch()
        if user:
            shutil.chown(self.lasting.parent, user)
            shutil.chown(self.lasting, user)

    def start(self, line: str) -> subprocess.Popen[str]:
        """Start a line as somebody does who does not wait for its end."""
        file = shlex.quote(str(self.lasting))
        last = f"status=$?; {{ declare -px; printf 'cd %q' \"$PWD\"; }} > {file}; exit $status"
        return subprocess.Popen(
            ["bash", "-c", f". {file}\n{line}\n{last}"],
            cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, user=self.user,
        )  # fmt: skip

    def run(self, lines: list[str], fails: bool = False) -> str:
        """Run lines; each must end as expected. Return what the last one showed."""
        shown = ""
        for line in lines:
            with self.start(line) as running:
                try:
                    shown, _ = running.communicate(timeout=SECONDS)
                finally:
                    running.kill()
            assert (running.returncode != 0) == fails, f"{line} ended with {running.returncode}:\n{shown}"
        return shown


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def database() -> Iterator[Terminal]:
    """A terminal in which PostgreSQL may be started: not root's. What is started there is stopped."""
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        if user:
            shutil.chown(folder, user)
        terminal = Terminal(Path(folder), {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C"}, user)
        yield terminal
        if (Path(folder) / "team-db" / "postmaster.pid").exists():
            terminal.run([f"pg_ctl -D {folder}/team-db -m immediate stop"])


@pytest.mark.skipif(
    not list(DATABASE.glob("*/bin/initdb")), reason=f"there is no {DATABASE}/*/bin/initdb: apt-get install postgresql"
)
def test_two_people_and_one_backend(cloud: Emulator, database: Terminal, engine_folder: str, tmp_path: Path) -> None:
    """README's lines do what it says: one `up` at a time, a killed one goes on where it was, both see the same."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    play = told(
        {
            "/tmp/team-db": str(database.folder / "team-db"),  # noqa: S108 - README's folder, not ours
            "/tmp/first": str(tmp_path / "first"),  # noqa: S108 - the same
            "/tmp/second": str(tmp_path / "second"),  # noqa: S108 - the same
            "54329": str(port),
            "http://127.0.0.1:8765/api/v1": cloud.url,
            "JOVIAM_TOKEN=emulator": f"JOVIAM_TOKEN={cloud.token}",
            "pulumi destroy --yes": "pulumi destroy --yes --skip-preview",  # saves seconds
        }
    )
    environ = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), engine_folder, os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    first, second = Terminal(TEAM.parent, environ), Terminal(TEAM.parent, environ)
    who = {"the database's": database, "the first": first, "the second": second}

    def run(*blocks: Block) -> str:
        shown = ""
        for remark, lines in blocks:
            shown = who[remark.split(" terminal")[0]].run(lines, fails=remark.endswith("refused"))
        return shown

    database_starts, first_begins, second_joins, both, killed, the_end = play[:6]
    run(*database_starts, *first_begins, *second_joins)
    assert cloud.count() == {"networks": 1}

    [(_, [up]), while_that_runs] = both
    cloud.configure(provision_seconds=60)
    with first.start(up) as running:
        until(lambda: cloud.count()["ip_addresses"] == 2 and cloud.count()["disks"] == 1)
        refused = run(while_that_runs)
        locked = re.search(r"locked by 1 lock\(s\).*?/locks/organization/shop/dev/.*\(pid (\d+)\)", refused, re.DOTALL)
        assert locked, refused
        os.kill(int(locked[1]), signal.SIGKILL)
        end(str(tmp_path / "first" / "home"), "pulumi-language-python")  # outlives a CLI that was killed
        running.wait(SECONDS)
    assert "locked by 1 lock(s)" in run(while_that_runs)
    cloud.configure(provision_seconds=0.1)

    [go_on, look] = killed
    assert "adopted the disk" in run(go_on)
    assert cloud.count() == {"networks": 1, "ip_addresses": 2, "disks": 1, "instances": 1}
    run(look, *the_end)
    assert cloud.count() == {}

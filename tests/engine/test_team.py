"""The commands in the README of the team example: two people, one PostgreSQL backend, and its lock."""

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
DATABASE = Path("/usr/lib/postgresql")  # the path in README
SECONDS = 120

Block = tuple[str, list[str]]
"""(Comment in the first line, which names the terminal; the other lines)."""


def commands(replaced: dict[str, str]) -> list[list[Block]]:
    """Return the commands in README, section by section, with paths and URLs of this test."""
    text = (TEAM / "README.md").read_text()
    for theirs, ours in replaced.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    play: list[list[Block]] = []
    for section in text.split("\n## ")[1:]:
        blocks = [block.splitlines() for block in re.findall(r"```sh\n# (.*?)```", section, re.DOTALL)]
        play.append([(remark, lines) for remark, *lines in blocks])
    return play


class Terminal:
    """A shell that keeps its folder and exports from line to line."""

    def __init__(self, folder: Path, environ: dict[str, str], user: str | None = None) -> None:
        self.folder, self.environ, self.user = folder, environ, user
        self.lasting = Path(tempfile.mkdtemp(dir=environ["HOME"])) / "lasting"
        self.lasting.touch()
        if user:
            shutil.chown(self.lasting.parent, user)
            shutil.chown(self.lasting, user)

    def start(self, line: str) -> subprocess.Popen[str]:
        """Start a line without waiting for its end."""
        file = shlex.quote(str(self.lasting))
        last = f"status=$?; {{ declare -px; printf 'cd %q' \"$PWD\"; }} > {file}; exit $status"
        return subprocess.Popen(
            ["bash", "-c", f". {file}\n{line}\n{last}"],
            cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, user=self.user,
        )  # fmt: skip

    def run(self, lines: list[str], fails: bool = False) -> str:
        """Run lines, each of which must end as expected. Return the output of the last one."""
        output = ""
        for line in lines:
            with self.start(line) as running:
                try:
                    output, _ = running.communicate(timeout=SECONDS)
                finally:
                    running.kill()
            assert (running.returncode != 0) == fails, f"{line} ended with {running.returncode}:\n{output}"
        return output


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def database() -> Iterator[Terminal]:
    """A terminal of a user who may start PostgreSQL, which root may not. The server is stopped afterwards."""
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory() as folder:  # other users cannot read pytest's folders
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
    """The commands work as README says: one `up` at a time, a killed one is continued, both see the same stack."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    play = commands(
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
        output = ""
        for remark, lines in blocks:
            output = who[remark.split(" terminal")[0]].run(lines, fails=remark.endswith("refused"))
        return output

    database_starts, first_begins, second_joins, both, killed, the_end = play[:6]
    run(*database_starts, *first_begins, *second_joins)
    assert cloud.count() == {"networks": 1}

    [(_, [up]), meanwhile] = both
    cloud.configure(provision_seconds=60)
    with first.start(up) as running:
        wait_until(lambda: cloud.count()["ip_addresses"] == 2 and cloud.count()["disks"] == 1)
        refused = run(meanwhile)
        locked = re.search(r"locked by 1 lock\(s\).*?/locks/organization/shop/dev/.*\(pid (\d+)\)", refused, re.DOTALL)
        assert locked, refused
        os.kill(int(locked[1]), signal.SIGKILL)
        end(str(tmp_path / "first" / "home"), "pulumi-language-python")  # survives a killed CLI
        running.wait(SECONDS)
    assert "locked by 1 lock(s)" in run(meanwhile)
    cloud.configure(provision_seconds=0.1)

    [resume, check] = killed
    assert "adopted the disk" in run(resume)
    assert cloud.count() == {"networks": 1, "ip_addresses": 2, "disks": 1, "instances": 1}
    run(check, *the_end)
    assert cloud.count() == {}

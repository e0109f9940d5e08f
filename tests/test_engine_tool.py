"""tools/engine/install.py on simulated machines, where each test decides what is on PATH."""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "engine"
PLUGINS = (
    "pulumi-language-go",
    "pulumi-language-nodejs",
    "pulumi-language-yaml",
    "pulumi-language-python",
    "pulumi-resource-pulumi-python",
)
PINNED = re.findall(r"pulumi/pkg/v3 (v\S+)", (TOOL / "cli" / "go.mod").read_text())[0]
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}  # no server listens there
OFFLINE = "echo 'curl: (6) Could not resolve host: get.pulumi.com' >&2; exit 6"

# what the script uses of `go build … -o <folder>/ tool` and `go list`
GO = f"""
echo "$GOPATH" > "$(dirname "$0")/gopath"
case "$1 $PWD" in
  list*) mkdir -p m/python/cmd m/python/dist; echo "$PWD/m"
    touch m/python/cmd/pulumi-language-python-exec m/python/dist/pulumi-resource-pulumi-python; exit;;
  *cli) names="pulumi pulumi-gen-sdk";;
  *node-and-go-hosts) names="pulumi-language-nodejs pulumi-language-go";;
  *) names=pulumi-language-$(basename "$PWD" -host);;
esac
while [ "$1" != -o ]; do shift; done
for name in $names; do printf '#!/bin/sh\\necho {PINNED}\\n' > "$2$name"; chmod +x "$2$name"; done
"""


def script(file: Path, body: str = "") -> None:
    """Write a program. It can use the standard tools, unlike the script under test."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
    file.chmod(0o755)


def cli(folder: Path, version: str, plugins: tuple[str, ...] = PLUGINS) -> None:
    """Write a fake Pulumi CLI with a version into a folder."""
    script(folder / "pulumi", f"echo {version}")
    for plugin in plugins:
        script(folder / plugin)


@dataclass
class Machine:
    """A separate project, and a PATH with a single folder."""

    project: Path
    path: Path

    @property
    def bin(self) -> Path:
        """Where the script installs a CLI."""
        return self.project / ".engine" / "bin"

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start the script."""
        inherited = {key: value for key, value in os.environ.items() if key not in ("HOME", "GOPATH")}
        return subprocess.Popen(
            [sys.executable, str(self.project / "tools" / "engine" / "install.py")],
            env={**inherited, "PATH": str(self.path), **NO_NETWORK, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def install(self, **environment: str) -> str:
        """Run the script, which must succeed, and return its output."""
        with self.start(**environment) as running:
            printed, errors = running.communicate()
        assert running.returncode == 0, errors
        return printed

    def fail(self) -> str:
        """Run the script, which must fail with a message, and return that."""
        with self.start() as running:
            printed, errors = running.communicate()
        assert (running.returncode, printed) == (1, "")
        assert "Traceback" not in errors
        return errors

    def offer(self, members: dict[str, str]) -> None:
        """Let the official server answer every request with an archive of these members."""
        archive = self.path.parent / "release.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, body in members.items():
                content = f"#!/bin/sh\n{body}\n".encode()
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        self.serve(archive)

    def serve(self, file: Path) -> None:
        """Let the official server answer every request with a file, and record each request."""
        count = self.path.parent / "requests"
        script(
            self.path / "curl",
            f'while [ "$1" != -o ]; do shift; done; echo "$3" >> {count}; sleep 0.3; cp {file} "$2"',
        )


RELEASE = {"pulumi/pulumi": f"echo {PINNED}"} | {f"pulumi/{plugin}": "" for plugin in PLUGINS}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without Pulumi, curl and go."""
    project = tmp_path / "project"
    shutil.copytree(TOOL, project / "tools" / "engine")
    path = tmp_path / "path"
    path.mkdir()
    return Machine(project, path)


@pytest.mark.parametrize("version", ["v3.254.0", PINNED, "v3.300.1-alpha.5+x"])
def test_path_is_used_first(machine: Machine, version: str) -> None:
    """A CLI on PATH that is new enough and has its plugins is used, and nothing is written."""
    cli(machine.path, version)
    assert machine.install() == f"{machine.path}\n"
    assert not machine.bin.parent.exists()


def test_plugins_elsewhere_on_path(machine: Machine, tmp_path: Path) -> None:
    """The plugins may be in another folder of PATH than the CLI."""
    cli(machine.path, "v3.254.0", plugins=())
    for plugin in PLUGINS:
        script(tmp_path / "other" / plugin)
    assert machine.install(PATH=f"{machine.path}:{tmp_path / 'other'}") == f"{machine.path}\n"


def test_plugins_beside_the_target_of_a_link(machine: Machine, tmp_path: Path) -> None:
    """A CLI that is linked into PATH without its plugins is used, because it finds them next to its real file."""
    cli(tmp_path / "cellar", "v3.254.0")
    (machine.path / "pulumi").symlink_to(tmp_path / "cellar" / "pulumi")
    assert machine.install() == f"{machine.path}\n"


@pytest.mark.parametrize(
    ("version", "plugins", "reason"),
    [
        ("v3.253.9", PLUGINS, "pulumi is v3.253.9"),
        ("v4.0.0", PLUGINS, "pulumi is v4.0.0"),
        ("nonsense", PLUGINS, "`pulumi version` printed 'nonsense'"),
        ("; echo no libc >&2; exit 1", PLUGINS, "no libc"),
        ("v3.254.0", PLUGINS[:-1], "there is no pulumi-resource-pulumi-python"),
        ("v3.254.0", PLUGINS[1:], "there is no pulumi-language-go"),
        ("v3.254.0", PLUGINS[:3], "there is no pulumi-language-python"),
    ],
)
def test_unusable_path_is_skipped(machine: Machine, version: str, plugins: tuple[str, ...], reason: str) -> None:
    """An unusable CLI on PATH is skipped, and the message says why."""
    cli(machine.path, version, plugins)
    assert reason in machine.fail()


def test_earlier_installation_is_used(machine: Machine) -> None:
    """If the CLI on PATH is too old, the one in .engine/ is used, without a request."""
    cli(machine.path, "v3.100.0")
    cli(machine.bin, PINNED)
    machine.offer(RELEASE)
    assert machine.install() == f"{machine.bin}\n"
    assert not (machine.path.parent / "requests").exists()


@pytest.mark.parametrize(("version", "plugins"), [(PINNED, PLUGINS[:-1]), (PINNED, PLUGINS[1:]), ("v3.258.0", PLUGINS)])
def test_earlier_installation_is_replaced(machine: Machine, version: str, plugins: tuple[str, ...]) -> None:
    """An installation in .engine/ is replaced if it is incomplete or not the pinned version."""
    cli(machine.bin, version, plugins)
    machine.offer(RELEASE)
    assert machine.install() == f"{machine.bin}\n"
    assert {file.name for file in machine.bin.iterdir()} == {"pulumi", *PLUGINS}
    assert subprocess.check_output([machine.bin / "pulumi"], text=True) == f"{PINNED}\n"


def test_release_is_unpacked_without_surprises(machine: Machine, tmp_path: Path) -> None:
    """Only the CLI and what our languages need is unpacked, and no member is written outside the folder."""
    machine.offer({**RELEASE, "pulumi/pulumi-language-dotnet": "", "../../../python-evil": ""})
    machine.install()
    assert {file.name for file in machine.bin.iterdir()} == {"pulumi", *PLUGINS, "python-evil"}
    assert list(tmp_path.rglob("python-evil")) == [machine.bin / "python-evil"]
    assert (tmp_path / "requests").read_text().startswith(f"https://get.pulumi.com/releases/sdk/pulumi-{PINNED}-")


def without_network(machine: Machine) -> None:
    """The name of the official server cannot be resolved."""
    script(machine.path / "curl", OFFLINE)


def web_page(machine: Machine) -> None:
    """The official server, or a proxy in its place, answers with a web page."""
    page = machine.path.parent / "page"
    page.write_text("<html>please log in</html>")
    machine.serve(page)


def half_a_release(machine: Machine) -> None:
    """The archive is truncated."""
    machine.offer({**RELEASE, "pulumi/pulumi": f"echo {PINNED}\n# {os.urandom(50_000).hex()}"})
    archive = machine.path.parent / "release.tar.gz"
    archive.write_bytes(archive.read_bytes()[:20_000])


def release_that_does_not_run(machine: Machine) -> None:
    """The release is for another architecture."""
    machine.offer({**RELEASE, "pulumi/pulumi": "exit 126"})


@pytest.mark.parametrize("fault", [without_network, web_page, half_a_release, release_that_does_not_run])
def test_build_follows_a_failed_download(machine: Machine, fault: Callable[[Machine], None]) -> None:
    """Whatever is wrong with the download, the CLI is built, and next to it the language hosts and what they need."""
    fault(machine)
    script(machine.path / "go", GO)
    assert machine.install() == f"{machine.bin}\n"
    built = {file.name for file in machine.bin.iterdir() if os.access(file, os.X_OK)}
    assert built == {"pulumi", "pulumi-gen-sdk", "pulumi-language-python-exec", *PLUGINS}


@pytest.mark.parametrize(("home", "in_engine"), [("/somewhere", False), ("", True)])
def test_caches_of_go(machine: Machine, home: str, in_engine: bool) -> None:
    """Go uses its default caches, and caches in .engine/ if there is no home folder."""
    script(machine.path / "go", GO)
    machine.install(HOME=home)
    gopath = (machine.path / "gopath").read_text().strip()
    assert gopath == (str(machine.project / ".engine" / "go") if in_engine else "")


def test_nothing_available(machine: Machine) -> None:
    """Without Pulumi, curl and go, one message says what was tried and what to install."""
    assert machine.fail() == (
        "engine: no Pulumi CLI found, and none could be installed:\n"
        "- on PATH: there is no pulumi\n"
        "- in .engine/: there is no pulumi\n"
        "- download: there is no curl\n"
        "- build: there is no go\n"
        "Install Pulumi 3.254 or newer (https://www.pulumi.com/docs/install/), or Go (https://go.dev/dl/), "
        "and try again.\n"
    )


def test_failed_build(machine: Machine) -> None:
    """The message of a failed build contains the last output of go, and no incomplete installation is left."""
    script(machine.path / "go", "echo some/package; echo 'go: verifying module: checksum mismatch' >&2; exit 1")
    assert "checksum mismatch" in machine.fail()
    assert not machine.bin.exists()


def test_real_curl_without_network(machine: Machine) -> None:
    """The real curl accepts the script's options, and its error is in the message if there is no network."""
    curl = shutil.which("curl")
    assert curl, "the script downloads with curl: install it"
    (machine.path / "curl").symlink_to(curl)
    assert "- download: curl: (7)" in machine.fail()


def test_killed_run(machine: Machine) -> None:
    """A killed run leaves no installation that the next run considers complete."""
    script(machine.path / "go", f'{GO}\nif [ "$name" = pulumi-gen-sdk ]; then kill -9 $PPID; fi')
    with machine.start() as running:
        running.communicate()
    assert running.returncode == -9
    assert not machine.bin.exists()
    script(machine.path / "go", GO)
    assert machine.install() == f"{machine.bin}\n"


def test_two_runs_at_once(machine: Machine) -> None:
    """Of two parallel runs, one installs and the other waits for it."""
    machine.offer(RELEASE)
    with machine.start() as one, machine.start() as other:
        assert one.communicate()[0] == other.communicate()[0] == f"{machine.bin}\n"
    assert len((machine.path.parent / "requests").read_text().splitlines()) == 1


def test_folder_that_cannot_be_created(machine: Machine) -> None:
    """If .engine/ cannot be created, the message says so, and what to install instead."""
    machine.bin.parent.write_text("")
    message = machine.fail()
    assert ".engine" in message
    assert "Install Pulumi" in message

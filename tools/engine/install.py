#!/usr/bin/env python3
"""Print the folder of a Pulumi CLI that runs our programs. If there is none, install one in .engine/ first.

It takes the first of these that works: the `pulumi` on PATH, the one already in .engine/, the official release, a build
from Go modules. It uses only the standard library, because it may run before the project is installed.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINE = HERE.parents[1] / ".engine"
BIN = ENGINE / "bin"
NEW = ENGINE / "new"  # renamed to BIN once it works, so an interrupted run leaves no incomplete BIN

Version = tuple[int, ...]
OLDEST: Version = (3, 254)  # the first one whose `pulumi import --file` accepts dynamic resources
LANGUAGES = ("go", "nodejs", "python", "yaml")
PLUGINS = (*(f"pulumi-language-{name}" for name in LANGUAGES), "pulumi-resource-pulumi-python")
HOSTS = ("python-host", "node-and-go-hosts", "yaml-host")  # folders beside this file, each with a go.mod


class Unavailable(Exception):
    """This way provides no working CLI. The message says why."""


def say(text: str) -> None:
    """Show progress on stderr, because stdout is for the result."""
    print(f"engine: {text}", file=sys.stderr, flush=True)


def program(name: str, path: str | None = None) -> str:
    """Return the path of a program."""
    found = shutil.which(name, path=path)
    if found is None:
        raise Unavailable(f"there is no {name}")
    return found


def run(*command: str, cwd: Path | None = None) -> str:
    """Return the output of a command, which may take up to ten minutes."""
    try:
        done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=600)
    except subprocess.CalledProcessError as error:
        raise Unavailable(error.stderr.strip() or str(error)) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from None
    return done.stdout.strip()


def pinned(module: str = "cli") -> str:
    """Return the Pulumi version that the go.mod in a folder here pins."""
    require = r"^(?:require|\t) ?github\.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)"
    return str(re.findall(require, (HERE / module / "go.mod").read_text(), re.MULTILINE)[0])


def numbers(version: str) -> Version:
    """Return the numbers of a version, without a suffix such as `-alpha`."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    if found is None:
        raise Unavailable(f"`pulumi version` printed {version!r}")
    return tuple(map(int, found.groups()))


def find(path: str, oldest: Version, newest: Version) -> Path:
    """Return the folder of the `pulumi` on a search path, if its version fits and it can run our programs."""
    pulumi = Path(program("pulumi", path))
    version = run(str(pulumi), "version")
    if not oldest <= numbers(version) <= newest:
        raise Unavailable(f"{pulumi} is {version}")
    # look where the CLI itself looks: a package manager may link only `pulumi` into a folder on PATH
    beside = os.pathsep.join((path, str(pulumi.parent), str(pulumi.resolve().parent)))
    for plugin in PLUGINS:
        program(plugin, beside)
    return pulumi.parent


def on_path() -> Path:
    """Return the folder of the user's own CLI."""
    return find(os.environ.get("PATH", os.defpath), OLDEST, newest=(4,))


def installed(folder: Path = BIN) -> Path:
    """Return a folder if it has a complete installation of the pinned version."""
    return find(str(folder), numbers(pinned()), numbers(pinned()))


def download() -> Path:
    """Install the official release."""
    curl = program("curl")  # unlike urllib, it has one timeout for the name look-up and all attempts to connect
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"pulumi-v{pinned()}-{platform.system().lower()}-{machine}.tar.gz"
    say(f"downloading {name} from get.pulumi.com")
    clear()
    limits = ("--connect-timeout", "10", "--speed-limit", "10000", "--speed-time", "20")
    run(curl, "-fsSL", *limits, "-o", str(NEW / name), f"https://get.pulumi.com/releases/sdk/{name}")
    try:
        with tarfile.open(NEW / name) as archive:
            for member in archive:
                target = NEW / Path(member.name).name  # never write elsewhere, whatever the archive says
                source = archive.extractfile(member) if member.isfile() else None
                parts = set(target.name.split("-"))
                if source and (parts == {"pulumi"} or parts & set(LANGUAGES)):  # skip what other languages need
                    with target.open("wb") as file:
                        shutil.copyfileobj(source, file)
                    target.chmod(0o755)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Unavailable(f"{name} cannot be unpacked: {error}") from None
    (NEW / name).unlink()
    return activate()


def build() -> Path:
    """Build the CLI and its language hosts from Go modules, in the versions that the go.mod files here pin."""
    program("go")
    say(f"building Pulumi {pinned()} from Go modules: this takes about six minutes, once")
    clear()
    if not os.environ.get("HOME"):  # the default place of go's caches; -modcacherw lets `rm -r` delete them
        flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()
        os.environ.update({"GOPATH": f"{ENGINE}/go", "GOCACHE": f"{ENGINE}/go-cache", "GOFLAGS": flags})
    for module in (*HOSTS, "cli"):
        compile_tools(module)
    # the host for Python starts two scripts from the same module
    source = run("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3", cwd=HERE / "python-host")
    for script in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        target = NEW / Path(script).name
        shutil.copyfile(Path(source, script), target)
        target.chmod(0o755)
    return activate()


def compile_tools(module: str) -> None:
    """Build the tools of a go.mod into NEW. go.sum verifies all of its modules."""
    version = f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{pinned(module)}"
    flags = ("-v", "-mod=readonly", "-trimpath", "-ldflags", f"-s -w -X {version}")
    command = ("go", "build", *flags, "-o", f"{NEW}/", "tool")
    started = shown = time.monotonic()
    last: deque[str] = deque(maxlen=3)
    with subprocess.Popen(
        command, cwd=HERE / module, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as go:
        for line in go.stdout or ():
            last.append(line.strip())
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                say(f"{module}, {shown - started:.0f} s: {last[-1]}")
    if go.returncode:
        raise Unavailable("\n".join(last))


def clear() -> None:
    """Start with an empty NEW."""
    shutil.rmtree(NEW, ignore_errors=True)
    NEW.mkdir()


def activate() -> Path:
    """Replace BIN by NEW, if NEW works."""
    installed(NEW)
    (BIN / "pulumi").unlink(missing_ok=True)  # first, so that a partly deleted BIN never looks complete
    shutil.rmtree(BIN, ignore_errors=True)
    NEW.rename(BIN)
    return BIN


@contextmanager
def alone() -> Iterator[None]:
    """Lock .engine/, so that only one run at a time changes it."""
    ENGINE.mkdir(exist_ok=True)
    with (ENGINE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run of this script")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def engine() -> Path:
    """Return the folder of a working CLI."""
    try:
        return on_path()
    except Unavailable as why:
        reasons = [f"- on PATH: {why}"]
    with alone():
        for place, way in (("in .engine/", installed), ("download", download), ("build", build)):
            try:
                return way()
            except Unavailable as why:
                reasons.append(f"- {place}: {why}")
    raise Unavailable("\n".join(reasons))


if __name__ == "__main__":
    os.environ["PULUMI_SKIP_UPDATE_CHECK"] = "true"  # otherwise `pulumi version` asks a server
    os.environ["GOWORK"] = "off"  # ignore a go.work in a parent folder
    try:
        print(engine())
    except KeyboardInterrupt:
        sys.exit("engine: interrupted")
    except (Unavailable, OSError) as why:
        sys.exit(
            f"engine: no Pulumi CLI found, and none could be installed:\n{why}\n"
            f"Install Pulumi {OLDEST[0]}.{OLDEST[1]} or newer (https://www.pulumi.com/docs/install/), "
            "or Go (https://go.dev/dl/), and try again."
        )

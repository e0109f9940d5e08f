"""The backend with the state of this run, which engines do not tell their plugins.

One backend can be written in many ways, and one way can mean many backends: `file://./state` is another folder
wherever the CLI is run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import yaml  # comes with pulumi

FILE = "file://"
PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")


def url(home: Path) -> str:
    """Return the configured URL: from the environment, the project's file, or `pulumi login`."""
    return os.environ.get("PULUMI_BACKEND_URL", "") or _of_project() or _of_login(home)


def place(url: str) -> str:
    """Return a canonical form of the URL, without user and password."""
    if not url.startswith(FILE):
        return anonymous(url)
    return FILE + os.path.realpath(_working_folder() / _path(url))


def anonymous(url: str) -> str:
    """Return the URL without user and password."""
    return re.sub("//[^/@]*@", "//", url)


def is_relative(url: str) -> bool:
    """Return whether the URL depends on the current folder."""
    return url.startswith(FILE) and not _path(url).is_absolute()


def holds(place: str, stack: str) -> bool | None:
    """Return whether a backend has a stack ("urn:pulumi:dev::shop"), or None if only the engine can know."""
    stacks = Path(place.removeprefix(FILE), ".pulumi", "stacks")
    if not place.startswith(FILE) or not stacks.is_dir():
        return None
    name, _, project = stack.removeprefix("urn:pulumi:").partition("::")
    # backends of older CLIs have no folder per project
    return any(
        (stacks / folder / f"{name}.json{end}").exists() for folder in (project, "") for end in ("", ".gz", ".zst")
    )


def _path(url: str) -> Path:
    return Path(unquote(url.removeprefix(FILE).partition("?")[0])).expanduser()


def _of_project() -> str:
    folder = Path.cwd()
    for file in (above / name for above in (folder, *folder.parents) for name in PROJECT_FILES):
        if file.is_file():
            with contextlib.suppress(OSError, ValueError, yaml.YAMLError, LookupError, TypeError):
                return str(yaml.safe_load(file.read_text(encoding="utf-8"))["backend"]["url"] or "")
            return ""
    return ""


def _of_login(home: Path) -> str:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return str(json.loads((home / "credentials.json").read_text(encoding="utf-8")).get("current") or "")
    return ""


def _working_folder() -> Path:
    """Return the folder that the CLI runs in; where that cannot be seen, the project's, in which a plugin is started.

    The CLI is the first process above this one that was not itself given the engine's address.
    """
    with contextlib.suppress(OSError, LookupError, ValueError):
        process = Path("/proc", str(os.getppid()))
        while sys.argv[1] in (process / "cmdline").read_text():
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            process = process.parent / parent
        return (process / "cwd").readlink()
    return Path.cwd()

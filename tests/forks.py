"""The fork server of this test process, started when it is first needed."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile

from tests import fork_server


@functools.cache
def server() -> str:
    """Return the path of its socket, or "" on systems without one."""
    if not sys.platform.startswith("linux"):
        return ""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, fork_server.__file__, f"{folder}/socket"]
    environ = {"PATH": os.environ["PATH"], "HOME": folder}
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, cwd="/")
    atexit.register(started.communicate)  # it ends with its stdin
    assert started.stdout
    assert started.stdout.readline() == b"ready\n"
    return command[-1]


def python() -> list[str]:
    """Return the words that replace `python` in a command."""
    return [sys.executable, *(["-ISE", fork_server.__file__, server()] if server() else [])]

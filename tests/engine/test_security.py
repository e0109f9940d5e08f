"""No secret is left in plain text: neither on the screen nor in a file, whatever a run does and however it ends."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.keys import key
from tests.stack import PROGRAM, Spec, Stack

FIRST, SECOND, DRIFTED, INTERRUPTED = (
    f"{number} context value / that nobody + may see" for number in ("1st", "2nd", "3rd", "4th")
)
OPEN = "a context value for all to see"
MACHINE = {
    "kind": "Instance",
    "memory": 512,
    "performance_tier": "Standard",
    "boot_disk": {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"},
}
READ = """
if "vm" in made:
    pulumi.export("context", joviam.Instance.get("found", made["vm"].id).context)
"""


def machine(password: str) -> dict[str, object]:
    return {**MACHINE, "context": {"password": {"secret": password}, "open": OPEN}}


def program(password: str) -> Spec:
    session = {"kind": "ConsoleSession", "instance": {"ref": "vm.id"}, "type": "vnc"}
    return {"vm": machine(password), "console": session}


def test_no_secret_is_left_in_plain_text(stack: Stack) -> None:
    """Through a whole lifecycle with every kind of failure, secrets are only stored encrypted."""
    stack.plain_python()  # to test the files that normal processes leave
    cloud, screen = stack.cloud, list[str]()
    stack.environ["TMPDIR"] = str(stack.folder / "tmp")
    (stack.folder / "tmp").mkdir()
    stack.write(PROGRAM + READ)
    stack.program(program(FIRST))
    screen += [stack.pulumi("preview", "--json").text, stack.up("--diff").text]
    [vm], [console] = cloud.objects("instances"), cloud.objects("console_sessions")

    # errors of the API that repeat the request
    echo = f"{SECOND} of {cloud.token}"
    stack.program({**program(SECOND), "key": {"kind": "PublicKey", "key": key("security")}})
    cloud.fail("PUT /instances/{instance_id}/context", error="validation_fail", details={"password": [echo]})
    cloud.fail("POST /public_keys", status=403, body=f"<html>{echo}</html>".encode())
    screen += [stack.preview().text, stack.up("--continue-on-error", fails=True).text]
    assert "(hidden: it contains a secret value)" in screen[-1]
    assert "(status 403): not JSON" in screen[-1]
    stack.program(program(SECOND))
    screen += [stack.up().text]

    # drift, and Ctrl-C while another machine is being created
    cloud.change(vm["id"], context={"password": DRIFTED})
    screen += [stack.refresh("--diff").text]
    cloud.configure(provision_seconds=30)
    stack.program({**program(DRIFTED), "second": machine(INTERRUPTED)})
    screen += [interrupt_up(stack)]
    assert "interrupted" in screen[-1]
    exported = stack.pulumi("stack", "export").text
    resources = {item["urn"].split("::", 3)[-1]: item for item in json.loads(exported)["deployment"]["resources"]}
    for name in ("vm", "second", "found"):
        assert "ciphertext" in resources[name]["outputs"]["context"]
    assert "ciphertext" in resources["console"]["outputs"]["token"]
    assert "ciphertext" in resources["default"]["inputs"][stack.door.setting("token")]
    screen += [exported]

    # a token in the environment, which the engine does not know
    stack.pulumi("config", "rm", "joviam:token")
    stack.environ["JOVIAM_TOKEN"] = cloud.token
    cloud.fail("*", error="invalid_token", details=f"Bearer {cloud.token} is unknown", times=99)
    screen += [stack.up(fails=True).text]
    assert "Bearer [token] is unknown" in screen[-1]
    cloud._faults.clear()
    cloud.configure(provision_seconds=0)
    log = stack.pulumi("preview", "--logtostderr", "-v=9").text
    screen += [open_console(stack), stack.destroy("--diff").text]
    assert cloud.count() == {}

    # the program itself contains the secrets
    files = [file for file in stack.folder.rglob("*") if file.is_file() and file.name != "spec.json"]
    left = {str(file.relative_to(stack.folder)): content(file) for file in files}
    left |= {f"screen {number}": text.encode() for number, text in enumerate(screen)}
    assert any("history" in name for name in left)
    assert any(OPEN.encode() in text for text in left.values())
    for secret in (cloud.token, FIRST, SECOND, DRIFTED, INTERRUPTED, console["token"]):
        assert not [(name, form) for name, text in left.items() for form in forms(secret) if form in text]
        # the engine logs every value that it passes to a program or a plugin; no other line may have a secret
        lines = [line for line in log.splitlines() if secret in line]
        assert not [line for line in lines if "arshaling property for RPC" not in line]
    assert cloud.token not in repr(cloud.requests)


def test_a_value_that_becomes_a_secret_is_encrypted(stack: Stack) -> None:
    """As soon as a program marks a value as secret, the state has it encrypted.

    This changes nothing in the cloud, so preview shows nothing.
    """

    def programs(secret: bool) -> Spec:
        def maybe(value: object) -> object:
            return {"secret": value} if secret else value

        disk = {"kind": "Disk", "size": 1, "performance_tier": "Fast", "name": maybe(f"{SECOND} disk")}
        context = {"password": maybe(FIRST), "open": OPEN}
        boot_disk = {"template": "ubuntu-16-04", "size": maybe(21), "performance_tier": "Fast"}
        return {"d": disk, "vm": {**MACHINE, "context": context, "boot_disk": boot_disk}}

    stack.program(programs(secret=False))
    stack.up()
    assert FIRST in (stack.state / ".pulumi/stacks/project/dev.json").read_text()
    stack.program(programs(secret=True))
    assert stack.preview().empty
    before = len(stack.cloud.requests)
    assert stack.up().empty
    assert [request.method for request in stack.cloud.requests[before:] if request.method != "GET"] == []
    left = (stack.state / ".pulumi/stacks/project/dev.json").read_text()
    assert not [secret for secret in (FIRST, SECOND) if secret in left]
    resources = stack.resources()
    assert {"ciphertext" in resources["vm"]["outputs"][name] for name in ("context", "boot_disk")} == {True}
    assert resources["vm"]["outputs"]["memory"] == MACHINE["memory"]
    assert stack.settled()


def interrupt_up(stack: Stack) -> str:
    """Run `up`, send Ctrl-C while it waits for the second machine, and return its output."""
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--non-interactive"],
        cwd=stack.project, env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as running:  # fmt: skip
        before = len(stack.cloud.requests)
        while not any(it.operation == "GET /instances/{instance_id}/state" for it in stack.cloud.requests[before:]):
            assert running.poll() is None, "`up` ended too early"
            time.sleep(0.05)
        os.kill(running.pid, signal.SIGINT)
        return running.communicate(timeout=60)[0]


def open_console(stack: Stack) -> str:
    """Open a console with the command, and return its output without the token."""
    done = subprocess.run(
        [Path(sys.executable).with_name("pulumi-joviam"), "console", "vm", "--type", "serial"],
        env={**os.environ, "JOVIAM_TOKEN": stack.cloud.token, "JOVIAM_ENDPOINT": stack.cloud.url},
        capture_output=True,
        text=True,
        check=True,
    )
    session = stack.cloud.objects("console_sessions")[-1]
    return done.stderr + done.stdout.replace(session["token"], "")


def content(file: Path) -> bytes:
    raw = file.read_bytes()
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def forms(secret: str) -> Iterator[bytes]:
    """Yield the forms of a secret: as it is, in a URL, and in base64 at any position of a longer text."""
    yield from {text.encode() for text in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))}
    for before in range(3):
        # the first and the last group of four also depend on the neighboring bytes
        yield base64.b64encode(b" " * before + secret.encode())[4:-4]

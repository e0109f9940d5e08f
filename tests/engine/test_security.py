"""No secret is left in clear: not on the screen, not in a file, whatever a run does and however it ends."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from tests.keys import key
from tests.stack import Spec, Stack

CONTEXT = "a context value / that nobody may see"
PROGRAM: Spec = {
    "key": {"kind": "PublicKey", "key": key("security")},
    "vm": {
        "kind": "Instance",
        "memory": 512,
        "performance_tier": "Standard",
        "boot_disk": {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"},
        "context": {"password": {"secret": CONTEXT}, "open": "to be seen"},
    },
    "console": {"kind": "ConsoleSession", "instance": {"ref": "vm.id"}, "type": "vnc"},
}


def test_no_secret_is_left_in_clear(stack: Stack) -> None:
    """A run with everything: preview, up, refusals that repeat what was sent, drift, a refused token, Class.get."""
    cloud, screen = stack.cloud, []
    stack.environ["PULUMI_DEBUG_COMMANDS"] = "true"
    stack.program(PROGRAM)
    screen += [stack.preview().text, stack.pulumi("preview", "--json").text, stack.up().text]
    [vm], [console] = cloud.objects("instances"), cloud.objects("console_sessions")
    changed = {**PROGRAM, "vm": {**PROGRAM["vm"], "context": {"password": {"secret": f"{CONTEXT} 2"}}}}
    stack.program(changed)
    cloud.fail(
        "PUT /instances/{instance_id}/context", error="validation_fail", details={"password": ["is no password"]}
    )
    screen += [stack.preview().text, stack.up(fails=True).text, stack.up().text]
    cloud.change(vm["id"], context={"password": f"{CONTEXT} 3"})
    screen += [stack.refresh().text, stack.preview().text, stack.up().text]
    cloud.fail("*", error="invalid_token", times=99)
    screen += [stack.refresh(fails=True).text]
    cloud.heal()
    (stack.project / "__main__.py").write_text(
        "import pulumi\nimport pulumi_joviam as joviam\n"
        f"found = joviam.Instance.get('vm', '{vm['id']}')\npulumi.export('context', found.context)\n"
    )
    stack.pulumi("state", "delete", "--yes", "--all", "--force")
    screen += [stack.preview().text, stack.up().text, stack.pulumi("stack", "output").text]
    screen += [stack.pulumi("stack", "export").text]
    command = subprocess.run(
        [Path(sys.executable).with_name("pulumi-joviam"), "console", "vm", "--type", "serial"],
        env={**os.environ, "JOVIAM_TOKEN": cloud.token, "JOVIAM_ENDPOINT": cloud.url},
        capture_output=True,
        check=False,
    )
    assert command.returncode == 0
    screen += [command.stderr.decode()]

    # the program itself says what it says; its folder is left out
    files = [file for file in stack.folder.rglob("*") if file.is_file() and stack.project not in file.parents]
    left = {str(file.relative_to(stack.folder)): file.read_bytes() for file in files}
    left |= {f"screen {number}": text.encode() for number, text in enumerate(screen)}
    assert len(files) > 20
    for secret in (cloud.token, CONTEXT, console["token"]):
        forms = {secret, quote(secret), base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]}
        found = [(name, form) for name, text in left.items() for form in forms if form.encode() in text]
        assert not found
    assert any(b"to be seen" in text for text in left.values())

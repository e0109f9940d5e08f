"""What dynamic.py adds to Pulumi's dynamic plugin: a test of each part on the real engine, and of the fallbacks."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2, status_pb2
from pytest_mock import MockerFixture

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.lifecycle.call import Call
from tests.miniature import Plugin
from tests.stack import Stack

DISK = {"kind": "Disk", "size": 10, "performance_tier": "Standard"}


def test_more_than_four_objects_are_created_at_a_time(stack: Stack) -> None:
    """Sixteen disks that take a second each are all requested before the first one is ready."""
    stack.plain_python()
    stack.cloud.configure(provision_seconds=1.0)
    stack.program({f"d{n}": DISK for n in range(16)})
    stack.up("--parallel", "32")
    sent = [request.time for request in stack.cloud.requests if request.operation == "POST /disks"]
    assert len(sent) == 16
    assert max(sent) - min(sent) < 1.0


def test_an_api_error_is_one_clear_message(stack: Stack) -> None:
    """It is printed at its resource and names the argument, without a traceback."""
    stack.plain_python()
    stack.program({"laptop": {"kind": "PublicKey", "key": "not a key"}})
    run = stack.up(fails=True)
    assert [message for name, message in run.errors if name == "laptop"] == [
        'creating public key "laptop": the API refused it (422 validation_fail, POST /public_keys)\n'
        "  key: is not a public key in OpenSSH format\n"
    ]
    assert "Traceback" not in run.text
    assert stack.cloud.count() == {}


def test_the_next_up_finishes_an_unfinished_object(stack: Stack) -> None:
    """After a create that exceeds its custom timeout, the object is in the state, and the next `up` finishes it."""
    stack.cloud.configure(provision_seconds=3.0)
    stack.program({"d": DISK | {"timeouts": {"create": "1s"}}})
    run = stack.up(fails=True)
    [disk] = stack.cloud.objects("disks")
    state = stack.resources()["d"]
    assert state["id"] == disk["id"]
    assert state["initErrors"]
    assert f"the disk {disk['id']} is still provisioning" in run.text
    assert f"The disk {disk['id']} is in the state; the next `pulumi up` continues with it." in run.text
    assert "Traceback" not in run.text
    assert stack.up().steps == {"d": "update"}
    assert stack.preview().empty
    assert [item["id"] for item in stack.cloud.objects("disks")] == [disk["id"]]


def test_a_failed_object_is_replaced(stack: Stack) -> None:
    """An object that failed to provision is in the state and reported, and the next `up` replaces it."""
    stack.cloud.fail_provisioning("disks")
    stack.program({"d": DISK})
    run = stack.up(fails=True)
    failed = stack.resources()["d"]["id"]
    assert f"the disk {failed} ended in state failed_to_provision" in run.text
    assert stack.preview().steps == {"d": "replace"}
    stack.up()
    [disk] = stack.cloud.objects("disks")
    assert disk["id"] == stack.resources()["d"]["id"] != failed
    assert stack.settled()


def test_long_values_do_not_lose_the_object(stack: Stack) -> None:
    """The object of a partial failure that exceeds a gRPC trailer is in the state, even if the limit is 8 KB."""
    stack.environ["GRPC_GO_EXPERIMENTAL_ENABLE_8KB_DEFAULT_HEADER_LIST_SIZE"] = "true"
    stack.cloud.configure(provision_seconds=3.0)
    machine = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}
    machine |= {"context": {"A": "x" * 60_000}, "note": "y" * 5_000}
    stack.program({"i": machine | {"timeouts": {"create": "1s"}}})
    stack.up(fails=True)
    [instance] = stack.cloud.objects("instances")
    assert stack.resources()["i"]["id"] == instance["id"]
    assert stack.up().steps == {"i": "update"}
    assert stack.settled()
    assert len(stack.cloud.objects("instances")) == 1


def test_ctrl_c_keeps_the_object_in_the_state(stack: Stack) -> None:
    """Ctrl-C ends a wait of a minute at once, and the object that it waited for is in the state."""
    stack.plain_python()
    stack.cloud.configure(provision_seconds=60.0)
    stack.program({"d": DISK})
    command = ["pulumi", "up", "--yes", "--non-interactive"]
    with subprocess.Popen(
        command, cwd=stack.project, env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        while not any(request.operation == "GET /disks/{disk_id}/state" for request in stack.cloud.requests):
            time.sleep(0.05)
        os.kill(running.pid, signal.SIGINT)
        pressed = time.monotonic()
        printed, _ = running.communicate(timeout=60)
    last_request = max(request.time for request in stack.cloud.requests)
    assert last_request - pressed < 15
    assert "interrupted" in printed
    [disk] = stack.cloud.objects("disks")
    assert stack.resources()["d"]["id"] == disk["id"]
    stack.cloud.change(disk["id"], state="unattached")
    assert stack.up().steps == {"d": "update"}
    assert stack.preview().empty
    assert len(stack.cloud.objects("disks")) == 1


def test_warnings_are_shown_in_preview(stack: Stack) -> None:
    """A change that may stop a machine causes a warning on its resource, also in `preview --json`."""
    machine = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}
    stack.program({"i": machine})
    stack.up()
    stack.program({"i": machine | {"memory": 2048}})
    expected = "changing memory may need the instance stopped: `up` then refuses it unless allow_stopping=True"
    assert stack.preview().warnings == [("i", f"{expected}\n")]
    output = json.loads(stack.pulumi("preview", "--json").text)
    [diagnostic] = output["diagnostics"]
    assert diagnostic["urn"].endswith("::i")
    assert (diagnostic["message"], diagnostic["severity"]) == (f"warning: {expected}\n", "warning")


def test_a_refresh_does_not_warn(stack: Stack) -> None:
    """Drift is not a change of the program, so there is nothing to announce."""
    stack.program({"i": {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}})
    stack.up()
    stack.cloud.change(stack.cloud.objects("instances")[0]["id"], memory=512)
    run = stack.refresh()
    assert run.changed == {"i": {"memory"}}
    assert run.warnings == []


def test_progress_is_shown_while_waiting(stack: Stack) -> None:
    """The row of a resource shows the state of its object."""
    stack.program({"d": DISK})
    assert "Disk d creating (0s) provisioning" in stack.up().text


OUTSIDE = """
from pulumi_joviam.lifecycle import call, dynamic
dynamic.serve()
call.NOBODY.say('text')
call.NOBODY.warn('text')
assert dynamic.served(lambda self: call.current())(None) is call.NOBODY
assert str(call.NOBODY.refusal('clear')) == 'clear'
assert str(call.NOBODY.partial_failure('id', {'a': 1}, 'clear')) == 'clear'
"""


def test_nothing_breaks_outside_the_plugin() -> None:
    """If the plugin is not as expected, every function falls back silently."""
    done = subprocess.run([sys.executable, "-c", OUTSIDE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LONG = 20_000


@pytest.mark.parametrize(
    ("outputs", "reason", "dropped"),
    [
        ({"note": "x" * LONG, "size": 5, "__kept": {"disk": "d"}}, "why", ["note"]),
        ({"a": "x" * 3_000, "b": "y" * 2_000}, "why", ["a"]),
        ({f"n{number}": "ä" * 300 for number in range(90)}, "why", None),
        ({"size": 5, "__kept": {"disk": "d"}}, "begins " + "ü%\n" * LONG + " ends", ["size"]),
        ({"size": 5}, "short", []),
    ],
    ids=["one long value", "the longer one", "many values", "a long reason", "nothing long"],
)
def test_a_partial_failure_fits_into_a_trailer(
    outputs: dict[str, Any], reason: str, dropped: list[str] | None, mocker: MockerFixture
) -> None:
    """The id and hidden keys are always sent, then the smallest values, and the start and end of the reason."""
    context = mocker.Mock(spec=grpc.ServicerContext)
    abort = context.abort
    error = Call(context=context).partial_failure("the-id", outputs, reason)
    context.abort(grpc.StatusCode.UNKNOWN, f"Traceback … {LONG * 'x'} {error}")
    [(_, packed)] = context.set_trailing_metadata.call_args.args[0]
    assert len(base64.b64encode(packed)) + len(abort.call_args.args[1]) < 6_000
    status, partial = status_pb2.Status.FromString(packed), provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(partial)
    properties = MessageToDict(partial.properties)
    assert partial.id == "the-id"
    assert properties.get("__kept") == outputs.get("__kept")
    assert (partial.reasons[0][:5], partial.reasons[0][-5:]) == (reason[:5], reason[-5:])
    left_out = properties.get("__dropped", [])
    assert {*left_out} | properties.keys() - {"__dropped", "__provider"} == {*outputs}
    if dropped is not None:
        assert left_out == dropped


def test_a_refusal_fits_into_a_trailer(mocker: MockerFixture) -> None:
    context = mocker.Mock(spec=grpc.ServicerContext)
    Call(context=context).refusal("begins" + "é" * LONG + "ends")
    [(_, packed)] = context.set_trailing_metadata.call_args.args[0]
    message = status_pb2.Status.FromString(packed).message
    assert len(base64.b64encode(packed)) < 6_000
    assert (message[:6], message[-4:]) == ("begins", "ends")
    assert len(message.encode()) > 3_900


def test_the_whole_trailer_is_short(cloud: Emulator, plugged: Plugin) -> None:
    """An error of the real plugin, with all that the SDK adds, stays below the limit of a client."""
    cloud.fail_provisioning("instances")
    args: Any = {"memory": 512, "performance_tier": "Standard", "region": "SY3", "name": "i", "note": "ä" * 5_000}
    properties, type_ = Struct(), plugged.door.token("Instance")
    properties.update(plugged.door.outward("Instance", args))
    request = provider_pb2.CreateRequest(
        urn=f"urn:pulumi:trailer::p::{type_}::i", name="i", type=type_, properties=properties
    )
    with pytest.raises(grpc.RpcError) as failed:
        plugged.stub.Create(request)
    error: Any = failed.value
    sent = {key: base64.b64encode(value) for key, value in error.trailing_metadata()}
    sent["grpc-message"] = urllib.parse.quote(error.details()).encode()
    assert sum(len(key) + len(value) + 32 for key, value in sent.items()) < 6_000
    partial = provider_pb2.ErrorResourceInitFailed()
    status = status_pb2.Status.FromString(base64.b64decode(sent["grpc-status-details-bin"]))
    assert status.details[0].Unpack(partial)
    assert partial.id == cloud.objects("instances")[0]["id"]

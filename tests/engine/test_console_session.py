"""Console sessions: created, replaced, created again, and their token is never printed or stored in plain text."""

from __future__ import annotations

from typing import Any

from tests.stack import Stack

Json = dict[str, Any]

MACHINE: Json = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}
CREATE = "POST /instances/{instance_id}/remote_access"


def session(type: str | None = None) -> Json:
    args = {"kind": "ConsoleSession", "instance": {"ref": "i.id"}}
    return args | {"type": type} if type else args


def test_the_lifecycle_of_a_session(stack: Stack) -> None:
    """Each type becomes ready, is replaced by another type, and is created again if it was deleted or failed."""
    stack.program({"i": MACHINE, "any": session(), "v": session("vnc"), "s": session("serial")})
    printed = stack.up().text
    made = {item["id"]: item for item in stack.cloud.objects("console_sessions")}
    state = stack.resources()
    assert set(made) == {state[name]["id"] for name in ("any", "v", "s")}
    for name, type, filled, empty in (
        ("v", "vnc", {"url"}, {"host", "port"}),
        ("s", "serial", {"host", "port"}, {"url"}),
    ):
        outputs, live = state[name]["outputs"], made[state[name]["id"]]
        assert (outputs["type"], outputs["state"]) == (type, "ready")
        assert {key: live[key] for key in filled} == {key: outputs[key] for key in filled}
        assert not any(outputs.get(key) for key in empty)
    assert state["any"]["outputs"]["type"] == "vnc"
    assert stack.settled()

    stack.program({"i": MACHINE, "any": session("vnc"), "v": session("serial"), "s": session()})
    preview = stack.preview()
    assert (preview.steps, preview.changed["v"]) == ({"v": "replace"}, {"type"})
    printed += stack.up().text
    assert stack.preview().empty

    stack.cloud.remove(stack.resources()["v"]["id"])
    stack.cloud.change(stack.resources()["s"]["id"], state="failed")
    run = stack.refresh()
    assert run.steps == {"v": "delete", "s": "delete"}
    run = stack.up()
    assert run.steps == {"v": "create", "s": "create"}
    printed += run.text + stack.refresh().text + stack.preview("--diff").text
    assert "[secret]" in printed

    tokens = [item["token"] for item in stack.cloud.objects("console_sessions") if item["token"]]
    files = [file.read_text(errors="replace") for file in stack.state.rglob("*") if file.is_file()]
    assert len(set(tokens)) == 4
    for token in tokens:
        assert token not in printed
        assert not any(token in text for text in files)
    stack.destroy()
    assert stack.cloud.count() == {}  # the sessions end with their machine


def test_a_failed_session_is_replaced(stack: Stack) -> None:
    """The failure is reported, and the next `up` replaces the session."""
    stack.cloud.fail_provisioning("console_sessions")
    stack.program({"i": MACHINE, "v": session("vnc")})
    run = stack.up(fails=True)
    assert 'creating console session "v": the console session' in run.text
    assert "ended in state failed" in run.text
    assert stack.up().steps == {"v": "replace"}
    assert stack.preview().empty


def test_the_next_up_waits_for_a_slow_session(stack: Stack) -> None:
    """A session that is not ready in time stays in the state, and the next `up` waits for the same one."""
    stack.program({"i": MACHINE})
    stack.up()
    stack.cloud.configure(provision_seconds=60)
    stack.program({"i": MACHINE, "v": session("vnc") | {"timeouts": {"create": "1s"}}})
    assert "is still initiating" in stack.up(fails=True).text
    stack.cloud.configure(provision_seconds=0)
    assert stack.up().steps == {"v": "update"}
    [made] = stack.cloud.objects("console_sessions")
    state = stack.resources()["v"]
    assert (state["id"], state["outputs"]["state"]) == (made["id"], "ready")
    files = [file.read_text(errors="replace") for file in stack.state.rglob("*") if file.is_file()]
    assert not any(made["token"] in text for text in files)
    assert stack.refresh().empty


def test_a_create_with_a_lost_response_is_retried(stack: Stack) -> None:
    """A session whose response was lost cannot be found, so another one is requested, a few times."""
    stack.program({"i": MACHINE})
    stack.up()
    stack.cloud.fail(CREATE, drop="after")
    stack.cloud.fail(CREATE, status=500)
    stack.program({"i": MACHINE, "v": session("vnc")})
    stack.up()
    assert len([request for request in stack.cloud.requests if request.operation == CREATE]) == 3
    assert stack.preview().empty


def test_invalid_sessions_are_refused(stack: Stack) -> None:
    """Preview refuses an unknown type, the API a stopped machine."""
    stack.program({"i": MACHINE | {"power_state": "stopped"}, "v": session("vnc"), "w": session("tape")})
    assert "must be 'vnc' or 'serial'" in stack.preview(fails=True).text
    stack.program({"i": MACHINE | {"power_state": "stopped"}, "v": session("vnc")})
    run = stack.up(fails=True)
    assert "the API refused it" in run.text
    assert "state: is stopped" in run.text
    assert list(stack.resources()) == ["i"]

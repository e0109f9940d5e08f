"""Mistakes of a program or a configuration: one clear message each, nothing created, nothing lost."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.emulator.account import Account
from tests.keys import key
from tests.miniature import Miniature, Plugin
from tests.samples import SAMPLES, ExistingObjects
from tests.stack import Stack
from tests.unknown import PLAIN, Place, places

ID, OTHER = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "ab")
DISK: dict[str, Any] = {"kind": "Disk", "size": 10, "performance_tier": "Standard"}
NETWORK: dict[str, Any] = {"kind": "Network", "specification": "192.168.2.0/24"}
FIRST = {"kind": "PublicKey", "key": key("first")}
BOOT: dict[str, Any] = {"template": "debian-9", "size": 20, "performance_tier": "Standard"}
UNKNOWN = {"after": "first", "say": ID}
"""An id that is unknown before `up`."""
MACHINE: dict[str, Any] = {"kind": "Instance", "memory": 1024, "performance_tier": "Standard"}

# (arguments in the program, {argument: start of its message}); preview finds them all, without a request
REFUSED_BY_CHECK: list[tuple[dict[str, Any], dict[str, str]]] = [
    (DISK | {"size": -1}, {"size": "must be greater than 0"}),
    (DISK | {"size": "10"}, {"size": "must be a whole number, not a text (pulumi.Config().require_int gives one)"}),
    (DISK | {"size": 10.5}, {"size": "must be a valid integer"}),
    (DISK | {"size": True}, {"size": "must be a valid integer"}),
    (DISK | {"name": ""}, {"name": "must have at least 1 character"}),
    (
        DISK | {"size": 0, "performance_tier": 7, "template": "a", "source_disk": ID},
        {
            "size": "must be greater than 0",
            "performance_tier": "must be a valid string",
            "source_disk": "a disk is created from a template or from a source_disk: give only one of them",
        },
    ),
    (
        NETWORK | {"specification": "192.168.2.0"},
        {"specification": "must be an IPv4 network in CIDR format such as 192.168.2.0/24"},
    ),
    (
        NETWORK | {"specification": "192.168.2.7/24"},
        {"specification": "must be the network itself: 192.168.2.0/24, not the address of a host"},
    ),
    (
        NETWORK | {"specification": "a network", "gateway": "10.0.0.256"},
        {
            "specification": "must be an IPv4 network in CIDR format such as 192.168.2.0/24",
            "gateway": "must be an IPv4 address such as 192.168.2.1",
        },
    ),
    (NETWORK | {"gateway": "192.168.3.1"}, {"gateway": "must be inside the network of specification"}),
    ({"kind": "IpAddress", "address": "::1"}, {"address": "must be an IPv4 address such as 192.168.2.1"}),
    (MACHINE | {"memory": "2GB"}, {"memory": "must be a whole number, not a text"}),
    (MACHINE | {"boot_device": "floppy"}, {"boot_device": "must be 'cdrom', 'disk' or 'network'"}),
    (MACHINE | {"power_state": "off"}, {"power_state": "must be 'running', 'stopped' or 'unmanaged'"}),
    (MACHINE | {"start_on_crash": 1}, {"start_on_crash": "must be a valid boolean"}),
    (
        MACHINE | {"start_on_crash": "true", "boot_disk": BOOT | {"size": "20"}, "context": "{}"},
        {
            "start_on_crash": "must be True or False, not a text (pulumi.Config().require_bool gives one)",
            "boot_disk.size": "must be a whole number, not a text (pulumi.Config().require_int gives one)",
            "context": "must be a mapping, not a text (pulumi.Config().require_object gives one)",
        },
    ),
    (
        MACHINE | {"disks": [ID.upper(), ID, OTHER, OTHER]},
        {"disks[1]": "is in the list before: name each object once", "disks[3]": "is in the list before"},
    ),
    (MACHINE | {"disks": ["web"]}, {"disks[0]": "must be an id of the API (they look like 00000000-0000-…)"}),
    *(
        ({"kind": "PublicKey", "key": private}, {"key": "is a private key, which must never leave its machine"})
        for private in (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA",
            "  -----BEGIN EC PRIVATE KEY-----\r\nMHcCAQEEI",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFHDBO",
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAA",
            "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n",
        )
    ),
    ({"kind": "Template", "disk": "web", "supersedes": "debian-9"}, {"disk": "must be an id of the API"}),
    (MACHINE | {"disks": "a"}, {"disks": "must be a list, not a text"}),
    (MACHINE | {"context": {"A": 1}}, {"context.A": "must be a valid string"}),
    (
        MACHINE | {"context": {"../A": "1", "": "2"}},
        {'context["../A"]': "is not a variable name: it must not be empty", 'context[""]': "is not a variable name"},
    ),
    (
        MACHINE | {"network_adapters": [{"network": ID, "ip_addresses": "static"}, {"addresses": []}]},
        {
            "network_adapters[0].ip_addresses": "must be a list, not a text "
            "(pulumi.Config().require_object gives one), or must be 'dhcp'",
            "network_adapters[1].network": "is required",
            "network_adapters[1].addresses": "is not an argument",
        },
    ),
    (
        MACHINE | {"ip_addresses": [], "network_adapters": []},
        {"network_adapters": "give either ip_addresses (one adapter per network) or network_adapters, not both"},
    ),
    (
        MACHINE | {"boot_disk": BOOT, "disks": []},
        {"boot_disk": "give either disks (existing ones) or boot_disk (a new one), not both"},
    ),
    (MACHINE | {"networks": [ID]}, {"networks": "needs boot_disk; with disks, create an IpAddress"}),
    (
        MACHINE | {"boot_disk": BOOT, "allocate_public_ip": True, "ip_addresses": []},
        {"allocate_public_ip": "allocates addresses; it cannot be combined"},
    ),
    (MACHINE | {"boot_disk": BOOT | {"name": "x"}}, {"boot_disk.name": "is not an argument"}),
    (
        MACHINE | {"boot_disk": {"size": 0, "performance_tier": "Fast"}},
        {"boot_disk.size": "must be greater than 0", "boot_disk.template": "is required"},
    ),
    # an unknown value does not hide the errors beside it
    (MACHINE | {"disks": [UNKNOWN, ID, UNKNOWN, ID]}, {"disks[3]": "is in the list before"}),
    (MACHINE | {"disks": [UNKNOWN, UNKNOWN, "web"]}, {"disks[2]": "must be an id of the API"}),
    (
        MACHINE | {"boot_disk": {"template": UNKNOWN, "size": 0}},
        {
            "boot_disk.performance_tier": "is required",
            "boot_disk.size": "must be greater than 0",
        },
    ),
    (
        MACHINE | {"context": {"a/b": UNKNOWN, "C": UNKNOWN, "D": 1}},
        {
            'context["a/b"]': "is not a variable name",
            "context.D": "must be a valid string",
        },
    ),
    (
        MACHINE | {"network_adapters": [UNKNOWN, {"ip_addresses": [UNKNOWN, 7], "addresses": UNKNOWN}]},
        {
            "network_adapters[1].ip_addresses[1]": "must be a valid string",
            "network_adapters[1].network": "is required",
            "network_adapters[1].addresses": "is not an argument",
        },
    ),
]


@pytest.mark.parametrize(("args", "messages"), REFUSED_BY_CHECK, ids=lambda item: ",".join(item))
def test_check_names_every_wrong_argument(
    cloud: Emulator, plugged: Plugin, args: dict[str, Any], messages: dict[str, str]
) -> None:
    """The message says what would be valid, and no request is sent."""
    run = Miniature(plugged, "wrong").preview({"first": FIRST, "wrong": args})
    found = dict(line.removeprefix("wrong: ").split(": ", 1) for line in run.error.split("; wrong: "))
    assert found.keys() == messages.keys()
    assert [where for where, text in messages.items() if not found[where].startswith(text)] == []
    assert cloud.requests == []


@pytest.mark.parametrize(("args", "messages"), [it for it in REFUSED_BY_CHECK if len(it[1]) > 1])
def test_preview_prints_one_error_per_wrong_argument(
    stack: Stack, args: dict[str, Any], messages: dict[str, str]
) -> None:
    """Each error starts with the argument, and there is no traceback."""
    stack.program({"first": FIRST, "wrong": args})
    run = stack.preview(fails=True)
    for where, text in messages.items():
        [line] = [line for line in run.text.splitlines() if f" resource 'wrong' has a problem: {where}: " in line]
        assert f": {where}: {text}" in line
    assert len([line for line in run.text.splitlines() if line.startswith("error:")]) == len(messages)
    assert "Traceback" not in run.text
    assert stack.cloud.requests == []


def test_a_public_key_comment_may_mention_private_keys(plugged: Plugin) -> None:
    """Only private keys are refused, not the words in a comment; the API validates options before a key."""
    for args in (f"{key('a')} BEGIN my PRIVATE KEY", f'no-pty,command="x" {key("b")}', key("c").replace(" ", "  ")):
        assert not Miniature(plugged, "public").preview({"k": {"kind": "PublicKey", "key": args}}).error


HIDDEN = "hunter2"


def put(value: Any, place: Place, other: Any) -> Any:
    """Return the value with another one at a place."""
    if not place:
        return other
    changed = value.copy()
    changed[place[0]] = put(value[place[0]], place[1:], other)
    return changed


def test_validation_errors_contain_no_values(cloud: Emulator, plugged: Plugin) -> None:
    """No error, for any position in any resource, repeats the wrong value, which may be a secret."""
    wrong = [HIDDEN, f"{HIDDEN}/24", [HIDDEN], [[HIDDEN]], {"x": HIDDEN}, [{"x": HIDDEN}]]
    existing, refused = ExistingObjects(Account(cloud)), set[tuple[str, Place]]()
    small = Miniature(plugged, "hidden")
    for kind in [kind for kind in SAMPLES if kind not in PLAIN]:
        for args in existing.arguments(kind):
            for place, other in itertools.product([it for it in places(args) if it], wrong):
                error = small.preview({"it": {"kind": kind, **put(args, place, other)}}).error
                assert HIDDEN not in error, (kind, place)
                refused |= {(kind, place)} if error else set()
            assert {(kind, place) for place in places(args) if place} <= refused
    assert HIDDEN not in small.preview({"it": MACHINE | {"nonsense": HIDDEN}}).error


@pytest.mark.parametrize("options", [[], ["--json"]], ids=lambda it: " ".join(it))
def test_validation_errors_do_not_print_secrets(stack: Stack, options: list[str]) -> None:
    """The real engine prints nothing of a refused argument that is or contains a secret."""
    text, other = {"secret": HIDDEN}, {"secret": [HIDDEN]}
    wrong = {
        **dict.fromkeys(("memory", "disks", "public_keys", "start_on_crash", "boot_device", "power_state"), text),
        **dict.fromkeys(("performance_tier", "region", "note", "name"), other),
        "context": {"password": text, "a/b": text, "c": other},
        "network_adapters": [{"network": text, "ip_addresses": text}],
        "boot_disk": {"template": other, "size": text, "performance_tier": text},
    }
    stack.program({"wrong": {"kind": "Instance", **wrong}})
    run = stack.pulumi("preview", *options, fails=True)
    named = {it.replace("\\", "") for it in re.findall(r"resource 'wrong' has a problem: ([^ ]+): ", run.text)}
    assert named >= wrong.keys() - {"context", "network_adapters", "boot_disk"}
    assert named >= {'context["a/b"]', "context.c", "network_adapters[0].network", "boot_disk.size"}
    assert HIDDEN not in run.text


def test_a_region_is_required(stack: Stack) -> None:
    """If neither the program nor the stack has a region, preview names both ways to set it."""
    stack.pulumi("config", "rm", "joviam:region")
    stack.program({"d": DISK})
    message = "is required: set it here, or for the whole stack with `pulumi config set joviam:region CODE`"
    assert message in stack.preview(fails=True).text
    stack.program({"a": {"kind": "IpAddress"}})
    message = "give a network, or for a public address a region (here or in joviam:region)"
    assert message in stack.preview(fails=True).text


def test_unknown_names_are_refused(stack: Stack) -> None:
    """For an unknown region, tier or template, the message lists the available ones, and nothing is created."""
    cases = {
        "tier": (
            DISK | {"performance_tier": "Fats"},
            "performance_tier: is unknown in region SY3; available: Fast, Sta",
        ),
        "region": (DISK | {"region": "SY4"}, "region: is unknown; available: ML1, SY3"),
        "template": (
            DISK | {"template": "ubuntu"},
            "template: is unknown in region SY3; available: debian-9, ubuntu-16",
        ),
        "fast": (
            MACHINE | {"performance_tier": "Fats"},
            "performance_tier: is unknown in region SY3; available: Fast",
        ),
    }
    for name, (args, message) in cases.items():  # the engine stops at the first refused resource
        stack.program({name: args})
        run = stack.up(fails=True)
        assert f"resource '{name}' has a problem: {message}" in run.text
        assert "Traceback" not in run.text
    assert stack.cloud.count() == {}
    assert stack.resources() == {}


def test_a_missing_token_is_one_error(stack: Stack) -> None:
    """One line, whatever the number of resources, and no request."""
    stack.pulumi("config", "rm", "joviam:token")
    stack.program({f"k{n}": {"kind": "PublicKey", "key": key(str(n))} for n in range(5)})
    run = stack.preview(fails=True)
    message = "no Joviam token: set it with `pulumi config set --secret joviam:token`, or in the environment variable"
    assert len([line for line in run.text.splitlines() if message in line]) == 1
    assert "Traceback" not in run.text
    assert stack.cloud.requests == []


def test_a_refused_token_is_reported_with_its_source(stack: Stack) -> None:
    """Existing objects stay in the state."""
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}})
    stack.up()
    stack.pulumi("config", "set", "--secret", "joviam:token", "wrong")
    stack.program({"k": {"kind": "PublicKey", "key": key("a"), "name": "new"}})
    run = stack.up(fails=True)
    assert "the API refused the token (401 invalid_token, " in run.text
    assert "The token came from the stack config joviam:token." in run.text
    assert "Traceback" not in run.text
    assert "wrong" not in run.text
    assert list(stack.resources()) == ["k"]


def test_an_unreachable_endpoint_fails_within_seconds(stack: Stack) -> None:
    """The error names the endpoint."""
    stack.pulumi("config", "set", "joviam:endpoint", "http://127.0.0.1:9/api/v1")
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}})
    run = stack.up(fails=True)
    assert "cannot reach http://127.0.0.1:9/api/v1: " in run.text
    assert "Traceback" not in run.text
    assert stack.resources() == {}


def test_an_invalid_setting_is_named_in_preview(stack: Stack) -> None:
    """A setting that cannot be used is named in preview."""
    stack.pulumi("config", "set", "joviam:maxConcurrency", "many")
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}})
    assert "joviam:maxConcurrency must be a whole number from 1 to 1000, not 'many'" in stack.preview(fails=True).text


def test_unknown_values_are_checked_in_up(stack: Stack) -> None:
    """Values unknown in preview do not fail there; they are checked once they are known."""
    stack.program({"k": {"kind": "PublicKey", "key": key("a")}, "d": DISK | {"size": {"ref": "k.created_at"}}})
    assert stack.preview().steps == {"k": "create", "d": "create"}
    assert "size: must be a whole number, not a text" in stack.up(fails=True).text
    assert stack.cloud.count() == {"public_keys": 1}


def test_a_missing_argument_is_a_type_error(stack: Stack) -> None:
    """It is the error of any Python call."""
    stack.program({"d": {"kind": "Disk", "size": 1}})
    message = "missing 1 required keyword-only argument: 'performance_tier'"
    assert message in stack.preview(fails=True).text


ERROR_TABLE: dict[str, tuple[dict[str, Any], str]] = {
    "bad_request": ({"status": 400}, "the API could not read the request (400 bad_request, POST /public_keys)"),
    "unauthorized": ({"status": 401}, "the API refused the token (401 unauthorized, POST /public_keys)"),
    "invalid_token": ({"error": "invalid_token"}, "the API refused the token (401 invalid_token, POST /public_keys)"),
    "invalid_client": (
        {"error": "invalid_client"},
        "the API refused the token (401 invalid_client, POST /public_keys)",
    ),
    "invalid_request": (
        {"error": "invalid_request"},
        "the API refused the token (401 invalid_request, POST /public_keys)",
    ),
    "forbidden": ({"status": 403}, "the token may not do this (403 forbidden, POST /public_keys)"),
    "not_found": ({"status": 404}, "there is no such object (404 not_found, POST /public_keys)"),
    "validation_fail": ({"status": 422}, "the API refused it (422 validation_fail, POST /public_keys)"),
    "internal_server_error": (
        {"status": 500, "times": 3},
        "the API failed with an internal error (500 internal_server_error, POST /public_keys)",
    ),
}


def test_each_api_error_has_its_own_message(stack: Stack) -> None:
    """Each of the nine errors in the API reference."""
    stack.hurry()
    for fault, _ in ERROR_TABLE.values():
        stack.cloud.fail("POST /public_keys", **fault)
    stack.program({f"k{n}": {"kind": "PublicKey", "key": key(str(n))} for n in range(len(ERROR_TABLE))})
    run = stack.up("--continue-on-error", fails=True)
    messages = [message for name, message in run.errors if name.startswith("k")]
    assert len(messages) == len(ERROR_TABLE)
    for _, text in ERROR_TABLE.values():
        assert len([message for message in messages if text in message]) == 1, text
    assert "Traceback" not in run.text
    assert stack.cloud.count() == {}

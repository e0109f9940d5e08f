"""The messages of the API's errors, and of unexpected responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_joviam.api import errors, models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import ApiError, readable
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.emulator import Emulator
from tests.api.calls import QUICK

TOKEN_ADVICE = (
    "\nThe token came from the stack config joviam:token. `pulumi refresh` and `pulumi destroy` use the stack config "
    "of the last `up`: after a change of the token, run them with --run-program."
)


@pytest.fixture
def client(cloud: Emulator) -> Client:
    return Client(Settings(cloud.token, cloud.url, token_source="the stack config joviam:token", pace=QUICK))


HIDDEN = "(hidden: it contains a secret value)"

TABLE: list[tuple[tuple[int, dict[str, Any]], type[ApiError], str]] = [
    (
        (400, {"error": "bad_request", "details": "name: is required; size: must be an integer"}),
        errors.BadRequest,
        "the API could not read the request (400 bad_request, GET /disks)\n"
        "  name: is required; size: must be an integer",
    ),
    (
        (401, {"error": "unauthorized"}),
        errors.Unauthorized,
        f"the API refused the token (401 unauthorized, GET /disks){TOKEN_ADVICE}",
    ),
    (
        (401, {"error": "invalid_token", "error_description": "The access token expired"}),
        errors.Unauthorized,
        f"the API refused the token (401 invalid_token, GET /disks): The access token expired{TOKEN_ADVICE}",
    ),
    (
        (401, {"error": "invalid_client", "error_description": "The client is unknown"}),
        errors.Unauthorized,
        f"the API refused the token (401 invalid_client, GET /disks): The client is unknown{TOKEN_ADVICE}",
    ),
    (
        (401, {"error": "invalid_request", "error_description": "grant_type is missing"}),
        errors.Unauthorized,
        f"the API refused the token (401 invalid_request, GET /disks): grant_type is missing{TOKEN_ADVICE}",
    ),
    (
        (403, {"error": "forbidden"}),
        errors.Forbidden,
        "the token may not do this (403 forbidden, GET /disks)\n"
        "Use the token of an organization that may, or ask your administrator.",
    ),
    (
        (404, {"error": "not_found"}),
        errors.NotFound,
        "there is no such object (404 not_found, GET /disks)",
    ),
    (
        (422, {"error": "validation_fail", "details": {"memory": ["must be between 512MB and 64GB", "is odd"]}}),
        errors.ValidationFail,
        "the API refused it (422 validation_fail, GET /disks)\n  memory: must be between 512MB and 64GB, is odd",
    ),
    (
        (500, {"error": "internal_server_error"}),
        errors.ServerError,
        "the API failed with an internal error (500 internal_server_error, GET /disks)\n"
        "Joviam is notified automatically; try again, and contact Joviam support if it persists.",
    ),
]


@pytest.mark.parametrize(("answer", "kind", "text"), TABLE, ids=[row[0][1]["error"] for row in TABLE])
def test_each_error_of_the_reference(
    cloud: Emulator,
    client: Client,
    answer: tuple[int, dict[str, Any]],
    kind: type[ApiError],
    text: str,
) -> None:
    """Each error of the reference has its class, selected by its code, and a message that says what to do."""
    status, body = answer
    cloud.fail("GET /disks", status=status, body=json.dumps(body).encode(), times=9)
    with pytest.raises(ApiError) as caught:
        client.list(models.Disk)
    assert (type(caught.value), str(caught.value)) == (kind, text)
    assert (caught.value.status, caught.value.error) == (status, body["error"])


def test_the_table_is_complete() -> None:
    """The table above has exactly the codes that have a class."""
    assert {row[0][1]["error"] for row in TABLE} == set(errors.BY_WORD)


def test_the_code_selects_the_class(cloud: Emulator, client: Client) -> None:
    """The code selects the class, whatever the status."""
    cloud.fail("GET /disks", status=400, body=b'{"error": "not_found"}')
    with pytest.raises(errors.NotFound) as caught:
        client.list(models.Disk)
    assert caught.value.status == 400


def test_the_source_of_a_refused_token(cloud: Emulator) -> None:
    """The error for a refused token says where the token came from."""
    with pytest.raises(errors.Unauthorized, match="The token came from the environment variable JOVIAM_TOKEN"):
        Client(Settings("old", cloud.url, token_source="the environment variable JOVIAM_TOKEN")).list(models.Disk)


def test_fields_are_named_as_arguments() -> None:
    """The message names the program's argument if the API's field has another name."""
    error = errors.ValidationFail("PUT /x", 422, "validation_fail", {"ip_addresses": ["is busy"], "name": ["is long"]})
    assert error.describe({"ip_addresses": "addresses"}).splitlines()[1:] == [
        "  addresses: is busy",
        "  name: is long",
    ]


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        (None, []),
        ("", []),
        ([], []),
        ({}, []),
        ("one\ntwo", ["  one two"]),
        (7, ["  7"]),
        (["a", "b"], ["  a, b"]),
        ({"memory": "is odd"}, ["  memory: is odd"]),
        ({"memory": None}, ["  memory: refused"]),
        ({"memory": []}, ["  memory: refused"]),
        ({"memory": 7}, ["  memory: 7"]),
        ({"memory": [7, None, {"a": 1}]}, ["  memory: 7, None, {'a': 1}"]),
        ({"disks": {"0": ["is busy"]}}, ["  disks: {'0': ['is busy']}"]),
        ({"": ["is odd"]}, ["  : is odd"]),
        ({"a\x1b[31m\nb": ["\x1b]0;owned\x07x\u202ey\x9b1m"]}, ["  a [31m b: ]0;owned x y 1m"]),
        ({"lone": ["\ud800 half"]}, ["  lone: half"]),
    ],
)
def test_details_of_any_shape(cloud: Emulator, client: Client, details: object, lines: list[str]) -> None:
    """Details of any shape become plain lines without control characters."""
    body = json.dumps({"error": "validation_fail", "details": details}).encode()
    cloud.fail("GET /disks", status=422, body=body)
    with pytest.raises(errors.ValidationFail) as caught:
        client.list(models.Disk)
    assert str(caught.value).splitlines() == ["the API refused it (422 validation_fail, GET /disks)", *lines]


def test_huge_details(cloud: Emulator, client: Client) -> None:
    """Details are cut to 20 fields with 500 characters per message."""
    details = {f"field{n}": ["x" * 100_000] * 3 for n in range(30)}
    cloud.fail("GET /disks", status=422, body=json.dumps({"error": "validation_fail", "details": details}).encode())
    with pytest.raises(errors.ValidationFail) as caught:
        client.list(models.Disk)
    details_left = caught.value.details
    assert isinstance(details_left, dict)
    assert list(details_left) == [*(f"field{n}" for n in range(20)), "…"]
    assert details_left["field0"] == ["x" * 499 + "…"] * 3
    assert details_left["…"] == ["10 more"]
    assert str(caught.value).endswith("\n  …: 10 more")


@pytest.mark.parametrize(
    ("details", "left"),
    [
        ({"key": ["s3cret and more is too long"]}, {"key": [HIDDEN]}),
        ({"key": ["is too long", "'s3cret and m…' is too long"]}, {"key": ["is too long", HIDDEN]}),
        ({"key": [{"was": "s3cret and more"}]}, {"key": [HIDDEN]}),
        ({"key": ["x" * 480 + "s3cret and more"]}, {"key": [HIDDEN]}),
        ({"key": ["two lines is too long"]}, {"key": [HIDDEN]}),
        ({"key": ["is s3cret"]}, {"key": ["is s3cret"]}),
        ("key: s3cret and more", HIDDEN),
        ("key: is too long", "key: is too long"),
    ],
)
def test_texts_with_a_secret_are_hidden(details: object, left: object) -> None:
    """A text is hidden if it has the first eight characters of a secret, or all of a shorter one."""
    error = errors.ValidationFail("PUT /x", 422, "validation_fail", details, "is s3cret and more")
    assert error.untold(["s3cret and more", "two\nlines", "", "  "]) is error
    assert (error.details, error.description) == (left, HIDDEN)
    short = errors.ValidationFail("PUT /x", 422, "validation_fail", "no pw here").untold(["pw"])
    assert str(short) == f"the API refused it (422 validation_fail, PUT /x)\n  {HIDDEN}"


@pytest.mark.parametrize("description", [None, "", 7, ["x"], "y" * 100_000, "a\nb"])
def test_descriptions_of_any_shape(description: object) -> None:
    """A description of any shape is at most one line of 500 characters."""
    error = errors.Unauthorized("GET /x", 401, "invalid_token", "", description)
    assert "\n" not in error.description
    assert len(error.description) <= 500
    assert (description is None or description == "") == (error.description == "")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, b"<html>Forbidden</html>", "(status 403): not JSON (application/json)"),
        (413, b"<html>Too large</html>", "(status 413): not JSON (application/json)"),
        (404, b"", "(status 404): not JSON (application/json)"),
        (418, b'{"error": "teapot"}', "(status 418): an error that the Joviam API does not define"),
        (404, b'{"error": ["not_found"]}', "(status 404): an error that the Joviam API does not define"),
        (422, b'["validation_fail"]', "(status 422): an error that the Joviam API does not define"),
        (400, b"null", "(status 400): an error that the Joviam API does not define"),
    ],
)
def test_an_error_that_the_api_does_not_define(
    cloud: Emulator, client: Client, status: int, body: bytes, text: str
) -> None:
    """An unknown error is a BadAnswer, and is not retried."""
    cloud.fail("GET /disks", status=status, body=body, times=9)
    with pytest.raises(errors.BadAnswer) as caught:
        client.list(models.Disk)
    assert str(caught.value) == (
        f"unexpected response to GET /disks {text}. Is joviam:endpoint the API's address, or did a proxy respond?"
    )
    assert len(cloud.requests) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("  two \t\r\n lines ", "two lines"),
        ("\x1b[2J\x1b[Hgone", "[2J [Hgone"),
        ("tab\tand\x00nul", "tab and nul"),
        ("ünïcödé 東京", "ünïcödé 東京"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 499 + "…"),
        (None, "None"),
    ],
)
def test_readable(text: object, expected: str) -> None:
    """Foreign text becomes one short line without control characters."""
    assert readable(text) == expected


def test_the_tree_in_the_docstring() -> None:
    """The tree in the module's docstring shows every exception below its base class."""
    drawn = errors.__doc__ or ""
    classes = [it for it in vars(errors).values() if isinstance(it, type) and it.__module__ == errors.__name__]
    depth = {
        name: line.index(name) for line in drawn.splitlines() for name in [line.strip("│├└─ ").split(" ")[0]] if name
    }
    for each in classes:
        assert each.__name__ in depth, f"{each.__name__} is missing from the tree"
        parent = each.__mro__[1].__name__
        if parent != "Exception":
            assert depth[parent] < depth[each.__name__]

"""The client: what its verbs do, each with one request, and what gets into a path."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from pulumi_joviam.api import models
from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import (
    ArgumentError,
    NotFound,
)
from pulumi_joviam.emulator import Emulator
from tests.api.calls import ID, KEY, client_of, failure
from tests.api.loopback import Loopback, answer


def test_the_verbs(cloud: Emulator, client: Client) -> None:
    """The verbs do what they say, each with one request."""
    made = client.create(models.PublicKey, {"name": "one", "key": KEY})
    assert client.update(models.PublicKey, made.id, {"name": "two"}).name == "two"
    assert client.get(models.PublicKey, made.id).name == "two"
    assert [each.id for each in client.list(models.PublicKey)] == [made.id]
    client.delete(models.PublicKey, made.id)
    assert [request.operation for request in cloud.requests] == [
        "POST /public_keys",
        "PUT /public_keys/{public_key_id}",
        "GET /public_keys/{public_key_id}",
        "GET /public_keys",
        "DELETE /public_keys/{public_key_id}",
    ]
    with pytest.raises(NotFound):
        client.get(models.PublicKey, made.id)


def test_other_paths(cloud: Emulator, client: Client) -> None:
    """A list and a creation may live elsewhere than their kind."""
    assert all(network.is_public for network in client.list(models.Network, "/networks/public"))
    assert [request.operation for request in cloud.requests] == ["GET /networks/public"]
    text = failure(NotFound, lambda: client.create(models.Disk, {}, client.path(models.Disk, str(uuid4()), "clone")))
    assert text.startswith("there is no such object (404 not_found, POST /disks/")


def test_a_client_shows_where_it_goes(client: Client, cloud: Emulator) -> None:
    """The repr of a client names its endpoint."""
    assert repr(client) == f"Client({cloud.url})"


@pytest.mark.parametrize(
    "id",
    ["", "x", "..", "../regions", f"{ID}/", f"{ID}/state", f"{ID}\n", f" {ID}", ID[:-1], f"{ID}0", ID.replace("-", "")],
)
def test_only_ids_reach_a_path(cloud: Emulator, client: Client, id: str) -> None:
    """What is not an id is refused, and nothing is sent."""
    acts: list[Callable[[], object]] = [
        lambda: client.get(models.Disk, id),
        lambda: client.state(models.Disk, id),
        lambda: client.update(models.Disk, id, {}),
        lambda: client.delete(models.Disk, id),
    ]
    for act in acts:
        text = failure(ArgumentError, act)
        assert text.startswith("id: ")
        assert text.endswith("is not a valid id (ids look like 00000000-0000-…)")
    assert cloud.requests == []


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("plain-KEY_1.~", "plain-KEY_1.~"),
        ("a/b", "a%2Fb"),
        ("a b+c", "a%20b%2Bc"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("..%2f", "..%252f"),
        ("%2e%2e", "%252e%252e"),
        ("../..", "..%2F.."),
        ("...", "..."),
        ("é\n", "%C3%A9%0A"),
        ("\\..\\", "%5C..%5C"),
    ],
)
def test_what_lies_under_an_object(key: str, sent: str) -> None:
    """Each part of a path is encoded, so it stays one part of that path."""
    with Loopback(answer(b"{}")) as server:
        client_of(server).call("DELETE", Client.path(models.Instance, ID, "context", key))
        assert server.lines == [f"DELETE /api/v1/instances/{ID}/context/{sent}"]


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_parts_that_would_mean_another_object(key: str) -> None:
    """A part that would make the path mean something else (the whole instance) is refused."""
    text = failure(ArgumentError, lambda: Client.path(models.Instance, ID, "context", key))
    assert text == f"key: {key!r} cannot be part of an API path"

"""The client: its methods, each with one request, and the paths of requests."""

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


def test_each_method_sends_one_request(cloud: Emulator, client: Client) -> None:
    """Create, update, get, list and delete send one request each."""
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


def test_list_and_create_at_another_path(cloud: Emulator, client: Client) -> None:
    """A list and a creation may use another path than that of their kind."""
    assert all(network.is_public for network in client.list(models.Network, "/networks/public"))
    assert [request.operation for request in cloud.requests] == ["GET /networks/public"]
    text = failure(NotFound, lambda: client.create(models.Disk, {}, client.path(models.Disk, str(uuid4()), "clone")))
    assert text.startswith("there is no such object (404 not_found, POST /disks/")


def test_the_repr_names_the_endpoint(client: Client, cloud: Emulator) -> None:
    """The repr of a client names its endpoint."""
    assert repr(client) == f"Client({cloud.url})"


@pytest.mark.parametrize(
    "id",
    ["", "x", "..", "../regions", f"{ID}/", f"{ID}/state", f"{ID}\n", f" {ID}", ID[:-1], f"{ID}0", ID.replace("-", "")],
)
def test_an_invalid_id_is_rejected(cloud: Emulator, client: Client, id: str) -> None:
    """An invalid id is rejected, and nothing is sent."""
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
def test_parts_of_a_path_are_encoded(key: str, sent: str) -> None:
    """Each part of a path is encoded, so it stays one part."""
    with Loopback(answer(b"{}")) as server:
        client_of(server).call("DELETE", Client.path(models.Instance, ID, "context", key))
        assert server.lines == [f"DELETE /api/v1/instances/{ID}/context/{sent}"]


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_parts_that_would_address_another_object(key: str) -> None:
    """A part that would change the target of the path (to the whole instance) is rejected."""
    text = failure(ArgumentError, lambda: Client.path(models.Instance, ID, "context", key))
    assert text == f"key: {key!r} cannot be part of an API path"

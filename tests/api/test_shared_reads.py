"""Shared reads: the number of requests, and the age of results."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from pytest_mock import MockerFixture

from pulumi_joviam.api.client import Client
from pulumi_joviam.api.errors import NotFound
from pulumi_joviam.api.models import Instance, Network, PublicKey, Region
from pulumi_joviam.api.settings import Settings
from pulumi_joviam.api.shared_reads import FEW, Reads, SharedClient
from pulumi_joviam.emulator import Emulator
from tests.emulator.account import Account
from tests.keys import key


@pytest.fixture
def client(cloud: Emulator) -> Client:
    return SharedClient(Client(Settings(cloud.token, cloud.url)), Reads())


def keys(client: Client, number: int) -> list[str]:
    return [client.create(PublicKey, {"name": "k", "key": key(str(n))}).id for n in range(number)]


def reads(cloud: Emulator) -> list[str | None]:
    return [request.operation for request in cloud.requests if request.method == "GET"]


def test_many_reads_share_one_list(cloud: Emulator, client: Client) -> None:
    ids = keys(client, 100)
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(partial(client.get, PublicKey), ids))
    assert [it.id for it in found] == ids
    assert reads(cloud).count("GET /public_keys") == 1
    assert len(reads(cloud)) == FEW + 1


def test_a_read_sees_our_own_writes(cloud: Emulator, client: Client) -> None:
    ids = keys(client, 20)
    for id in ids:
        client.get(PublicKey, id)
    client.update(PublicKey, ids[0], {"name": "renamed"})
    assert client.get(PublicKey, ids[0]).name == "renamed"
    assert reads(cloud).count("GET /public_keys") == 2


def test_writes_to_other_objects_do_not_end_a_list(cloud: Emulator, client: Client) -> None:
    """Keys are independent of each other, but a write to anything else may change a key."""
    ids = keys(client, 20)
    for id in ids:
        client.get(PublicKey, id)
    client.update(PublicKey, ids[1], {"name": "renamed"})
    client.delete(PublicKey, ids[2])
    [new] = keys(client, 1)
    assert client.get(PublicKey, ids[0]).name == "k"
    assert reads(cloud).count("GET /public_keys") == 1
    client.create(Network, {"name": "n", "region": client.list(Region)[0].id, "specification": "10.0.0.0/24"})
    for id in (*ids[3:], new):
        assert client.get(PublicKey, id).name == "k"
    assert reads(cloud).count("GET /public_keys") == 2


def test_a_pending_write_ends_a_list_for_its_object(cloud: Emulator, client: Client) -> None:
    """While a request is in flight, its object is read by id, and others from the list."""
    ids = keys(client, 20)
    for id in ids:
        client.get(PublicKey, id)
    before = len(reads(cloud))
    with ThreadPoolExecutor(1) as pool:
        cloud.fail("PUT /public_keys/{public_key_id}", delay=1.0)
        written = pool.submit(client.update, PublicKey, ids[0], {"name": "renamed"})
        while not client.writes._objects.pending[ids[0]]:
            time.sleep(0.01)
        client.get(PublicKey, ids[1])
        assert len(reads(cloud)) == before
        client.get(PublicKey, ids[0])
        assert reads(cloud)[before:] == ["GET /public_keys/{public_key_id}"]
        written.result()


def test_instances_depend_on_each_other(cloud: Emulator) -> None:
    """One that is created can join the availability group of others, so it ends the list of instances."""
    account, shared = Account(cloud), SharedClient(Client(Settings(cloud.token, cloud.url)), Reads())
    ids = [account.instance(name=f"i{number}") for number in range(6)]
    for id in ids:
        shared.get(Instance, id)
    assert reads(cloud).count("GET /instances") == 1
    shared.update(Instance, ids[0], {"name": "renamed"})
    for id in ids:
        shared.get(Instance, id)
    assert reads(cloud).count("GET /instances") == 2


@pytest.mark.parametrize("listed_before", [True, False])
def test_a_deleted_object_is_gone_without_another_request(cloud: Emulator, client: Client, listed_before: bool) -> None:
    """This needs an earlier list with the object, and a later one without it."""
    shared, ids = Reads(), keys(client, 2)
    if listed_before:
        assert shared.states(client, PublicKey).keys() == set(ids)
    client.delete(PublicKey, ids[0])
    cloud.remove(ids[1])  # by another client
    assert shared.states(client, PublicKey) == ({ids[0]: "terminated"} if listed_before else {})


def test_an_object_missing_from_the_list_is_read_by_id(cloud: Emulator, client: Client) -> None:
    ids = keys(client, 20)
    for id in ids:
        client.get(PublicKey, id)
    with pytest.raises(NotFound):
        client.get(PublicKey, str(uuid.uuid4()))
    assert reads(cloud)[-1] == "GET /public_keys/{public_key_id}"


def test_reads_fall_back_to_ids_if_the_list_fails(cloud: Emulator, client: Client) -> None:
    ids = keys(client, 20)
    cloud.fail("GET /public_keys", error="forbidden", times=99)
    with ThreadPoolExecutor(8) as pool:
        assert [it.id for it in pool.map(partial(client.get, PublicKey), ids)] == ids


def test_a_list_that_is_too_large_is_requested_once(cloud: Emulator, client: Client, mocker: MockerFixture) -> None:
    ids = keys(client, 20)
    mocker.patch("pulumi_joviam.api.transport.LARGEST_ANSWER", 4000)
    for id in ids:
        assert client.update(PublicKey, id, {"name": "renamed"}).id == client.get(PublicKey, id).id
    assert reads(cloud).count("GET /public_keys") == 1


def test_one_429_pauses_all_requests(cloud: Emulator, client: Client) -> None:
    """A request that was not sent yet waits, too."""
    ids = keys(client, 3)
    before = len(cloud.requests)
    cloud.fail("*", status=429, retry_after=1)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get, PublicKey, ids[0])
        while not client._transport.quiet_until:  # the 429 has arrived
            time.sleep(0.01)
        second = pool.submit(client.get, PublicKey, ids[1])
        assert (first.result().id, second.result().id) == (ids[0], ids[1])
    refused, *others = cloud.requests[before:]
    assert len(others) == 2
    assert all(request.time - refused.time > 0.9 for request in others)

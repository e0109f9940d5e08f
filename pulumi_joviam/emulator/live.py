"""The data of the live page: names, states and relations.

The page needs no token on this machine, so only the cards of the nouns leave the store: no token or address of a
console, no value of a context, no note, no key, and no path or body of a request.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from pulumi_joviam.emulator.console_session import ConsoleSession
from pulumi_joviam.emulator.disk import Disk
from pulumi_joviam.emulator.instance import Instance
from pulumi_joviam.emulator.ip_address import IpAddress
from pulumi_joviam.emulator.network import Network
from pulumi_joviam.emulator.operations import NOUNS
from pulumi_joviam.emulator.request import Request
from pulumi_joviam.emulator.store import Card, Store

REQUESTS = 15
LOOKED_AT = 2000
"""How many of the last requests are searched for those worth showing."""

Part = dict[str, Any]


def picture(store: Store, requests: dict[int, Request]) -> Part:
    """Everything that the page shows, as JSON values."""
    return {
        "cards": _cards(store),
        "busy": len(store.moving),
        "requests": _worth_showing(requests),
        "received": next(reversed(requests), 0),
    }


def _cards(store: Store) -> dict[str, list[Card]]:
    """The cards by kind. What is part of something else is shown on the card of that."""
    cards = {
        noun.kind: {obj.id: card for obj in store.all(noun) if (card := obj.card(store)) is not None} for noun in NOUNS
    }
    instances, networks = cards[Instance.kind], cards[Network.kind]
    for card in instances.values():
        card["consoles"] = []
    for card in networks.values():
        card["addresses"] = []
    sessions, addresses = cards.pop(ConsoleSession.kind), cards.pop(IpAddress.kind)
    for session in store.all(ConsoleSession):
        if session.instance_id in instances:
            instances[session.instance_id]["consoles"].append(sessions[session.id])
    for address in store.all(IpAddress):
        if address.network_id in networks:
            networks[address.network_id]["addresses"].append(addresses[address.id])
    placed = {disk for instance in store.all(Instance) for disk in instance.disks}
    cards[Disk.kind] = {id: card for id, card in cards[Disk.kind].items() if id not in placed}
    cards[Network.kind] = {id: card for id, card in networks.items() if not card["public"] or card["addresses"]}
    return {kind: list(found.values()) for kind, found in cards.items()}


def _worth_showing(requests: dict[int, Request]) -> list[Part]:
    """The last requests that changed something, were refused, or have no response; the newest first."""
    latest = islice(reversed(requests.items()), LOOKED_AT)
    found = (
        {"id": number, "operation": request.operation, "status": request.status}
        for number, request in latest
        if request.method != "GET" or request.status is None or request.status >= 400
    )
    return list(islice(found, REQUESTS))

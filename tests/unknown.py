"""Programs with values that are unknown until `up`, at every position in every argument."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.emulator.account import Account
from tests.keys import key as public_key

Json = dict[str, Any]
Place = tuple[Any, ...]
"""The path to a value in the arguments of a resource: ("boot_disk", "size")."""

PLAIN: dict[str, set[str]] = {"Server": {"public"}, "ServerPool": {"count", "public"}, "PrivateNetwork": {"addresses"}}
"""Arguments that decide which children a component has. Their items may be unknown, but not they themselves."""


def places(value: Any) -> Iterator[Place]:
    """Yield the paths to a value and to everything inside it."""
    yield ()
    if isinstance(value, dict) and "ref" not in value:
        yield from ((key, *place) for key, item in value.items() for place in places(item))
    if isinstance(value, list):
        yield from ((index, *place) for index, item in enumerate(value) for place in places(item))


def hide(value: Any, place: Place, after: str) -> Any:
    """Return a value with a part that is unknown until the resource ``after`` exists."""
    if not place:
        return {"after": after, "say": value}
    held = value.copy()
    held[place[0]] = hide(value[place[0]], place[1:], after)
    return held


def hidings(kind: str, said: Json) -> list[list[Place]]:
    """Return which values to hide together, so that each value that may be unknown is hidden at least once.

    Each value of a resource is hidden alone, and every second one together with others. A component only passes its
    arguments on, so all of them are hidden at once, and then everything inside them.
    """
    able = [place for place in places(said) if place and (len(place) > 1 or place[0] not in PLAIN.get(kind, ()))]
    whole = [place for place in able if len(place) == 1]
    innermost = [place for place in able if not any(other[: len(place)] == place != other for other in able)]
    if kind in PLAIN:
        return [whole, innermost]
    return [*([place] for place in able), innermost[::2], innermost[1::2], innermost]


class Whole:
    """Resources with every argument set.

    The objects that they refer to exist already, so that only the values that a test hides are unknown. Values that
    must be unique are new each time.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._number = itertools.count(1)
        self._network, self._other_network = (account.network(f"10.{net}.0.0/16") for net in (1, 2))
        self._source = account.disk(is_template=True)
        self._key = account.key()
        self.kinds = {
            "PublicKey": self._public_key,
            "Network": self._net,
            "IpAddress": self._ip_address,
            "Disk": self._disk,
            "Instance": self._instance,
            "AvailabilityGroup": self._availability_group,
            "Template": self._template,
            "ConsoleSession": self._console_session,
            "Server": self._server,
            "ServerPool": self._server_pool,
            "PrivateNetwork": self._private_network,
        }

    def say(self, kind: str) -> list[Json]:
        """Return all arguments of a resource. Those that exclude each other come one by one."""
        return self.kinds[kind]()

    def _public_key(self) -> list[Json]:
        return [{"key": public_key(f"whole {next(self._number)}"), "name": "said"}]

    def _net(self) -> list[Json]:
        return [{**self._range(), "name": "said"}]

    def _ip_address(self) -> list[Json]:
        said = {"region": "SY3", "shareable": True, "name": "said"}
        number = next(self._number)
        wanted = f"10.1.{200 + number // 200}.{number % 200}"
        return [{"network": self._network, "address": wanted, **said}, said]

    def _disk(self) -> list[Json]:
        said = {"size": 20, "performance_tier": "Fast", "region": "SY3", "cdrom": True, "is_template": True}
        said |= {"allow_stopping": True, "name": "said"}
        return [{**said, "template": "ubuntu-16-04"}, {**said, "source_disk": self._source}]

    def _instance(self) -> list[Json]:
        said = {"memory": 512, "performance_tier": "Fast", "region": "SY3", "allow_stopping": True, "name": "said"}
        more: Json = {"availability_group": [self._account.instance()], "public_keys": [self._key], "note": "said"}
        more |= {"boot_device": "disk", "virtualization": "pv", "power_state": "stopped", "context": {"A": "1"}}
        more |= {"start_on_crash": False, "start_on_reboot": False, "start_on_shutdown": True}
        own = {"disks": [self._account.disk(), self._account.disk()], "ip_addresses": [self._address()]}
        adapters = [
            {"network": self._network, "ip_addresses": [self._address(), self._address()]},
            {"network": self._other_network, "ip_addresses": "dhcp"},
        ]
        boot_disk = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast", "delete_with_instance": True}
        made = {"networks": [self._network], "allocate_public_ip": True, "allocate_private_ip": False}
        return [
            {**said, **more, **own},
            {**said, "network_adapters": adapters},
            {**said, "boot_disk": boot_disk, **made},
        ]

    def _availability_group(self) -> list[Json]:
        return [{"instances": [self._account.instance(), self._account.instance()]}]

    def _template(self) -> list[Json]:
        return [{"disk": self._account.disk(), "supersedes": "debian-9"}]

    def _console_session(self) -> list[Json]:
        return [{"instance": self._account.instance(running=True), "type": "serial"}]

    def _server(self) -> list[Json]:
        parts = {"ip_addresses": [self._address()], "data_disks": [self._account.disk()], "network": self._network}
        return [{**self._machine(), **parts}]

    def _server_pool(self) -> list[Json]:
        alone = {"template": "ubuntu-16-04", "network": self._network, "public": False, "count": 1}
        specification = self._range()["specification"]
        return [{**self._machine(), "count": 1, "specification": specification}, alone]

    def _private_network(self) -> list[Json]:
        said = self._range()
        return [{**said, "addresses": {"db": said["gateway"] + "0"}}]

    def _machine(self) -> Json:
        """Return the arguments that a server and each server of a pool have."""
        said: Json = {"template": "ubuntu-16-04", "memory": 512, "performance_tier": "Fast", "disk_size": 30}
        said |= {"disk_performance_tier": "Fast", "region": "SY3", "public": False, "public_keys": [self._key]}
        return {**said, "context": {"A": "1"}, "allow_stopping": True}

    def _range(self) -> Json:
        """Return the arguments that a network and a private network have."""
        number = next(self._number)
        net = f"10.{10 + number // 200}.{number % 200}"
        servers = {"primary_nameserver": "9.9.9.9", "secondary_nameserver": "8.8.8.8"}
        return {"specification": f"{net}.0/24", "gateway": f"{net}.1", "region": "SY3", **servers}

    def _address(self) -> str:
        return self._account.address(self._network)

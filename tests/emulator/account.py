"""A plain HTTP client for the tests, and helpers that create objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from pulumi_joviam.emulator import Emulator
from tests.emulator.reference import KEY

NEVER = 3600.0
"""A `provision_seconds` with which no state ends by itself, so that the test decides when."""


@dataclass
class Refusal:
    """An error response."""

    status: int
    error: str
    details: Any


class Account:
    """The account of an emulator. The default region is SY3."""

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {cloud.token}"

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Send a request, and return any response."""
        return self.session.request(method, self.cloud.url + path, json=body, timeout=10, **options)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed, and return the JSON."""
        response = self.send(method, path, body)
        assert response.status_code < 300, (method, path, response.status_code, response.text)
        return response.json()

    def refused(self, method: str, path: str, body: Any = None) -> Refusal:
        """Send a request that must fail, and return the error."""
        response = self.send(method, path, body)
        assert response.status_code >= 400, (method, path, response.status_code, response.text)
        content = response.json()
        return Refusal(response.status_code, content["error"], content.get("details"))

    def invalid(self, method: str, path: str, body: Any = None) -> dict[str, list[str]]:
        """Send a request that must be invalid, and return the details."""
        refusal = self.refused(method, path, body)
        assert (refusal.status, refusal.error) == (422, "validation_fail"), refusal
        details: dict[str, list[str]] = refusal.details
        return details

    def settle(self) -> None:
        """Let all transitions in progress end."""
        self.cloud.configure(provision_seconds=0)
        self.cloud.configure(provision_seconds=NEVER)

    # Seed data by name

    def region(self, code: str = "SY3") -> str:
        """Return the id of a region."""
        return self._only("/regions", code=code)

    def tier(self, use: str, name: str = "Standard", region: str = "SY3") -> str:
        """The id of a performance tier for `disks` or `instances`."""
        return self._only(f"/performance_tiers/{use}", name=name, region=region)

    def template(self, slug: str, version: int = 1, region: str = "SY3") -> str:
        """Return the id of a template."""
        return self._only("/templates", slug=slug, version=version, region=region)

    def public_network(self, region: str = "SY3") -> str:
        """The id of a region's public network."""
        return self._only("/networks/public", region=region)

    def _only(self, path: str, **wanted: Any) -> str:
        found = list[Any]()
        for item in self.call("GET", path):
            flat = {**item, "region": item.get("region", {}).get("code")}
            if wanted.items() <= flat.items():
                found.append(item["id"])
        assert len(found) == 1, (path, wanted, found)
        return str(found[0])

    # Objects that are ready for use

    def disk_body(self, region: str = "SY3", **fields: Any) -> dict[str, Any]:
        """Parameters that create a disk."""
        tier = self.tier("disks", region=region)
        return {"name": "data", "size": 10, "region": self.region(region), "performance_tier": tier, **fields}

    def disk(self, region: str = "SY3", **fields: Any) -> str:
        """Create a disk, and return its id."""
        return self.create("/disks", self.disk_body(region, **fields))

    def key(self, name: str = "laptop") -> str:
        """Create a public key, and return its id."""
        return self.create("/public_keys", {"name": name, "key": KEY})

    def network(self, specification: str = "10.1.0.0/24", region: str = "SY3", **fields: Any) -> str:
        """Create a private network, and return its id."""
        body = {"name": "lan", "region": self.region(region), "specification": specification, **fields}
        return self.create("/networks", body)

    def address(self, network: str, **fields: Any) -> str:
        """Create an address, and return its id."""
        return self.create("/ip_addresses", {"network": network, **fields})

    def instance_body(self, region: str = "SY3", **fields: Any) -> dict[str, Any]:
        """Parameters that assemble an instance."""
        tier = self.tier("instances", region=region)
        return {"name": "Web Server", "memory": 1024, "region": self.region(region), "performance_tier": tier, **fields}

    def instance(self, region: str = "SY3", *, running: bool = False, **fields: Any) -> str:
        """Create an instance, and return its id."""
        instance = self.create("/instances/assemble", self.instance_body(region, **fields))
        if running:
            self.call("POST", f"/instances/{instance}/start")
            self.settle()
        return instance

    def basic_body(self, **fields: Any) -> dict[str, Any]:
        """Parameters of a basic create."""
        return {
            "name": "Web Server",
            "memory": 1024,
            "region": self.region(),
            "instance_performance_tier": self.tier("instances"),
            "disk_performance_tier": self.tier("disks"),
            "template": "ubuntu-16-04",
            "size": 20,
            **fields,
        }

    def create(self, path: str, body: dict[str, Any]) -> str:
        created = self.call("POST", path, body)
        self.settle()
        return str(created["id"])

    def state(self, path: str) -> str:
        """The state of the object at a path."""
        return str(self.call("GET", path)["state"])

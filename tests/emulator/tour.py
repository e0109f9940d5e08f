"""A tour: one successful request to every endpoint."""

from __future__ import annotations

import re
from typing import Any

import requests

from tests.emulator.account import Account
from tests.emulator.reference import ENDPOINTS, EXAMPLES


def walk(account: Account) -> dict[str, requests.Response]:
    """Call every endpoint once, in a sensible order, and let all transitions end after each."""
    replies: dict[str, requests.Response] = {}

    def step(operation: str, body: Any = None, **ids: str) -> Any:
        method, path = operation.split()
        response = account.send(method, path.format(**ids), body)
        assert response.status_code < 300, (operation, response.text)
        account.settle()
        replies[operation] = response
        return response.json()

    region = step("GET /regions")[0]["id"]
    step("GET /regions/{region_id}", region_id=region)
    step("GET /performance_tiers/disks")
    step("GET /performance_tiers/instances")
    template = account.template("debian-9")
    step("GET /templates")
    step("GET /templates/{template_id}", template_id=template)

    network = step("POST /networks", {"name": "lan", "region": region, "specification": "10.1.0.0/24"})["id"]
    step("GET /networks")
    step("GET /networks/public")
    step("GET /networks/private")
    step("GET /networks/{network_id}", network_id=network)
    step("PUT /networks/{network_id}", {"gateway": "10.1.0.1"}, network_id=network)

    address = step("POST /ip_addresses", {"network": network})["id"]
    public_address = step("POST /ip_addresses", {"region": region})["id"]
    step("GET /ip_addresses")
    step("GET /ip_addresses/public")
    step("GET /ip_addresses/private")
    step("GET /ip_addresses/{ip_address_id}", ip_address_id=address)
    step("PUT /ip_addresses/{ip_address_id}", {"name": "web", "shareable": True}, ip_address_id=address)

    disk = step("POST /disks", account.disk_body(template="debian-9"))["id"]
    step("GET /disks")
    step("GET /disks/{disk_id}", disk_id=disk)
    step("GET /disks/{disk_id}/state", disk_id=disk)
    step("PUT /disks/{disk_id}", {"name": "root"}, disk_id=disk)
    step("POST /disks/{disk_id}/resize", {"size": 20}, disk_id=disk)
    clone = step("POST /disks/{disk_id}/clone", {}, disk_id=disk)["id"]
    step("POST /templates", {"disk": disk, "supersedes": template})

    body = account.instance_body(disks=[disk], ip_addresses=[address], public_keys=[account.key()])
    instance = step("POST /instances/assemble", body)["id"]
    other = step("POST /instances", account.basic_body(networks=[network]))["id"]
    on_instance: dict[str, Any] = {"instance_id": instance}
    step("GET /instances")
    step("GET /instances/{instance_id}", **on_instance)
    step("GET /instances/{instance_id}/state", **on_instance)
    step("PUT /instances/{instance_id}", {"note": "hello"}, **on_instance)
    step("GET /instances/{instance_id}/note", **on_instance)
    step("PUT /instances/{instance_id}/availability_group", {"availability_group": [other]}, **on_instance)
    step("PUT /instances/{instance_id}/public_keys", {"public_keys": [account.key()]}, **on_instance)
    step("PUT /instances/{instance_id}/disks", {"disks": [disk, clone]}, **on_instance)
    adapters = [{"network": network, "ip_addresses": [address]}]
    step("PUT /instances/{instance_id}/network_adapters", {"network_adapters": adapters}, **on_instance)
    step("POST /instances/{instance_id}/context", {"A": "1"}, **on_instance)
    step("PUT /instances/{instance_id}/context", {"A": "2"}, **on_instance)
    step("GET /instances/{instance_id}/context", **on_instance)
    account.call("PUT", f"/instances/{instance}/context", {"B": ""})
    step("DELETE /instances/{instance_id}/context/{instance_context_key}", instance_context_key="B", **on_instance)
    step("POST /instances/{instance_id}/start", **on_instance)
    session = step("POST /instances/{instance_id}/remote_access", {"type": "serial"}, **on_instance)["id"]
    step("GET /console_sessions/{console_session_id}", console_session_id=session)
    step("POST /instances/{instance_id}/stop", **on_instance)

    step("DELETE /instances/{instance_id}", **on_instance)
    step("DELETE /disks/{disk_id}", disk_id=disk)
    step("DELETE /ip_addresses/{ip_address_id}", ip_address_id=public_address)
    unused = account.network("10.2.0.0/24")
    step("DELETE /networks/{network_id}", network_id=unused)

    for create in [operation for operation in EXAMPLES if operation.startswith("POST")]:
        path = create.split()[1]
        object_id: str = step(create, EXAMPLES[create](account))["id"]
        of_noun = [f"{method} {its}" for method, its, _, _ in ENDPOINTS if re.fullmatch(rf"{path}(/{{\w+}})?", its)]
        for operation in sorted(of_noun, key=lambda operation: operation.startswith("DELETE")):
            if operation != create:
                fields = EXAMPLES[operation](account) if operation in EXAMPLES else None
                step(operation, fields, **dict.fromkeys(re.findall(r"{(\w+)}", operation), object_id))
    return replies

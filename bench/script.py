"""A bare script with threads that sends the same requests, without an engine, state or any safety: the lower limit.

python -m bench.script make 64      # create 64 disks
python -m bench.script web          # create the objects of examples/03-private-network
python -m bench.script read         # list everything
python -m bench.script delete       # delete everything
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from requests.adapters import HTTPAdapter

THREADS = 64
TICK = 0.1
SETTLED = {"unattached", "attached", "running", "stopped", "ready"}

session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['JOVIAM_TOKEN']}"
session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))


def call(method: str, path: str, body: Any = None) -> Any:
    answer = session.request(method, os.environ["JOVIAM_ENDPOINT"] + path, json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def wait(path: str, ids: Iterable[str], done: Callable[[str], bool]) -> None:
    """Poll one list until all of these are done. An object that is not in the list is terminated."""
    ids = list(ids)
    while True:
        states = {item["id"]: item["state"] for item in call("GET", path)}
        if all(done(states.get(id, "terminated")) for id in ids):
            return
        time.sleep(TICK)


def wait_settled(path: str, *ids: str) -> None:
    wait(path, ids, SETTLED.__contains__)


def wait_gone(path: str, *ids: str) -> None:
    wait(path, ids, "terminated".__eq__)


def place() -> tuple[str, str, str]:
    """Return the ids of the region and of its standard tiers for disks and instances."""
    region: str = next(item["id"] for item in call("GET", "/regions") if item["code"] == "SY3")

    def tier(use: str) -> str:
        tiers = call("GET", f"/performance_tiers/{use}")
        id: str = next(it["id"] for it in tiers if (it["name"], it["region"]["id"]) == ("Standard", region))
        return id

    return region, tier("disks"), tier("instances")


def make(pool: ThreadPoolExecutor, count: int) -> None:
    region, tier, _ = place()
    bodies = [{"name": f"disk-{i:04}", "size": 10, "performance_tier": tier, "region": region} for i in range(count)]
    wait_settled("/disks", *(made["id"] for made in pool.map(lambda body: call("POST", "/disks", body), bodies)))


def web(pool: ThreadPoolExecutor) -> None:
    region, disk_tier, tier = place()

    def machine(name: str, memory: int, network: Any, public: Any) -> None:
        body = {"name": f"{name}-disk", "size": 20, "performance_tier": disk_tier, "region": region}
        disk = call("POST", "/disks", {**body, "template": "ubuntu-16-04"})["id"]
        private = call("POST", "/ip_addresses", {"name": f"{name}-private", "network": network.result()})["id"]
        addresses = [*([public.result()["id"]] if public else []), private]
        wait_settled("/disks", disk)
        body = {"name": name, "memory": memory, "performance_tier": tier, "region": region}
        id = call("POST", "/instances/assemble", {**body, "disks": [disk], "ip_addresses": addresses})["id"]
        wait_settled("/instances", id)
        call("POST", f"/instances/{id}/start")
        wait("/instances", [id], "running".__eq__)

    def backstage() -> str:
        body = {"name": "backstage", "specification": "192.168.10.0/24", "gateway": "192.168.10.1", "region": region}
        id: str = call("POST", "/networks", body)["id"]
        wait_settled("/networks/private", id)
        return id

    network = pool.submit(backstage)
    address = pool.submit(call, "POST", "/ip_addresses", {"name": "web-public", "region": region})
    machines = [pool.submit(machine, "web", 2048, network, address), pool.submit(machine, "db", 4096, network, None)]
    for machine_made in machines:
        machine_made.result()


def read(pool: ThreadPoolExecutor) -> None:
    list(pool.map(lambda path: call("GET", path), ("/disks", "/ip_addresses", "/instances", "/public_keys")))


def delete(pool: ThreadPoolExecutor) -> None:
    def each(act: Callable[[str], Any], ids: Iterable[str]) -> list[str]:
        ids = list(ids)
        list(pool.map(act, ids))
        return ids

    def ids(path: str) -> list[str]:
        return [item["id"] for item in call("GET", path)]

    instances = each(lambda id: call("POST", f"/instances/{id}/stop"), ids("/instances"))
    if instances:
        wait("/instances", instances, "stopped".__eq__)
        each(lambda id: call("PUT", f"/instances/{id}/disks", {"disks": []}), instances)
        wait_gone("/instances", *each(lambda id: call("DELETE", f"/instances/{id}"), instances))
    disks = each(lambda id: call("DELETE", f"/disks/{id}"), ids("/disks"))
    each(lambda id: call("DELETE", f"/ip_addresses/{id}"), ids("/ip_addresses"))
    networks = each(lambda id: call("DELETE", f"/networks/{id}"), ids("/networks/private"))
    wait_gone("/disks", *disks)
    if networks:
        wait_gone("/networks/private", *networks)


if __name__ == "__main__":
    task, *numbers = sys.argv[1:]
    tasks: dict[str, Callable[..., None]] = {"make": make, "web": web, "read": read, "delete": delete}
    with ThreadPoolExecutor(THREADS) as threads:
        tasks[task](threads, *map(int, numbers))

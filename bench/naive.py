"""A dynamic provider written the way tutorials show it: naive on purpose, but correct.

Every call opens a new connection, every name is looked up again, and every wait is a loop with sleep(1) in one of the
four threads of Pulumi's plugin. Its classes replace those of pulumi_joviam in a program.
"""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import pulumi
import requests
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

UNDER_WAY = {"provisioning", "starting", "stopping", "resizing", "updating", "updating_network", "terminating"}


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = requests.request(
        method,
        os.environ["JOVIAM_ENDPOINT"] + path,
        json=body,
        headers={"Authorization": f"Bearer {os.environ['JOVIAM_TOKEN']}"},
        timeout=60,
    )
    answer.raise_for_status()
    return answer.json()


def is_gone(error: requests.HTTPError) -> bool:
    return error.response is not None and error.response.status_code == 404


def region_id(code: str) -> str:
    id: str = next(region["id"] for region in call("GET", "/regions") if region["code"] == code)
    return id


def tier_id(name: str, use: str, region: str) -> str:
    tiers = call("GET", f"/performance_tiers/{use}")
    id: str = next(tier["id"] for tier in tiers if (tier["name"], tier["region"]["id"]) == (name, region))
    return id


class JoviamProvider(ResourceProvider):
    path: ClassVar[str]
    create_path: ClassVar[str] = ""
    in_place: ClassVar[tuple[str, ...]] = ("name",)
    """The arguments that PUT accepts. A change of any other one replaces."""

    def body(self, props: dict[str, Any]) -> dict[str, Any]:
        """Return the body of the POST request."""
        raise NotImplementedError

    def as_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        """Return the live values under the names of arguments and outputs."""
        raise NotImplementedError

    def settled(self, id: str) -> dict[str, Any]:
        while True:
            live: dict[str, Any] = call("GET", f"{self.path}/{id}")
            if live.get("state") not in UNDER_WAY:
                return live
            time.sleep(1)

    def create(self, props: dict[str, Any]) -> CreateResult:
        made = call("POST", self.create_path or self.path, self.body(props))
        return CreateResult(made["id"], {**props, **self.as_outputs(self.settled(made["id"]))})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        given = [name for name, value in news.items() if not name.startswith("__") and value is not None]
        changed = [name for name in given if olds.get(name) != news[name]]
        replaces = [name for name in changed if name not in self.in_place]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        changed = {name: news[name] for name in self.in_place if news.get(name) != olds.get(name)}
        call("PUT", f"{self.path}/{id}", changed)
        return UpdateResult({**news, **self.as_outputs(self.settled(id))})

    def read(self, id: str, props: dict[str, Any]) -> ReadResult:
        try:
            live = call("GET", f"{self.path}/{id}")
        except requests.HTTPError as error:
            if is_gone(error):
                return ReadResult(None, {})
            raise
        return ReadResult(id, {**props, **self.as_outputs(live)})

    def delete(self, id: str, _props: dict[str, Any]) -> None:
        try:
            call("DELETE", f"{self.path}/{id}")
            while self.settled(id)["state"] != "terminated":
                time.sleep(1)
        except requests.HTTPError as error:
            if not is_gone(error):
                raise


class PublicKeyProvider(JoviamProvider):
    path = "/public_keys"

    def body(self, props: dict[str, Any]) -> dict[str, Any]:
        return {"name": props["name"], "key": props["key"]}

    def as_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        return {name: live[name] for name in ("name", "key", "created_at")}


class NetworkProvider(JoviamProvider):
    path = "/networks"
    in_place = ("name", "gateway")

    def body(self, props: dict[str, Any]) -> dict[str, Any]:
        given = {name: props[name] for name in ("name", "specification", "gateway") if props.get(name)}
        return {**given, "region": region_id(props["region"])}

    def as_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        return {name: live[name] for name in ("name", "specification", "gateway", "netmask", "network_address")}


class IpAddressProvider(JoviamProvider):
    path = "/ip_addresses"

    def body(self, props: dict[str, Any]) -> dict[str, Any]:
        where = {"network": props["network"]} if props.get("network") else {"region": region_id(props["region"])}
        return {"name": props["name"], **where}

    def as_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        return {name: live[name] for name in ("name", "address", "network_id")}


class DiskProvider(JoviamProvider):
    path = "/disks"
    in_place = ("name", "size")

    def body(self, props: dict[str, Any]) -> dict[str, Any]:
        region = region_id(props["region"])
        tier = tier_id(props["performance_tier"], "disks", region)
        given = {name: props[name] for name in ("name", "template") if props.get(name)}
        return {**given, "size": int(props["size"]), "region": region, "performance_tier": tier}

    def as_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        template = live["template"]
        return {"name": live["name"], "size": live["size"], "template_id": template["id"] if template else ""}

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        found = super().diff(_id, olds, news)
        if news["size"] < olds["size"]:
            found.replaces = [*(found.replaces or ()), "size"]
        return found

    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        if news["size"] > olds["size"]:
            call("POST", f"{self.path}/{id}/resize", {"size": int(news["size"])})
            self.settled(id)
        if news["name"] != olds["name"]:
            call("PUT", f"{self.path}/{id}", {"name": news["name"]})
        return UpdateResult({**news, **self.as_outputs(self.settled(id))})


class InstanceProvider(JoviamProvider):
    path = "/instances"
    create_path = "/instances/assemble"
    in_place = ("name", "note")

    def body(self, props: dict[str, Any]) -> dict[str, Any]:
        region = region_id(props["region"])
        tier = tier_id(props["performance_tier"], "instances", region)
        lists = {name: props.get(name) or [] for name in ("disks", "ip_addresses", "public_keys")}
        return {
            **lists,
            "name": props["name"],
            "memory": int(props["memory"]),
            "region": region,
            "performance_tier": tier,
        }

    def as_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        addresses = [address for adapter in live["network_adapters"] for address in adapter["ip_addresses"]]
        found = [call("GET", f"/ip_addresses/{address['id']}") for address in addresses]
        public = {network["id"] for network in call("GET", "/networks/public")}
        return {
            **{name: live[name] for name in ("name", "memory", "hostname", "state")},
            "disks": [disk["id"] for disk in live["disks"]],
            "public_ip": next((it["address"] for it in found if it["network_id"] in public), ""),
            "private_ip": next((it["address"] for it in found if it["network_id"] not in public), ""),
            "note": call("GET", f"{self.path}/{live['id']}/note")["note"],
        }

    def create(self, props: dict[str, Any]) -> CreateResult:
        id = super().create(props).id
        if props.get("note"):
            call("PUT", f"{self.path}/{id}", {"note": props["note"]})
        call("POST", f"{self.path}/{id}/start")
        return CreateResult(id, {**props, **self.as_outputs(self.settled(id))})

    def delete(self, id: str, props: dict[str, Any]) -> None:
        try:
            if self.settled(id)["state"] == "running":
                call("POST", f"{self.path}/{id}/stop")
                self.settled(id)
            call("PUT", f"{self.path}/{id}/disks", {"disks": []})
        except requests.HTTPError as error:
            if not is_gone(error):
                raise
        super().delete(id, props)


class _Resource(pulumi.dynamic.Resource):
    provider: ClassVar[type[JoviamProvider]]
    outputs: ClassVar[tuple[str, ...]] = ()
    regional: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        super().__init_subclass__(module="joviam", name=cls.__name__)

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        region = {"region": pulumi.Config("joviam").require("region")} if self.regional else {}
        props = {"name": resource_name, **region, **dict.fromkeys(self.outputs), **props}
        super().__init__(self.provider(), resource_name, props, opts)


class PublicKey(_Resource):
    provider = PublicKeyProvider
    outputs = ("created_at",)
    regional = False


class Network(_Resource):
    provider = NetworkProvider
    outputs = ("netmask", "network_address")


class IpAddress(_Resource):
    provider = IpAddressProvider
    outputs = ("address", "network_id")


class Disk(_Resource):
    provider = DiskProvider
    outputs = ("template_id",)


class Instance(_Resource):
    provider = InstanceProvider
    outputs = ("hostname", "state", "public_ip", "private_ip")

"""The live page and the API's documentation in a browser."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator

import pytest
import requests
from starlette.requests import Request

from pulumi_joviam.emulator import Emulator
from pulumi_joviam.emulator.pages import LivePage
from tests.emulator.account import Account
from tests.emulator.browser import CHROMIUM, Browser
from tests.emulator.reference import ENDPOINTS, KEY
from tests.stack import Stack

in_a_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt-get install chromium")

HOSTILE = "<img src=x onerror=\"document.title='broken into'\"></li>&amp;"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def shows(text: str) -> str:
    """A JavaScript expression: whether the page shows a text."""
    return f"document.body?.innerText.includes({json.dumps(text)})"


def state_of(name: str, state: str) -> str:
    """A JavaScript expression: whether the card with this name shows a state."""
    card = f"[...document.querySelectorAll('.card')].find((card) => card.querySelector('h3').innerText === {name!r})"
    return f"{card}?.querySelector('.state').innerText === {state!r}"


@in_a_browser
def test_live(account: Account, browser: Browser) -> None:
    """The page shows objects and changes without a reload, and notices a restart of the emulator."""
    cloud = account.cloud
    browser.open(cloud.page)
    browser.wait(shows("and watch."))
    browser.value("window.same = true")
    lan = account.network("10.1.0.0/24", name="backend")
    address = account.address(lan, name="inside")
    boot, data = account.disk(name="web-boot", template="ubuntu-16-04"), account.disk(name="web-data", size=50)
    web = account.instance(
        name="web", disks=[boot, data], ip_addresses=[address], public_keys=[account.key("anna")], running=True
    )
    other = account.call("POST", "/instances", account.basic_body(name="db", availability_group=[web]))["id"]
    account.send("GET", "/nowhere")
    cloud.fail_provisioning("disks")
    account.disk(name="lost")
    browser.wait(state_of("lost", "failed to provision"))
    browser.wait(state_of("web", "running"))
    browser.wait(state_of("db", "stopped"))
    page = browser.text()
    for text in ("web-boot", "web-data", "50 GB", "ubuntu-16-04", "backend", "10.1.0.1", "inside", "anna"):
        assert text in page, text
    assert "404\nan unknown URL" in page
    account.call("POST", f"/instances/{other}/start")
    browser.wait(state_of("db", "starting"))
    browser.wait(shows("1 under way"))
    account.settle()
    browser.wait(state_of("db", "running"))
    browser.wait(shows("instance db is running"))
    assert browser.problems == []
    cloud.stop()
    browser.wait(shows("no response"))
    cloud.start()
    browser.wait("document.querySelector('#connection').innerText === 'live'")
    cloud.remove(other)
    browser.wait(shows("instance db is gone"))
    assert browser.value("window.same")
    assert all(url.startswith((cloud.page, "data:")) for url in browser.requested)


@in_a_browser
def test_html_in_names_is_escaped(account: Account, browser: Browser) -> None:
    """A name with HTML is shown as text everywhere, and runs no script."""
    lan = account.call(
        "POST", "/networks", {"name": HOSTILE, "region": account.region(), "specification": "10.0.0.0/8"}
    )
    account.settle()
    disk = account.disk(name=HOSTILE)
    address = account.address(lan["id"], name=HOSTILE)
    key = account.key(HOSTILE)
    group = account.instance(name=HOSTILE)
    account.instance(name=HOSTILE, disks=[disk], ip_addresses=[address], public_keys=[key], availability_group=[group])
    browser.open(account.cloud.page)
    browser.wait("document.querySelectorAll('#instances .card').length === 2")
    account.disk(name=HOSTILE)
    browser.wait(shows(f"disk {HOSTILE} is new"))
    assert browser.text().count(HOSTILE) == 14
    assert browser.value("document.querySelectorAll('img').length") == 0
    assert browser.value("document.title") == "Joviam cloud, emulated"
    assert browser.problems == []


@in_a_browser
def test_during_an_up(account: Account, stack: Stack, browser: Browser) -> None:
    """During a real `pulumi up` the page shows an instance while it is provisioning and when it runs."""
    account.cloud.configure(provision_seconds=1.0)
    browser.open(account.cloud.page)
    boot = {"template": "ubuntu-16-04", "size": 20, "performance_tier": "Fast"}
    stack.program({"web": {"kind": "Instance", "memory": 1024, "performance_tier": "Fast", "boot_disk": boot}})
    up = threading.Thread(target=stack.up)
    up.start()
    browser.wait(state_of("web", "provisioning"), 60)
    browser.wait(state_of("web", "running"), 60)
    up.join()
    assert "POST /instances" in browser.text()
    assert browser.problems == []


@in_a_browser
def test_documentation(cloud: Emulator, browser: Browser) -> None:
    """`/docs` shows every endpoint, and sends requests to the emulator only."""
    browser.open(f"{cloud.page}docs")
    browser.wait(f"document.querySelectorAll('.opblock').length === {len(ENDPOINTS)}")
    assert len(browser.requested) >= 4
    assert all(url.startswith((cloud.page, "data:")) for url in browser.requested)
    assert browser.problems == []


def test_the_page_has_no_secrets(account: Account) -> None:
    """The page needs no token, so it has no token, console, context, note, key or body of a request."""
    instance = account.instance(running=True, public_keys=[account.key()])
    account.call("POST", f"/instances/{instance}/context", {"A": "context-secret"})
    account.call("PUT", f"/instances/{instance}", {"note": "note-secret"})
    account.call("POST", f"/instances/{instance}/remote_access")
    account.settle()
    account.send("POST", "/disks/path-secret", {"name": "body-secret"})
    [session] = account.cloud.objects("console_sessions")
    seen = "".join(requests.get(account.cloud.page + path, timeout=10).text for path in ("", "live.js", "live.json"))
    assert '"vnc"' in seen
    for secret in (account.cloud.token, session["token"], session["url"], KEY, "-secret"):
        assert secret not in seen


def test_pages_are_not_part_of_the_api(account: Account) -> None:
    """Requests for pages are not logged, and faults do not apply to them."""
    account.cloud.fail("*", status=500)
    for path in ("", "live.css", "live.json", "docs", "openapi.json"):
        assert requests.get(account.cloud.page + path, timeout=10).status_code == 200
    assert account.cloud.requests == []
    assert account.refused("GET", "/regions").status == 500


def test_other_sites_cannot_read_the_page(cloud: Emulator) -> None:
    """Another site cannot read the page, even if its name resolves to this machine."""
    address = f"{cloud.page}live.json"
    for host in ("evil.example", "127.0.0.1.evil.example", "192.0.2.1", "[", ""):
        assert requests.get(address, headers={"Host": host}, timeout=10).status_code in (400, 403), host
    for host in ("localhost", "localhost:1", "127.0.0.1", "[::1]:8765"):
        assert requests.get(address, headers={"Host": host}, timeout=10).status_code == 200, host
    headers = requests.get(address, headers={"Origin": "https://evil.example"}, timeout=10).headers
    assert not [name for name in headers if name.startswith("Access-Control")]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_etag(account: Account) -> None:
    """An up-to-date client gets 304; any change makes it outdated."""
    address = f"{account.cloud.page}live.json"
    region = account.region()

    def request(known: str) -> requests.Response:
        return requests.get(address, headers={"If-None-Match": known}, timeout=10)

    for change in (
        lambda: account.call("POST", "/networks", {"name": "a", "region": region, "specification": "10.1.0.0/24"}),
        account.settle,
        lambda: account.cloud.change(account.cloud.objects("networks")[0]["id"], name="b"),
        lambda: account.cloud.remove(account.cloud.objects("networks")[0]["id"]),
        account.cloud.reset,
    ):
        tag = request("").headers["ETag"]
        assert request(tag).status_code == 304
        change()
        assert request(tag).status_code == 200


def test_a_password_on_other_addresses() -> None:
    """If other machines can reach the page, it needs a password, which is the token."""
    page = LivePage("http://192.0.2.1:8765/", "s3cret", version=lambda: "1", picture=lambda: {"instances": []})
    [route] = [route for route in page.routes() if route.path == "/live.json"]

    def status(header: str) -> int:
        headers = [(b"host", b"127.0.0.1:8765"), (b"authorization", header.encode())]
        request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
        response = asyncio.run(route.endpoint(request))
        assert (response.status_code == 200) != ("WWW-Authenticate" in response.headers)
        return int(response.status_code)

    credentials = [":s3cret", "anna:s3cret", "anna:wrong", "s3cret", "", "s3cret:"]
    statuses = [status(f"Basic {base64.b64encode(each.encode()).decode()}") for each in credentials]
    assert statuses == [200, 200, 401, 401, 401, 401]
    assert {status(header) for header in ("", "Basic", "Basic ?", "Basic é", "Bearer s3cret")} == {401}

"""`pulumi-joviam audit` with exports in files: what it finds in accounts of all sizes, and what it refuses."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_joviam.emulator import Emulator
from tests.cli.test_cli import MISSING, Result, run
from tests.emulator.account import Account
from tests.emulator.reference import KEY
from tests.old_state import GOLDEN

DYNAMIC, NATIVE = "pulumi-python:dynamic/joviam:", "joviam:index:"
SECRET = "hunter2"
KINDS = {"public_keys": "PublicKey", "ip_addresses": "IpAddress", "disks": "Disk", "instances": "Instance"}
COPIES = {"public_keys": 489, "ip_addresses": 1500, "disks": 2000, "instances": 1000}

Json = dict[str, Any]


def resource(kind: str, name: str, id: str = "", stack: str = "dev", at: str = DYNAMIC, **more: Any) -> Json:
    """Return a resource as a state has it."""
    type = f"{at}{kind}"
    urn = f"urn:pulumi:{stack}::shop::{type}::{name}"
    return {"urn": urn, "custom": True, "type": type, "inputs": {"name": name}, **({"id": id} if id else {}), **more}


def export(file: Path, *resources: Json, pending: tuple[tuple[str, Json], ...] = (), stack: str = "dev") -> str:
    """Write what `pulumi stack export` prints, and return the path."""
    first = {"urn": f"urn:pulumi:{stack}::shop::pulumi:pulumi:Stack::shop-{stack}", "type": "pulumi:pulumi:Stack"}
    operations = [{"resource": it, "type": kind} for kind, it in pending]
    deployment: Json = {"manifest": {}, "resources": [first, *resources], "pending_operations": operations}
    file.write_text(json.dumps({"version": 3, "deployment": deployment}))
    return str(file)


def audit(cloud: Emulator, *arguments: str, **environ: str) -> Result:
    """Run the command. It sends few requests, all of them reads, and prints neither token nor secret."""
    before = len(cloud.requests)
    done = run("audit", *arguments, JOVIAM_TOKEN=cloud.token, JOVIAM_ENDPOINT=cloud.url, **environ)
    sent = cloud.requests[before:]
    assert {it.method for it in sent} <= {"GET"}
    assert len(sent) <= 12
    assert cloud.token not in done.out + done.err
    assert SECRET not in done.out + done.err
    return done


def found(cloud: Emulator, *arguments: str) -> Json:
    """Run the command with --json, and return what it prints."""
    done = audit(cloud, *arguments, "--json")
    assert done.status == 0, done.err
    said: Json = json.loads(done.out)
    return said


def ids(items: list[Json]) -> list[str]:
    return [item["id"] for item in items]


@pytest.fixture
def account(cloud: Emulator) -> Account:
    """An account whose clock is exactly that of this machine: a Date has no fractions, and objects are very young."""
    cloud.configure(provision_seconds=0, date_header=False)
    return Account(cloud)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A cloud with 5,000 objects of the account."""
    folder = tmp_path_factory.mktemp("big")
    content: Json = json.loads((GOLDEN / "0.1.0-cloud.json").read_text())
    objects = content["objects"]
    objects["templates"] = [it for it in objects["templates"] if not it["disk_id"]]
    objects["console_sessions"] = []
    for kind, count in COPIES.items():
        [original, *_] = objects[kind]
        alone: Json = {"instance_ids": [], "disks": [], "network_adapters": [], "public_keys": []}
        alone |= {"instance_id": None, "position": None, "availability_group": [], "template": None}
        if kind == "disks":
            alone["state"] = "unattached"
        plain = {**original, **{key: value for key, value in alone.items() if key in original}}
        objects[kind] = [{**plain, "id": str(uuid.uuid4()), "name": f"{kind}-{number}"} for number in range(count)]
    [lan] = [it for it in objects["networks"] if it["name"] == "network"]
    lans = [{**lan, "id": str(uuid.uuid4()), "name": f"lan-{number}"} for number in range(11)]
    objects["networks"] = [*(it for it in objects["networks"] if it["is_public"]), *lans]
    for address in objects["ip_addresses"]:
        address["network_id"] = lans[0]["id"]
    for number, disk in enumerate(objects["disks"][:500]):
        instance = objects["instances"][number]
        instance["disks"] = [disk["id"]]
        disk |= {"instance_id": instance["id"], "position": 0, "state": "attached"}
    (folder / "cloud.json").write_text(json.dumps(content))
    with Emulator(token="a-token-that-must-not-be-seen", data=folder / "cloud.json") as cloud:
        yield cloud


@pytest.mark.slow
def test_a_big_account(big: Emulator, tmp_path: Path) -> None:
    """Of 5,000 objects in three stacks, it names those that a killed run has left behind, and nothing else."""
    there = {id: (kind, name) for kind in KINDS for id, name in ((it["id"], it["name"]) for it in big.objects(kind))}
    networks = [it for it in big.objects("networks") if not it["is_public"]]
    assert len(there) + len(networks) == 5000
    of_kind = {kind: [id for id in there if there[id][0] == kind] for kind in KINDS}
    orphans = [of_kind[kind][place] for kind in KINDS for place in (0, 7, 300)]
    stacks = ("dev", "test", "prod")
    states: dict[str, list[Json]] = {stack: [] for stack in stacks}
    for number, (id, (kind, name)) in enumerate(there.items()):
        if id not in orphans:
            stack = stacks[number % 3]
            states[stack].append(resource(KINDS[kind], name, id, stack, (DYNAMIC, NATIVE)[number % 2]))
    states["dev"] += [resource("Network", it["name"], it["id"]) for it in networks]
    killed = tuple(("creating", resource(KINDS[there[id][0]], there[id][1], stack="prod")) for id in orphans)
    files = [
        export(tmp_path / stack, *states[stack], pending=killed if stack == "prod" else (), stack=stack)
        for stack in stacks
    ]
    said = found(big, *files)
    assert sorted(ids(said["unmanaged"])) == sorted(orphans)
    assert (said["gone"], said["twice"], said["managed"], said["of"]) == ([], [], 4988, 5000)
    assert [it["candidates"] for it in said["interrupted"]] == [[id] for id in orphans]
    done = audit(big, *files, "--fail-on", "unmanaged")
    assert done.status == 3
    assert done.err.endswith("pulumi-joviam: this account has objects that are unmanaged (--fail-on)\n")
    assert "\nmanaged by 3 stacks: 4988 of 5000 objects (99.8 %)\n" in done.out
    [command] = [line for line in done.out.splitlines() if line.startswith("pulumi-joviam import")]
    assert command.split()[2:4] == ["--program", "unmanaged.py"]
    assert sorted(command.split()[4:]) == sorted(orphans)


def test_a_stack_of_0_1_0(tmp_path: Path) -> None:
    """What was created with an instance is managed with it. Joviam's templates and networks are not listed."""
    shutil.copy(GOLDEN / "0.1.0-cloud.json", tmp_path / "cloud.json")
    with Emulator(token="t-of-0.1.0", data=tmp_path / "cloud.json") as cloud:
        done = audit(cloud, str(GOLDEN / "0.1.0.json"), "--fail-on", "unmanaged,gone,twice")
    assert done.status == 0, done.out
    assert done.out == (
        "managed by 1 stack: 19 of 19 objects (100.0 %)\n"
        "public keys: 1 of 1, networks: 2 of 2, IP addresses: 5 of 5, disks: 5 of 5, templates: 1 of 1, "
        "instances: 5 of 5\n"
    )
    assert "the API does not list console sessions" in done.err


def test_a_table(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """Each object has what a person needs to recognize it, and the last lines say what to do."""
    lan, key = account.network(), account.key()
    address = account.address(lan, address="10.1.0.9", name=None)
    disk = account.disk(name="data \x1b[31m|`x`\n", size=33)
    web = account.instance(name="web", disks=[disk], ip_addresses=[address], public_keys=[key])
    file = export(tmp_path / "dev", resource("Instance", "web", web), resource("Disk", "old", MISSING))
    done = audit(cloud, file)
    lines = done.out.splitlines()
    assert lines[0] == "unmanaged, in no stack: 4"
    assert lines[1].split() == ["KIND", "NAME", "ID", "STATE", "AGE", "SIZE", "REGION", "USED", "BY"]
    for id, words in {
        key: 'public key  laptop  instance "web" of shop/dev',
        lan: 'network  lan  ready  10.1.0.0/24  SY3  IP address "10.1.0.9" (unmanaged), instance "web" of shop/dev',
        address: 'IP address  10.1.0.9  SY3  instance "web" of shop/dev',
        disk: 'disk  data [31m|`x`  attached  33 GB  SY3  instance "web" of shop/dev',
    }.items():
        [line] = [line for line in lines if id in line and not line.startswith("pulumi")]
        assert all(word in line for word in words.split("  ")), line
    assert f"  disk  {MISSING}  old       shop/dev" in lines
    assert lines[-5:] == [
        "# writes a program and an import file for what is unmanaged; or delete it by hand, in this order: disks, "
        "IP addresses, networks, public keys",
        f"pulumi-joviam import --program unmanaged.py {key} {lan} {address} {disk}",
        "",
        "# takes what is gone out of the state of shop/dev; the next `pulumi up` creates it again",
        "pulumi refresh --stack dev",
    ]
    markdown = audit(cloud, file, "--markdown").out
    assert "| disk | ``data \\x1b[31m│`x`\\n`` |" in markdown
    assert "\x1b" not in done.out + markdown
    assert "pulumi-joviam import" in markdown


def test_markdown_of_thousands(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """It stays short enough for a comment or an issue, and says how much it leaves out."""
    for number in range(103):
        account.call("POST", "/public_keys", {"name": f"{number:03}{'x' * 200}", "key": KEY})
    text = audit(cloud, export(tmp_path / "dev"), "--markdown").out
    assert "… and 3 more: `pulumi-joviam audit` lists them all" in text
    assert len(text) < 65_000
    assert "pulumi-joviam import" not in text
    assert text.count("| public key |") == 100


def test_who_owns_an_object(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """Resources that are being deleted own their objects, those that only read them do not."""
    disks = [account.disk(name=f"d{number}") for number in range(6)]
    state = [
        resource("Disk", "a", disks[0].upper(), at=NATIVE),
        resource("Disk", "b", disks[1], delete=True),
        resource("Disk", "c", disks[2], external=True),
        resource("Disk", "gone", MISSING, delete=True),
        resource("Disk", "gone", MISSING[:-1] + "2", pendingReplacement=True),
        resource("Disk", "gone", MISSING[:-1] + "3"),
        resource("Disk", "gone", MISSING[:-1] + "4", external=True),
        resource("AvailabilityGroup", "apart", MISSING[:-1] + "5"),
        resource("ConsoleSession", "console", MISSING[:-1] + "6"),
        {"urn": "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "id": disks[3]},
    ]
    pending = (
        ("updating", resource("Disk", "e", disks[4])),
        ("deleting", resource("Disk", "gone", MISSING[:-1] + "3")),
        ("creating", resource("Disk", "d0", at=NATIVE)),  # in the state by now
        ("creating", resource("Disk", "d5")),
    )
    said = found(cloud, export(tmp_path / "dev", *state, pending=pending))
    assert ids(said["unmanaged"]) == [disks[2], disks[3], disks[5]]
    assert [it["used_by"] for it in said["unmanaged"]] == [[{"stack": "shop/dev", "urn": state[2]["urn"]}], [], []]
    assert said["gone"] == []
    assert [(it["urn"].split("::")[-1], it["candidates"]) for it in said["interrupted"]] == [("d5", [disks[5]])]


def test_what_was_created_with_an_instance(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """It is managed, missed, or owned twice like everything else, but not missed twice."""
    lan = account.network()
    boot, old, new = (account.disk(name=name) for name in ("boot", "old", "new"))
    address = account.address(lan)
    web = account.instance(name="web", disks=[boot])
    kept = {"boot_disk": boot, "old_boot_disks": [old, MISSING], "next_boot_disk": new, "addresses": {lan: address}}
    owner = resource("Instance", "web", web, at=NATIVE, outputs={"__kept": kept, "bootDiskId": boot})
    files = [
        export(tmp_path / "dev", owner, resource("Network", "lan", lan)),
        export(tmp_path / "prod", resource("Disk", "boot", boot, "prod"), stack="prod"),
    ]
    said = found(cloud, *files)
    assert (said["unmanaged"], said["gone"]) == ([], [])
    [twice] = said["twice"]
    assert (twice["id"], [it["created_with_it"] for it in twice["owners"]]) == (boot, [True, False])
    done = audit(cloud, *files, "--fail-on", "gone,twice")
    assert done.status == 3
    assert "web (created with it) of shop/dev, boot of shop/prod" in done.out
    assert (
        "pulumi state delete" not in done.out
    )  # what was created with an instance cannot be taken from its state alone
    cloud.remove(address)
    [gone] = found(cloud, *files)["gone"]
    assert (gone["kind"], gone["id"], gone["owner"]["urn"]) == ("ip-address", address, owner["urn"])
    cloud.remove(web)
    assert ids(found(cloud, *files)["gone"]) == [web]


def test_two_owners(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """The command makes one of them forget the object."""
    disk = account.disk()
    owners = [resource("Disk", name, disk) for name in ("a", "it's")]
    done = audit(cloud, export(tmp_path / "dev", *owners))
    assert "twice, owned by several resources: 1\n" in done.out
    assert done.out.endswith(
        f"""pulumi state delete --stack dev '{owners[1]["urn"].replace("'", "'" + '"' + "'" + '"' + "'")}'\n"""
    )


def test_another_account(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """What is in another account is not missed in this one, unless an object shows that only the token was changed."""
    disk = account.disk()
    state = [resource("Disk", "a", MISSING, outputs={"__account": "0123456789abcdef"})]
    file = export(tmp_path / "dev", *state)
    done = audit(cloud, file, "--json")
    said = json.loads(done.out)
    assert (said["gone"], said["elsewhere"], ids(said["unmanaged"])) == ([], {"shop/dev": 1}, [disk])
    assert "left out: resources of shop/dev in another account (another token or endpoint): 1\n" in done.err
    file = export(tmp_path / "dev", *state, resource("Disk", "b", disk, outputs={"__account": "0123456789abcdef"}))
    said = found(cloud, file)
    assert (ids(said["gone"]), said["elsewhere"], said["unmanaged"]) == ([MISSING], {}, [])


def test_secrets(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """No value of a state is printed, even if an export has secrets in plain text or encrypted hidden keys."""
    web, _ = account.instance(name="web"), account.disk(name="data")
    sealed = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": f'"{SECRET}"'}
    values = {"name": sealed, "context": sealed, "__kept": sealed, "__account": sealed, "note": SECRET}
    state = [resource("Instance", "web", web, outputs=values), resource("Instance", "mail", MISSING, outputs=values)]
    pending = (("creating", {**resource("Disk", "data"), "inputs": values}),)
    file = export(tmp_path / "dev", *state, pending=pending)
    for options in ([], ["--json"], ["--markdown"]):
        done = audit(cloud, file, *options)
        assert MISSING in done.out
        assert "interrupted" in done.out.lower()


def test_an_object_of_a_run_that_has_not_ended(account: Account, cloud: Emulator, tmp_path: Path) -> None:
    """What was created after the stacks had been read is left out."""
    old = account.key("old")
    file = export(tmp_path / "dev")
    script = tmp_path / "bin" / "pulumi"
    script.parent.mkdir()
    script.write_text(
        f"""#!{sys.executable}
import requests
body = {{"name": "new", "key": {KEY!r}}}
answer = requests.post("{cloud.url}/public_keys", json=body, headers={{"Authorization": "Bearer {cloud.token}"}})
answer.raise_for_status()
print(open({file!r}).read())
"""
    )
    script.chmod(0o700)
    before = len(cloud.requests)
    done = run(
        "audit", "--stack", "dev", "--json",
        JOVIAM_TOKEN=cloud.token, JOVIAM_ENDPOINT=cloud.url, PATH=f"{script.parent}:/usr/bin:/bin",
    )  # fmt: skip
    assert cloud.requests[before].method == "POST"
    assert ids(json.loads(done.out)["unmanaged"]) == [old]
    assert "left out: objects that were created after the stacks had been read: 1\n" in done.err


def test_an_empty_account(cloud: Emulator, tmp_path: Path) -> None:
    done = audit(cloud, export(tmp_path / "dev"))
    assert (done.status, done.out) == (0, "managed by 1 stack: 0 of 0 objects\n")


NOT_EXPORTS = [
    "",
    "[]",
    "{}",
    '{"version": 3}',
    '{"resources": []}',
    "\udcff",
    '{"version": 3, "deployment": "hunter2"}',
]
HOSTILE = [
    {"resources": [{"type": "x", "urn": 5}]},
    {"resources": [resource("Instance", "a", MISSING, outputs={"__kept": {"addresses": "hunter2"}})]},
    {"resources": [resource("Instance", "a", MISSING, outputs={"__kept": {"boot_disk": ["hunter2"]}})]},
    {"resources": [resource("Disk", "a", MISSING, outputs="hunter2")]},
]


@pytest.mark.parametrize("text", [*NOT_EXPORTS, *(json.dumps({"version": 3, "deployment": it}) for it in HOSTILE)])
def test_a_file_that_is_no_export(cloud: Emulator, tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(text.encode(errors="surrogateescape"))
    done = audit(cloud, str(file))
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1] == f"pulumi-joviam: {file} is not what `pulumi stack export` prints"


def test_bad_input(cloud: Emulator, tmp_path: Path) -> None:
    """Each is one message: no stack, an unknown word, two formats, no file, no pulumi, a stack twice, no token."""
    file = export(tmp_path / "dev")
    for arguments, message in (
        ([], "pass --stack NAME, --all, or files of `pulumi stack export`"),
        ([file, "--fail-on", "gone,orphan"], "'orphan' is not one of unmanaged, gone, twice"),
        ([file, "--json", "--markdown"], "--json and --markdown exclude each other"),
    ):
        done = audit(cloud, *arguments)
        assert (done.status, done.out) == (2, "")
        assert message in done.err
    for arguments, message in (
        ([str(tmp_path / "none")], f"cannot read {tmp_path / 'none'}: No such file or directory"),
        ([str(tmp_path)], f"cannot read {tmp_path}: Is a directory"),
        ([file, file], "the stack shop/dev was passed several times"),
        (["--all"], "cannot run `pulumi stack ls --all --json`: No such file or directory"),
    ):
        done = audit(cloud, *arguments, PATH="/nowhere")
        assert (done.status, done.out) == (1, "")
        assert f"pulumi-joviam: {message}" in done.err
    assert run("audit", file).err == "pulumi-joviam: no Joviam token: set the environment variable JOVIAM_TOKEN\n"
    cloud.fail("GET /disks", error="forbidden")
    done = audit(cloud, file)
    assert (done.status, done.out) == (1, "")
    assert "403 forbidden, GET /disks" in done.err

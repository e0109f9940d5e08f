"""`pulumi-joviam import`: the real CLI imports existing objects, and nothing changes."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_joviam.cli.import_.inventory import RESOURCES
from pulumi_joviam.emulator import Emulator
from tests import forks
from tests.conftest import ROOT
from tests.emulator.account import Account
from tests.emulator.reference import EXAMPLES, make
from tests.stack import Stack

BIN = Path(sys.executable).parent
SECRET = "hunter2"
MISSING = "00000000-0000-0000-0000-000000000001"

dynamic_only = pytest.mark.dynamic_only(reason="the command writes programs for the dynamic plugin")


@dataclass
class Result:
    """What one run of the command printed, and the program it wrote."""

    status: int
    out: str
    err: str
    program: str


def run(cloud: Emulator, folder: Path, *arguments: str, program: str = "__main__.py") -> Result:
    """Run the command in a folder. With any options it only reads, and prints neither token nor secret."""
    before = len(cloud.requests)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JOVIAM_")}
    account = {"JOVIAM_TOKEN": cloud.token, "JOVIAM_ENDPOINT": cloud.url, "COLUMNS": "400", "NO_COLOR": "1"}
    done = subprocess.run(
        [*forks.python(), BIN / "pulumi-joviam", "import", "--program", program, *arguments],
        cwd=folder, env={**environ, **account}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert {request.method for request in cloud.requests[before:]} <= {"GET"}
    for secret in (cloud.token, SECRET, "Traceback"):
        assert secret not in done.stdout + done.stderr
    file = folder / program
    return Result(done.returncode, done.stdout, done.stderr, file.read_text() if file.exists() else "")


def existing_account(cloud: Emulator) -> dict[str, str]:
    """Create 30 objects of all kinds with plain requests, and return {name in the tests: id}."""
    cloud.configure(provision_seconds=0)
    account, made = Account(cloud), dict[str, str]()
    for number, name in enumerate(("laptop", "Sharon's Desktop", "laptop")):
        made[f"key {number}"] = account.key(name)
    made["lan"] = account.network("10.1.0.0/24", name="lan", gateway="10.1.0.1", primary_nameserver="10.1.0.2")
    made["nameless lan"] = account.network("10.2.0.0/24", name=None)
    made["other lan"] = account.network("10.1.0.0/24", name="lan", region="ML1")
    made["vip"] = account.address(made["lan"], name="vip", address="10.1.0.50", shareable=True)
    made["nameless address"] = account.address(made["lan"], address="10.1.0.60")
    made["db address"] = account.address(made["nameless lan"], name="db", address="10.2.0.7")
    made["public"] = account.create("/ip_addresses", {"region": account.region(), "name": "web"})
    made["nameless public"] = account.create("/ip_addresses", {"region": account.region("ML1")})
    old, new = (account.template("ubuntu-16-04", version) for version in (1, 2))
    made["web disk"] = account.disk(name="web", template=account.template("debian-9"), size=20)
    made["db disk"] = account.disk(name="db", template=old, size=15)
    for size in (10, 11, 12):
        made[f"data {size}"] = account.disk(name="data", size=size, performance_tier=account.tier("disks", "Fast"))
    made["iso"] = account.disk(name='"); import os  # ', cdrom=True)
    made["golden"] = account.disk(name="Gölden \u202e image\n", size=12, is_template=True)
    made["import"] = account.disk(name="import", region="ML1")
    made["template"] = account.create("/templates", {"disk": made["golden"], "supersedes": new})
    made["next template"] = account.create("/templates", {"disk": made["golden"], "supersedes": made["template"]})
    made["from own"] = account.disk(name="from own", template=made["template"], size=12)
    made["scratch"] = account.disk(name="scratch 9.5_b")
    made["web"] = account.instance(
        name="web",
        disks=[made["web disk"], made["data 10"]],
        ip_addresses=[made["public"], made["vip"]],
        public_keys=[made["key 0"], made["key 2"]],
        start_on_crash=False,
    )
    for number in (1, 2, 3):
        made[f"app {number}"] = account.instance(name="app", ip_addresses=[made["vip"]] if number < 3 else [])
    made["db"] = account.instance(
        name="Datenbank für alles & nichts", disks=[made["db disk"]], boot_device="network", virtualization="pv"
    )
    made["bare"] = account.instance(name="bare", region="ML1")
    group = {"availability_group": [made["app 2"], made["app 3"]]}
    account.call("PUT", f"/instances/{made['app 1']}/availability_group", group)
    adapters: list[dict[str, Any]] = [
        {"network": made["nameless lan"], "ip_addresses": [made["db address"]]},
        {"network": made["lan"], "ip_addresses": "dhcp"},
        {"network": account.public_network(), "ip_addresses": []},
    ]
    account.call("PUT", f"/instances/{made['db']}/network_adapters", {"network_adapters": adapters})
    account.call("PUT", f"/instances/{made['db']}", {"note": f'mind "this"\nand {made["lan"]} \\ {{x}}'})
    set_context(account, made["db"], PASSWORD=f"{SECRET} one", **{'odd "key"': f'{SECRET} "two"\n'})
    set_context(account, made["app 1"], PASSWORD=f"{SECRET} three")
    for name in ("web", "app 1"):
        account.call("POST", f"/instances/{made[name]}/start")
    account.settle()
    cloud.configure(provision_seconds=0)
    assert len(made) == 29  # plus an availability group, which has no id in the API
    return made


def set_context(account: Account, instance: str, **variables: str) -> None:
    account.call("POST", f"/instances/{instance}/context", variables)


def run_commands(stack: Stack, done: Result) -> None:
    """Run the printed commands but the last, the preview; confirm each import."""
    commands = done.out.splitlines()
    assert (done.status, commands[-1]) == (0, "pulumi preview")
    for command in commands[:-1]:
        answer = " --yes" if command.startswith("pulumi import") else ""
        subprocess.run(command + answer, shell=True, check=True, cwd=stack.project, env=stack.environ,  # noqa: S602 - lines that the command printed
                       capture_output=True)  # fmt: skip


def in_state(stack: Stack) -> dict[str, Any]:
    """Return {URN: (id, inputs, outputs)} of everything in the state, which has no secret in plain text."""
    [file] = stack.state.glob(".pulumi/stacks/project/dev.json")
    text = file.read_text()
    assert SECRET not in text
    text = re.sub(r'("ciphertext": ?)"[^"]*"', r'\1""', text)  # differs after each encryption
    found = json.loads(text)["checkpoint"]["latest"]["resources"]
    return {it["urn"]: (it["id"], it["inputs"], it["outputs"]) for it in found if "joviam:" in it["type"]}


@dynamic_only
def test_a_whole_account_is_imported(cloud: Emulator, stack: Stack) -> None:
    """After the import nothing is left to do, in any number of previews, until an object changes."""
    made, account, main = existing_account(cloud), Account(cloud), stack.project / "__main__.py"
    main.unlink()
    done = run(cloud, stack.project)
    assert {file.name: file.stat().st_mode & 0o077 for file in stack.project.glob("*.json")} == {
        "contexts.json": 0, "import.json": 0, "spec.json": 0o044,
    }  # fmt: skip
    assert SECRET not in done.program
    before = len(cloud.requests)
    run_commands(stack, done)
    imported = in_state(stack)
    assert len(imported) == 30
    assert {id for id, *_ in imported.values()} > set(made.values())
    kinds = {urn.split("joviam:")[1].split(":")[0] for urn in imported}
    plain = {it.__name__ for it in RESOURCES.values() if f"POST {it._lifecycle.model.path}" in EXAMPLES}
    assert kinds | plain == {it.__name__ for it in RESOURCES.values()}, "no test imports the other kinds"
    for _ in range(2):
        assert stack.settled()
    assert stack.up().empty
    assert in_state(stack) == imported  # the import wrote what a refresh would write
    assert {request.method for request in cloud.requests[before:]} == {"GET"}

    account.call("PUT", f"/instances/{made['bare']}", {"memory": 2048})
    changed = stack.preview("--refresh")
    assert changed.steps == {"bare": "update"}
    assert changed.changed == {"bare": {"memory"}}

    # import one more object into the same stack
    late = account.instance("ML1", name="late", disks=[made["import"]], availability_group=[made["bare"]])
    set_context(account, late, PASSWORD=f"{SECRET} four")
    more = run(cloud, stack.project, late, program="late.py")
    assert f'disks=[\n        "{made["import"]}",  # disk "import"\n    ],' in more.program
    run_commands(stack, more)
    main.write_text(f"{done.program}\nimport late\n")
    assert stack.preview().empty
    assert len(in_state(stack)) == 31

    for check in (["ruff", "format", "--isolated", "--check"], ["mypy", "--strict"]):
        files = [main, stack.project / "late.py"]
        tool = subprocess.run(
            [BIN / check[0], *check[1:], *files], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert tool.returncode == 0, tool.stdout


NAMES = [
    'a"b', "x'y", """both ' and " \"""", '"""', "\\", "\\n", "\n# z", "{x}", "class", "print", "joviam", "_", "-", "..",
    "a::b", "$(reboot)", "протокол", "日本語", "x" * 255, "\u202e\U000e0001\x1b[2J", "a b", "a-b", "a_b", "A B", "9",
]  # fmt: skip


def test_names_with_any_characters(cloud: Emulator, tmp_path: Path) -> None:
    """Names, notes and variables are unchanged literals in the program, whose own names are distinct and plain."""
    account = Account(cloud)
    made = {account.disk(name=name): name for name in NAMES}
    note, variables = "".join(NAMES), {name: f"{SECRET} {number}" for number, name in enumerate(NAMES) if name != ".."}
    odd = account.instance(name=NAMES[0], disks=list(made))
    account.call("PUT", f"/instances/{odd}", {"note": note})
    set_context(account, odd, **variables)
    done = run(cloud, tmp_path)
    assert done.status == 0, done.err
    calls = dict(resources(done.program))
    assert len(calls) == len(made) + 1
    entries = json.loads((tmp_path / "import.json").read_text())["resources"]
    assert [made[entry["id"]] for entry in entries[:-1]] == NAMES
    args: dict[str | None, ast.expr] = {}
    for entry, (variable, call) in zip(entries, calls.items(), strict=True):
        args = {keyword.arg: keyword.value for keyword in call.keywords}
        [name] = [ast.literal_eval(args["name"])] if "name" in args else [ast.literal_eval(call.args[0])]
        assert (name, ast.literal_eval(call.args[0])) == (entry["inputs"]["name"], entry["name"])
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", entry["name"])
        assert variable.isidentifier()
    assert len({(entry["type"], entry["name"]) for entry in entries}) == len(entries)
    assert ast.literal_eval(args["note"]) == note
    literal = args["context"]
    assert isinstance(literal, ast.Dict)
    assert [ast.literal_eval(key) for key in literal.keys if key] == list(variables)
    assert json.loads((tmp_path / "contexts.json").read_text()) == {entries[-1]["name"]: variables}
    run(cloud, tmp_path, program="again.py")
    again = (tmp_path / "again.py").read_text()
    assert again.replace('"again-contexts"', '"contexts"') == done.program


def resources(program: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield (variable, call) for each resource of a program, which only creates resources."""
    docstring, *statements = ast.parse(program).body
    assert isinstance(docstring, ast.Expr)
    names = {"pulumi", "joviam"}
    for statement in statements:
        if isinstance(statement, ast.Import):
            assert {alias.asname or alias.name for alias in statement.names} <= names
            continue
        assert isinstance(statement, ast.Assign)
        [target], call = statement.targets, statement.value
        assert isinstance(target, ast.Name)
        assert isinstance(call, ast.Call)
        assert {node.id for node in ast.walk(call) if isinstance(node, ast.Name)} <= names
        assert target.id not in names
        names.add(target.id)
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "joviam":
            yield target.id, call


@dynamic_only
@pytest.mark.parametrize("path", sorted(made.split()[1] for made in EXAMPLES if made.startswith("POST")))
def test_a_resource_with_a_plain_post_is_imported(cloud: Emulator, stack: Stack, path: str) -> None:
    """The program has the values that the API shows, and changes nothing."""
    cloud.configure(provision_seconds=0)
    account = Account(cloud)
    made = make(account, path)
    (stack.project / "__main__.py").unlink()
    [kind] = [kind for kind, resource in RESOURCES.items() if resource._lifecycle.model.path == path]
    done = run(cloud, stack.project, "--kind", kind)
    run_commands(stack, done)
    assert [id for id, *_ in in_state(stack).values()] == [made]
    assert stack.settled()
    [call] = [call for _, call in resources(done.program)]
    live, names = account.call("GET", f"{path}/{made}"), RESOURCES[kind]._lifecycle.args.model_fields
    args = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg != "name"}
    assert args == {argument: live.get(argument, live.get(f"{argument}_id")) for argument in names.keys() - {"name"}}


def test_a_part_of_an_account(cloud: Emulator, tmp_path: Path) -> None:
    """Filters by region, name, kind and id combine; used objects that are not selected are named by id."""
    made = existing_account(cloud)

    def selected(*options: str) -> list[str]:
        done = run(cloud, tmp_path, *options, program="part.py")
        (tmp_path / "part.py").unlink()
        (tmp_path / "part-contexts.json").unlink(missing_ok=True)
        file = tmp_path / "part-import.json"
        entries = json.loads(file.read_text())["resources"]
        file.unlink()
        assert len(list(resources(done.program))) == len(entries)
        names = {id: name for name, id in made.items()}
        return [names.get(entry["id"], "the group") for entry in entries]

    keys = ["key 0", "key 1", "key 2"]
    assert selected("--region", "ML1") == [*keys, "other lan", "nameless public", "import", "bare"]
    assert selected("--region", "AU South", "--kind", "disk", "--kind", "instance") == ["import", "bare"]
    matches = ["db address", "public", "web disk", "db disk", "data 10", "data 11", "data 12", "web"]
    assert selected("--name", "[dw]*") == matches
    assert selected("--name", "10.*") == ["nameless lan", "nameless address"]
    assert selected("--name", "app") == ["app 1", "app 2", "app 3", "the group"]
    assert selected("--kind", "availability-group", made["app 1"], made["app 2"]) == ["the group"]
    assert selected(made["db"], made["db disk"]) == ["db disk", "db"]

    done = run(cloud, tmp_path, made["db"], made["app 2"], "--kind", "instance")
    calls = dict(resources(done.program))
    lines = done.program.splitlines()
    assert f'        "{made["db disk"]}",  # disk "db"' in lines
    assert f'        "{made["vip"]}",  # IP address "vip"' in lines
    assert f'        "{made["app 3"]}",  # instance "app"' in lines
    assert '# network "Public SY3"' in done.program
    assert {"app", "datenbank_fur_alles_nichts"} == set(calls)


def test_objects_that_cannot_be_imported_are_left_out(cloud: Emulator, tmp_path: Path) -> None:
    """Deleted objects are ignored; failed, busy and invalid ones are left out, with the reason."""
    account = Account(cloud)
    cloud.configure(provision_seconds=0, gone_is_404=False)
    gone, failed, busy, empty, _good = (account.disk(name=it) for it in ("gone", "failed", "busy", "empty", "good"))
    cloud.configure(provision_seconds=0)
    account.call("DELETE", f"/disks/{gone}")
    for disk, state in ((failed, "failed_to_provision"), (busy, "resizing")):
        cloud.change(disk, state=state)
    cloud.change(empty, size=0)
    lan = account.network(name="lan")
    cloud.change(lan, gateway="192.168.1.1")
    cloud.change(account.address(lan, name="moved"), network_id=MISSING)
    done = run(cloud, tmp_path)
    assert done.status == 0
    assert done.err.splitlines()[1:4] == [
        f'left out: disk "failed" ({failed}) is failed_to_provision',
        f'left out: disk "busy" ({busy}) is resizing; import it when it is ready',
        f'left out: disk "empty" ({empty}): size must be greater than 0',
    ]
    assert [variable for variable, _ in resources(done.program)] == ["lan", "moved", "good"]
    assert (
        "# gateway is left out and therefore not managed: it must be inside the network of specification\nlan = "
        in done.program
    )
    assert f'network="{MISSING}",  # nothing that this account shows' in done.program


def test_incomplete_availability_groups(cloud: Emulator, tmp_path: Path) -> None:
    """Instances whose lists do not all name each other become no group, but have their own lists."""
    account = Account(cloud)
    cloud.configure(symmetric_groups=False)
    first, second, third = (account.instance(name=name) for name in ("first", "second", "third"))
    for member, others in ((first, [second]), (second, [first, third])):
        account.call("PUT", f"/instances/{member}/availability_group", {"availability_group": others})
    program = run(cloud, tmp_path).program
    assert "AvailabilityGroup" not in program
    assert f'"{second}",  # instance "second", further down' in program
    assert f'availability_group=[\n        first.id,\n        "{third}",' in program


def test_ambiguous_names_are_imported_as_ids(cloud: Emulator, tmp_path: Path) -> None:
    """A tier or template is given by name or slug only if that finds the same one."""
    account = Account(cloud)
    fast, standard = (account.tier("disks", name) for name in ("Fast", "Standard"))
    template = account.template("windows-2016")
    account.disk(name="fast", performance_tier=fast, template=account.template("debian-9"), size=5)
    account.disk(name="slow", template=template, size=40)
    cloud.change(standard, name="Fast")
    cloud.change(template, slug=None, name=None)
    fast_disk, slow_disk = (ast.unparse(call) for _, call in resources(run(cloud, tmp_path).program))
    assert f"performance_tier='{fast}'" in fast_disk
    assert "template='debian-9'" in fast_disk
    assert f"performance_tier='{standard}'" in slow_disk
    assert f"template='{template}'" in slow_disk


def test_refused_imports(cloud: Emulator, tmp_path: Path) -> None:
    """Each has its own message: nothing to import or no match, an unknown id, region or folder, an existing file."""

    def refused(*options: str, program: str = "__main__.py") -> str:
        done = run(cloud, tmp_path, *options, program=program)
        assert (done.status, done.out) == (1, "")
        return done.err.splitlines()[-1]

    assert refused() == "pulumi-joviam: there is nothing to import"
    assert list(tmp_path.iterdir()) == []
    Account(cloud).disk()
    assert refused("--name", "no*") == "pulumi-joviam: there is nothing to import that matches"
    assert refused(MISSING) == f"pulumi-joviam: no object that can be imported has the id {MISSING}"
    assert refused("--region", "XX1") == "pulumi-joviam: region: is unknown; available: ML1, SY3"
    assert refused(program="no/main.py") == "pulumi-joviam: --program: there is no folder no"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "import.json").touch()
    assert refused() == (
        "pulumi-joviam: import.json already exists: move it away, or use another --program (imported.py)"
    )
    cloud.fail("GET /disks", error="forbidden")
    assert "403 forbidden, GET /disks" in "".join(run(cloud, tmp_path, program="imported.py").err)
    assert [file.name for file in tmp_path.iterdir()] == ["import.json"]

"""`pulumi-joviam comment`, run as in CI, on recorded and live previews.

tests/golden/comment holds previews of real stacks as `pulumi preview --json` printed them, without source positions,
times, ids and the stack's configuration, and the comment for each. Every comment was reviewed as a rendered page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pulumi.runtime.rpc import UNKNOWN

from pulumi_joviam.api.errors import JoviamError
from pulumi_joviam.cli.comment import harm, page, preview
from pulumi_joviam.emulator import Emulator
from tests import forks
from tests.conftest import ROOT, TOKEN
from tests.stack import Stack

GOLDEN = ROOT / "tests" / "golden" / "comment"
COMMAND = str(Path(sys.executable).parent / "pulumi-joviam")
FAILED, HARMFUL, USAGE = 1, 3, 2
SECRET = "hunter2"
LONGEST = 65_536
"""The most characters that GitHub accepts."""


@dataclass
class Result:
    status: int
    out: str
    err: str


def comment(*arguments: str | Path, stdin: str = "") -> Result:
    done = subprocess.run(
        [*forks.python(), COMMAND, "comment", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback (most recent call last)" not in done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def written(*steps: Mapping[str, Any], **fields: Any) -> str:
    """Return the comment for a preview with these steps."""
    found = preview.read(json.dumps({"steps": steps, **fields}).encode())
    return page.written(found, harm.found(found))


# -- recorded previews --


RECORDED = {
    "nothing": "",
    "create": "",
    "delete": "delete",
    "disk-shrink": "replace",
    "memory": "stop",
    "boot-disks": "delete, stop",
    "mixed": "replace, stop",
    "odd": "delete, replace, stop",
    "five-hundred": "delete, replace, stop",
    "failed": "",
    "program-failed": "",
}
"""{recorded preview: the harmful changes in it}"""


@pytest.mark.parametrize(("name", "harm_found"), RECORDED.items())
def test_golden(name: str, harm_found: str) -> None:
    """The comment is the reviewed one, it is short enough, and the status reports harmful changes."""
    done = comment(GOLDEN / f"{name}.json", "--stack", "dev", "--fail-on", "delete,replace,stop")
    assert done.out == (GOLDEN / f"{name}.md").read_text()
    assert len(done.out) < LONGEST
    assert done.status == (FAILED if "failed" in name else HARMFUL if harm_found else 0)
    assert done.err == (
        f"pulumi-joviam: this preview has something to {harm_found} (--fail-on)\n" if harm_found else ""
    )


@pytest.mark.parametrize(("words", "status"), [("delete,replace", 0), ("stop", HARMFUL)])
def test_fail_on(words: str, status: int) -> None:
    """Only the given words cause status 3, in one list or in several."""
    assert comment(GOLDEN / "memory.json", "--fail-on", words).status == status
    assert comment(GOLDEN / "memory.json", "--fail-on", words, "--fail-on", "delete").status == status


def test_every_recorded_preview_is_used() -> None:
    """Every comment has its preview, and every preview its comment."""
    assert {path.name for path in GOLDEN.iterdir()} == {
        f"{name}.{kind}" for name in RECORDED for kind in ("json", "md")
    }


def test_a_refused_secret() -> None:
    """The engine prints a secret that the check of another provider refuses; the comment does not."""
    assert SECRET in (GOLDEN / "failed.json").read_text()
    text = (GOLDEN / "failed.md").read_text()
    assert "Network `net`: property specification has a problem: must be an IPv4 network in CIDR format" in text
    assert not [path for path in GOLDEN.glob("*.md") if SECRET in path.read_text()]


def test_an_empty_preview(tmp_path: Path) -> None:
    """An empty preview has failed; the reason is in its log."""
    log = tmp_path / "preview.log"
    log.write_text("error: getting stack configuration: incorrect passphrase\n```\n# not a heading\n")
    for output in ("", "{}\n"):
        done = comment("--stack", "acme/web/prod>", "--log", log, "--fail-on", "delete", stdin=output)
        assert (done.status, done.err) == (FAILED, "")
        assert done.out.startswith(
            "<!-- pulumi-joviam comment acme/web/prod- -->\n### Pulumi preview of `acme/web/prod>` failed\n"
        )
        assert f"````text\n{log.read_text()}````\n" in done.out
    done = comment(stdin="")
    assert (done.status, done.err) == (FAILED, "")
    assert done.out.startswith("<!-- pulumi-joviam comment -->\n### Pulumi preview failed\n")
    assert "see the log of the job" in done.out


def test_other_input() -> None:
    """It is refused in one line, without a comment."""
    done = comment(stdin="no json")
    assert (done.status, done.out) == (FAILED, "")
    assert done.err == "pulumi-joviam: this is not what `pulumi preview --json` prints\n"
    for text in ("[]", "[1]", "7", '{"deployment": {}}', '{"steps": 7}', '{"steps": [{}]}', "{}{}", "\udcff"):
        with pytest.raises(JoviamError):
            preview.read(text.encode(errors="surrogateescape"))


@pytest.mark.parametrize(
    "arguments", [["--fail-on", "delete,update"], ["nowhere.json"], ["--log", "nowhere"]], ids=" ".join
)
def test_wrong_usage(arguments: list[str]) -> None:
    """An unknown word or a missing file is an error of usage."""
    done = comment(*arguments)
    assert (done.status, done.out) == (USAGE, "")
    assert arguments[-1].split(",")[-1] in done.err


def test_other_commands_do_not_import_pulumi() -> None:
    """Registering the command does not import pulumi."""
    script = "import sys, pulumi_joviam.cli.comment; print('pulumi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# -- causes, losses and lengths --


def urn(name: str, kind: str = "pulumi-python:dynamic/joviam:Disk") -> str:
    return f"urn:pulumi:dev::project::{kind}::{name}"


def state(**values: Any) -> dict[str, Any]:
    return {"custom": True, "inputs": values, "outputs": values}


INSTANCE = "pulumi-python:dynamic/joviam:Instance"


@pytest.mark.parametrize(
    ("reasons", "more", "why"),
    [
        (["id"], {}, "no argument causes it: it was requested (--replace), or an earlier run did not finish it"),
        ([], {"propertyDependencies": {"disks": [urn("d")]}}, "it needs d, which is deleted and created again"),
        (["replaceWith"], {"replaceWith": [urn("d")]}, "it is replaced whenever one of these is: d (replace_with)"),
    ],
)
def test_a_replacement_without_a_cause_of_its_own(reasons: list[str], more: dict[str, Any], why: str) -> None:
    """The engine compares no arguments then, but the comment lists each change."""
    old = state(memory=512, note="a", disks=["1"], context={"a": "x", "b/c": "y", "d": "z"}, name="vm")
    new = state(memory=1024, disks=[UNKNOWN], context={"a": "x", "b/c": "Y", "e": "z"}, name="vm")
    steps = [
        {"op": "replace", "urn": urn("d"), "oldState": state(size=20), "newState": state(size=10),
         "diffReasons": ["size"], "replaceReasons": ["size"]},
        {"op": "replace", "urn": urn("vm", INSTANCE), "replaceReasons": reasons, "oldState": old,
         "newState": {**new, **more}},
    ]  # fmt: skip
    text = written(*steps)
    [first, details] = re.findall(r"(?m)^- Instance `vm`.*\n((?:  - .*\n)*)", text)
    assert first.startswith(f"  - {why}\n")
    assert details.splitlines() == [
        '  - `context.d`: `"z"` → *unset*',
        '  - `context.e`: *unset* → `"z"`',
        '  - `context["b/c"]`: `"y"` → `"Y"`',
        '  - `disks[0]`: `"1"` → *known after `up`*' + (" from `d`" if "propertyDependencies" in more else ""),
        "  - `memory`: `512` → `1024`",
        '  - `note`: `"a"` → *unset*',
    ]


@pytest.mark.parametrize(("before", "now"), [(True, True), (True, False), (False, True), (False, False)])
def test_retain_on_delete(before: bool, now: bool) -> None:
    """With retain_on_delete in an earlier `up`, a replacement retains the old object, and nothing is lost."""
    warning = "replacing the disk loses the 20 GB on it, unless an earlier up has set retain_on_delete. To keep them, …"
    step = {"op": "replace", "urn": urn("d"), "diffReasons": ["size"], "replaceReasons": ["size"]}
    old, new = ({**state(size=20), "retainOnDelete": before}, {**state(size=10), "retainOnDelete": now})
    warnings = [{"urn": urn("d"), "severity": "warning", "message": f"warning: {warning}"}]
    text = written({**step, "oldState": old, "newState": new}, diagnostics=warnings)
    assert ("loses" in text, "data loss" in text) == (not before, not before)
    assert ("stays in the cloud" in text) == before
    assert ("counts from the next up on" in text) == (now and not before)


def test_a_swapped_disk_is_not_retained() -> None:
    """retain_on_delete does not keep a boot disk that another one replaces."""
    values: dict[str, Any] = {"memory": 512, "boot_disk": {"template": "a", "size": 20, "performance_tier": "Fast"}}
    old: dict[str, Any] = {**state(**values), "retainOnDelete": True}
    old["outputs"] = {**values, "__kept": {"boot_disk": "1"}}
    new: dict[str, Any] = {
        **state(**{**values, "boot_disk": {**values["boot_disk"], "template": "b"}}),
        "retainOnDelete": True,
    }
    step = {"op": "update", "urn": urn("vm", INSTANCE), "diffReasons": ["boot_disk"]}
    assert "data loss (20 GB), stop" in written({**step, "oldState": old, "newState": new})
    old["outputs"]["state"] = new["inputs"]["power_state"] = "stopped"
    assert "**data loss (20 GB)**" in written({**step, "oldState": old, "newState": new})  # already stopped


@pytest.mark.parametrize(
    ("size", "text"),
    [(1, "x"), (30, "\N{PILE OF POO}" * 300), (30, "\N{RIGHT-TO-LEFT OVERRIDE}`" * 150), (1_000, "x")],
    ids=["few", "wide", "odd", "many"],
)
def test_a_long_comment_is_shortened(size: int, text: str) -> None:
    """It always fits. Whole resources are left out, and each is either listed or counted."""
    before, after = state(size=50, name=text), state(size=40, name=text, **{f"a{i}": text for i in range(60)})
    kinds: dict[str, dict[str, Any]] = {
        "delete": {"oldState": before},
        "replace": {"oldState": before, "newState": after, "replaceReasons": ["size"], "diffReasons": ["size", "a1"]},
        "update": {"oldState": before, "newState": after, "diffReasons": ["a1", "a2"]},
        "create": {"newState": after},
    }
    steps = [{"op": op, "urn": urn(f"{op}-{i}-{text}"), **what} for op, what in kinds.items() for i in range(size)]
    warnings = [{"urn": step["urn"], "severity": "warning", "message": f"warning: {text}"} for step in steps]
    body = written(*steps, diagnostics=warnings)
    assert len(body.encode()) < LONGEST
    assert f"**{size} to delete, {size} to replace, {size} to update, {size} to create**, 0 unchanged" in body
    sections = {part.split("\n")[0]: part for part in re.split(r"(?m)^(?=####|<details>)", body)}
    assert len(sections) == 1 + 1 + 3 + 1 + 1  # title, first, three operations, warnings, picture
    for head, of_these in [("#### Look at this first", 2 * size), ("#### Warnings", 2 * size)] + [
        (f"<details><summary>{size} to {op}</summary>", size) for op in ("replace", "update", "create")
    ]:
        items = re.findall(r"(?m)^- (?:Disk .*|… and (\d+) more)$", sections[head])
        assert sum(int(more or 1) for more in items) == of_these, head


# -- untrusted names and values --

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            ["`", "``", "```", "\n", "\r\n", "\n\n", "<b>", "</details>", "<!--", "-->", "](http://a.b)", "![x", "|",
             "# ", "- ", "> ", "1. ", "@octocat", "#1", "http://a.b", "www.a.b", "me@a.b", "**", "_a_", "$x$", "&lt;",
             "\\",
             '"', "'", "::", "$", "[secret]", "%%{init}%%", "end", "\N{RIGHT-TO-LEFT OVERRIDE}", "\0", "\x85", "\u2028"]
        ),
        min_size=1, max_size=8,
    ).map("".join),
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | HOSTILE | st.just(UNKNOWN) | st.just("[secret]"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from([f"pulumi-python:dynamic/joviam:{kind}" for kind in ("Disk", "Instance", "Network")]) | HOSTILE
FIELDS = st.sampled_from(["size", "memory", "boot_disk", "power_state", "performance_tier", "context"]) | HOSTILE


@st.composite
def hostile_steps(draw: st.DrawFn) -> dict[str, Any]:
    bags = st.dictionaries(FIELDS, VALUES, max_size=4)
    sides: list[dict[str, Any]] = [
        {"custom": draw(st.booleans()), "inputs": draw(bags), "outputs": draw(bags)} for _ in range(2)
    ]
    fields = sorted({*sides[0]["inputs"], *sides[1]["inputs"]})
    reasons = draw(st.sets(st.sampled_from(fields))) if fields else set[str]()
    return {
        "op": draw(st.sampled_from(["create", "update", "replace", "delete", "same", "import"])),
        "urn": urn(draw(HOSTILE), draw(TYPES)),
        "oldState": sides[0],
        "newState": {**sides[1], "propertyDependencies": {name: [urn(draw(HOSTILE))] for name in fields}},
        "diffReasons": fields,
        "replaceReasons": sorted(reasons),
    }


OURS = re.compile(
    r"(<!-- pulumi-joviam comment -->|<details><summary>\d+ to (replace|update|create|import)</summary>|</details>)\n?"
)
HEADINGS = {"Look at this first", "Warnings", "The stack", "Error"}
TOKENS = {
    "heading_open", "heading_close", "paragraph_open", "paragraph_close", "bullet_list_open", "bullet_list_close",
    "list_item_open", "list_item_close", "inline", "text", "code_inline", "fence", "html_block", "softbreak",
    "strong_open", "strong_close", "em_open", "em_close",
}  # fmt: skip
LABEL = r'"(?:[\w ,()/-]|#\d+;|<br/>)*"'
NODE = rf"\[{LABEL}\]|\[\({LABEL}\)\]|\{{\{{{LABEL}\}}\}}|\(\[{LABEL}\]\)|>{LABEL}\]"
MERMAID = re.compile(
    r"flowchart LR|classDef \w+ [\w:#,\- ]+|"
    rf"r\d+(?:{NODE}):::(?:create|update|replace|delete|same)|subgraph c\d+\[{LABEL}\]|end|r\d+ --> r\d+"
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(hostile_steps(), max_size=5),
    st.lists(st.tuples(st.sampled_from(["warning", "error"]), HOSTILE), max_size=2),
)
@pytest.mark.slow
def test_untrusted_names_and_values_have_no_effect(
    steps: list[dict[str, Any]], diagnostics: list[tuple[str, str]]
) -> None:
    """Untrusted names, values and messages add no structure to the page, and no nodes to the picture."""
    messages = [
        {"severity": how, "message": what, "urn": steps[0]["urn"] if steps else ""} for how, what in diagnostics
    ]
    text = written(*steps, diagnostics=messages, changeSummary={"same": 1})
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    every = [inner for token in tokens for inner in (token, *(token.children or ()))]
    assert {token.type for token in every} <= TOKENS
    for token, following in zip(every, [*every[1:], None], strict=True):
        if token.type == "html_block":
            assert OURS.fullmatch(token.content)
        elif token.type == "heading_open" and token.tag != "h3":
            assert getattr(following, "content", "") in HEADINGS
        elif token.type == "text":
            assert not re.search(r"[`<>\[\]|@#&$\\]|//|www\.", token.content)
        elif token.type == "em_open":
            assert getattr(following, "content", "") in ("unset", "known after ")
        elif token.type == "fence" and token.info == "mermaid":
            assert [line for line in token.content.splitlines() if not MERMAID.fullmatch(line)] == []


# -- jobs in CI --


@pytest.fixture(scope="module")
def deployed(shared_cloud: Emulator, engine_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack after `up`."""
    shared_cloud.reset()
    stack = Stack(tmp_path_factory.mktemp("comment"), shared_cloud, engine_folder)
    stack.program(PROGRAM)
    stack.up()
    return stack


PROGRAM: dict[str, dict[str, Any]] = {
    "root": {"kind": "Disk", "size": 20, "performance_tier": "Fast", "template": "ubuntu-16-04"},
    "data": {"kind": "Disk", "size": 50, "performance_tier": "Fast"},
    "web": {"kind": "Instance", "memory": 1024, "performance_tier": "Fast", "disks": [{"ref": "root.id"}],
            "context": {"password": {"secret": f"{SECRET}-old"}}},
}  # fmt: skip
CHANGED: dict[str, dict[str, Any]] = {
    "root": {**PROGRAM["root"], "template": "debian-9"},
    "web": {**PROGRAM["web"], "memory": 2048, "context": {"password": {"secret": f"{SECRET}-new"}}},
    "more": {"kind": "Network", "specification": "192.168.2.0/24"},
    "address": {"kind": "IpAddress", "network": {"ref": "more.id"}},
}


def shell(stack: Stack, script: str, **environ: str) -> Result:
    """Run a script of a CI job in the project of a stack."""
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=stack.project, env={**stack.environ, **environ}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


def test_a_preview_through_a_pipe(deployed: Stack) -> None:
    """The comment has counts, harmful changes with their causes, and the sources of unknown values, but no secret."""
    deployed.program(CHANGED)
    done = shell(
        deployed, "pulumi preview --json --show-sames --non-interactive | pulumi-joviam comment --fail-on stop"
    )
    assert (done.status, SECRET in done.out, TOKEN in done.out) == (HARMFUL, False, False)
    lines = done.out.splitlines()
    assert lines[:4] == [
        "<!-- pulumi-joviam comment -->",
        "### Pulumi preview of `project/dev`",
        "",
        "**1 to delete, 1 to replace, 1 to update, 2 to create**, 0 unchanged; **data loss in 2, possible stop in 1**",
    ]
    first = "\n".join(
        lines[lines.index("#### Look at this first") : lines.index("<details><summary>1 to update</summary>")]
    )
    assert re.findall(r"^- (.*)$", first, re.MULTILINE) == [
        "Disk `data`: **delete, data loss (50 GB)**",
        "Disk `root`: **replace, data loss (20 GB)**",
        "Instance `web`: **possible stop**",
    ]
    assert '  - `template`: `"ubuntu-16-04"` → `"debian-9"`\n' in first
    assert "  - replacing the disk loses the 20 GB on it, unless an earlier up has set retain_on_delete. To" in first
    assert "  - `memory`: `1024` → `2048`\n" in first
    assert "may need the instance stopped: `up` then refuses it unless allow_stopping=True" in first
    assert "  - `network`: *known after `up`* from `more`" in lines
    assert "  - `context.password`: a secret, changed" in lines
    assert any(
        re.fullmatch(r"  - `disks\[0\]`: `\"[0-9a-f-]{36}\"` → \*known after `up`\* from `root`", line)
        for line in lines
    )


@dataclass
class Comments:
    """The comments of a pull request at a host."""

    url: str = ""
    bodies: dict[int, str] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)
    """The ids of those that people wrote."""

    def add(self, body: str, *, by_a_person: bool = False) -> int:
        id = 1000 + len(self.bodies)
        self.bodies[id] = body
        if by_a_person:
            self.people.add(id)
        return id

    def listed(self) -> list[dict[str, Any]]:
        return [
            {"id": id, "body": body, "user": {"type": "User" if id in self.people else "Bot"}}
            for id, body in self.bodies.items()
        ]


@pytest.fixture
def comments() -> Iterator[Comments]:
    """A local server with the comments API of GitHub and GitLab. Both paginate."""
    host = Comments()

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self) -> None:
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
            newest_first = query.get("sort") == "desc"
            listed = host.listed()[:: -1 if newest_first else 1]
            self.answer(200, listed[size * (number - 1) : size * number])

        def do_POST(self) -> None:
            self.answer(201, {"id": host.add(self.body())})

        def do_PUT(self) -> None:
            id = int(self.path.rsplit("/", 1)[1])
            host.bodies[id] = self.body()
            self.answer(200, {"id": id})

        def do_PATCH(self) -> None:
            self.do_PUT()

        def body(self) -> str:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.headers["PRIVATE-TOKEN"] == "a-token":
                return urllib.parse.parse_qs(body)["body"][0]
            return str(json.loads(body)["body"])

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield host
        server.shutdown()


GH = f"""#!{sys.executable}
import argparse, json, os, sys, urllib.request
options = argparse.ArgumentParser()
options.add_argument("command", choices=["api"])
options.add_argument("path")
options.add_argument("--paginate", action="store_true")
options.add_argument("--slurp", action="store_true")
options.add_argument("--silent", action="store_true")
options.add_argument("--method", default="GET")
options.add_argument("--field", default="")
args = options.parse_args()
def ask(path, **more):
    with urllib.request.urlopen(urllib.request.Request(f"{{os.environ['HOST']}}/{{path}}", **more)) as answer:
        return json.load(answer)
assert os.environ["GH_TOKEN"] == "a-token"
if args.method == "GET":
    assert args.paginate and args.slurp
    pages = []
    while not pages or pages[-1]:
        pages.append(ask(f"{{args.path}}?page={{len(pages) + 1}}"))
    print(json.dumps(pages[:-1]))
else:
    name, _, file = args.field.partition("=@")
    ask(args.path, method=args.method, data=json.dumps({{name: open(file).read()}}).encode())
"""
FAKES = {"gh": GH, "pip": "#!/bin/sh\necho pip $*", "sh": "#!/bin/bash\ncat"}
"""{command of a job: its replacement here}, so that nothing is downloaded."""


def job(host: str) -> tuple[list[str], dict[str, str]]:
    """Return the scripts of an example, each for its own shell, and its variables."""
    content = yaml.safe_load((ROOT / "examples" / "ci" / f"{host}.yml").read_text())
    if host == "gitlab":
        # GitLab runs all lines of a job in one shell
        return ["\n".join(content["preview"]["script"])], content["preview"]["variables"]
    steps = [step for step in content["jobs"]["preview"]["steps"] if "run" in step]
    assert [step["name"] for step in steps] == ["install", "preview", "comment"]
    assert steps[2]["if"] == "always() && steps.preview.outcome != 'skipped'"
    return [step["run"] for step in steps], {"STACK": "dev"}


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_the_example_jobs(deployed: Stack, comments: Comments, tmp_path: Path, host: str) -> None:
    """They create one comment and update it, and their status reports harmful changes and failures."""
    for name in ("gh", "pip"):
        (tmp_path / name).write_text(FAKES[name])
        (tmp_path / name).chmod(0o755)
    scripts, variables = job(host)
    environ = {
        **variables,
        "PATH": f"{tmp_path}{os.pathsep}{deployed.environ['PATH']}",
        "HOST": comments.url, "GH_TOKEN": "a-token", "GITHUB_REPOSITORY": "acme/web", "PULL_REQUEST": "7",
        "CI_API_V4_URL": comments.url, "GITLAB_TOKEN": "a-token", "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7",
    }  # fmt: skip

    def run(program: Mapping[str, Mapping[str, Any]], fail_on: str = "delete,replace,stop") -> list[int]:
        deployed.program(program)
        return [shell(deployed, script, **{**environ, "FAIL_ON": fail_on}).status for script in scripts]

    others = [comments.add(f"{number} is mine", by_a_person=True) for number in range(40)]
    if host == "github":  # only a bot's comment may be overwritten
        others.append(comments.add("<!-- pulumi-joviam comment dev -->\nnot really", by_a_person=True))
    others.append(comments.add("<!-- pulumi-joviam comment dev2 -->\nof another stack"))
    before = {id: comments.bodies[id] for id in others}

    assert run(CHANGED)[-1] == HARMFUL
    [ours] = set(comments.bodies) - set(others)
    assert "Disk `data`: **delete, data loss (50 GB)**" in comments.bodies[ours]
    assert run({**PROGRAM, "data": {**PROGRAM["data"], "size": "big"}})[-1] == FAILED
    assert "Disk `data`: size: must be a whole number, not a text (pulumi." in comments.bodies[ours]
    assert run({name: PROGRAM[name] for name in ("root", "web")}, fail_on="") == [0] * len(scripts)
    assert comments.bodies.pop(ours).startswith(
        "<!-- pulumi-joviam comment dev -->\n### Pulumi preview of `project/dev`\n\n"
        "**1 to delete**, 2 unchanged; **data loss in 1**\n"
    )
    assert comments.bodies == before

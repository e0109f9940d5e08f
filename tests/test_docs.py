"""Check README, the guides and the reference pages: programs run, and commands and links exist."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml

from pulumi_joviam.api.settings import ENDPOINT
from pulumi_joviam.emulator import Emulator, data_file
from pulumi_joviam.lifecycle import journal
from pulumi_joviam.lifecycle.state import Hidden
from tests.conftest import ROOT
from tests.emulator.account import Account
from tests.keys import key
from tests.stack import Stack
from tools import reference, site

README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples/languages"
GUIDES = {path.name: path.read_text() for path in sorted(DOCS.glob("*.md"))}
REFERENCE = {
    path.relative_to(DOCS).as_posix(): path.read_text()
    for folder in reference.FOLDERS
    for path in sorted((DOCS / folder).rglob("*.md"))
}
TOP = {path.name: path.read_text() for path in sorted(ROOT.glob("*.md"))}
PAGES = TOP | GUIDES | REFERENCE
EMULATOR = "emulator.md"
LOOK_UPS = "look-ups/index.md"


def blocks(text: str) -> list[tuple[str, str]]:
    """Return (language, content) of all fenced blocks."""
    return re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)


def programs(page: str) -> list[str]:
    return [content for language, content in blocks(PAGES[page]) if language == "python"]


def command_lines() -> list[str]:
    """Return all commands for the reader to type, without pipes, redirections and comments."""
    typed = re.compile(r"^ *(?:\$ )?((?:pulumi|pulumi-joviam|make|pip) [^|<>\n]*?)(?: \d?[<>|].*)?$", re.MULTILINE)
    shown = [content for text in PAGES.values() for language, content in blocks(text) if language in ("", "sh", "text")]
    return list(dict.fromkeys(line for content in shown for line in typed.findall(content)))


def test_the_reference_is_current() -> None:
    """`python tools/reference.py` would change nothing."""
    now = {**{DOCS / page: text for page, text in reference.pages().items()}, **reference.others()}
    before = {path: path.read_text() for path in [*now, *(DOCS / page for page in REFERENCE)] if path.exists()}
    old = [path for path in {**now, **before} if now.get(path) != before.get(path)]
    assert not old, "run python tools/reference.py"


def test_the_programs_of_readme_run(stack: Stack) -> None:
    """`up` of every program in README succeeds unchanged, and a second preview is empty."""
    created = [{"laptop", "web-disk", "web-address", "web"}]
    for program, names in zip(programs("README.md"), created, strict=True):
        (stack.project / "__main__.py").write_text(program)
        assert {name for name, step in stack.up().steps.items() if step == "create"} == names
        assert stack.preview().empty


def test_the_programs_of_the_guides_run(cloud: Emulator, engine_folder: str, tmp_path: Path) -> None:
    """Every program in docs/ can be previewed, and would create something."""
    contexts = json.dumps({"web": {"DB_PASSWORD": "p", "ROLE": "r"}})
    stack = Stack(tmp_path, cloud, engine_folder, {"password": "p", "contexts": contexts})
    found = [program for page in GUIDES if page != EMULATOR for program in programs(page)]
    (stack.project / "__main__.py").write_text("\n".join(found))
    steps = set(stack.preview().steps.values())
    assert len(found) >= 3
    assert steps == {"create"}


def test_every_program_of_the_reference_is_tested() -> None:
    """The programs on a page are those of docs/programs (at least one) and the example in the docstring."""
    docstrings = {reference.example(found) for found in reference.classes()}
    for page in REFERENCE:
        files = [path.read_text().split('"""', 2)[2].lstrip() for path in reference.programs(page)]
        others = [program for program in programs(page) if program not in files]
        assert [program for program in programs(page) if program in files] == files, page
        assert files or page.endswith("index.md"), page
        assert page == LOOK_UPS or not others or "".join(others) in docstrings, page


@pytest.mark.slow
def test_a_type_checker_accepts_the_programs_of_the_reference(tmp_path: Path) -> None:
    """Every resource, component and look-up has the types that its page shows."""
    for path in sorted(reference.PROGRAMS.rglob("*.py")):
        name = "_".join(path.relative_to(reference.PROGRAMS).with_suffix("").parts).replace("-", "_")
        shutil.copy(path, tmp_path / f"{name}.py")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folders", [("resources", "components"), ("look-ups",)], ids=" and ".join)
def test_the_programs_of_the_reference_run(stack: Stack, folders: tuple[str, ...]) -> None:
    """`up` of the programs of these pages succeeds in one stack, and a second preview is empty."""
    stack.pulumi("config", "set", "--secret", "customer:token", stack.cloud.token)
    stack.pulumi("config", "set", "--secret", "dbPassword", "p")
    account = Account(stack.cloud)  # with the objects that the look-ups find
    account.disk(name="orders")
    account.key()
    network = account.network("10.28.0.0/24")
    stack.cloud.configure(provision_seconds=0.1)
    (stack.folder / ".ssh").mkdir()
    (stack.folder / ".ssh/id_ed25519.pub").write_text(key("home"))
    found = [path.read_text() for page in REFERENCE if page.startswith(folders) for path in reference.programs(page)]
    if "look-ups" in folders:
        found.append(f"class stack_reference:\n    require_output = staticmethod({{'network': '{network}'}}.get)\n")
        found.extend(programs(LOOK_UPS))
    (stack.project / "__main__.py").write_text("import pulumi_joviam as joviam\n" + "\n".join(found))
    created = [step for step in stack.up().steps.values() if step == "create"]
    assert len(created) >= len(found) / 2
    assert stack.preview().empty


def test_the_programs_of_the_docstrings_run(stack: Stack) -> None:
    """The examples of all classes, joined to one program, can be previewed, and each class is used."""
    stack.pulumi("config", "set", "otherToken", stack.cloud.token)
    documented = {found.__name__: reference.example(found) for found in reference.classes()}
    order = ["PublicKey", "Network", "IpAddress", "Disk", "Instance"]
    examples = [documented[name] for name in [*order, *sorted(documented.keys() - order)]]
    heading = "import pulumi\nimport pulumi_joviam as joviam\n"
    (stack.project / "__main__.py").write_text(heading + "\n".join(examples))
    assert len(stack.preview().steps) > len(documented)
    for name, example in documented.items():
        assert f"joviam.{name}(" in example, name


def test_the_programs_of_the_emulators_guide_run(joviam_emulator: Emulator) -> None:
    """The script of the guide runs, and its test passes."""
    script, test = programs(EMULATOR)
    exec(script, {})  # noqa: S102 - a program from our own guide
    defined: dict[str, object] = {}
    exec(test, defined)  # noqa: S102 - the same
    [found] = [each for name, each in defined.items() if name.startswith("test_") and callable(each)]
    found(joviam_emulator)


def test_every_block_is_well_formed() -> None:
    """Every block has a language that is checked: shell commands, YAML and JSON parse, and programs compile."""
    for name, text in PAGES.items():
        assert text.count("```") == 2 * len(blocks(text)), name
        for language, content in blocks(text):
            match language:
                case "python":
                    compile(content, name, "exec")
                case "sh":
                    subprocess.run(["bash", "-n"], input=content, text=True, check=True)
                case "yaml":
                    yaml.safe_load(content)
                case "json":
                    json.loads(content)
                case "typescript" | "go":  # which tests/native/test_languages.py compiles and runs
                    assert any(content in path.read_text() for path in (EXAMPLES / language).glob("*.*")), content
                case _:
                    assert language in ("", "text"), name


def test_every_command_exists(engine_folder: str) -> None:
    """The commands and options in the docs exist, and a misspelled one is detected."""
    lines = command_lines()
    assert {line.split()[0] for line in lines} == {"pulumi", "pulumi-joviam", "make", "pip"}
    assert not [line for line in lines if not known(line, engine_folder)]
    wrong = ["pulumi upp", "pulumi up --parallell 4", "pulumi stack inti dev", "pulumi-joviam import --regions SY3"]
    wrong += ["pulumi-joviam komment", "make dmeo", "pip install 'pulumi-joviam[clo]'"]
    assert not [line for line in wrong if known(line, engine_folder)]


def known(line: str, engine: str) -> bool:
    """Return whether a command line has a command and options that exist."""
    program, *words = shlex.split(line, comments=True)
    if program == "make":
        return set(words) <= set(re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    if program == "pip":
        extras = {extra for listed in re.findall(r"\[(.*?)\]", line) for extra in listed.split(",")}
        return words[0] == "install" and extras <= set(metadata("pulumi-joviam").get_all("Provides-Extra") or ())
    plain = [word for word in words if not word.startswith("-")]
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    folder = engine if program == "pulumi" else str(Path(sys.executable).parent)
    # --help shows the help of the innermost command, whatever arguments follow it
    text = help_of(str(Path(folder, program)), *plain[: 2 if program == "pulumi" else 1])
    usage = re.search(rf"^ *Usage:\s+{program} ((?:[\w-]+ )*[\w-]+)(.*)$", text, re.MULTILINE)
    if usage is None:
        return False
    *path, name = usage[1].split()
    aliases = re.search(r"^Aliases:\n  (.*)$", text, re.MULTILINE)
    names = {name, *(aliases[1].split(", ") if aliases else ())}
    takes_more = re.search(r"[<{]|\[(?!flags|command|OPTIONS)", usage[2])
    return (
        plain[: len(path)] == path
        and plain[len(path)] in names
        and (len(plain) == len(path) + 1 or bool(options) or takes_more is not None)
        and all(re.search(rf"(?<![\w-]){option}(?![\w-])", text) for option in options)
    )


def test_commands_have_the_version_of_the_package() -> None:
    """A command that names a version of the plugin names this one."""
    named = re.findall(r"resource joviam (\S+)", "".join(command_lines()))
    assert set(named) == {metadata("pulumi-joviam")["Version"]}


@functools.cache
def help_of(*command: str) -> str:
    """Return the help text of a command."""
    environ = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=False, env=environ).stdout


def test_the_formats_are_complete() -> None:
    """docs/architecture.md lists the hidden keys of the state, and the fields of the journal and the data file."""
    text = GUIDES["architecture.md"]
    hidden = [it.metadata["key"] for it in fields(Hidden)]
    assert len(hidden) >= 7
    assert not [key for key in hidden if f"| `{key}` |" not in text]
    line = journal._line(("urn", ""), journal.Entry("/disks", {}, 1.0, "id", ended=True, last=2.0))
    assert not [field for field in line if f"`{field}`" not in text]
    assert not [field for field in data_file.Content.model_fields if f"`{field}`" not in text]


def test_every_setting_is_documented() -> None:
    """README lists every setting that settings.py reads."""
    source = (ROOT / "pulumi_joviam" / "api" / "settings.py").read_text()
    settings = set(re.findall(r'"(joviam:\w+)"', source)) | set(re.findall(r'"(JOVIAM_\w+)"', source))
    assert len(settings) >= 6
    assert not [name for name in settings if f"`{name}`" not in README]
    assert ENDPOINT in README


def test_readme_has_the_two_commands() -> None:
    """README shows a new user the two commands to try the package."""
    assert re.findall(r"^make (\w+)", README, re.MULTILINE) == ["demo", "test"]


def test_the_links_of_readme_work_everywhere() -> None:
    """They are absolute, as the package index needs, or anchors. Links into the repository lead to existing files."""
    repository = dict(url.split(", ") for url in metadata("pulumi-joviam").get_all("Project-URL") or ())["Source"]
    assert repository == site.REPOSITORY
    targets = [target for target, _ in links(README)]
    assert len(targets) >= 30
    assert not [target for target in targets if target and not target.startswith("https://")]
    inside = [target.removeprefix(f"{repository}/") for target in targets if target.startswith(repository)]
    assert len(inside) >= 30
    for target in inside:
        kind, branch, path = target.split("/", 2)
        assert branch == "main"
        assert (ROOT / path).is_file() if kind == "blob" else (ROOT / path).is_dir(), target


def test_every_link_inside_the_repository_is_valid() -> None:
    """Relative links lead to an existing file and heading, with anchors as GitHub spells them."""
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    relative = [
        (page, target, anchor)
        for page in pages
        for target, anchor in links(page.read_text())
        if not re.match("[a-z]+:", target)
    ]
    assert len(relative) >= 50
    for page, target, anchor in relative:
        file = page.parent / target if target else page
        assert file.exists(), (page, target)
        if anchor:
            headings = re.findall("^#+ (.*)$", file.read_text(), re.MULTILINE)
            spelled = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in spelled, (page, target, anchor)


def test_every_file_that_the_docs_name_exists() -> None:
    """Paths in backticks exist in the repository, among them the tests in the table of promises."""
    named = {
        (page, name)
        for page, text in PAGES.items()
        for name in re.findall(r"`((?:pulumi_joviam|tests|tools|bench|docs|examples|\.ci|\.github)/[\w./-]*)`", text)
    }
    assert len(named) >= 25
    assert not [(page, name) for page, name in named if not (ROOT / name).exists()]


def links(text: str) -> list[tuple[str, str]]:
    """Return (target, anchor) of all links of a page."""
    found = re.findall(r"\[[^\]]+\]\(([^)#\s]*)(?:#([^)\s]+))?\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [(target, anchor) for target, anchor in found if target or anchor]

"""The rules of the code base: allowed imports, and what every resource must have."""

from __future__ import annotations

import inspect
import os
import pydoc
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

import pulumi_joviam as joviam
from pulumi_joviam.lifecycle.declare import Args
from pulumi_joviam.lifecycle.resource import Resource
from tests.conftest import ROOT

PACKAGE = ROOT / "pulumi_joviam"
MODULES = sorted(PACKAGE.rglob("*.py"))
DECLARED: list[type[Args]] = [
    found for name in joviam.__all__ if isinstance(found := getattr(joviam, name), type) and issubclass(found, Args)
]
RESOURCES = [declared for declared in DECLARED if issubclass(declared, Resource)]
PLAIN: pydoc.TextDoc = pydoc._PlainTextDoc()  # type: ignore[attr-defined] # pydoc.plaintext, which is missing in its types


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts in pyproject.toml for the package in a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", f"--config={ROOT / 'pyproject.toml'}"]
    environ = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_the_layers_keep_their_contracts() -> None:
    """The package keeps the import contracts in pyproject.toml."""
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("api/models.py", "import pulumi", "the api does not use Pulumi"),
        ("api/models.py", "from pulumi_joviam.lifecycle import aliases", "layers, from commands down to the api"),
        ("lifecycle/aliases.py", "from pulumi_joviam.resources import power", "layers, from commands down to the api"),
        ("lookups/query.py", "import pulumi_joviam.native.schema", "layers, from commands down to the api"),
        ("resources/power.py", "import requests", "only the api sends HTTP requests"),
        ("resources/power.py", "import grpc", "only the plugins"),
        ("emulator/store.py", "from pulumi_joviam.api import errors", "the emulator shares no code"),
        ("lookups/query.py", "import pulumi_joviam.emulator", "only its command uses the emulator"),
        ("resources/boot_disk.py", "from pulumi_joviam.resources import instance", "no import cycles"),
    ],
)
def test_a_wrong_import_breaks_a_contract(tmp_path: Path, file: str, line: str, contract: str) -> None:
    """Each contract detects a violation."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / PACKAGE.name / file).open("a") as source:
        source.write(f"{line}\n")
    broken = re.findall("^(.*) BROKEN", lint(tmp_path).stdout, re.MULTILINE)
    assert any(name.startswith(contract) for name in broken)


def test_an_import_loads_no_unused_modules() -> None:
    """Importing a resource imports neither requests, the emulator nor the native plugin, and prints nothing."""
    others = ("requests", "urllib3", "fastapi", "pulumi_joviam.native")
    script = f"import sys, pulumi_joviam.resources.instance; print([m for m in {others} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_is_called_utils() -> None:
    """A function is next to its caller, or in a module named after its purpose."""
    assert not [path for path in MODULES if path.stem in {"utils", "helpers", "common", "misc", "base"}]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_the_keywords_are_the_fields_of_the_model(resource: type[Resource]) -> None:
    """The keywords of a class have the names of its model's fields, and are required if those are."""
    fields = resource._lifecycle.args.model_fields
    signature = inspect.signature(resource).parameters
    assert list(inspect.signature(resource.__init__).parameters) == ["self", *signature]
    keywords = {name: found for name, found in signature.items() if found.kind is found.KEYWORD_ONLY}
    assert list(signature)[:2] == ["resource_name", "opts"]
    assert list(keywords) == list(fields)
    required = {name for name, found in keywords.items() if found.default is found.empty}
    with_a_default = {name for name, traits in resource._lifecycle.args.traits().items() if traits.required}
    assert required == {name for name, field in fields.items() if field.is_required()} - with_a_default
    make = cast(Callable[..., Resource], resource)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        make("wrong", colour="red", **dict.fromkeys(required, ""))
    if required:
        with pytest.raises(TypeError, match=f"missing {len(required)} required keyword-only argument"):
            make("wrong")


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.__name__)
def test_every_argument_and_output_is_described(declared: type[Args]) -> None:
    """Each has a description below it in the source, which help() shows instead of the SDK's own text."""
    declaration, text = declared._declaration, pydoc.render_doc(declared, renderer=PLAIN)
    for name in (*declaration.specs, *declaration.outputs):
        assert declaration.descriptions[name].endswith("."), name
        assert f"{name}: {declaration.descriptions[name][:20]}" in text
    assert list(inspect.signature(declared).parameters) == ["resource_name", "opts", *declaration.specs]
    assert ":param" not in pydoc.render_doc(declared.__init__, renderer=PLAIN)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_the_docs_of_changes_match_diff(resource: type[Resource]) -> None:
    """The docs of each argument agree with its markers, which diff reads."""
    declaration = resource._declaration
    assert "Source: reference" in declaration.about
    for name, traits in resource._lifecycle.args.traits().items():
        assert bool(traits.replaces) == declaration.change(name).startswith("a change replaces")
        assert bool(traits.may_stop) == ("may stop" in declaration.change(name))


def test_a_subclass_of_a_program_shows_its_own_constructor() -> None:
    """Without one, it shows that of its base class."""

    class Own(joviam.Disk):
        def __init__(self, gigabytes: int) -> None:
            super().__init__("own", size=gigabytes, performance_tier="Fast")

    class Same(joviam.Server):
        pass

    assert list(inspect.signature(Own).parameters) == ["gigabytes"]
    assert inspect.signature(Same) == inspect.signature(joviam.Server)


def test_every_public_name_has_a_docstring() -> None:
    """Every name that programs import has a docstring."""
    assert not [name for name in joviam.__all__ if not getattr(joviam, name).__doc__]

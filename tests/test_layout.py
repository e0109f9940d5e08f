"""The rules of the tree: who may import what, and what a new resource must bring along."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pulumi_joviam as joviam
from pulumi_joviam.provider import Resource
from tests.conftest import ROOT
from tools.reference import arguments_told

PACKAGE = ROOT / "pulumi_joviam"
MODULES = sorted(PACKAGE.rglob("*.py"))
RESOURCES: list[type[Resource]] = [
    found for name in joviam.__all__ if isinstance(found := getattr(joviam, name), type) and issubclass(found, Resource)
]


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def users_of(package: str) -> set[str]:
    users = {path for path in MODULES if any(name.split(".")[0] == package for name in imports(path))}
    return {str(path.relative_to(PACKAGE)) for path in users if "emulator" not in path.parts}


def test_only_the_client_speaks_http() -> None:
    """requests and urllib3 have one user in the package: the client and its transport."""
    assert users_of("requests") <= {"client.py", "transport.py"}
    assert users_of("urllib3") <= {"client.py", "transport.py"}


def test_the_client_knows_nothing_of_pulumi() -> None:
    """The client and what it stands on work in a plain script."""
    for name in ("client", "config", "deadline", "errors", "models", "waiter", "catalog"):
        assert not any(module.split(".")[0] == "pulumi" for module in imports(PACKAGE / f"{name}.py")), name


def test_only_the_engine_module_knows_the_plugin() -> None:
    """gRPC and the plugin's protocol have one user."""
    assert users_of("grpc") == {"engine.py"}


def test_the_emulator_stands_apart() -> None:
    """The emulator shares no line with the package, so both cannot share a mistake; and the other way round."""
    emulator = [path for path in MODULES if "emulator" in path.relative_to(PACKAGE).parts]
    for path in emulator:
        assert not {name for name in imports(path) if re.match(r"pulumi_joviam\.(?!emulator)", name)}, path
    for path in set(MODULES) - set(emulator):
        if path.parent.name != "cli" and path.name != "pytest_plugin.py":
            assert not {name for name in imports(path) if name.startswith("pulumi_joviam.emulator")}, path


def test_a_program_does_not_pay_for_http() -> None:
    """Importing the package neither imports requests nor the emulator, and does nothing."""
    script = "import sys, pulumi_joviam; print([m for m in ('requests', 'urllib3', 'fastapi') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_is_called_utils() -> None:
    """A function lives beside its caller, or in a module named for what it does."""
    assert not [path for path in MODULES if path.stem in {"utils", "helpers", "common", "misc", "base"}]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_what_users_write_is_what_is_checked(resource: type[Resource]) -> None:
    """The keywords of the class are the fields of its Args: the same names, and required where those are."""
    fields = resource._lifecycle.args.model_fields
    signature = inspect.signature(resource.__init__).parameters
    keywords = {name: found for name, found in signature.items() if found.kind is found.KEYWORD_ONLY}
    assert set(keywords) == set(fields)
    required = {name for name, found in keywords.items() if found.default is found.empty}
    said_elsewhere = {name for name, traits in resource._lifecycle.args.traits().items() if traits.required}
    assert required == {name for name, field in fields.items() if field.is_required()} - said_elsewhere
    assert list(signature)[:3] == ["self", "resource_name", "opts"]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_every_argument_and_output_is_typed_and_told(resource: type[Resource]) -> None:
    """Each is an annotated attribute; the docstring tells each argument, and which ones replace."""
    lifecycle = resource._lifecycle
    annotated = inspect.get_annotations(resource)
    assert {*lifecycle.args.model_fields, *lifecycle.outputs} <= set(annotated)
    told = arguments_told(resource)
    assert set(told) == set(lifecycle.args.model_fields)
    for name, traits in lifecycle.args.traits().items():
        if traits.replaces:
            assert "replaces" in told[name], name
        if traits.may_stop:
            assert "stop" in told[name], name
    assert "Source: reference" in (resource.__doc__ or "")


def test_every_public_name_has_a_docstring() -> None:
    """What programs import says what it promises."""
    assert not [name for name in joviam.__all__ if not getattr(joviam, name).__doc__]

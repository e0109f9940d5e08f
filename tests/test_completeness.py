"""Every resource is complete: each test names the steps of CONTRIBUTING.md ("Add a resource") that are missing."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

import pytest

from pulumi_joviam import lookups
from pulumi_joviam.api import models
from pulumi_joviam.cli.import_ import wanted
from pulumi_joviam.emulator.operations import MODULES, NOUNS
from pulumi_joviam.emulator.store import Moving, Object
from pulumi_joviam.lifecycle.resource import Resource
from tests.conftest import ROOT
from tests.emulator.reference import ENDPOINTS, EXAMPLES
from tests.engine.test_lifecycles import ABSENT, ARGUMENTS
from tests.samples import RESOURCES, SAMPLES
from tools import reference

PUBLIC = list(wanted.PUBLIC)


def stems(folder: str) -> list[str]:
    """Return the names of the modules in a folder of the package."""
    return sorted(path.stem for path in (ROOT / "pulumi_joviam" / folder).glob("*.py") if path.stem != "__init__")


class RecordingWorld:
    """A world for samples that records which kinds they use."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def one(self, kind: str) -> str:
        self.kinds.append(kind.split()[-1])
        return ""

    def number(self) -> int:
        return 1


def missing(resource: type[Resource]) -> Iterator[str]:
    """Yield what is missing of a resource: the step of CONTRIBUTING.md, what, and in which file."""
    kind, model = resource.__name__, resource._lifecycle.model
    file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    if model.__module__ == models.__name__:  # otherwise the API has no such object
        required = [it for it, spec in resource._declaration.specs.items() if spec.default is ...]
        unread = [it for it in required if it not in model.model_fields]
        if unread and "as_inputs" not in vars(resource._lifecycle):
            yield f"step 2: as_inputs with {' and '.join(unread)}, in pulumi_joviam/resources/{file}.py"
        one, many = f"get_{file}", f"get_{model.path[1:]}"
        if model.listed:
            yield from (f"step 4: {it} in pulumi_joviam/lookups/" for it in (one, many) if not hasattr(lookups, it))
        noun = next((noun for noun in NOUNS if noun.kind == model.path[1:]), None)
        if noun is None:
            yield f'step 5: a noun with kind = "{model.path[1:]}" in pulumi_joviam/emulator/, whose file step 6 names'
        elif noun.card is Object.card:
            yield f"step 5: {noun.__name__}.card, for the live page, in {noun.__module__.replace('.', '/')}.py"
        if noun and issubclass(noun, Moving) and not (noun.ready <= model.ready and noun.failed in model.failed):
            states = f"ready with {sorted(noun.ready)} and failed with {noun.failed!r}"
            yield f"step 1: {states}, as in the emulator, in {model.__name__} of pulumi_joviam/api/models.py"
        if not any(path.startswith(model.path) for _, path, _, _ in ENDPOINTS):
            yield f"step 7: the endpoints below {model.path}, in ENDPOINTS of tests/emulator/reference.py"
        if not (ROOT / f"tests/emulator/test_{file}.py").exists():
            yield f"step 8: tests of what the emulator accepts and refuses, in tests/emulator/test_{file}.py"
    examples, puts = EXAMPLES.keys(), [f"PUT {path}" for verb, path, _, _ in ENDPOINTS if verb == "PUT"]
    update = next((it for it in puts if re.fullmatch(rf"PUT {model.path}/{{\w+}}", it)), None)
    if f"POST {model.path}" in examples and update and update not in examples:
        yield f"step 7: an example of {update}, in EXAMPLES of tests/emulator/reference.py"
    if kind not in SAMPLES:
        yield "step 9: a sample with all arguments, in SAMPLES of tests/samples.py"
    else:
        sampled = {argument for variant in SAMPLES[kind].arguments(RecordingWorld()) for argument in variant}
        omitted = [argument for argument in resource._declaration.specs if argument not in sampled]
        yield from (f"step 9: {argument} in its sample, in tests/samples.py" for argument in omitted)
        if f"POST {model.path}" in examples and update and not SAMPLES[kind].changed:
            yield "step 9: changed= in its sample, in tests/samples.py"
    has_tests_of_its_own = (ROOT / f"tests/engine/test_{file}.py").exists()
    if not has_tests_of_its_own and kind not in {row.kind for row in ARGUMENTS}:
        yield "step 10: a row for each argument, in ARGUMENTS of tests/engine/test_lifecycles.py"
    changed = SAMPLES[kind].changed if kind in SAMPLES else ()
    still = [row.argument for row in ARGUMENTS if row.kind == kind and row.drift is ABSENT and row.argument in changed]
    yield from (f"step 10: drift= in the row of {it}, in ARGUMENTS of tests/engine/test_lifecycles.py" for it in still)
    page = f"{file.replace('_', '-')}.md"
    programs = [path.read_text() for path in reference.programs(f"resources/{page}")]
    if not any(f"joviam.{kind}(" in program for program in programs):
        yield f"step 11: a program that creates one, in docs/programs/resources/{file.replace('_', '-')}/"
    if hasattr(lookups, f"get_{file}") and not reference.programs(f"look-ups/{page}"):
        yield f"step 11: a program with get_{file}, in docs/programs/resources/{file.replace('_', '-')}/"
    if f"`{kind}`" not in (ROOT / "CHANGELOG.md").read_text():
        yield f"step 12: `{kind}` in CHANGELOG.md"


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES.keys())
def test_a_resource_is_complete(resource: type[Resource]) -> None:
    """The failure names everything that is missing, with its file and step."""
    found = list(missing(resource))
    assert not found, "\n".join([f"{resource.__name__} is not complete", *found])


def test_every_resource_is_public() -> None:
    """Each class in resources/ is in the list of public names, from which the rest is derived."""
    for stem in stems("resources"):
        importlib.import_module(f"pulumi_joviam.resources.{stem}")
    names = [found.__name__ for found in Resource.__subclasses__() if found.__module__.startswith("pulumi_joviam.")]
    assert not [name for name in names if name not in PUBLIC], "step 3: not in pulumi_joviam/__init__.pyi"


def test_every_look_up_is_public() -> None:
    """Each look-up is in the list of public names, with its `_output` form."""
    names = [form for name in vars(lookups) if name.startswith("get_") for form in (name, f"{name}_output")]
    assert not [name for name in names if name not in PUBLIC], "step 3: not in pulumi_joviam/__init__.pyi"


def test_every_file_of_the_emulator_is_listed() -> None:
    """Each file with a noun or with operations is in MODULES, from which the emulator is built."""
    listed = {module.__name__.split(".")[-1] for module in MODULES}
    own = re.compile(r'^OPERATIONS = \($|^    kind = "', re.MULTILINE)
    files = [stem for stem in stems("emulator") if own.search((ROOT / f"pulumi_joviam/emulator/{stem}.py").read_text())]
    assert not [stem for stem in files if stem not in listed], "step 6: not in MODULES of emulator/operations.py"


def test_the_order_of_public_names() -> None:
    """It is the order of resources in the programs that import writes: dependencies first."""
    wrong: list[str] = []
    for name in RESOURCES.keys() & SAMPLES.keys():
        world = RecordingWorld()
        SAMPLES[name].arguments(world)
        wrong += [f"{used} after {name}" for used in world.kinds if PUBLIC.index(used) > PUBLIC.index(name)]
    assert not wrong, "step 3: the order of __all__ in pulumi_joviam/__init__.pyi"


def test_examples_are_of_endpoints() -> None:
    """Each example belongs to an endpoint of the reference."""
    assert not [it for it in EXAMPLES if it not in {f"{method} {path}" for method, path, _, _ in ENDPOINTS}]

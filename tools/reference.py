"""The reference pages in docs/resources, docs/components and docs/look-ups, written from the code.

`python tools/reference.py` writes them; a test compares. What a page says about arguments and outputs comes from the
class; its longer examples are the programs in the folder of docs/programs that has the page's name.
"""

from __future__ import annotations

import inspect
import re
import textwrap
import types
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pulumi
from typing_extensions import is_typeddict

import pulumi_joviam as joviam
from pulumi_joviam import lookups
from pulumi_joviam.api.models import Model
from pulumi_joviam.cli.import_.account import KINDS
from pulumi_joviam.lifecycle.declare import Args
from pulumi_joviam.lifecycle.resource import Resource

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDERS = ("resources", "components", "look-ups")
"""Everything in them is written by this file."""
PROGRAMS = DOCS / "programs"
INDENTED = re.compile(r"^(?: {4}.+\n)+", re.MULTILINE)
API_REFERENCE = "https://cloud.joviam.com/developer/v1"
LATER = (Awaitable, pulumi.Output)
"""What an Input may be instead of a plain value."""
GENERATED = (
    "<!-- Written by tools/reference.py. Edit the docstrings in pulumi_joviam/ and the programs in docs/programs/. -->"
)

RESOURCES = """# Resources

What they have in common: [How resources behave](../behavior.md). The short examples at the top of the pages assume
`import pulumi` and `import pulumi_joviam as joviam`, and some use a resource from another page. The longer ones are
complete programs.

In the tables, "updates" means that the object is changed in place. "Replaces" means that a new object is created and
the old one is deleted. "May stop" means that the machine may have to be stopped for it, which needs
`allow_stopping=True`.
"""
CANNOT_IMPORT = {
    "ConsoleSession": "The API does not list console sessions, so they cannot be imported. Create a new one.",
    "Provider": "There is nothing to import: a Provider exists in the program only, not in the cloud.",
}
CANNOT_GET = {
    "AvailabilityGroup": "The API has no object for a group. Look up its instances: "
    "[get_instances](../look-ups/instance.md) returns them with the groups that they are in.",
}


def classes() -> list[type[Args]]:
    """Return the classes that a program makes things with."""
    return [found for found in _types() if issubclass(found, Args)]


def pages() -> dict[str, str]:
    """Return {path below docs/: Markdown} for the resources, the components, the Provider and the look-ups."""
    made = {}
    for noun, names in _nouns().items():
        page = f"look-ups/{_file(noun.__name__)}"
        made[page] = _lookup_page(noun, names, _examples(page))
    for found in classes():
        folder = "components" if issubclass(found, pulumi.ComponentResource) else "resources"
        page = f"{folder}/{_file(found.__name__)}"
        made[page] = _class_page(found, _examples(page))
    made["look-ups/index.md"] = f"# Look-ups\n\n{_markdown(inspect.getdoc(lookups) or '')}\n"
    listed = [_line(found) for found in classes() if not issubclass(found, pulumi.ComponentResource)]
    made["resources/index.md"] = "\n".join([RESOURCES, *listed, ""])
    return {path: f"{GENERATED}\n\n{text}" for path, text in made.items()}


def programs(page: str) -> list[Path]:
    """Return the longer examples of a page ("resources/disk.md")."""
    return sorted((PROGRAMS / page.removesuffix(".md")).glob("*.py"))


def write() -> None:
    """Write every page, and remove those of what is gone."""
    wanted = pages()
    for folder in FOLDERS:
        (DOCS / folder).mkdir(exist_ok=True)
        for path in (DOCS / folder).glob("*.md"):
            if path.relative_to(DOCS).as_posix() not in wanted:
                path.unlink()
    for name, text in wanted.items():
        (DOCS / name).write_text(text)


def example(documented: type[Args]) -> str:
    """Return the program in a docstring, "" if it has none."""
    return "".join(textwrap.dedent(block) for block in re.findall(INDENTED, documented._declaration.about))


def _types() -> list[type]:
    return [found for name in joviam.__all__ if isinstance(found := getattr(joviam, name), type)]


# -- pages --


def _file(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() + ".md"


def _line(found: type[Args]) -> str:
    first = found._declaration.about.split(".\n")[0].split(". ")[0].replace("\n", " ").rstrip(".")
    return f"- [{found.__name__}]({_file(found.__name__)}): {first[0].lower()}{first[1:]}"


def _class_page(found: type[Args], examples: str) -> str:
    lines = [f"# {found.__name__}\n", _markdown(found._declaration.about) + "\n", "## Arguments\n", _table(found)]
    lines.extend(_dict_part(each) for each in _types() if is_typeddict(each) and each.__module__ == found.__module__)
    if outputs := _outputs_table(found):
        lines.append(f"## Outputs\n\n{outputs}")
    lines.append(examples)
    if not issubclass(found, pulumi.ComponentResource):
        lines.append(f"## Import\n\n{_import(found)}")
    if issubclass(found, Resource):
        lines.append(f"## Look up an existing one\n\n{_look_up(found)}")
    return "\n".join(filter(None, lines))


def _examples(page: str) -> str:
    """Return the longer examples: the first line of a program's docstring is its heading, the rest explains it."""
    lines = []
    for path in programs(page):
        _, docstring, code = path.read_text().split('"""', 2)
        heading, _, text = docstring.partition("\n")
        lines += [
            f"### {heading.rstrip('.')}\n",
            *([text.strip() + "\n"] if text else []),
            f"```python\n{code.lstrip()}```\n",
        ]
    return "\n".join(["## Examples\n", *lines]) if lines else ""


def _import(found: type) -> str:
    kind = next((kind.value for kind, resource in KINDS.items() if resource is found), "")
    if not kind:
        return CANNOT_IMPORT[found.__name__] + "\n"
    return f"""\
```sh
pulumi-joviam import --kind {kind}
pulumi import --file import.json --generate-code=false
```

The first command writes the program and the import file, the second one puts the objects into the stack. To import a
single object, pass its id instead of `--kind {kind}`. `pulumi import TYPE NAME ID` does not work for this package. The
[guide](../import.md) has the details.
"""


def _look_up(found: type[Resource]) -> str:
    if reason := CANNOT_GET.get(found.__name__):
        return reason + "\n"
    get = f"""\
`joviam.{found.__name__}.get("some-name", id)` reads the object with that id, with all arguments and outputs. The stack
does not manage it: it neither changes nor deletes it.
"""
    noun = {noun.__name__: names for noun, names in _nouns().items()}.get(found.__name__)
    if not noun:
        return get
    more = f"[{noun[0]}](../look-ups/{_file(found.__name__)}) finds one by its id or by what it is called"
    more += f", and `{noun[1]}` lists all.\n" if len(noun) > 1 else ".\n"
    return f"{more}\n{get}"


def _dict_part(found: type) -> str:
    return f"### {found.__name__}\n\n{_markdown(inspect.getdoc(found) or '')}\n"


def _outputs_table(found: type[Args]) -> str:
    """Return what a class has beside its arguments."""
    declared = found._declaration
    rows = [f"| `{name}` | {_type(hint)} | {declared.descriptions[name]} |" for name, hint in declared.outputs.items()]
    return "\n".join(["| output | type | |", "|---|---|---|", *rows]) + "\n" if rows else ""


def _nouns() -> dict[type[Model], list[str]]:
    """Return {what look-ups find: the names of those that find it, one or several}."""
    found: dict[type[Model], list[str]] = {}
    for name in joviam.__all__:
        if name.startswith("get_") and not name.endswith("_output"):
            answer = get_type_hints(getattr(joviam, name))["return"]
            found.setdefault((get_args(answer) or [answer])[0], []).append(name)
    return found


def _lookup_page(noun: type[Model], names: Sequence[str], examples: str) -> str:
    lines = []
    for name in names:
        function = getattr(joviam, name)
        signature = [
            parameter if found.default is found.empty else f"{parameter}=None"
            for parameter, found in inspect.signature(function).parameters.items()
        ]
        lines += [
            f"{'#' if name == names[0] else '##'} {name}\n",
            f"```text\njoviam.{name}({', '.join(signature)})\n```\n",
            _markdown(inspect.getdoc(function) or ""),
        ]
        lines.append(f"\n`{name}_output` takes outputs as well, and returns an output.\n")
    lines += ["## Result\n", "| attribute | type |", "|---|---|"]
    lines += [f"| `{field}` | {_type(found.annotation)} |" for field, found in noun.model_fields.items()]
    if examples:
        lines += ["", examples.rstrip("\n")]
    return "\n".join(lines) + "\n"


def _markdown(docstring: str) -> str:
    """Return a docstring without the indentation of its source, with its programs in fences and its source linked."""
    fenced = re.sub(INDENTED, lambda block: f"```python\n{textwrap.dedent(block[0])}```\n", docstring.strip() + "\n")
    return re.sub(r"\s+Source: reference", f"\n\nSource: [API reference]({API_REFERENCE})", fenced).strip()


# -- tables --


def _table(found: type[Args]) -> str:
    declared = found._declaration
    lines = ["| argument | type | default | a change | |", "|---|---|---|---|---|"]
    for name, hint in declared.inputs.items():
        change = declared.change(name).replace("a change replaces", "replaces").replace("updated in place", "updates")
        described = declared.descriptions[name].replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(hint)} | {declared.default(name)} | {change} | {described} |")
    return "\n".join(lines) + "\n"


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, pulumi.Output):
        return _type(parts[0])
    if origin in (Union, types.UnionType):
        named = [part for part in parts if part is not type(None) and get_origin(part) not in LATER]
        return " or ".join(map(_type, named))
    if origin is Literal:
        return ", ".join(f'`"{part}"`' for part in parts)
    if origin in (list, Sequence):
        return f"list of {_type(parts[0])}"
    if origin in (dict, Mapping):
        return "mapping"
    name: str = annotation.__name__
    return {"str": "text", "int": "number", "bool": "true/false"}.get(name, name)


if __name__ == "__main__":
    write()

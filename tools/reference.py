"""The reference pages in docs/resources, docs/components and docs/look-ups, written from the code.

`python tools/reference.py` writes them; a test compares. What a page says about arguments and outputs comes from the
class; its longer examples are the programs in the folder of docs/programs that has the page's name.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import textwrap
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pulumi
from typing_extensions import is_typeddict

import pulumi_joviam as joviam
from pulumi_joviam import lookups
from pulumi_joviam.api.models import Model
from pulumi_joviam.cli.import_.account import KINDS
from pulumi_joviam.lifecycle.declare import Args, descriptions
from pulumi_joviam.lifecycle.resource import Resource

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDERS = ("resources", "components", "look-ups")
"""Everything in them is written by this file."""
PROGRAMS = DOCS / "programs"
INDENTED = re.compile(r"^(?: {4}.+\n)+", re.MULTILINE)
API_REFERENCE = "https://cloud.joviam.com/developer/v1"
NOTHING = "–"  # noqa: RUF001 - what tables have where there is nothing
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


def classes() -> list[type]:
    """Return the classes that a program makes things with."""
    return [found for found in _types() if not is_typeddict(found)]


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


def arguments_told(documented: type) -> dict[str, str]:
    """Return {argument: what is said about it}, below its declaration or in the docstring."""
    if issubclass(documented, Args):
        return {name: documented._declaration.descriptions[name] for name in documented._declaration.specs}
    part = _parts(documented)[1]
    told = re.finditer(r"^    (\w+(?:,\s+\w+)*): ((?:.*\n?(?:        .*\n?)*))", part, re.MULTILINE)
    return {name: " ".join(match[2].split()) for match in told for name in re.split(r",\s+", match[1])}


def example(documented: type) -> str:
    """Return the program in a docstring, "" if it has none."""
    return "".join(textwrap.dedent(block) for block in re.findall(INDENTED, _parts(documented)[0]))


def _types() -> list[type]:
    return [found for name in joviam.__all__ if isinstance(found := getattr(joviam, name), type)]


def _about(documented: type) -> str:
    """Return a docstring as it is written."""
    return documented._declaration.about if issubclass(documented, Args) else inspect.cleandoc(documented.__doc__ or "")


def _parts(documented: type) -> tuple[str, str, str]:
    """Return what a docstring says before, in and after its list of arguments."""
    before, _, rest = inspect.cleandoc(
        documented._declaration.about if issubclass(documented, Args) else documented.__doc__ or ""
    ).partition("Args:\n")
    args, _, after = rest.partition("\n\n")
    return before, args, after


# -- pages --


def _file(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() + ".md"


def _line(found: type) -> str:
    first = _parts(found)[0].split(".\n")[0].split(". ")[0].replace("\n", " ").rstrip(".")
    return f"- [{found.__name__}]({_file(found.__name__)}): {first[0].lower()}{first[1:]}"


def _class_page(found: type, examples: str) -> str:
    before, _, after = _parts(found)
    lines = [f"# {found.__name__}\n", _markdown(before) + "\n", "## Arguments\n"]
    lines.append(_table(found) if issubclass(found, Resource) else _told_table(found))
    lines.extend(_dict_part(each) for each in _types() if is_typeddict(each) and each.__module__ == found.__module__)
    if outputs := _outputs_table(found):
        lines.append(f"## Outputs\n\n{outputs}")
    if after:
        lines.append(f"## Notes\n\n{_markdown(after)}\n")
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


def _told_table(found: type) -> str:
    """Return the arguments of a class whose signature and docstring are all that knows them."""
    told = arguments_told(found)
    # an Input cannot be asked for what it is of, an Output can
    said = {
        name: text.replace("pulumi.Input[", "pulumi.Output[")
        for name, text in inspect.get_annotations(vars(found)["__init__"]).items()
    }
    hints = get_type_hints(types.SimpleNamespace(__annotations__=said), vars(sys.modules[found.__module__]))
    lines = ["| argument | type | default | |", "|---|---|---|---|"]
    for name, parameter in inspect.signature(found).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            required = parameter.default is parameter.empty
            default = "required" if required else _default(told[name])
            if default == NOTHING and parameter.default not in (None, ()):
                default = json.dumps(parameter.default)
            lines.append(f"| `{name}` | {_type(hints[name])} | {default} | {_words(told[name], 'Default')} |")
    return "\n".join(lines) + "\n"


def _outputs_table(found: type) -> str:
    """Return what a class has beside its arguments."""
    told = descriptions(found)
    declared = found._declaration.outs if issubclass(found, Args) else None
    hints = _attributes(found) if declared is None else {name: out.type for name, out in declared.items()}
    rows = [f"| `{name}` | {_type(hints[name])} | {told.get(name, '')} |" for name in hints if not name.startswith("_")]
    return "\n".join(["| output | type | |", "|---|---|---|", *rows]) + "\n" if rows else ""


def _attributes(found: type) -> dict[str, Any]:
    """Return {attribute: type} of a component."""
    return inspect.get_annotations(found, eval_str=True)


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


def _table(resource: type[Resource]) -> str:
    told, fields = arguments_told(resource), resource._lifecycle.args.model_fields
    lines = ["| argument | type | default | a change | |", "|---|---|---|---|---|"]
    for name in resource._declaration.specs:
        default, change = resource._declaration.default(name), resource._declaration.change(name)
        for words, short in (("a change replaces", "replaces"), ("updated in place", "updates")):
            change = change.replace(words, short)
        cells = (f"`{name}`", _type(fields[name].annotation), default, change, told[name].replace("|", "\\|"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, pulumi.Output):
        return _type(parts[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is Literal:
        return ", ".join(f'`"{part}"`' for part in parts)
    if origin in (list, Sequence):
        return f"list of {_type(parts[0])}"
    if origin in (dict, Mapping):
        return "mapping"
    name: str = annotation.__name__
    return {"str": "text", "int": "number", "bool": "true/false"}.get(name, name)


def _default(told: str) -> str:
    match = re.search(r'Default(?:, [^:]*)?: ((?:"[^"]*"|[^."])*)\.|("\w+") \(default\)', told)
    return str(match[1] or match[2]) if match else NOTHING


def _words(told: str, *said_elsewhere: str) -> str:
    """Return what is told, without the sentences that begin with what other columns say."""
    sentences = re.split(r"(?<=\.) ", told)
    return " ".join(sentence for sentence in sentences if not sentence.startswith(said_elsewhere)).replace("|", "\\|")


if __name__ == "__main__":
    write()

"""Write the tables of README.md that come from the code: `python tools/readme.py`; the tests compare them."""

from __future__ import annotations

import inspect
import re
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pulumi_joviam as joviam
from pulumi_joviam.provider import Resource

README = Path(__file__).resolve().parent.parent / "README.md"
MARKS = re.compile(r"(<!-- resources.*?-->\n).*?(<!-- /resources -->)", re.DOTALL)


def written(text: str) -> str:
    """Return the README with its tables as the code has them now."""
    found = [getattr(joviam, name) for name in joviam.__all__]
    resources = [item for item in found if isinstance(item, type) and issubclass(item, Resource)]
    tables = "\n".join(_table(resource) for resource in resources)
    return MARKS.sub(lambda marks: f"{marks[1]}\n{tables}\n{marks[2]}", text)


def arguments_told(resource: type[Resource]) -> dict[str, str]:
    """Return {argument: what the docstring says about it}."""
    part = inspect.cleandoc(resource.__doc__ or "").split("Args:\n")[1].split("\n\n")[0]
    told = re.finditer(r"^    (\w+): ((?:.*\n?(?:        .*\n?)*))", part, re.MULTILINE)
    return {match[1]: " ".join(match[2].split()) for match in told}


def _table(resource: type[Resource]) -> str:
    lifecycle = resource._lifecycle
    told, traits = arguments_told(resource), lifecycle.args.traits()
    lines = [f"#### {resource.__name__}\n", "| argument | type | default | a change | |", "|---|---|---|---|---|"]
    for name, field in lifecycle.args.model_fields.items():
        marks = traits[name]
        default = "required" if field.is_required() and not marks.required else _default(told[name])
        change = "replaces" if marks.replaces else "updates, may stop" if marks.may_stop else "updates"
        lines.append(f"| `{name}` | {_type(field.annotation)} | {default} | {change} | {_words(told[name])} |")
    outputs = [name for name in lifecycle.outputs if name not in lifecycle.args.model_fields]
    if outputs:
        lines.append(f"\nOutputs beside these: {', '.join(f'`{name}`' for name in outputs)}.")
    return "\n".join(lines) + "\n"


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(parts[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is Literal:
        return ", ".join(f'`"{part}"`' for part in parts)
    if origin is list:
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return "mapping"
    name: str = annotation.__name__
    return {"str": "text", "int": "number", "bool": "true/false"}.get(name, name)


def _default(told: str) -> str:
    match = re.search(r'Default(?:, [^:]*)?: ((?:"[^"]*"|[^."])*)\.|("\w+") \(default\)', told)
    return str(match[1] or match[2]) if match else "–"  # noqa: RUF001 - what tables have where there is nothing


def _words(told: str) -> str:
    """Return what is told, without what the other columns say."""
    sentences = re.split(r"(?<=\.) ", told)
    said_elsewhere = re.compile(r"^(Default|A change replaces|Updated in place)")
    return " ".join(sentence for sentence in sentences if not said_elsewhere.match(sentence)).replace("|", "\\|")


if __name__ == "__main__":
    README.write_text(written(README.read_text()))

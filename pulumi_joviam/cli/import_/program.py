"""Writing the program: one call for each resource, formatted as a formatter would, safe whatever things are called.

What the cloud says reaches the program as string literals and, made readable, in comments; never as code.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any, TypeAlias, cast

from pulumi_joviam.cli.import_.resources import Imported

WIDTH = 88
"""The default line length of the usual formatters."""
INDENT = 4
RESERVED = frozenset(
    {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "pulumi", "joviam", "protected", "contexts"}
)

UUID = re.compile("[0-9a-fA-F-]{36}")

HEAD = '''"""What `pulumi-joviam import` found in a Joviam account."""

import pulumi
import pulumi_joviam as joviam

# Pulumi neither deletes nor replaces protected resources. Remove the option to allow it.
protected = pulumi.ResourceOptions(protect=True)
'''
CONTEXTS = """# The contexts of instances are stored as a secret in the stack's configuration.
contexts = pulumi.Config().require_secret_object({key})
"""


@dataclass(frozen=True)
class Code:
    """A piece of a program on one line, and the comment after it."""

    text: str
    comment: str = ""


@dataclass(frozen=True)
class Brackets:
    """A bracketed list of items, each with its prefix (``size=``)."""

    opening: str
    items: Sequence[tuple[str, Tree]]
    closing: str


Tree: TypeAlias = "Code | Brackets"
Reference: TypeAlias = Callable[[str], Code]


def written(resources: Sequence[Imported], about: Callable[[str], str], key: str) -> str:
    """Return the program.

    Args:
        resources: What it makes, each before those that use it.
        about: Says in a person's words what an id names.
        key: The key of the stack's configuration that holds the contexts.
    """
    variables = _variables(resources)
    there: set[str] = set()

    def reference(id: str) -> Code:
        if id in there:
            return Code(f"{variables[id]}.id")
        return Code(_quoted(id), f"{about(id)}{', further down' if id in variables else ''}")

    text = HEAD
    if any(resource.secrets for resource in resources):
        text += CONTEXTS.format(key=_quoted(key))
    for plural, alike in groupby(resources, key=lambda resource: resource.plural):
        text += f"\n# {plural[0].upper()}{plural[1:]}\n"
        for resource in alike:
            text += "".join(f"# {remark}\n" for remark in resource.remarks)
            start = f"{variables[resource.id]} = "
            text += start + _laid_out(_call(resource, reference), 0, len(start)) + "\n"
            there.add(resource.id)
    return text


def _call(resource: Imported, reference: Reference) -> Brackets:
    """Return the call that creates a resource."""
    references = resource.references
    items: list[tuple[str, Tree]] = [("", Code(_quoted(resource.name))), ("", Code("protected"))]
    for argument, value in resource.arguments.items():
        if argument in resource.provider.secret:
            secrets = {key: Code(f"contexts[{_quoted(resource.name)}][{_quoted(key)}]") for key in value}
            items.append((f"{argument}=", _mapping(secrets)))
        elif argument not in resource.implied:
            items.append((f"{argument}=", _tree(value, reference if argument in references else None)))
    return Brackets(f"joviam.{resource.made_by.__name__}(", items, ")")


def _tree(value: Any, reference: Reference | None) -> Tree:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return _mapping({key: _tree(item, reference) for key, item in members.items()})
    if isinstance(value, list):
        items = cast("list[object]", value)
        return Brackets("[", [("", _tree(item, reference)) for item in items], "]")
    if isinstance(value, str):
        return reference(value) if reference and UUID.fullmatch(value) else Code(_quoted(value))
    return Code(repr(value))


def _mapping(items: Mapping[str, Tree]) -> Brackets:
    return Brackets("{", [(f"{_quoted(key)}: ", item) for key, item in items.items()], "}")


def _laid_out(tree: Tree, indent: int, used: int) -> str:
    """Return the text of a tree: on one line if it fits after the ``used`` characters."""
    if isinstance(tree, Code):
        return tree.text
    if not _comments(tree) and used + len(_flat(tree)) <= WIDTH:
        return _flat(tree)
    inner, lines = indent + INDENT, list[str]()
    for before, item in tree.items:
        text = _laid_out(item, inner, inner + len(before) + len(","))
        comment = f"  # {item.comment}" if isinstance(item, Code) and item.comment else ""
        lines.append(f"{' ' * inner}{before}{text},{comment}\n")
    return f"{tree.opening}\n{''.join(lines)}{' ' * indent}{tree.closing}"


def _flat(tree: Tree) -> str:
    if isinstance(tree, Code):
        return tree.text
    return f"{tree.opening}{', '.join(before + _flat(item) for before, item in tree.items)}{tree.closing}"


def _comments(tree: Tree) -> bool:
    """Return whether a part of the tree has a comment."""
    return bool(tree.comment) if isinstance(tree, Code) else any(_comments(item) for _, item in tree.items)


def _quoted(text: str) -> str:
    """Return a string literal with the quotes that a formatter would choose."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(f"\\{char}" if char == quote else _escaped(char) for char in text) + quote


def _escaped(char: str) -> str:
    return char if char in "'\"" else repr(char)[1:-1]


def _variables(resources: Sequence[Imported]) -> dict[str, str]:
    """Return {id: variable name}: the name of the object and, if that is ambiguous, its kind."""
    words = {it.id: re.sub(r"[^a-z0-9]+", "_", it.name.lower()).strip("_") for it in resources}
    often = Counter(words.values())
    taken: set[str] = set()
    variables: dict[str, str] = {}
    for it in resources:
        word, noun = words[it.id], it.noun.lower().replace(" ", "_")
        if not word.isidentifier():
            word = f"{noun}_{word}".strip("_")
        elif often[word] > 1 or word in RESERVED:
            word = f"{word}_{noun}"
        number = next(n for n in count(1) if (word if n == 1 else f"{word}_{n}") not in taken)
        variables[it.id] = word if number == 1 else f"{word}_{number}"
        taken.add(variables[it.id])
    return variables

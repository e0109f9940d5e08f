"""Names, values and messages as Markdown, whatever characters they contain.

They are written by people who may not be trusted, into a comment that is. So a name or a value is always a code
span, in which neither Markdown, HTML nor a mention means anything, and a message is one too unless it is plain prose.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from pulumi.runtime import rpc

from pulumi_joviam.cli.comment.preview import SECRET, UNSET, Argument

LONGEST_NAME = 100
LONGEST_LABEL = 40
LONGEST_VALUE = 200
LONGEST_MESSAGE = 600
LONGEST_ERROR = 4_000

_PROSE = re.compile(r"(?!.*(?://|www\.|\bgh-\d|\b_|_\b))[^\W\d_][\w ,;:'%=().?/-]*", re.IGNORECASE)
_UNUSUAL = re.compile(r"^[^\w]|[^\w ,()/-]")
_SPECIAL = rpc._special_sig_key
"""The key of a value that stands for something that JSON cannot express."""


def code(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a code span that shows ``text`` on one line."""
    text = _cut(printable(text), longest)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    edge = " " if not text.strip(" ") or text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{edge}{text or ' '}{edge}{fence}"


def prose(message: str) -> str:
    """Return a message unchanged if it has only plain words, otherwise as code."""
    line = " ".join(message.split())
    return line if _PROSE.fullmatch(line) and len(line) <= LONGEST_MESSAGE else code(line, LONGEST_MESSAGE)


def block(text: str, language: str = "text", longest: int = LONGEST_ERROR) -> str:
    """Return a code block. A long text keeps both ends, because an error is at its end."""
    text = "\n".join(map(printable, text.expandtabs().splitlines()))
    if len(text) > longest:
        text = f"{text[: longest // 4]}\n…\n{text[-longest * 3 // 4 :]}"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def change(argument: Argument) -> str:
    """Return the old and new value of an argument."""
    if SECRET in (argument.old, argument.new):  # it may have become a secret just now
        done = "taken away" if argument.new is UNSET else "set" if argument.old is UNSET else "changed"
        return f"{code(argument.path)}: a secret, {done}"
    return f"{code(argument.path)}: {_value(argument.old)} → {_new(argument)}"


def given(argument: Argument) -> str:
    """Return an argument of a new resource."""
    return f"{code(argument.path)}: {_new(argument)}"


def label(*lines: str) -> str:
    """Return the quoted label of a Mermaid node, with special characters as entities."""
    shown = [_cut(printable(line), LONGEST_LABEL) for line in lines if line]
    return f'"{"<br/>".join(_UNUSUAL.sub(lambda char: f"#{ord(char[0])};", line) for line in shown)}"'


def _new(argument: Argument) -> str:
    source = argument.new == rpc.UNKNOWN and ", ".join(map(code, argument.sources))
    return f"{_value(argument.new)} from {source}" if source else _value(argument.new)


def _value(said: Any) -> str:
    if said is UNSET:
        return "*unset*"
    return "*known after `up`*" if said == rpc.UNKNOWN else code(_json(said), LONGEST_VALUE)


def _json(said: Any) -> str:
    """Return a value similar to JSON."""
    if said == SECRET:
        return SECRET
    if said == rpc.UNKNOWN:
        return "(known after up)"
    if isinstance(said, dict):
        members = cast("dict[str, Any]", said)
        if _SPECIAL in members:
            special = {rpc._special_asset_sig: "(asset)", rpc._special_archive_sig: "(archive)"}
            return special.get(members[_SPECIAL], SECRET)
        shown = (f"{json.dumps(key, ensure_ascii=False)}: {_json(item)}" for key, item in members.items())
        return f"{{{', '.join(shown)}}}"
    if isinstance(said, list):
        items = cast("list[object]", said)
        return f"[{', '.join(map(_json, items))}]"
    return json.dumps(said, ensure_ascii=False)


def printable(text: str) -> str:
    """Return the text with escapes for invisible characters and those that change the text direction."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

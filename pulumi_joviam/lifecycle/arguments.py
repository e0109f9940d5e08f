"""What a program says about a resource, and the markers that say what a change of it means.

A marker sits on the field it speaks about, with its reason. Diff, preview warnings and the README's
table all read the same marker, so no fact about an argument has a second home.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

from pulumi.output import UNKNOWN
from pulumi.runtime.known_types import is_unknown
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from typing_extensions import NotRequired, get_type_hints, is_typeddict

from pulumi_joviam.api.errors import readable
from pulumi_joviam.api.models import UUID
from pulumi_joviam.lifecycle.effects import Stop

T = TypeVar("T")

Value: TypeAlias = Mapping[str, Any] | list[Any] | tuple[Any, ...] | str | float | None
"""The possible values of an argument or an output."""

CONVERTED = {
    "int_type": ("a whole number", "require_int"),
    "bool_type": ("True or False", "require_bool"),
    "list_type": ("a list", "require_object"),
    "dict_type": ("a mapping", "require_object"),
}
"""{pydantic's error type: what is expected, and the method of pulumi.Config that converts a string to it}."""


@dataclass(frozen=True)
class Replaces:
    """A change needs a new object: ``what``, if it is not the resource itself. ``why`` names what the API lacks."""

    why: str
    what: str = ""


@dataclass(frozen=True)
class MayStop:
    """A change may need to stop an instance: ``which``, for messages."""

    which: str = "the instance"

    def stop(self, field: str, change: str, allowed: bool, *, sure: bool = False) -> Stop:
        """Return what ``change`` does to the instance, with allow_stopping and without it. ``sure``: it has to stop."""
        if allowed:
            stops, starts = ("stops", "starts") if sure else ("may stop", "start")
            return Stop(field, sure, f"{change} {stops} {self.which} and {starts} it again (allow_stopping)")
        needs, refuses = ("needs", "refuses it") if sure else ("may need", "then refuses it")
        return Stop(field, sure, f"{change} {needs} {self.which} stopped: `up` {refuses} unless allow_stopping=True")


@dataclass(frozen=True)
class Resets:
    """If the argument is removed, it is reset to ``to``, the API's documented default."""

    to: Any


@dataclass(frozen=True)
class Required:
    """A required argument that can also be set elsewhere: ``way`` says where."""

    way: str


@dataclass(frozen=True)
class Chosen:
    """If the program gives no value, the API chooses one, which is then an output."""


@dataclass(frozen=True)
class Names:
    """The name of a region, tier or template: see `Catalog.named` for ``kind``."""

    kind: Literal["region", "disk tier", "instance tier", "template", "template line"]


@dataclass(frozen=True)
class Alike:
    """Two values are equivalent if ``key`` maps them to the same value."""

    key: Callable[[Any], Any]


@dataclass(frozen=True)
class Traits:
    """All markers of one field."""

    replaces: Replaces | None = None
    may_stop: MayStop | None = None
    resets: Resets | None = None
    required: Required | None = None
    alike: Alike | None = None
    hint: Any = None

    def normalized(self, value: Any) -> Any:
        """Return the value with ids in the API's form. Unknown values stay as they are."""
        return _normalized(self.hint, value)

    def same(self, a: Any, b: Any) -> bool:
        """Return whether two values are equivalent."""
        a, b = self.normalized(a), self.normalized(b)
        if self.alike and a is not None and b is not None:
            return bool(self.alike.key(a) == self.alike.key(b))
        return bool(a == b)


def _ipv4(value: str) -> str:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError("must be an IPv4 address such as 192.168.2.1") from None
    return value


def _cidr(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        network = None
    if network is None or not value.endswith(f"/{network.prefixlen}"):
        raise ValueError("must be an IPv4 network in CIDR format such as 192.168.2.0/24")
    if str(network) != value:
        raise ValueError("must be the network itself: 192.168.2.0/24, not the address of a host such as 192.168.2.7/24")
    return value


def _id(value: str) -> str:
    if not re.fullmatch(UUID, value):
        raise ValueError("must be an id of the API (they look like 00000000-0000-…)")
    return value.lower()


_PRIVATE_KEY = re.compile("-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-|b3BlbnNzaC1rZXktdjE", re.IGNORECASE)
"""Matches every private key: PEM, SSH2 and PGP; PuTTY; OpenSSH, even its base64 body alone."""


def _public_key(key: str) -> str:
    if _PRIVATE_KEY.search(key):
        raise ValueError("is a private key, which must never leave its machine: give the public one (the .pub file)")
    return key


def _same_key(key: str) -> tuple[str, ...]:
    """Return the identity of an OpenSSH key: its type and body, without the comment."""
    return tuple(key.split()[:2])


class WrongItems(ValueError):
    """Lists the invalid items, for a validator of the whole list."""

    def __init__(self, indices: Sequence[int], message: str) -> None:
        super().__init__(message)
        self.indices = indices


def _each_once(ids: list[str]) -> list[str]:
    if again := [index for index, id in enumerate(ids) if id in ids[:index]]:
        raise WrongItems(again, "is in the list before: name each object once")
    return ids


_ID = AfterValidator(_id)

Text = Annotated[str, StringConstraints(min_length=1)]
Positive = Annotated[int, Field(gt=0)]
OpenSshKey = Annotated[Text, AfterValidator(_public_key), Alike(_same_key)]
Id = Annotated[str, _ID]
Ids = Annotated[list[Id], AfterValidator(_each_once)]
IPv4 = Annotated[str, AfterValidator(_ipv4)]
Cidr = Annotated[str, AfterValidator(_cidr)]
Template = Annotated[Text, Names("template")]
DiskTier = Annotated[Text, Names("disk tier")]
InstanceTier = Annotated[Text, Names("instance tier")]
Region = Annotated[
    Text,
    Names("region"),
    Replaces("no PUT takes a region"),
    Required("set it here, or for the whole stack with `pulumi config set joviam:region CODE`"),
]


class BaseArgs(BaseModel):
    """The arguments of a resource, checked. A field that was not given is None and not in ``model_fields_set``."""

    # strict: "50" is not a size, and True is not 1; defer_build: programs import this, only the plugin validates
    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield (argument, what is wrong) for every rule that concerns more than one argument.

        Called with whatever is known: a field may be None (not given) or unknown until `up`.
        """
        yield from ()

    @classmethod
    @cache
    def traits(cls) -> Mapping[str, Traits]:
        """Return the markers of every field."""
        names = {Replaces: "replaces", MayStop: "may_stop", Resets: "resets", Required: "required", Alike: "alike"}
        hints = get_type_hints(cls, include_extras=True)
        found = {
            field: {names[type(mark)]: mark for mark in info.metadata if type(mark) in names}
            for field, info in cls.model_fields.items()
        }
        return {field: Traits(**marks, hint=hints[field]) for field, marks in found.items()}

    @classmethod
    def normalized(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs in the API's form."""
        traits = cls.traits()
        return {name: traits[name].normalized(value) if name in traits else value for name, value in given.items()}

    @classmethod
    @cache
    def names(cls) -> Mapping[tuple[str, ...], Names]:
        """Return the paths of names of regions, tiers and templates: an argument, or a key of one."""
        found: dict[tuple[str, ...], Names] = {}
        for field, info in cls.model_fields.items():
            marks: dict[tuple[str, ...], Sequence[Any]] = {(field,): info.metadata}
            for part in filter(is_typeddict, (info.annotation, *get_args(info.annotation))):
                hints: Mapping[str, Any] = get_type_hints(part, include_extras=True)
                marks |= {(field, key): getattr(hint, "__metadata__", ()) for key, hint in hints.items()}
            found |= {path: mark for path, on in marks.items() for mark in on if isinstance(mark, Names)}
        return found


def check(args: type[BaseArgs], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (path, what is wrong) for everything wrong with ``given``, which may hold unknown values.

    No text repeats a value: which of them are secret is known to nobody here.
    """
    found: dict[str, str] = {}
    try:
        args.model_validate(_without_unknown_items(given))
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            # whatever an unknown value turns out to be, it cannot make an argument of what is none
            if not is_unknown(problem["input"]) or problem["type"] == "extra_forbidden":
                for where in _paths(problem, given):
                    text = _missing(args, where) if problem["type"] == "missing" else _plainly(problem)
                    found[where] = f"{found[where]}, or {text}" if where in found and text not in found[where] else text
    # where something inside a value is wrong, the value is not meant to be another alternative of its argument
    found = {
        where: text
        for where, text in found.items()
        if not any(it.startswith((f"{where}.", f"{where}[")) for it in found)
    }
    # rules that concern several arguments are asked about those that are right so far
    wrong = {re.split(r"[.\[]", where)[0]: UNKNOWN for where in found}
    asked: dict[str, Any] = {**given, **wrong}
    for where, text in args.model_construct(**asked).problems():
        found.setdefault(where, text)
    return list(found.items())


def given(*values: Any) -> bool:
    """Return whether all values are given and known, so that a rule can check them."""
    return not any(value is None or is_unknown(value) for value in values)


def has_unknown(value: Value) -> bool:
    """Return whether a value is unknown until `up`, or contains an unknown value."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(item) for item in value)
    return bool(is_unknown(value))


def _without_unknown_items(value: Value) -> Any:
    """Return the value with only the known items of its lists.

    A list that holds something unknown is none of the other alternatives of its argument, and a rule about the whole
    list is a rule about the items that are known.
    """
    if isinstance(value, Mapping):
        return {key: _without_unknown_items(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_unknown_items(item) for item in value if not is_unknown(item)]
    return value


def _missing(args: type[BaseArgs], field: str) -> str:
    required = args.traits()[field].required if field in args.traits() else None
    return f"is required: {required.way}" if required else "is required"


def _plainly(problem: Any) -> str:
    """Return the problem, without the value."""
    if problem["type"] in CONVERTED and isinstance(problem["input"], str):
        what, how = CONVERTED[problem["type"]]
        return f"must be {what}, not a text (pulumi.Config().{how} gives one)"
    message = problem["msg"].replace("Extra inputs are not permitted", "is not an argument")
    return re.sub("^[A-Z][a-z]+ should", "must", message.removeprefix("Value error, "))


def _paths(problem: Any, given: Any) -> list[str]:
    """Return the paths of a problem."""
    error = problem.get("ctx", {}).get("error")
    items = [(index,) for index in error.indices] if isinstance(error, WrongItems) else [()]
    return [_path((*problem["loc"], *item), given) for item in items]


def _path(loc: tuple[int | str, ...], given: Value) -> str:
    """Return the path as a program writes it, where ``loc`` counts the known items of a list.

    The rest of ``loc`` names branches of a union.
    """
    path = ""
    for part in loc:
        if isinstance(part, int) and isinstance(given, (list, tuple)):
            index, given = [(index, item) for index, item in enumerate(given) if not is_unknown(item)][part]
            path += f"[{index}]"
        elif isinstance(part, str) and isinstance(given, Mapping) and (part.isidentifier() or part in given):
            path += (f".{part}" if path else part) if part.isidentifier() else f'["{readable(part)}"]'
            given = given.get(part)
    return path


def _normalized(hint: Any, value: Value) -> Any:
    """Return a value of this type with every id in lower case."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return value.lower() if _ID in inner and isinstance(value, str) else _normalized(inner[0], value)
    if origin is NotRequired:
        return _normalized(inner[0], value)
    if origin in (Union, UnionType):
        for alternative in inner:
            value = _normalized(alternative, value)
    elif origin is list and isinstance(value, list):
        return [_normalized(inner[0], item) for item in value]
    elif is_typeddict(hint) and isinstance(value, Mapping):
        hints = get_type_hints(hint, include_extras=True)
        return {key: _normalized(hints.get(key), item) for key, item in value.items()}
    return value

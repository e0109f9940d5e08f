"""How a resource declares its arguments and outputs: once, for programs, type checkers, the plugin and the docs.

    class DiskArgs(Named):
        size: Arg[int] = arg(Field(gt=0), MayStop("the instance that the disk is attached to"))
        \"\"\"Size in GB.\"\"\"

    class Disk(DiskArgs, Resource, provider=DiskProvider):
        template_id: Out[str | None] = out()
        \"\"\"Id of the template version that it was made from.\"\"\"

A program that writes ``Disk("data", size=20)`` passes an ``Input[int]`` and reads ``disk.size`` as an ``Output[int]``;
a lifecycle that is given a ``DiskArgs`` reads ``args.size`` as an ``int``. Type checkers learn that from
`dataclass_transform` and from the descriptors below, which exist for them alone: at run time the attributes are plain.
What a lifecycle gets is an instance of the pydantic model that `Declaration.model` makes of the declaration.
A component has no lifecycle: its arguments are `Passed` on as they are, and what it creates are its `Made` attributes.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from inspect import Parameter, Signature
from itertools import pairwise
from types import FunctionType, SimpleNamespace, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    overload,
)

import pulumi
from pydantic import create_model
from typing_extensions import Self, dataclass_transform, get_type_hints, is_typeddict

from pulumi_joviam.lifecycle.arguments import BaseArgs, MayStop, Region, Replaces, Required, Resets, Text

T = TypeVar("T")
In = TypeVar("In")
Read = TypeVar("Read")

Input: TypeAlias = T | Awaitable[T] | pulumi.Output[T]
"""Like pulumi.Input, whose string ``Output[T]`` cannot be evaluated outside pulumi's own module."""


class Argument(Generic[In, Read]):
    """An argument that takes an Input of ``In``, and is read as ``Read``."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(self, instance: Passed, owner: object) -> Input[In]: ...
        @overload
        def __get__(self, instance: pulumi.Resource, owner: object) -> pulumi.Output[Read]: ...
        @overload
        def __get__(self, instance: Args, owner: object) -> Read: ...
        def __get__(self, instance: object, owner: object) -> object: ...
        def __set__(self, instance: object, value: Input[In]) -> None: ...


Arg = Argument[T, T]
"""An argument. An optional one is an ``Arg[X | None]`` with ``default=None``."""


class Filled(Argument[T | None, T]):
    """An optional argument that always has a value: our default, the stack's or the API's."""


class Plain(Generic[In, Read]):
    """An argument of a component that takes ``In`` as it is, and whose attribute is a ``Read``."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(self, instance: pulumi.Resource, owner: object) -> Read: ...
        @overload
        def __get__(self, instance: Passed, owner: object) -> In: ...
        def __get__(self, instance: object, owner: object) -> object: ...
        def __set__(self, instance: object, value: In) -> None: ...


class Out(Generic[Read]):
    """An output of a resource."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(self, instance: pulumi.Resource, owner: object) -> pulumi.Output[Read]: ...
        def __get__(self, instance: object, owner: object) -> object: ...


class Made(Generic[T]):
    """An attribute that a component sets: a child, or one of its outputs."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: object) -> T: ...
        def __get__(self, instance: object, owner: object) -> object: ...
        def __set__(self, instance: object, value: T) -> None: ...


class _Spec:
    """The declaration of an argument, made by `arg`."""

    def __init__(self, marks: tuple[object, ...], default: object, unset: str) -> None:
        self.marks, self.default, self.unset = marks, default, unset


def arg(*marks: object, default: Any = ..., unset: str = "", kw_only: bool = True) -> Any:  # noqa: ARG001 - kw_only is for type checkers
    """Declare an argument: its constraints and markers, and the default of one that may be left out.

    ``unset`` tells readers which value it has then, where no marker does.
    """
    return _Spec(marks, default, unset)


class _Output:
    """The declaration of an output, made by `out`."""


def out(*, init: Literal[False] = False) -> Any:  # noqa: ARG001 - init is for type checkers
    """Declare an output."""
    return _Output()


class _Composed:
    """A class attribute that is computed on access."""

    def __init__(self, compose: Callable[[Declaration], Any]) -> None:
        self._compose = compose

    def __get__(self, _instance: object, owner: type[Args]) -> Any:
        return self._compose(owner._declaration)


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(arg, out))
class Args:
    """The arguments of a resource."""

    _declaration: ClassVar[Declaration]
    __signature__: ClassVar[Any]

    if TYPE_CHECKING:

        @property
        def model_fields_set(self) -> set[str]:
            """Names of the arguments that are given."""
            raise NotImplementedError

        def model_dump(self, *, include: set[str] | None = None, exclude_unset: bool = False) -> dict[str, Any]:
            """Return the values by name."""
            raise NotImplementedError

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._declaration = Declaration(cls)
        cls.__doc__ = _Composed(Declaration.docstring)  # type: ignore[assignment] # a text when asked for
        if "__init__" in vars(cls):  # a subclass in a program with a constructor of its own
            cls.__signature__ = None
            return
        cls.__signature__ = _Composed(lambda declaration: declaration.signature)
        if hasattr(cls, "_begin"):
            # type checkers make one of the declared arguments
            type.__setattr__(cls, "__init__", _constructor(cls))


def _constructor(owner: type[Args]) -> Callable[..., None]:
    """Return an ``__init__`` with the declared signature. It hands everything to ``owner._begin``."""

    def __init__(  # noqa: N807 - it becomes one
        self: Any, resource_name: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any
    ) -> None:
        """Declare the resource. help() of the class describes each argument."""
        self._begin(resource_name, opts, **arguments)

    signature = owner._declaration.signature
    this = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__qualname__ = f"{owner.__name__}.__init__"
    __init__.__signature__ = signature.replace(  # type: ignore[attr-defined] # functions may have one
        parameters=[this, *signature.parameters.values()]
    )
    return __init__


class Declaration:
    """The declared and inherited arguments and outputs of a class: the only home of these facts."""

    def __init__(self, owner: type[Args]) -> None:
        own = {name: it for name, it in vars(owner).items() if isinstance(it, (_Spec, _Output))}
        for name in own:
            delattr(owner, name)
        self._owner = owner
        self._inherited: Declaration | None = getattr(owner, "_declaration", None)
        specs = self._inherited.specs if self._inherited else {}
        self.specs: dict[str, _Spec] = {name: it for name, it in own.items() if isinstance(it, _Spec)}
        self.specs |= {name: spec for name, spec in specs.items() if name not in self.specs}
        self._outputs = {name: owner.__annotations__[name] for name, it in own.items() if isinstance(it, _Output)}
        self.outs: tuple[str, ...] = (*self._outputs, *(self._inherited.outs if self._inherited else ()))
        """The names of the outputs."""
        self.about: str = inspect.cleandoc(vars(owner).get("__doc__") or "")
        """The docstring in the source."""

    @cached_property
    def model(self) -> type[BaseArgs]:
        """The pydantic model of the arguments, for the plugin and help()."""
        fields: dict[str, Any] = {}
        for name, spec in self.specs.items():
            held = get_args(self._hints[name])[-1]
            for mark in spec.marks:
                held = Annotated[held, mark]
            elsewhere = any(isinstance(mark, Required) for mark in getattr(held, "__metadata__", ()))
            fields[name] = (held, ... if elsewhere else spec.default)
        rules = {name: rule for name, rule in vars(self._owner).items() if isinstance(rule, FunctionType)}
        base = type("Rules", (BaseArgs,), rules)
        return create_model(self._owner.__name__, __base__=base, __module__=self._owner.__module__, **fields)

    def complete(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return all arguments, with their defaults. Raises TypeError in the wording of Python's own errors."""
        constructor = f"{self._owner.__name__}.__init__()"
        for name in arguments.keys() - self.specs.keys():
            raise TypeError(f"{constructor} got an unexpected keyword argument '{name}'")
        if missing := [f"'{name}'" for name in self._required if name not in arguments]:
            names = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
            plural = "s" if len(missing) > 1 else ""
            raise TypeError(f"{constructor} missing {len(missing)} required keyword-only argument{plural}: {names}")
        return {**self._defaults, **arguments}

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(name for name, spec in self.specs.items() if spec.default is ...)

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        """{argument: its default}; the required ones have none, but keep their place."""
        return {name: spec.default for name, spec in self.specs.items()}

    @cached_property
    def signature(self) -> Signature:
        """The signature of the constructor."""
        first = [
            Parameter("resource_name", Parameter.POSITIONAL_OR_KEYWORD),
            Parameter("opts", Parameter.POSITIONAL_OR_KEYWORD, default=None),
        ]
        keywords = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if default is ... else default)
            for name, default in self._defaults.items()
        ]
        return Signature([*first, *keywords])

    @cached_property
    def filled(self) -> frozenset[str]:
        """The names of the optional arguments that always have a value."""
        return frozenset(name for name in self.specs if get_origin(self._hints[name]) is Filled)

    @cached_property
    def types(self) -> dict[str, Any]:
        """{argument or output: the plain type of its value}."""
        arguments = {name: get_args(self._hints[name])[-1] for name in self.specs}
        return {name: _plain(found) for name, found in (arguments | self.outputs).items()}

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """{output: its type}."""
        own = SimpleNamespace(__annotations__=self._outputs)
        hints = get_type_hints(own, vars(sys.modules[self._owner.__module__]))
        return {name: get_args(hint)[0] for name, hint in hints.items()} | (
            self._inherited.outputs if self._inherited else {}
        )

    @cached_property
    def nullable(self) -> tuple[str, ...]:
        """The names of the outputs that may be None."""
        return tuple(name for name, hint in self.outputs.items() if type(None) in get_args(hint))

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """{argument: the type of the value that a program passes}."""
        return {name: get_args(self._hints[name])[0] for name in self.specs}

    @cached_property
    def descriptions(self) -> Mapping[str, str]:
        """{argument or output: its docstring in the source}."""
        return descriptions(self._owner)

    def default(self, name: str) -> str:
        """Describe the default of an argument; "required" if it has none."""
        spec = self.specs[name]
        if spec.default is ...:
            return "required"
        if spec.unset or spec.default is not None:
            return spec.unset or _literal(spec.default)
        resets = self._mark(name, Resets)
        return _literal(resets.to) if resets else "none"

    def change(self, name: str) -> str:
        """Describe the effect of changing an argument."""
        if replaces := self._mark(name, Replaces):
            return f"a change replaces {replaces.what}".rstrip()
        may_stop = self._mark(name, MayStop)
        return f"updated in place, may stop {may_stop.which}" if may_stop else "updated in place"

    def _mark(self, name: str, kind: type[T]) -> T | None:
        """Return the marker of this kind that the argument or its type has."""
        marks = (*self.specs[name].marks, *getattr(self.inputs[name], "__metadata__", ()))
        return next((mark for mark in marks if isinstance(mark, kind)), None)

    def docstring(self) -> str:
        """Return the docstring with all arguments and outputs, for help()."""
        defaults = {name: self.default(name) for name in self.specs}
        arguments = {
            name: f"{'Required' if unset == 'required' else f'Default: {unset}'}; {self.change(name)}."
            for name, unset in defaults.items()
        }
        parts = [self._part("Args", arguments), self._part("Outputs", dict.fromkeys(self.outs, ""))]
        return "\n\n".join(filter(None, [self.about, *parts]))

    def _part(self, heading: str, more: Mapping[str, str]) -> str:
        wrap = functools.partial(textwrap.fill, width=116, initial_indent="    ", subsequent_indent=" " * 8)
        lines = [wrap(f"{name}: {self.descriptions.get(name, '')} {facts}") for name, facts in more.items()]
        return "\n".join([f"{heading}:", *lines]) if lines else ""

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        """{argument: its annotation}."""
        # not a resource class: pulumi's own annotations cannot be evaluated
        bases = (it for it in self._owner.__mro__ if pulumi.Resource not in it.__mro__)
        return get_type_hints(next(bases), include_extras=True)


def descriptions(declares: type) -> Mapping[str, str]:
    """Return {attribute: its docstring in the source}, for a class of ours and its bases."""
    found: dict[str, str] = {}
    for cls in declares.__mro__[:-1]:
        if cls.__module__.split(".")[0] != __name__.split(".")[0]:
            continue
        try:
            [tree] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        except (OSError, TypeError):  # without its source
            continue
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for node, below in pairwise(body):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(target, ast.Name) and isinstance(text, ast.Constant):
                found.setdefault(target.id, " ".join(str(text.value).split()))
    return found


def _plain(hint: Any) -> Any:
    """Return a type for Pulumi's SDK: without constraints, literals as their type, a TypedDict as a dict."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _plain(parts[0])
    if origin is Literal:
        value: object = parts[0]
        return type(value)
    if is_typeddict(hint):
        return dict[str, Any]
    if origin in (Union, UnionType):
        whole, *others = map(_plain, parts)
        for other in others:
            whole |= other
        return whole
    return origin[tuple(_plain(part) for part in parts)] if origin and parts else hint


def _literal(value: object) -> str:
    if value in (None, [], {}, ()):
        return "none"
    return str(value).lower() if isinstance(value, (bool, int)) else f'"{value}"'


class Named(Args):
    """The arguments of objects that have a name in the API."""

    name: Filled[Text] = arg(default=None, unset="the resource's Pulumi name")
    """Name of the object."""


class Regional(Named):
    """The arguments of objects that have a name and a fixed region."""

    region: Filled[Region] = arg(default=None, unset="the stack config joviam:region")
    """Region by id, code or name."""


class Passed(Args):
    """Unchecked arguments, as a program passes them: those of a component."""

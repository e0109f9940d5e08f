"""The resource classes of programs: their inputs to the engine, and their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pulumi
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider  # pyright: ignore[reportUnknownVariableType] # untyped
from typing_extensions import Self

from pulumi_joviam.lifecycle import dynamic, secret_outputs
from pulumi_joviam.lifecycle.arguments import Chosen, has_unknown
from pulumi_joviam.lifecycle.declare import Args, arg
from pulumi_joviam.lifecycle.provider import Lifecycle

F = TypeVar("F", bound=Callable[..., Any])


def _as_constructor(method: F) -> F:
    """Let a method count as the constructor of a resource: the SDK shows the line that calls the third ``__init__``."""
    function: Any = method
    function.__code__ = function.__code__.replace(co_name="__init__")
    return method


def _if_known(value: Any) -> Any:
    return None if has_unknown(value) else value


def _or_none(value: Any) -> Any:
    return value or None


def _foreseen(
    output: pulumi.Output[Any], argument: pulumi.Output[Any], value: Callable[[Any], Any]
) -> pulumi.Output[Any]:
    """Return an output with the value that follows from an argument in place of one that is unknown."""
    follows = argument.apply(lambda known: output if known is None else value(known))
    return output.apply(lambda known: follows if has_unknown(known) else known, True)


@cache
def _reference(lifecycle: type[Lifecycle[Any, Any]]) -> str:
    """Return the pickled lifecycle for the state, from which the plugin makes an instance."""
    return str(serialize_provider(lifecycle()))


class Resource(Args, pulumi.dynamic.Resource):
    """Base of the classes that programs use. ``provider`` names the lifecycle."""

    _lifecycle: ClassVar[type[Lifecycle[Any, Any]]]
    _kind: ClassVar[str]

    if TYPE_CHECKING:
        resource_name: str = arg(kw_only=False)
        opts: pulumi.ResourceOptions | None = arg(default=None, kw_only=False)

    def __init_subclass__(cls, provider: type[Lifecycle[Any, Any]] | None = None) -> None:
        if provider:
            cls._lifecycle, cls._kind = provider, cls.__name__
        # the type is in users' state, so a subclass in a program keeps it
        super().__init_subclass__(module="joviam", name=cls._kind)
        if provider:
            specs, outs = cls._declaration.specs, cls._declaration.outs
            chosen = [name for name, spec in specs.items() if any(isinstance(it, Chosen) for it in spec.marks)]
            provider.outputs = (*chosen, *outs)

    def _begin(self, resource_name: str, opts: pulumi.ResourceOptions | None, **arguments: Any) -> None:
        dynamic.end_quietly()
        lifecycle, arguments = self._lifecycle, self._declaration.complete(arguments)
        unset = {name for name, value in arguments.items() if value is None}.difference(self._declaration.filled)
        given = {key: arguments[key] for key in arguments.keys() - unset}
        follow = {name: field for name, (field, _) in lifecycle.follows.items()}
        opts = pulumi.ResourceOptions.merge(opts, None)
        opts.additional_secret_outputs = names = [*(opts.additional_secret_outputs or ())]
        secret = secret_outputs.SecretOutputs(given, follow, names)
        self._register(resource_name, opts, {**given, secret_outputs.KEY: secret})
        none = pulumi.Output.from_input(None)
        for name in unset.difference(lifecycle.outputs):
            setattr(self, name, none)

    @classmethod
    @_as_constructor
    def get(cls, resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Self:
        """Read the existing object ``id`` without managing it: it is neither changed nor deleted.

        Every argument and output has its live value; an instance's context is a secret. Fails if there is no such
        object.
        """
        dynamic.end_quietly()
        existing = cls.__new__(cls)
        secret = list(cls._lifecycle.secret)
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id, additional_secret_outputs=secret))
        fields = dict.fromkeys(cls._declaration.specs)
        existing._register(resource_name, opts, fields)
        # in a preview, ids that are not in the state yet and values that are None would be unknown
        existing.__dict__["id"] = read = pulumi.Output.all(existing.urn, id).apply(lambda known: str(known[1]))
        for name in (*fields, *cls._lifecycle.outputs):
            shown: pulumi.Output[Any] = getattr(existing, name)
            shown = shown.apply(_if_known, True)
            setattr(existing, name, pulumi.Output.all(read, shown).apply(lambda known: known[1]))
        return existing

    def _register(self, resource_name: str, opts: pulumi.ResourceOptions | None, props: dict[str, Any]) -> None:
        self._tell_types()
        props = {**dict.fromkeys(self._lifecycle.outputs), **props, PROVIDER_KEY: _reference(self._lifecycle)}  # type: ignore[arg-type] # every class is hashable
        # not dynamic.Resource's constructor: the SDK would take this line for that of the program, and it would
        # serialize the provider for each resource
        pulumi.CustomResource.__init__(self, f"pulumi-python:{self._resource_type_name}", resource_name, props, opts)
        if pulumi.runtime.is_dry_run():
            self._foresee(props)
        self._restore_none()

    def _foresee(self, props: Mapping[str, Any]) -> None:
        """Set the outputs that follow from an argument, because Pulumi's plugin leaves them unknown in a preview."""
        for name, (field, value) in self._lifecycle.follows.items():
            if props.get(field) is not None:
                setattr(self, name, _foreseen(getattr(self, name), getattr(self, field), value))

    def _restore_none(self) -> None:
        """Read "" as None: the state has it, because a missing value is unknown in every preview."""
        for name in self._declaration.nullable:
            setattr(self, name, getattr(self, name).apply(_or_none))

    @classmethod
    @cache
    def _tell_types(cls) -> None:
        """Set the annotations from which the SDK reads the types of the outputs."""
        types: Any = cls._declaration.types
        type.__setattr__(cls, "__annotations__", {name: pulumi.Output[types[name]] for name in types})

"""The classes of pulumi_joviam for Python programs that use the native plugin `pulumi-resource-joviam`.

    import pulumi_joviam.native.sdk as joviam

Each class is derived from the one with the same name when a program first uses it, and has its arguments, outputs,
types and docstrings. The look-ups are the same functions. Type checkers read sdk.pyi.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Mapping
from inspect import isawaitable
from typing import Any

import pulumi

import pulumi_joviam as joviam
from pulumi_joviam.components.component import Component
from pulumi_joviam.lifecycle.arguments import Value
from pulumi_joviam.lifecycle.names import PLAIN, Shape, camel
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.lifecycle.secret_outputs import KEY, SecretOutputs
from pulumi_joviam.native import schema

__all__ = joviam.__all__  # pyright: ignore[reportUnsupportedDunderAll] # the list is in the stub of the package

_SETTING = f"{schema.PACKAGE}:"


def __getattr__(name: str) -> Any:
    if name not in joviam.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: Any = getattr(joviam, name)
    kind: type[Any] = found if isinstance(found, type) else object
    if issubclass(kind, Resource):
        found = _native(found)
    elif issubclass(kind, Component):
        found = _component(found)
    globals()[name] = _Provider if found is joviam.Provider else found
    return globals()[name]


def _native(base: type[Resource]) -> type[Resource]:
    """Return the class that registers its resource with the native type."""
    token, names = schema.token(base._kind), schema.names(base)
    types: Any = base._declaration.types

    def _register(self: Any, resource_name: str, opts: pulumi.ResourceOptions | None, props: dict[str, Any]) -> None:
        before = pulumi.Alias(type_=f"pulumi-python:{base._resource_type_name}")
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=[before]))
        for option in ("ignore_changes", "replace_on_changes", "additional_secret_outputs"):
            if paths := getattr(opts, option):
                setattr(opts, option, list(map(names.path, paths)))
        if secrets := props.pop(KEY, None):
            names_of_secrets: Any = opts.additional_secret_outputs  # the list is filled later
            follow = {camel(name): camel(field) for name, field in secrets.follow.items()}
            props[KEY] = SecretOutputs(_camel(secrets.arguments), follow, names_of_secrets)
        inputs = {name: _outward(names.fields.get(name, PLAIN), value) for name, value in props.items()}
        # with the engine's names: the SDK would translate names at every depth, even a user's own keys
        inputs = _camel({**dict.fromkeys(self._lifecycle.outputs), **inputs})
        pulumi.CustomResource.__init__(self, token, resource_name, inputs, opts)
        for name in {*self._lifecycle.outputs, *props} - {KEY}:
            part, output = names.fields[name], self.__dict__.pop(camel(name))
            setattr(self, name, output if part is PLAIN else output.apply(part.inward))
        self._restore_none()

    body = {
        "__annotations__": _camel({name: pulumi.Output[types[name]] for name in types}),
        "__module__": __name__,
        "__qualname__": base.__name__,
        "__doc__": base._declaration.about,
        "_register": _register,
    }
    return type(base.__name__, (base,), body)


def _component(base: type[Component[Any]]) -> type[Component[Any]]:
    """Return the class whose children are native."""
    about = base._declaration.about
    body = {"__module__": __name__, "__qualname__": base.__name__, "__doc__": about, "_served": staticmethod(_served)}
    return type(base.__name__, (base,), body)


def _served(kind: type[Any]) -> type[Any]:
    found: type[Any] = getattr(sys.modules[__name__], kind.__name__)
    return found


class _Provider(joviam.Provider):
    __doc__ = joviam.Provider._declaration.about

    def _register(self, resource_name: str, opts: pulumi.ResourceOptions | None, config: Mapping[str, Any]) -> None:
        own = {key.removeprefix(_SETTING): value for key, value in config.items() if key.startswith(_SETTING)}
        pulumi.CustomResource.__init__(self, f"pulumi:providers:{schema.PACKAGE}", resource_name, own, opts)
        self.package = schema.PACKAGE


def _outward(shape: Shape, value: Value | pulumi.Output[Any] | Awaitable[Any]) -> Any:
    """Return a value with the engine's names. It may contain outputs."""
    if shape is PLAIN:
        return value
    if isinstance(value, pulumi.Output) or isawaitable(value):
        return pulumi.Output.from_input(value).apply(shape.outward)
    if isinstance(value, Mapping):
        return {camel(key): _outward(shape.fields.get(key, PLAIN), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and shape.item:
        return [_outward(shape.item, item) for item in value]
    return value


def _camel(values: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in values.items()}

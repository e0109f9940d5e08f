"""The schema of the package, from which Pulumi generates the SDK of each language. It is derived from the declarations.

`python tools/schema.py` writes it to tests/golden/schema.json, so that every change is visible.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import metadata
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typing_extensions import NotRequired, get_type_hints, is_typeddict

import pulumi_joviam as joviam
from pulumi_joviam.api.models import Model
from pulumi_joviam.lifecycle.declare import Declaration, descriptions
from pulumi_joviam.lifecycle.names import Shape, camel, shapes
from pulumi_joviam.lifecycle.resource import Resource
from pulumi_joviam.resources.provider import NATIVE_PACKAGE, ProviderArgs

PACKAGE = NATIVE_PACKAGE
ITEMS = "items"
"""The property with the results of a plural look-up: functions of Pulumi cannot return a list."""

PARAGRAPH = "\n\n"
_PRIMITIVE = {str: "string", int: "integer", float: "number", bool: "boolean"}
_ENVIRONMENT = {"token": "JOVIAM_TOKEN", "endpoint": "JOVIAM_ENDPOINT"}
_SECRET = {"token"}


def token(name: str) -> str:
    """Return the token of a resource, a function or a type."""
    return f"{PACKAGE}:index:{name}"


def version() -> str:
    """Return the version of the package."""
    return metadata("pulumi-joviam")["Version"]


@cache
def resources() -> Mapping[str, type[Resource]]:
    """Return {token: class} of all resources."""
    public = (getattr(joviam, name) for name in joviam.__all__)
    return {token(it._kind): it for it in public if isinstance(it, type) and issubclass(it, Resource)}


@cache
def lookups() -> Mapping[str, Callable[..., Any]]:
    """Return {token: function} of all look-ups."""
    names = (name for name in joviam.__all__ if name.startswith("get_") and not name.endswith("_output"))
    return {token(camel(name)): getattr(joviam, name) for name in names}


def parameters(lookup: Callable[..., Any]) -> dict[str, Any]:
    """Return {parameter: its type} of a look-up."""
    hints = get_type_hints(lookup)
    return {name: hints[name] for name in inspect.signature(lookup).parameters if name != "opts"}


def found(lookup: Callable[..., Any]) -> tuple[type[Model], bool]:
    """Return the model that a look-up returns, and whether it returns a list."""
    answer: Any = get_type_hints(lookup)["return"]
    return (get_args(answer)[0], True) if get_origin(answer) is list else (answer, False)


def attributes(model: type[Model]) -> dict[str, Any]:
    """Return {attribute: its type} of the result of a look-up."""
    stateless = {"state"} if "" in model.ready else set[str]()
    return {name: field.annotation for name, field in model.model_fields.items() if name not in model.apart | stateless}


def types(resource: type[Resource]) -> dict[str, Any]:
    """Return {argument or output: its type} of a resource."""
    arguments = get_type_hints(resource._declaration.model, include_extras=True)
    arguments = {name: arguments[name] for name in resource._declaration.specs}
    return resource._declaration.outputs | arguments


def names(resource: type[Resource]) -> Shape:
    """Return the names in the arguments and outputs of a resource."""
    return shapes(types(resource))


@cache
def schema() -> str:
    """Return the schema as JSON."""
    named = _Types()
    made = {name: _resource(it, named) for name, it in resources().items()}
    functions = {name: _function(it, named) for name, it in lookups().items()}
    settings = _settings()
    about = metadata("pulumi-joviam")
    return json.dumps(
        {
            "name": PACKAGE,
            "displayName": "Joviam",
            "version": version(),
            "description": about["Summary"].removesuffix(" from Pulumi programs in Python"),
            "keywords": about["Keywords"].split(","),
            "license": about["License-Expression"],
            "homepage": "https://www.joviam.com",
            "repository": dict(url.split(", ") for url in about.get_all("Project-URL", ()))["Source"],
            # supportPack: each SDK is a complete package, with the version of the plugin and, for Go, with a go.mod
            "meta": {"moduleFormat": "(.*)", "supportPack": True},
            "language": {
                # Python programs do not need a generated SDK: they use the classes in native/sdk.py
                "python": {"packageName": "pulumi_joviam.native.sdk", "inputTypes": "classes-and-dicts"},
                # with TypeScript 5, npm installs one for the program and the SDK
                "nodejs": {"packageName": about["Name"], "typescriptVersion": "^5.0.0"},
                "csharp": {"rootNamespace": "Joviam"},
            },
            "config": {"variables": settings},
            "provider": {
                "description": "An account.",
                "inputProperties": settings,
                "properties": settings,
            },
            "types": named.named,
            "resources": made,
            "functions": functions,
        },
        indent=2,
    )


def _settings() -> dict[str, Any]:
    """Return the properties of the provider itself."""
    declaration, properties = ProviderArgs._declaration, dict[str, Any]()
    for name, hint in declaration.types.items():
        default = declaration.default(name)
        text = declaration.descriptions[name] + ("" if default == "required" else f" Default: {default}.")
        properties[camel(name)] = found = {**_Types().of(hint, ""), "description": text}
        if name in _ENVIRONMENT:
            found["defaultInfo"] = {"environment": [_ENVIRONMENT[name]]}
        if name in _SECRET:
            found["secret"] = True
    return properties


def _resource(resource: type[Resource], named: _Types) -> dict[str, Any]:
    declaration, lifecycle = resource._declaration, resource._lifecycle
    marks = lifecycle.args.traits()
    properties, required = dict[str, dict[str, Any]](), list[str]()
    for name, hint in _hints(resource).items():
        properties[name] = {
            **named.of(hint, f"{resource._kind}{_pascal(name)}"),
            "description": _description(resource, name),
        }
        if name in lifecycle.secret:
            properties[name]["secret"] = True
        optional = name in declaration.specs and name not in declaration.filled
        if not (type(None) in get_args(declaration.types[name]) or (optional and not _is_required(declaration, name))):
            required.append(camel(name))
    inputs = {camel(name): dict(properties[name]) for name in declaration.specs}
    for name in declaration.specs:
        if marks[name].replaces:
            inputs[camel(name)]["willReplaceOnChanges"] = True
    return {
        "description": _about(declaration),
        "properties": {camel(name): it for name, it in properties.items()},
        "required": required,
        "inputProperties": inputs,
        "requiredInputs": [camel(name) for name in declaration.specs if _is_required(declaration, name)],
        "aliases": [{"type": f"pulumi-python:{resource._resource_type_name}"}],
    }


def _hints(resource: type[Resource]) -> dict[str, Any]:
    """Return {argument or output: its type}, the arguments first."""
    found = types(resource)
    return {name: found[name] for name in (*resource._declaration.specs, *resource._declaration.outputs)}


def _is_required(declaration: Declaration, name: str) -> bool:
    return declaration.default(name) == "required"


def _description(resource: type[Resource], name: str) -> str:
    """Return the description of an argument or output."""
    declaration = resource._declaration
    description = declaration.descriptions[name]
    if name in declaration.specs:
        default = declaration.default(name)
        facts = [*([] if default == "required" else [f"Default: {default}"]), declaration.change(name)]
        text = "; ".join(facts)
        description = f"{description} {text[:1].upper()}{text[1:]}."
    return _in_camel(description)


def _function(lookup: Callable[..., Any], named: _Types) -> dict[str, Any]:
    model, several = found(lookup)
    if several:
        outputs: dict[str, Any] = {ITEMS: {"type": "array", "items": named.of(model, "")}}
        required: Sequence[str] = [ITEMS]
    else:
        outputs, required = named.fields(attributes(model), "")
    inputs = {name: named.of(hint, f"{model.__name__}{_pascal(name)}") for name, hint in parameters(lookup).items()}
    about = _text(lookup).replace("raise RunError", "fail")
    return {
        "description": _in_camel(about),
        "inputs": {"type": "object", "properties": {camel(name): it for name, it in inputs.items()}},
        "outputs": {"type": "object", "properties": outputs, "required": required},
    }


class _Types:
    """Converts types to schema types, and collects the named ones."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def of(self, hint: Any, name: str) -> dict[str, Any]:
        """Convert a type. ``name`` is for types without a name."""
        origin, parts = get_origin(hint), get_args(hint)
        if origin in (Annotated, NotRequired):
            return self.of(parts[0], name)
        if origin in (Union, UnionType):
            kinds = [self.of(part, name) for part in parts if part is not type(None)]
            return kinds[0] if len(kinds) == 1 else {"oneOf": kinds}
        if origin is Literal:
            return self._choice(parts, name)
        if origin in (list, Sequence):
            return {"type": "array", "items": self.of(parts[0], name)}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.of(parts[1], name)}
        if is_typeddict(hint):
            hints = get_type_hints(hint, include_extras=True)
            return self._object(hint.__name__, hint, hints, _text(hint))
        if isinstance(hint, type) and issubclass(hint, Model):
            # what comes after the first paragraph is about attributes that are not shown
            about = f"What a look-up says of one {hint.noun}. {_text(hint).partition(PARAGRAPH)[0]}"
            return self._object(f"{hint.__name__}Info", hint, attributes(hint), about)
        return {"type": _PRIMITIVE[hint]} if hint in _PRIMITIVE else {"$ref": "pulumi.json#/Any"}

    def fields(self, hints: Mapping[str, Any], name: str) -> tuple[dict[str, Any], list[str]]:
        """Return the properties of an object, and the names of the required ones."""
        properties = {camel(key): self.of(hint, f"{name}{_pascal(key)}") for key, hint in hints.items()}
        always = [key for key, hint in hints.items() if get_origin(hint) is not NotRequired]
        return properties, [camel(key) for key in always if type(None) not in get_args(hints[key])]

    def _object(self, name: str, documented: type, hints: Mapping[str, Any], about: str) -> dict[str, Any]:
        if token(name) not in self.named:
            properties, required = self.fields(hints, name)
            for key, description in descriptions(documented).items():
                if camel(key) in properties:
                    properties[camel(key)]["description"] = _in_camel(description)
            self.named[token(name)] = {
                "type": "object",
                "description": _in_camel(about),
                "properties": properties,
                "required": required,
            }
        return {"$ref": f"#/types/{token(name)}"}

    def _choice(self, values: Sequence[Any], name: str) -> dict[str, Any]:
        if len(values) == 1:
            return {"type": _PRIMITIVE[type(values[0])]}
        self.named[token(name)] = {"type": "string", "enum": [{"value": value} for value in values]}
        return {"$ref": f"#/types/{token(name)}"}


def _pascal(name: str) -> str:
    return camel(name[:1].upper() + name[1:])


def _about(declaration: Declaration) -> str:
    """Return the description of a resource without its examples, which are in Python."""
    paragraphs = declaration.about.split(PARAGRAPH)
    return _in_camel(PARAGRAPH.join(it for it in paragraphs if not it.startswith("    ")))


def _text(documented: Any) -> str:
    return inspect.cleandoc(documented.__doc__ or "")


def _in_camel(text: str) -> str:
    """Return a docstring with the names of other languages."""
    text = re.sub(r"\b(?:True|False)\b", lambda match: match[0].lower(), text.replace("``", "`"))
    return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda match: camel(match[0]), text)

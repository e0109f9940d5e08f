"""The OpenAPI document behind `/docs`, derived from the operations: their bodies and responses."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import TypeAdapter

from pulumi_joviam.emulator.body import Nothing
from pulumi_joviam.emulator.operation import Operation
from pulumi_joviam.emulator.operations import OPERATIONS

ERRORS = {
    "400": "bad_request: `details` names the fields that are missing or of the wrong type",
    "401": "unauthorized or invalid_token",
    "403": "forbidden",
    "404": "not_found",
    "422": "validation_fail: `details` maps each field to what is wrong with it",
    "500": "internal_server_error",
}
ERROR_SHAPE = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "details": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    },
}


def document(prefix: str) -> dict[str, Any]:
    """Return the OpenAPI document of the whole API; its paths start with `prefix`."""
    types: list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]] = []
    for operation in OPERATIONS:
        if operation.body is not Nothing:
            types.append((operation.name, "validation", TypeAdapter(operation.body)))
        for status, answer in operation.answers.items():
            types.append((f"{operation.name} {status}", "serialization", TypeAdapter(answer)))
    schemas, definitions = TypeAdapter.json_schemas(types, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described: dict[str, Any] = {
            "operationId": operation.name,
            "summary": operation.act.__doc__,
            "tags": [operation.path.split("/")[1]],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"{(\w+)}", operation.path)
            ],
            "responses": {
                **{
                    str(status): _answer("done", schemas[f"{operation.name} {status}", "serialization"])
                    for status in operation.answers
                },
                **{status: _answer(why, {"$ref": "#/components/schemas/Error"}) for status, why in ERRORS.items()},
            },
        }
        if operation.body is not Nothing:
            described["requestBody"] = {
                "required": _has_required_fields(operation),
                "content": {"application/json": {"schema": schemas[operation.name, "validation"]}},
            }
        paths.setdefault(prefix + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Joviam API (emulated)", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": ERROR_SHAPE},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _has_required_fields(operation: Operation) -> bool:
    return any(field.is_required() for field in operation.body.model_fields.values())

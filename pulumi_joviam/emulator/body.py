"""Bodies of requests: strict types, no unknown fields, and one message that names every error."""

from __future__ import annotations

import ipaddress
import json
import uuid
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from pulumi_joviam.emulator.store import BadRequest


def _without_placeholders(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        if field.get("default") == "":
            del field["default"]


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Body(BaseModel):
    """Parameters of one operation. A field with a default is optional; `given` returns those that the client sent."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, extra="forbid", json_schema_extra=_without_placeholders
    )

    def given(self) -> dict[str, Any]:
        """The fields that the client sent."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class Changes(Body):
    """Parameters of an update. Omitted fields do not change, so the defaults have no meaning."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra=_without_defaults)


class Nothing(Body):
    """The operation takes no parameters."""


def _uuid(text: str) -> str:
    try:
        canonical = str(uuid.UUID(text))
    except ValueError:
        canonical = ""
    if text.lower() != canonical:
        raise PydanticCustomError("uuid", "must be a UUID")
    return canonical


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise PydanticCustomError("ipv4", "must be an IPv4 address") from None


Uuid = Annotated[str, AfterValidator(_uuid), Field(json_schema_extra={"format": "uuid"})]
Ipv4 = Annotated[str, AfterValidator(_ipv4), Field(json_schema_extra={"format": "ipv4"})]

BodyT = TypeVar("BodyT", bound=BaseModel)

_MESSAGES = {"missing": "is required", "extra_forbidden": "is not a known field"}


def parse(model: type[BodyT], raw: bytes) -> BodyT:
    """Parse the body of a request (an empty one is `{}`). Raises BadRequest, which names every invalid field."""
    try:
        content = json.loads(raw or b"{}")
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(content, dict):
        raise BadRequest("the body is not a JSON object")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc']))}: {_MESSAGES.get(problem['type'], problem['msg'])}"
            for problem in error.errors(include_url=False)
        )
        raise BadRequest("; ".join(problems)) from None

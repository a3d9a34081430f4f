"""The page about the API, drawn from its own schema: operations, what they take and what they answer.

In the frame of all pages, without a script: nothing is loaded from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from qipan.api.assembly import api
from qipan.foundation.pages.page import Page


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body or of an answer."""

    name: str
    #: "path", "query", "header"; "" in a body
    where: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a program can ask for."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]


class Reference(Page):
    """The operations of `/api/v1`."""

    title = _("API")
    public = True
    template = "api/reference.html"
    help = _("What programs can ask for, with a token that is made on the account page of its owner.")

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; the schema says it in English."""
        return self.show(operations=operations(), about=api.description.replace("`", ""))


@cache
def operations() -> tuple[Operation, ...]:
    """All operations, in the order of the schema."""
    schema: dict[str, Any] = api.get_openapi_schema()
    known: Mapping[str, Any] = schema["components"]["schemas"]
    return tuple(
        Operation(
            each["operationId"], method.upper(), path, each.get("summary", ""), each.get("description", ""),
            tuple(Field(p["name"], p["in"], _type(p["schema"], known), p.get("required", False))
                  for p in each.get("parameters", ())),
            _fields(each.get("requestBody", {}), known), _fields(_good(each["responses"]), known),
        )
        for path, methods in schema["paths"].items() for method, each in methods.items()
    )  # fmt: skip


def _good(responses: Mapping[Any, Any]) -> Mapping[str, Any]:
    """The answer where all went well."""
    return next((answer for status, answer in responses.items() if str(status).startswith("2")), {})


def _fields(holder: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of the one content that a body or an answer has."""
    for content in holder.get("content", {}).values():
        shape = _resolved(content.get("schema", {}), known)
        required = shape.get("required", ())
        return tuple(
            Field(name, "", _type(each, known), name in required) for name, each in shape.get("properties", {}).items()
        )
    return ()


def _resolved(shape: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    name = shape.get("$ref", "").rpartition("/")[2]
    return known.get(name, {}) if name else shape


def _type(shape: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """A type in a word or two, as programmers read it."""
    for several in ("anyOf", "oneOf", "allOf"):
        if several in shape:
            return " | ".join(_type(each, known) for each in shape[several])
    if "$ref" in shape:
        resolved = _resolved(shape, known)
        return _type(resolved, known) if "enum" in resolved else shape["$ref"].rpartition("/")[2]
    if "enum" in shape:
        return " | ".join(f'"{each}"' for each in shape["enum"])
    if shape.get("type") == "array":
        return f"{_type(shape.get('items', {}), known)}[]"
    return str(shape.get("format") or shape.get("type") or "any")

"""The OpenAPI 3.1 document, made from the table of routes and the Structs of its messages."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dropstreamd.control.messages.refusal import Refusal
from dropstreamd.control.messages.runs import StreamEvent
from dropstreamd.control.route import Empty, Route

_PART = re.compile(r"\{(\w+)(:path)?\}")
_REFS = "#/components/schemas/{name}"

Json = dict[str, Any]
"""A part of the document as it is written: its form is OpenAPI's."""


def document(routes: Iterable[Route[Any, Any]], *, version: str) -> Json:
    """Every route, with what it asks, answers and refuses."""
    table = tuple(routes)
    types = [each for route in table for each in (route.query, route.body, route.answer)]
    schemas, components = msgspec.json.schema_components([*types, Refusal], ref_template=_REFS)
    paths: dict[str, Json] = {}
    for number, route in enumerate(table):
        query, body, answer = schemas[3 * number : 3 * number + 3]
        operation = _operation(route, _resolved(query, components), body, answer)
        paths.setdefault(_PART.sub(r"{\1}", route.path), {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dropstreamd",
            "version": version,
            "description": "The control API, on a Unix socket: whoever may open it may do everything.",
        },
        "servers": [{"url": "http://daemon", "description": "Any host name: the socket decides."}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"Refused": _content("Refused", schemas[-1], "application/problem+json")},
        },
    }


def _operation(route: Route[Any, Any], query: Json, body: Json, answer: Json) -> Json:
    media = "text/event-stream" if route.answer is StreamEvent else "application/json"
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*_path_parameters(route.path), *_query_parameters(query)],
        "responses": {
            str(route.status): _content("Done", answer, media),
            "default": {"$ref": "#/components/responses/Refused"},
        },
    }
    if route.body is not Empty:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _content(description: str, schema: Json, media: str) -> Json:
    return {"description": description, "content": {media: {"schema": schema}}}


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": match[1], "in": "path", "required": True, "schema": {"type": "string"}}
        for match in _PART.finditer(path)
    ]


def _query_parameters(query: Json) -> list[Json]:
    required = query.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in query.get("properties", {}).items()
    ]


def _resolved(schema: Json, components: Mapping[str, Any]) -> Json:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict(components[name]) if name else schema

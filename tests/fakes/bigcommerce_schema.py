"""BigCommerce's own descriptions of its APIs, where they can be had, and what they say of a request.

They are test data and no part of this repository. They are looked for in the folder that DROPSTREAMD_SPECS
names (`bigcommerce/*.yml`).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import msgspec
import referencing
import yaml
from referencing.jsonschema import DRAFT202012

from .specs import require_spec

FILES = {
    "orders.v2.oas2.yml": "v2",
    "inventory.v3.yml": "v3",
    "products_catalog.v3.yml": "v3",
    "product-variants_catalog.v3.yml": "v3",
}
METHODS = ("get", "post", "put", "delete")


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One that a description has. `body` and `answers` point to schemas."""

    id: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, Mapping[str, Any]]
    body: str
    answers: Mapping[str, str]


class Descriptions(msgspec.Struct, frozen=True, kw_only=True):
    operations: tuple[Operation, ...]
    documents: Mapping[str, Any]
    registry: Any

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, int]] | None:
        """The operation of a path behind stores/HASH/, and the ids in that path."""
        for each in self.operations:
            found = each.path.fullmatch(path)
            if each.method == method.lower() and found:
                return each, {name: int(value) for name, value in found.groupdict().items()}
        return None

    def check_query(self, operation: Operation, query: str) -> dict[str, list[str]]:
        """Its parameters, each a list of values. Raises AssertionError for one that is not described."""
        found: dict[str, list[str]] = {}
        for pair in query.split("&") if query else ():
            name, _, value = pair.partition("=")
            name = unquote(name)
            schema = operation.query.get(name)
            assert schema is not None, f"{operation.id} has no parameter {name}"
            assert name not in found, f"{operation.id}: {name} is given twice"
            found[name] = [unquote(one) for one in value.split(",")]
            for one in found[name]:
                self._check_value(operation, name, schema, one)
            several = schema.get("type") == "array" or name.endswith(":in")
            assert several or len(found[name]) == 1, f"{operation.id}: {name} has several values"
        return found

    def check_body(self, operation: Operation, body: Any) -> None:
        """Raises AssertionError where it is not as described, or has a field that is not. Of a long list,
        one of each shape is looked at."""
        body = _thinned(body)
        self._check(f"{operation.id}: its body", operation.body, body)
        self._check_names(operation.id, self._resolve({"$ref": operation.body}), body)

    def check_answer(self, operation: Operation, status: int, body: Any) -> None:
        """The double's own answers are as described, too."""
        schema = operation.answers.get(str(status))
        if schema is not None:
            self._check(f"{operation.id}: its answer {status}", schema, body)

    def _check(self, what: str, pointer: str, value: Any) -> None:
        validator = jsonschema.Draft202012Validator({"$ref": pointer}, registry=self.registry)
        wrong = next(validator.iter_errors(value), None)
        assert wrong is None, (
            f"{what} is not as described: {wrong and wrong.message[:300]} at {wrong and wrong.json_path}"
        )

    def _check_value(self, operation: Operation, name: str, schema: Mapping[str, Any], value: str) -> None:
        kind = schema.get("items", schema) if schema.get("type") == "array" else schema
        if name == "sort":
            value = value.removesuffix(":asc").removesuffix(":desc")
        if kind.get("type") in ("integer", "number"):
            assert re.fullmatch(r"\d+", value), f"{operation.id}: {name} is no number: {value}"
            most = kind.get("maximum")
            assert most is None or int(value) <= most, f"{operation.id}: {name} is over {most}"
        if "enum" in kind:
            assert value in kind["enum"], f"{operation.id}: {name} cannot be {value}"

    def _check_names(self, what: str, schema: Mapping[str, Any], value: Any) -> None:
        """Fields that no part of the schema knows."""
        parts = list(self._parts(schema))
        if isinstance(value, dict):
            known = {name: each for part in parts for name, each in part.get("properties", {}).items()}
            unknown = sorted(value.keys() - known.keys()) if known else []
            assert not unknown, f"{what} does not know {unknown}"
            for name, each in value.items():
                if name in known:
                    self._check_names(f"{what}.{name}", self._resolve(known[name]), each)
        if isinstance(value, list):
            for part in parts:
                if "items" in part:
                    for each in value:
                        self._check_names(f"{what}[]", self._resolve(part["items"]), each)

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield schema
        for kind in ("allOf", "oneOf", "anyOf"):
            for each in schema.get(kind, ()):
                yield from self._parts(self._resolve(each))

    def _resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            document, _, pointer = schema["$ref"].partition("#/")
            found = self.documents[document]
            for part in pointer.split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            schema = found
        return schema


def require_descriptions() -> Descriptions:
    """The descriptions; skips the test, saying why, where there are none."""
    return _read(require_spec("BigCommerce", "bigcommerce", "orders.v2.oas2.yml").parent)


@cache
def _read(place: Path) -> Descriptions:
    documents: dict[str, Any] = {}
    operations: list[Operation] = []
    for name, version in FILES.items():
        uri = f"urn:{name}"
        raw = yaml.load((place / name).read_text(), Loader=yaml.CSafeLoader)
        document = documents[uri] = _as_json_schema(raw, uri)
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    operations.append(_operation(uri, document, version, path, method))
    resources = [
        (uri, referencing.Resource.from_contents(document, default_specification=DRAFT202012))
        for uri, document in documents.items()
    ]
    # A path without a parameter comes before one that has it: `orders/count` is no order.
    operations.sort(key=lambda each: each.path.pattern.count("?P"))
    return Descriptions(
        operations=tuple(operations),
        documents=documents,
        registry=referencing.Registry().with_resources(resources),
    )


def _operation(uri: str, document: Any, version: str, path: str, method: str) -> Operation:
    item = document["paths"][path]
    described = item[method]
    query = {}
    for parameter in [*item.get("parameters", ()), *described.get("parameters", ())]:
        while "$ref" in parameter:
            parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]  # noqa: PLW2901
        if parameter["in"] == "query":
            schema = parameter.get("schema", {})
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            query[parameter["name"]] = schema
    place = f"{uri}#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
    body = "application/json" in described.get("requestBody", {}).get("content", {})
    return Operation(
        id=described["operationId"],
        method=method,
        path=re.compile(version + re.sub(r"\{(\w+)\}", r"(?P<\1>[0-9]+)", path)),
        query=query,
        body=f"{place}/requestBody/content/application~1json/schema" if body else "",
        answers={
            status: pointer
            for status, answer in described.get("responses", {}).items()
            if (pointer := _answer(uri, document, place, status, answer))
        },
    )


def _answer(uri: str, document: Any, place: str, status: str, answer: Any) -> str:
    pointer = f"{place}/responses/{status}"
    if "$ref" in answer:
        pointer = answer["$ref"]
        answer = document["components"]["responses"][pointer.rpartition("/")[2]]
    has = "schema" in answer.get("content", {}).get("application/json", {})
    return f"{pointer}/content/application~1json/schema" if has else ""


def _thinned(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        name: list({str([(key, type(one)) for key, one in each.items()]): each for each in value}.values())
        if isinstance(value, list) and len(value) > 100
        else value
        for name, value in body.items()
    }


def _as_json_schema(value: Any, uri: str) -> Any:
    """What OpenAPI 3.0 writes in its own way, as JSON Schema does; references with their document."""
    if isinstance(value, list):
        return [_as_json_schema(each, uri) for each in value]
    if not isinstance(value, dict):
        return value
    found = {
        str(key): _as_json_schema(each, uri)
        for key, each in value.items()
        if key not in ("example", "examples")
    }
    if isinstance(found.get("$ref"), str) and found["$ref"].startswith("#"):
        found["$ref"] = f"{uri}{found['$ref']}"
    if (found.get("nullable") is True or found.get("x-nullable") is True) and isinstance(
        found.get("type"), str
    ):
        found["type"] = [found["type"], "null"]
    if "type" in found and found["type"] != "object" and isinstance(found.get("required"), list):
        found.pop("required")
    return found

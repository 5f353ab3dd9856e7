"""The description is whole: every route is in it, and every reference leads somewhere."""

import re
from collections.abc import Iterator
from typing import Any

from dropstreamd.control.messages import look, refusal, rules, runs, setup, status
from dropstreamd.control.openapi import document
from dropstreamd.control.routes import ROUTES
from tests.control.office import Client

METHODS = {"get", "put", "post", "delete"}


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def every_value(part: object) -> Iterator[tuple[str, object]]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield key, value
            yield from every_value(value)
    elif isinstance(part, list):
        for value in part:
            yield from every_value(value)


async def test_every_route_is_described_and_served(client: Client) -> None:
    answer = await client.http.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    described = answer.json()
    assert described["openapi"] == "3.1.0"
    assert described["info"]["version"] == "1.2.3"
    expected = {(route.path.replace(":path", ""), route.method.lower()) for route in ROUTES}
    assert {(path, method) for path, method, _ in operations(described)} == expected
    assert len({operation["operationId"] for _, _, operation in operations(described)}) == len(ROUTES)


def test_every_reference_leads_somewhere() -> None:
    described = document(ROUTES, version="1")
    for key, value in every_value(described):
        if key == "$ref":
            assert isinstance(value, str)
            found: Any = described
            for step in value.removeprefix("#/").split("/"):
                found = found[step]


def test_each_operation_is_as_openapi_has_it() -> None:
    for path, method, operation in operations(document(ROUTES, version="1")):
        assert method in METHODS
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))
        assert all(set(each) >= {"name", "in", "required", "schema"} for each in operation["parameters"])
        assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")
        assert "default" in operation["responses"]
        assert any(status.startswith("2") for status in operation["responses"])
        assert method != "get" or "requestBody" not in operation
        for answer in operation["responses"].values():
            assert set(answer) in ({"$ref"}, {"description", "content"})


def test_every_message_is_described() -> None:
    schemas = document(ROUTES, version="1")["components"]["schemas"]
    answered = {"Refusal", "Status", "OrderShown", "SkuShown", "Parked", "Preflight", "Ended", "PutSecret"}
    assert answered <= set(schemas)
    assert all(module.__doc__ for module in (look, refusal, rules, runs, setup, status))

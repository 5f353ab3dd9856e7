"""eBay's own description of its Sell APIs, where it can be had, and whether a message is as it says.

It is test data and no part of this repository. It is looked for in the folder that DROPSTREAMD_SPECS names.
What the description does not name is refused.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from .specs import require_spec

FILES = {
    "/sell/fulfillment/v1": "sell_fulfillment_v1_oas3.json",
    "/sell/inventory/v1": "sell_inventory_v1_oas3.json",
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_PART = re.compile(r"\{\w+\}")


def require_descriptions() -> "Descriptions":
    """Both; skips the test, saying why, where they are not."""
    found = [require_spec("eBay", "ebay", name) for name in FILES.values()]
    return _read(found[0].parent)


@cache
def _read(place: Path) -> "Descriptions":
    return Descriptions(
        {base: msgspec.json.decode((place / name).read_bytes()) for base, name in FILES.items()}
    )


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of a path. `path` is the template, `named` what its parts are here."""

    base: str
    method: str
    path: str
    named: Mapping[str, str]
    about: Mapping[str, Any]


class Descriptions:
    """Knows every operation of the two APIs."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents
        self._operations = [
            (re.compile("^" + _PART.sub(r"([^/]+)", base + path) + "$"), base, path, method.upper(), about)
            for base, document in documents.items()
            for path, methods in document["paths"].items()
            for method, about in methods.items()
        ]

    def find(self, method: str, path: str) -> Operation:
        """Fails where there is none such."""
        for pattern, base, template, verb, about in self._operations:
            match = pattern.match(path)
            if match and verb == method:
                names = [part.strip("{}") for part in _PART.findall(template)]
                named = dict(zip(names, map(unquote, match.groups()), strict=True))
                return Operation(base=base, method=method, path=template, named=named, about=about)
        raise AssertionError(f"eBay has no {method} {path}")

    def check_request(
        self, operation: Operation, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Any:
        """The body, decoded. Fails where the request is not as described."""
        declared = {
            (each["in"], each["name"].lower()): each for each in operation.about.get("parameters", [])
        }
        for name in query:
            assert ("query", name.lower()) in declared, f"{operation.path} has no parameter {name}"
        for (place, name), each in declared.items():
            if each.get("required") and place == "header":
                assert headers.get(name), f"{operation.path} needs the header {name}"
            if each.get("required") and place == "query":
                assert name in query, f"{operation.path} needs the parameter {name}"
        if "requestBody" not in operation.about:
            assert not body, f"{operation.method} {operation.path} takes no body"
            return None
        assert headers.get("content-type") == "application/json"
        given = msgspec.json.decode(body)
        schema = operation.about["requestBody"]["content"]["application/json"]["schema"]
        self._check(operation.base, schema, given, "body")
        return given

    def check_answer(self, operation: Operation, status: int, content: object) -> None:
        """What a double answers is as described too; what is missing it may also tell as null."""
        told = operation.about["responses"].get(str(status))
        assert told is not None, f"{operation.path} never answers {status}"
        media = told.get("content", {}).get("application/json")
        if media is not None and content is not None:
            self._check(operation.base, media["schema"], content, "answer")

    def _check(self, base: str, schema: Mapping[str, Any], given: object, place: str) -> None:
        if given is None and place.startswith("answer"):
            return
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            self._check(base, self._documents[base]["components"]["schemas"][name], given, place)
            return
        kind = schema.get("type", "object")
        if kind == "object":
            assert isinstance(given, dict), f"{place} is no object"
            known = schema.get("properties", {})
            for name, value in given.items():
                assert name in known, f"{place} has no {name}"
                self._check(base, known[name], value, f"{place}.{name}")
            for name in schema.get("required", []):
                assert name in given, f"{place} needs {name}"
        elif kind == "array":
            assert isinstance(given, list), f"{place} is no array"
            # Of what a double answers, the first few are like the others.
            for number, value in enumerate(given[:3] if place.startswith("answer") else given):
                self._check(base, schema["items"], value, f"{place}[{number}]")
        else:
            fits = isinstance(given, _KINDS[kind]) and (kind == "boolean" or not isinstance(given, bool))
            assert fits, f"{place} is no {kind}: {given!r}"

"""Amazon's own descriptions of its API, where they can be had, and what they allow.

They are test data and no part of this repository: looked for in the folder `amazon` of the one that
DROPSTREAMD_SPECS names. What they do not know is refused, in
requests and in answers alike: an object has no other fields than it is described with.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from .amazon_reports_api import REPORTS_API
from .specs import require_spec

MODELS = ("orders_2026-01-01", "ordersV0", "listingsItems_2021-08-01", "feeds_2021-06-30")
REPORTS_MODEL = "reports_2021-06-30"
Json = Any


class Refused(Exception):
    """What was sent or answered is not as described."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One of a model's, with what it takes and answers."""

    name: str
    method: str
    path: re.Pattern[str]
    parameters: tuple[Mapping[str, Json], ...]
    answers: Mapping[str, Json]
    model: Mapping[str, Json]
    plan: tuple[float, float]


_PLAN = re.compile(r"\|\s*([\d.]+)\s*\|\s*(\d+)\s*\|")


def require_models() -> "Models":
    """The models; skips the test, saying why, where they are not here."""
    return _built(require_spec("Amazon", "amazon", f"{MODELS[0]}.json").parent)


@cache
def _built(place: Path) -> "Models":
    return Models(place)


class Models:
    def __init__(self, place: Path) -> None:
        models = [json.loads((place / f"{name}.json").read_text()) for name in MODELS]
        self.operations = [each for model in (*models, _reports(place)) for each in operations(model)]
        self.plans = {each.name: each.plan for each in self.operations}
        self._feed = json.loads((place / "listings-feed-schema-v2.json").read_text())
        self._report = json.loads((place / "listings-feed-processing-report-schema-v2.json").read_text())

    def operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """Which one is called, and what its path names. Raises Refused for one that there is not."""
        for operation in self.operations:
            found = operation.path.fullmatch(path)
            if operation.method == method and found:
                return operation, {name: unquote(text) for name, text in found.groupdict().items()}
        raise Refused(f"there is no {method} {path}")

    def check_feed(self, document: Json) -> None:
        check(document, self._feed, {}, "feed")

    def check_report(self, document: Json) -> None:
        check(document, self._report, {}, "report")


def _reports(place: Path) -> Mapping[str, Json]:
    """Amazon's own where it is there, otherwise what is written down of it."""
    own = place / f"{REPORTS_MODEL}.json"
    return json.loads(own.read_bytes()) if own.exists() else REPORTS_API


def operations(model: Mapping[str, Json]) -> Iterator[Operation]:
    for path, methods in model["paths"].items():
        pattern = re.compile(re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]+)", re.escape(path)))
        for method, told in methods.items():
            if isinstance(told, dict):
                plan = _PLAN.search(told["description"])
                yield Operation(
                    name=told["operationId"],
                    method=method.upper(),
                    path=pattern,
                    parameters=tuple(told.get("parameters", ())),
                    answers=told["responses"],
                    model=model,
                    plan=(float(plan[1]), float(plan[2])) if plan else (1.0, 1.0),
                )


def check_request(operation: Operation, query: Mapping[str, str], body: Json) -> dict[str, Json]:
    """The query's values by name. Raises Refused where a parameter or the body is not as described."""
    known = {each["name"]: each for each in operation.parameters if each["in"] == "query"}
    unknown = query.keys() - known.keys()
    if unknown:
        raise Refused(f"{operation.name} knows no {sorted(unknown)}")
    values: dict[str, Json] = {}
    for name, told in known.items():
        if name in query:
            values[name] = _value(query[name], told, f"{operation.name} {name}")
        elif told.get("required"):
            raise Refused(f"{operation.name} wants {name}")
    wanted = next((each for each in operation.parameters if each["in"] == "body"), None)
    if wanted is None and body is not None:
        raise Refused(f"{operation.name} takes no body")
    if wanted is not None:
        check(body, wanted["schema"], operation.model, operation.name)
    return values


def check_answer(operation: Operation, status: int, body: Json) -> None:
    """Whether Amazon could answer so."""
    told = operation.answers.get(str(status))
    if told is None:
        raise Refused(f"{operation.name} is never answered by {status}")
    if "schema" in told:
        check(body, told["schema"], operation.model, f"{operation.name} {status}")


def _value(text: str, told: Mapping[str, Json], where: str) -> Json:
    if told["type"] == "array":
        values = text.split(",")
        check(values, told, {}, where)
        return values
    value: Json = int(text) if told["type"] == "integer" and text.isdecimal() else text
    if told["type"] == "boolean":
        value = {"true": True, "false": False}.get(text, text)
    check(value, told, {}, where)
    return value


_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
_BOUNDS: dict[str, Callable[[Json, Json], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "minItems": lambda value, bound: len(value) >= bound,
    "maxItems": lambda value, bound: len(value) <= bound,
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
    "minProperties": lambda value, bound: len(value) >= bound,
}


def check(value: Json, schema: Json, model: Mapping[str, Json], where: str) -> None:
    """Raise Refused where the value is not as the schema has it, or has a field that it does not know."""
    if schema is False:
        raise Refused(f"{where} may not be there")
    while "$ref" in schema:
        schema = model["definitions"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
        raise Refused(f"{where} is no {kind}: {value!r:.80}")
    if "enum" in schema and value not in schema["enum"]:
        raise Refused(f"{where} is {value!r:.80}, none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        raise Refused(f"{where} is {value!r:.80}, not {schema['const']}")
    _check_bounds(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            check(each, schema["items"], model, f"{where}[{number}]")
    if isinstance(value, dict):
        _check_fields(value, schema, model, where)
    if "oneOf" in schema:
        _check_one_of(value, schema, model, where)


def _check_bounds(value: Json, schema: Json, where: str) -> None:
    for name, holds in _BOUNDS.items():
        if name in schema and not holds(value, schema[name]):
            raise Refused(f"{where} breaks {name} {schema[name]}")
    if schema.get("format") == "date-time":
        _check_instant(value, where)


def _check_fields(value: dict[str, Json], schema: Json, model: Mapping[str, Json], where: str) -> None:
    known = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        raise Refused(f"{where} lacks {missing}")
    more = schema.get("additionalProperties", not known)
    for name, each in value.items():
        if name in known:
            check(each, known[name], model, f"{where}.{name}")
        elif isinstance(more, dict):
            check(each, more, model, f"{where}.{name}")
        elif not more:
            raise Refused(f"{where} has no field {name}")


def _check_one_of(value: Json, schema: Json, model: Mapping[str, Json], where: str) -> None:
    fitting = 0
    for each in schema["oneOf"]:
        try:
            check(value, {**each, "additionalProperties": True}, model, where)
        except Refused:
            continue
        fitting += 1
    if fitting != 1:
        raise Refused(f"{where} fits {fitting} of {len(schema['oneOf'])} forms")


def _check_instant(value: Json, where: str) -> None:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise Refused(f"{where} is no instant: {value!r:.60}") from error
    if at.tzinfo is None:
        raise Refused(f"{where} has no zone: {value!r}")

"""What is written down of Amazon's Reports API is what Amazon's own description of it has."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.amazon_reports_api import REPORTS_API
from tests.fakes.amazon_schema import REPORTS_MODEL, operations
from tests.fakes.specs import require_spec

Json = Any
ABOUT = {"title", "description"}


def test_what_is_written_down_of_the_reports_api_is_as_amazon_has_it() -> None:
    own = json.loads(require_spec("Amazon", "amazon", f"{REPORTS_MODEL}.json").read_bytes())
    described = told(own)
    assert told(REPORTS_API) == {name: described.get(name) for name in told(REPORTS_API)}


def told(model: Mapping[str, Json]) -> dict[str, Json]:
    """By operation, all that a request or an answer is checked by."""
    return {
        each.name: (
            each.method,
            each.path.pattern,
            each.plan,
            [plain(parameter, model) for parameter in each.parameters],
            {status: plain(answer.get("schema"), model) for status, answer in each.answers.items()},
        )
        for each in operations(model)
    }


def plain(schema: Json, model: Mapping[str, Json]) -> Json:
    """With what it refers to in its place, and without what is there for readers alone."""
    if isinstance(schema, list):
        return [plain(each, model) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(model["definitions"][schema["$ref"].rpartition("/")[2]], model)
    kept = {
        name: plain(each, model)
        for name, each in schema.items()
        if each is not False and not name.startswith("x-") and not (name in ABOUT and isinstance(each, str))
    }
    return kept | {
        name: sorted(kept[name]) for name in ("required", "enum") if isinstance(kept.get(name), list)
    }

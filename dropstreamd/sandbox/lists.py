"""Lists as the sandbox shop answers them: what a filter leaves, how many these are, and a page of them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Json = dict[str, Any]

ALL_ARE: Json = {"active": False, "type": "Regular"}
"""What every order here is: paid, and of this shop alone."""


def listed(rows: Iterable[Json], given: Mapping[str, Any]) -> Json:
    """By the call's variables `filter`, `skip` and `take`."""
    wanted = given.get("filter") or {}
    found = [row for row in rows if _matches(row, wanted)]
    skip = given.get("skip", 0)
    return {"totalItems": len(found), "items": found[skip : skip + given.get("take", len(found))]}


def _matches(row: Json, wanted: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(
        _holds({**ALL_ARE, **row}[field], operator, operand)
        for field, tests in wanted.items()
        for operator, operand in tests.items()
    )


def _holds(value: Any, operator: str, operand: Any) -> bool:
    match operator:
        case "eq":
            return bool(value == operand)
        case "notEq":
            return bool(value != operand)
        case "in":
            return value in operand
        case "notIn":
            return value not in operand
        case "after":
            return datetime.fromisoformat(value) > datetime.fromisoformat(operand)
        case "isNull":
            return (value is None) is operand
    raise AssertionError(f"the sandbox shop knows no operator {operator}")

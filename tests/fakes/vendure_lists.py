"""Lists as Vendure's Admin API gives them, and its errors."""

from typing import Any

from graphql import GraphQLError

from .vendure_shop import Row

TAKE_LIMIT = 1000
"""What a merchant's server may set otherwise, as `adminListQueryLimit`."""


def failure(code: str) -> GraphQLError:
    return GraphQLError("refused", extensions={"code": code})


def listed(rows: Any, options: Row) -> Row:
    """A list query: filtered, sorted by id, cut."""
    if options["take"] > TAKE_LIMIT:
        raise failure("USER_INPUT_ERROR")
    found = [row for row in rows if _matches(row, options.get("filter") or {})]
    found.sort(key=lambda row: int(row["id"]))
    skip = options.get("skip") or 0
    return {"totalItems": len(found), "items": found[skip : skip + options["take"]]}


def _matches(row: Row, wanted: Row) -> bool:
    return all(_holds(row[field], *test) for field, tests in wanted.items() for test in tests.items())


def _holds(value: Any, operator: str, operand: Any) -> bool:
    match operator:
        case "eq":
            return bool(value == operand)
        case "notEq":
            return bool(value != operand)
        case "in":
            return bool(value in operand)
        case "notIn":
            return value not in operand
        case "after":
            return value is not None and bool(value > operand)
        case "isNull":
            return bool((value is None) == operand)
    raise AssertionError(f"the double knows no operator {operator}")

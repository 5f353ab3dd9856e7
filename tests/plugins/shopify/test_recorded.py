"""Answers recorded from a real shop are understood, and cost what the double says."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from graphql import GraphQLError, parse, validate

from dropstream_shopify import wire, wire_goods
from tests.fakes.shopify_schema import cost_of, recorded, require_schema

FILES = (
    "fulfillment-create-multi-group",
    "fulfillment-create-preconditions",
    "inventorySetQuantities-name-validation",
    "inventorySetQuantities-quantity-bounds",
    "order-return-status-lifecycle",
    "return-reverse-logistics-recorded",
)


def calls(found: Any, query: str = "", variables: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """Each document that was recorded, with its variables and its answer."""
    if isinstance(found, dict):
        query, variables = found.get("query", query), found.get("variables", variables)
        answer = found.get("payload", found)
        if "data" in answer and "extensions" in answer and isinstance(query, str):
            yield query, variables, answer
        for each in found.values():
            yield from calls(each, query, variables)
    elif isinstance(found, list):
        for each in found:
            yield from calls(each, query, variables)


def answers(name: str, root: str) -> list[Any]:
    return [answer for _, _, answer in calls(recorded(name)) if (answer["data"] or {}).get(root)]


@pytest.mark.parametrize("name", FILES)
def test_every_answer_tells_what_may_be_spent(name: str) -> None:
    told = [answer for _, _, answer in calls(recorded(name))]
    assert told
    for answer in told:
        cost = msgspec.convert(answer["extensions"], wire.AnswerExtensions).cost
        assert cost is not None
        assert cost.requested_query_cost > 0
        assert cost.throttle_status is not None
        assert (cost.throttle_status.maximum_available, cost.throttle_status.restore_rate) == (2000, 100)


def test_the_double_asks_as_much_as_the_real_shop() -> None:
    """Within a fifth, or three points."""
    schema, seen = require_schema(), set()
    for name in FILES:
        for query, variables, answer in calls(recorded(name)):
            asked = answer["extensions"]["cost"]["requestedQueryCost"]
            try:
                parsed = parse(query)
            except GraphQLError:
                continue
            if query in seen or validate(schema, parsed):
                continue  # asked before, or of an older version
            seen.add(query)
            cost = cost_of(schema, parsed, variables or {})
            assert abs(cost - asked) <= max(3, asked / 5), f"{asked}, and not {cost}: {query[:200]}"
    assert len(seen) > 10


def test_fulfillments_are_made_or_refused_in_words() -> None:
    found = [
        msgspec.convert(answer["data"], wire_goods.Fulfill).fulfillment_create
        for answer in answers("fulfillment-create-preconditions", "fulfillmentCreate")
    ]
    made = [each for each in found if each.fulfillment is not None]
    refused = [each for each in found if each.fulfillment is None]
    assert made
    assert refused
    assert all(each.fulfillment and each.fulfillment.status == "SUCCESS" for each in made)
    assert all(each.user_errors and each.user_errors[0].field for each in refused)


def test_a_refused_quantity_is_known_by_its_place() -> None:
    found = [
        msgspec.convert(answer["data"], wire_goods.SetLevels).inventory_set_quantities.user_errors
        for name in FILES[2:4]
        for answer in answers(name, "inventorySetQuantities")
    ]
    codes = {error.code: error.index for errors in found for error in errors}
    assert codes["INVALID_QUANTITY_TOO_HIGH"] == 0
    assert codes["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"] == 1
    assert codes["INVALID_NAME"] is None


def test_dispositions_are_taken_or_refused_with_a_code() -> None:
    found = [
        msgspec.convert(answer["data"], wire_goods.Dispose).reverse_fulfillment_order_dispose.user_errors
        for answer in answers("return-reverse-logistics-recorded", "reverseFulfillmentOrderDispose")
    ]
    assert () in found
    assert {error.code for errors in found for error in errors} >= {"INVALID"}

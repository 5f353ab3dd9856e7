"""Every document that is sent is one that Shopify's schema for 2026-07 knows, and not too dear."""

import pytest
from graphql import NoDeprecatedCustomRule, parse, specified_rules, validate

from dropstream_shopify import documents, documents_goods
from dropstream_shopify.documents import Document
from dropstream_shopify.fulfillment_orders import PAGE as ORDERS
from dropstream_shopify.returns import PAGE as RETURNS
from tests.fakes.shopify_schema import cost_of, require_schema

ALL = [
    each
    for module in (documents, documents_goods)
    for each in vars(module).values()
    if isinstance(each, Document)
]
MOST_COST = 1000


@pytest.mark.parametrize("document", ALL, ids=lambda document: document.name)
def test_a_document_is_as_the_schema_has_it(document: Document) -> None:
    schema, parsed = require_schema(), parse(document.text)
    assert not validate(schema, parsed, [*specified_rules, NoDeprecatedCustomRule])
    operation = parsed.definitions[0]
    assert operation.name.value == document.name  # type: ignore[attr-defined]
    ids = [""] * (RETURNS if document is documents_goods.RETURNS_BY_ID else ORDERS)
    cost = cost_of(schema, parsed, {"first": ORDERS, "ids": ids})
    assert cost <= document.cost <= MOST_COST, "it is estimated to cost less than it does"


def test_no_two_have_one_name() -> None:
    assert len({document.name for document in ALL}) == len(ALL) > 20

"""Every document is valid, asks for what it says, and names what others have found in ShipHero's API too."""

from collections.abc import Iterator

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_ast_schema,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)

from dropstream_shiphero import documents, documents_goods, skus
from dropstream_shiphero.documents import Document
from tests.fakes.shiphero import MOST_ROWS, cost_of, schema
from tests.fakes.specs import require_spec

DOCUMENTS = {
    each.name: each
    for module in (documents, documents_goods)
    for each in vars(module).values()
    if isinstance(each, Document)
} | {"Skus": skus.document(skus.AT_ONCE)}
FIRST = {
    "Shipments": documents.SHIPMENTS_AT_ONCE,
    "Orders": documents.ORDERS_AT_ONCE,
    "Stock": documents_goods.STOCK_AT_ONCE,
    "Products": documents_goods.PRODUCTS_AT_ONCE,
    "Purchases": documents_goods.PURCHASES_AT_ONCE,
    "Returns": documents_goods.RETURNS_AT_ONCE,
}

OLDER_POOL = 1001
"""Credits of users from before there were 4,004: no document may ask for more."""

NOT_ELSEWHERE = {
    "OrderHolds": "holds are a list of text there",
    "PurchaseOrder.vendor": "only its id is there",
    "Return.order": "only its id is there",
    "Shipment.order": "only its id is there",
    "ShippingLabel.created_date": "it is called created_at there",
    "ShippingLabel.refunded": "",
    "ShippingLabel.shipping_name": "",
    "ShippingLabel.status": "",
    "ShippingLabel.tracking_url": "",
    "UserQuota": "it has credits_used, credits_limit and reset_at there",
    "WarehouseProductConnection": "they are a list there",
    "WarehouseProductEdge": "they are a list there",
    "WarehouseProductMutationOutput": "it answers the product there",
}
"""Types, and fields, that a third party's description lacks. ShipHero's own reference has them all, each on
the page of its type (developer.shiphero.com/schema/types, as shipping-label.html; seen in November 2026)."""


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_it_is_valid_and_costs_no_more_than_it_says(document: Document) -> None:
    parsed = parse(document.text)
    assert validate(schema(), parsed, specified_rules) == []
    first = FIRST.get(document.name, 1)
    assert first <= MOST_ROWS
    asked = cost_of(schema(), parsed, {"first": first})
    assert asked <= max(document.cost, 4)
    assert document.cost <= OLDER_POOL


def elsewhere() -> GraphQLSchema:
    place = require_spec("ShipHero (a third party)", "shiphero", "schema.graphql")
    return build_ast_schema(parse(place.read_text(), no_location=True), assume_valid=True)


def test_what_is_asked_for_is_known_elsewhere_too() -> None:
    """It has no arguments of pages, and few filters: names of fields are all that it can tell."""
    other = elsewhere()
    lacking = {
        (parent, field)
        for document in DOCUMENTS.values()
        for parent, field in asked_fields(document)
        if not known(other, parent, field)
    }
    named = {parent if parent in NOT_ELSEWHERE else f"{parent}.{field}" for parent, field in lacking}
    assert named == NOT_ELSEWHERE.keys()


RENAMED = {
    "CurrentUserQueryResult": "MeQueryResult",
    "User": "AuthenticatedUser",
    "LineItemQuerySpecConnection": "LineItemConnection",
    "LineItemQuerySpecEdge": "LineItemEdge",
    "OrderMutationOutput": "OrderOutput",
    "CreateProductOutput": "ProductOutput",
    "ProductMutationOutput": "ProductOutput",
    "WarehouseProductMutationOutput": "ProductOutput",
    "CreateReturnOutput": "ReturnOutput",
    "RMALabelType": "RMALabel",
}


def known(other: GraphQLSchema, parent: str, field: str) -> bool:
    of = other.type_map.get(RENAMED.get(parent, parent))
    return of is not None and field in getattr(of, "fields", {})


def asked_fields(document: Document) -> Iterator[tuple[str, str]]:
    """The fields of a document, each with its type."""
    info = TypeInfo(schema())
    found: list[tuple[str, str]] = []

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_args: object) -> None:
            parent = info.get_parent_type()
            assert parent is not None
            found.append((get_named_type(parent).name, node.name.value))

    visit(parse(document.text), TypeInfoVisitor(info, Fields()))
    return iter(found)

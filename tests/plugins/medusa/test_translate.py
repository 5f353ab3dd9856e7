"""Documents of Medusa's, one by one."""

from typing import Any

import msgspec
import pytest

from dropstream_medusa import translate, wire, wire_returns
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.model.products import Product
from dropstreamd.model.returns import Return

from .stores import settings

SETTINGS = settings(url="https://shop.example")
AT = "2026-11-22T01:56:01.079Z"


def order(**changes: Any) -> dict[str, Any]:
    return {
        "id": "order_1",
        "display_id": 7,
        "custom_display_id": None,
        "status": "pending",
        "payment_status": "authorized",
        "created_at": AT,
        "updated_at": AT,
        "email": None,
        "currency_code": "eur",
        "total": 12.34,
        "items": [item()],
        "shipping_methods": [{"name": "Std", "shipping_option_id": "so_1"}],
        "shipping_address": None,
        "billing_address": None,
        **changes,
    }


def item(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ordli_1",
        "title": "A thing",
        "variant_sku": "A",
        "requires_shipping": True,
        "unit_price": 19.99,
        "detail": {"quantity": 3, "fulfilled_quantity": 1},
        "variant": None,
        **changes,
    }


def read(row: dict[str, Any], **changes: Any) -> Order | Bad:
    return translate.read_order(msgspec.json.encode(row), msgspec.structs.replace(SETTINGS, **changes))


def good(row: dict[str, Any], **changes: Any) -> Order:
    found = read(row, **changes)
    assert isinstance(found, Order), found
    return found


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "open"),
        ({"payment_status": "captured"}, "open"),
        ({"payment_status": "not_paid"}, "waiting"),
        ({"payment_status": "refunded"}, "waiting"),
        ({"payment_status": "not_paid", "total": 0}, "open"),
        ({"status": "requires_action"}, "waiting"),
        ({"status": "canceled"}, "cancelled"),
        ({"status": "completed"}, "closed"),
        ({"status": "archived"}, "closed"),
        ({"items": [item(detail={"quantity": 3, "fulfilled_quantity": 3})]}, "closed"),
        ({"items": [item(requires_shipping=False)]}, "closed"),
    ],
)
def test_what_may_be_shipped(changes: dict[str, Any], status: str) -> None:
    assert good(order(**changes)).status == status


def test_money_is_exact() -> None:
    found = good(order())
    assert [str(each.amount) for each in (found.total, found.lines[0].unit_price) if each] == [
        "12.34",
        "19.99",
    ]
    assert found.currency == "EUR"


def test_what_the_variant_says_of_a_line() -> None:
    facts = {"weight": 120.4, "ean": None, "upc": "012345678905", "hs_code": "6109", "origin_country": "de"}
    (line,) = good(order(items=[item(variant=facts)])).lines
    assert (line.weight_g, line.gtin, line.hs_code, line.origin) == (120, "012345678905", "6109", "DE")


def test_a_merchants_own_number_and_the_option_as_method() -> None:
    found = good(order(custom_display_id="SO-7"), ship_method="option", channel_code="EU01")
    assert (found.number, found.ship_method, found.channel_code) == ("SO-7", "so_1", "EU01")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (order(items=[item(variant_sku=None)]), "no SKU"),
        (order(items=[item(variant_sku="X" * 101)]), "100 bytes"),
        (order(items=[item(detail={"quantity": -1, "fulfilled_quantity": 0})]), "-1 units"),
        (order(items=[item(detail={"quantity": 1.5, "fulfilled_quantity": 0})]), "1.5 units"),
        (order(updated_at="yesterday"), "updated_at"),
        (order(items=None), "items"),
    ],
)
def test_orders_that_are_set_aside(row: dict[str, Any], reason: str) -> None:
    found = read(row)
    assert isinstance(found, Bad)
    assert found.key == "order_1"
    assert reason in found.reason


def test_a_row_that_is_no_order_has_a_key_of_its_own() -> None:
    found = translate.read_order(b'{"id": 7}', SETTINGS)
    assert isinstance(found, Bad)
    assert found.key.startswith("unreadable-")


def variant(**changes: Any) -> bytes:
    product = {"title": "Shirt", "status": "published", "updated_at": AT, "sales_channels": [{"id": "sc_1"}]}
    row = {"id": "variant_1", "title": "Red / M", "sku": "A", "updated_at": AT, "product": product}
    return msgspec.json.encode({**row, **changes})


def test_variants_are_products() -> None:
    found = translate.read_product(variant(ean="4006381333931"), "sc_1")
    assert isinstance(found, Product)
    assert (found.title, found.option, found.gtin, found.active) == (
        "Shirt",
        "Red / M",
        "4006381333931",
        True,
    )
    assert translate.read_product(variant(), "sc_other") is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [(variant(sku=None), "no SKU"), (variant(sku="X" * 101), "100 bytes"), (variant(title=None), "title")],
)
def test_variants_that_are_set_aside(row: bytes, reason: str) -> None:
    found = translate.read_product(row, "")
    assert isinstance(found, Bad)
    assert reason in found.reason


def returned(**changes: Any) -> bytes:
    line = {
        "id": "retitem_1",
        "item_id": "ordli_1",
        "quantity": 2,
        "note": "too small",
        "reason": None,
        "item": {"variant_sku": "A"},
    }
    row = {
        "id": "return_1",
        "display_id": 3,
        "status": "requested",
        "order_id": "order_1",
        "created_at": AT,
        "updated_at": AT,
        "requested_at": None,
        "items": [{**line, **changes.pop("line", {})}],
    }
    return msgspec.json.encode({**row, **changes})


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("requested", "open"),
        ("partially_received", "open"),
        ("received", "closed"),
        ("canceled", "cancelled"),
    ],
)
def test_returns(told: str, status: str) -> None:
    found = translate.decode_return(returned(status=told))
    assert isinstance(found, wire_returns.Return)
    address = wire.Address(first_name="Ada", country_code="us")
    of = wire_returns.ReturnedOrder(id="order_1", display_id=7, shipping_address=address)
    whole = translate.return_of(found, of)
    assert isinstance(whole, Return)
    assert (whole.status, whole.number, whole.order_number) == (status, "3", "7")
    assert [(line.sku, line.quantity, line.reason) for line in whole.lines] == [("A", 2, "too small")]
    assert whole.sender
    assert whole.sender.country == "US"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (returned(line={"item": None}), "no SKU"),
        (returned(line={"quantity": 0.5}), "0.5 units"),
        (returned(status="lost"), "lost"),
        (returned(line={"id": "x" * 101}), "100 bytes"),
        (returned(display_id="three"), "display_id"),
    ],
)
def test_returns_that_are_set_aside(row: bytes, reason: str) -> None:
    found = translate.decode_return(row)
    assert isinstance(found, Bad)
    assert reason in found.reason

"""Fields of an order."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from dropstream_vendure import translate, wire
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Order
from tests.counterparts.vendure.records import NewOrder
from tests.fakes.vendure_shop import FakeShop, Row

from .stores import settings


def shop(precision: int = 2) -> wire.Shop:
    server = wire.ServerConfig(money_strategy_precision=precision, order_process=())
    return wire.Shop(
        active_channel=wire.Channel(
            id="2",
            code="shop-us",
            token="t",
            default_language_code="en",
            default_currency_code="USD",
        ),
        global_settings=wire.GlobalSettings(
            track_inventory=True, out_of_stock_threshold=0, server_config=server
        ),
    )


@pytest.fixture
def row() -> Row:
    """An order as the API tells it."""
    fake = FakeShop(datetime(2026, 11, 21, tzinfo=UTC))
    fake.add_products({"A": 9, "GIFT": 9})
    (placed,) = fake.place_orders([NewOrder(units={"A": 2, "GIFT": 1}, code="1001")])
    return fake.orders_by_id[placed.id]


def read(row: Row, precision: int = 2, **values: object) -> Order:
    found = translate.read_order(
        msgspec.json.encode(row), settings(url="https://x/", **values), shop(precision)
    )
    assert isinstance(found, Order), found
    return found


def test_money_is_counted_in_the_servers_own_precision(row: Row) -> None:
    assert read(row).total == Money(amount=Decimal("35.00"), currency="USD")
    assert read(row, precision=3).lines[0].unit_price == Money(amount=Decimal("1.000"), currency="USD")
    row["currencyCode"] = "JPY"
    assert read(row, precision=0).total == Money(amount=Decimal(3500), currency="JPY")


def test_the_channel_code_is_vendures_own_unless_set(row: Row) -> None:
    assert read(row).channel_code == "shop-us"
    assert read(row, channel_code="US01").channel_code == "US01"


def test_the_ship_method_is_a_code_or_a_name(row: Row) -> None:
    assert read(row).ship_method == "standard-shipping"
    assert read(row, ship_method="name").ship_method == "Standard Shipping"
    row["shippingLines"].append({"shippingMethod": {"code": "express", "name": "Express"}})
    assert read(row).ship_method == "express + standard-shipping"
    row["shippingLines"] = []
    assert read(row).ship_method == ""


def test_skus_that_need_no_shipping_are_left_out(row: Row) -> None:
    assert [line.sku for line in read(row, unshipped_skus=["GIFT"]).lines] == ["A"]
    whole = read(row, unshipped_skus=["GIFT", "A"])
    assert (whole.lines, whole.status) == ((), "closed")


def test_a_cancelled_fulfillment_counts_for_nothing(row: Row) -> None:
    line = row["lines"][0]["id"]
    lines = [{"orderLineId": line, "quantity": 1}]
    row["fulfillments"] = [
        {"id": "1", "state": "Shipped", "lines": lines},
        {"id": "2", "state": "Cancelled", "lines": lines},
        {"id": "3", "state": "Pending", "lines": lines},
    ]
    assert read(row).lines[0].fulfilled == 2


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("PaymentSettled", "open"),
        ("PartiallyShipped", "open"),
        ("PartiallyDelivered", "open"),
        ("PaymentAuthorized", "waiting"),
        ("Modifying", "waiting"),
        ("PickedUp", "waiting"),
        ("Shipped", "closed"),
        ("Delivered", "closed"),
        ("Cancelled", "cancelled"),
    ],
)
def test_a_state_says_what_may_be_done(row: Row, state: str, status: str) -> None:
    row["state"] = state
    assert read(row).status == status


def test_an_address_falls_back_to_the_customer(row: Row) -> None:
    row["customer"]["phoneNumber"] = "+1 555 0199"
    row["shippingAddress"] = dict.fromkeys(row["shippingAddress"])
    row["shippingAddress"]["countryCode"] = "us"
    order = read(row)
    assert (order.ship_to.name, order.ship_to.phone, order.ship_to.country) == (
        "Ada Example",
        "+1 555 0199",
        "US",
    )
    row["shippingAddress"] = None
    assert read(row).ship_to.name == "Ada Example"
    row["customer"] = None
    order = read(row)
    assert (order.ship_to.name, order.email) == ("", "")


def test_a_billing_address_is_told_where_there_is_one(row: Row) -> None:
    assert read(row).bill_to is None
    row["billingAddress"] = {**row["shippingAddress"], "fullName": "Accounts"}
    bill_to = read(row).bill_to
    assert bill_to is not None
    assert (bill_to.name, bill_to.city) == ("Accounts", "Springfield")


def test_what_has_no_id_is_known_by_its_bytes() -> None:
    for raw in (b'{"id": 7}', b"[]", b'"\xff"'):
        found = translate.read_order(raw, settings(url="https://x/"), shop())
        again = translate.read_order(raw, settings(url="https://x/"), shop())
        assert isinstance(found, Bad)
        assert isinstance(again, Bad)
        assert found.key == again.key
        assert found.key.startswith("unreadable-")
        assert found.raw == raw

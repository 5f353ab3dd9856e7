"""Orders as they come, whatever is in them, become orders or are set aside."""

import json
from copy import deepcopy
from typing import Any

import pytest

from dropstream_amazon import translate
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from tests.fakes.amazon_orders import AmazonOrders
from tests.plugins.host import NOW_S

from .stores import settings


class Stopped:
    """A `Clock`."""

    def now_s(self) -> float:
        return NOW_S


@pytest.fixture
def made() -> dict[str, Any]:
    return AmazonOrders(Stopped()).place({"A": 2})


def told(order: dict[str, Any]) -> Order:
    found = translate.read(json.dumps(order).encode())
    assert not isinstance(found, Bad), found
    return translate.translated(found, settings())


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("orderId", 7, "Expected `str`, got `int` - at `$.orderId`"),
        ("orderId", "", "its id is not one of an order"),
        ("orderId", "a/../b", "its id is not one of an order"),
        ("createdTime", "yesterday", "Invalid RFC3339 encoded datetime - at `$.createdTime`"),
        ("createdTime", "2026-11-20T10:00:00", "an instant of it has no zone"),
        ("fulfillment", None, "it does not say how it is fulfilled"),
        ("orderItems.0.quantityOrdered", -1, "an item of it has less than no units"),
        ("orderItems.0.orderItemId", "", "two of its items have one id, or none"),
        ("orderItems.0.product.price.unitPrice.amount", "NaN", "an amount of it is no number"),
        ("orderItems.0.product.sellerSku", "a\0b", "an id or SKU of it has more than 100 bytes"),
        ("orderItems.0.fulfillment.quantityUnfulfilled", -2, "an item of it has less than no units"),
        ("salesChannel", None, "Object missing required field `salesChannel`"),
    ],
)
def test_what_is_wrong_is_said(made: dict[str, Any], path: str, value: object, reason: str) -> None:
    spoiled = deepcopy(made)
    *way, last = path.split(".")
    place: Any = spoiled
    for step in way:
        place = place[int(step)] if step.isdecimal() else place[step]
    place[last] = value
    found = translate.read(json.dumps(spoiled).encode())
    assert isinstance(found, Bad)
    assert found.reason.startswith(reason)
    assert found.key == made["orderId"] if path != "orderId" else found.key.startswith("unreadable-")
    assert found.raw == json.dumps(spoiled).encode()


@pytest.mark.parametrize("raw", [b"{", b"[]", b"7", b"\xff", b"[" * 5000])
def test_nonsense_is_set_aside(raw: bytes) -> None:
    found = translate.read(raw)
    assert isinstance(found, Bad)
    assert found.key == getattr(translate.read(raw), "key", None)


def test_what_is_null_counts_as_left_out(made: dict[str, Any]) -> None:
    made["recipient"]["deliveryAddress"] |= {
        "companyName": None,
        "addressLine2": None,
        "extendedFields": None,
    }
    made["orderItems"][0]["cancellation"] = None
    made["programs"] = None
    assert told(made).ship_to.company == ""


def test_what_a_pending_order_lacks_is_empty(made: dict[str, Any]) -> None:
    made["fulfillment"] = {"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"}
    for name in ("recipient", "proceeds", "buyer", "packages"):
        del made[name]
    del made["orderItems"][0]["product"]["price"]
    order = told(made)
    assert (order.status, order.ship_to.line1, order.total, order.currency) == ("waiting", "", None, "")
    assert order.ship_by is None
    assert order.lines[0].open_quantity == 2


def test_an_address_in_brazil_has_its_parts(made: dict[str, Any]) -> None:
    made["recipient"]["deliveryAddress"] = {
        "name": "Ana",
        "municipality": "Campinas",
        "countryCode": "BR",
        "extendedFields": {"streetName": "Rua A", "streetNumber": "7", "neighborhood": "Centro"},
    }
    address = told(made).ship_to
    assert (address.line1, address.city) == ("Rua A, 7, Centro", "Campinas")


def test_units_are_what_amazon_counts(made: dict[str, Any]) -> None:
    item = made["orderItems"][0]
    del item["fulfillment"]["quantityUnfulfilled"]
    item["fulfillment"]["quantityFulfilled"] = 1
    order = told(made)
    assert (order.status, order.lines[0].quantity, order.lines[0].fulfilled) == ("open", 2, 1)
    item["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER"}}
    order = told(made)
    assert (order.status, order.lines[0].quantity) == ("closed", 1), "what has left has left"


def test_a_schedule_is_promised_where_nothing_else_is(made: dict[str, Any]) -> None:
    del made["fulfillment"]["deliverByWindow"]
    window = {"scheduledDeliveryWindow": {"latestDateTime": "2026-12-24T18:00:00Z"}}
    made["orderItems"][0]["fulfillment"]["shipping"] = window
    deliver_by = told(made).deliver_by
    assert deliver_by is not None
    assert deliver_by.day == 24

"""The other store counterpart: what its users may rely on."""

import pytest

from .medusa.models import UNITS, Models
from .medusa.shop import MedusaShop

pytestmark = pytest.mark.counterpart


def test_an_order_reserves_its_units_and_a_fulfillment_takes_them(medusa_shop: MedusaShop) -> None:
    sku = f"{medusa_shop.code}-A"
    medusa_shop.add_products({sku: 7})
    order = medusa_shop.place_order({sku: 3})
    assert medusa_shop.sellable(sku) == 4
    (line,) = medusa_shop.order(order).items
    medusa_shop.fulfill(order, {line.id: 2}, tracking="1Z1")
    (level,) = medusa_shop.items([sku])[sku].location_levels
    assert (level.stocked_quantity, level.reserved_quantity) == (5, 1)
    (fulfillment,) = medusa_shop.order(order).fulfillments
    assert fulfillment.shipped_at
    assert fulfillment.labels[0].tracking_number == "1Z1"


def test_copies_are_as_what_was_made_by_hand(medusa_shop: MedusaShop, medusa_models: Models) -> None:
    skus = [f"{medusa_shop.code}-A'", f"{medusa_shop.code}-B"]
    medusa_shop.copies.products(medusa_models.variant, dict.fromkeys(skus, 50))
    first, second = medusa_shop.copies.orders(medusa_models.order, skus[0], 2)
    assert [order.id for order in medusa_shop.orders()] == sorted([first, second])
    assert medusa_shop.sellable(skus[0]) == 50 - 2 * UNITS
    (line,) = medusa_shop.order(first).items
    assert line.variant_sku == skus[0]
    medusa_shop.fulfill(first, {line.id: UNITS}, tracking="1Z1")
    medusa_shop.cancel(second)
    assert medusa_shop.sellable(skus[0]) == 50 - UNITS
    assert medusa_shop.order(first).payment_status == "authorized"


def test_a_copied_return_can_be_received(medusa_shop: MedusaShop, medusa_models: Models) -> None:
    sku = f"{medusa_shop.code}-A"
    medusa_shop.copies.products(medusa_models.variant, {sku: 50})
    (order,) = medusa_shop.copies.orders(medusa_models.returned, sku, 1)
    (returned,) = medusa_shop.returns(order)
    assert (returned.status, returned.items[0].quantity) == ("requested", 2)
    medusa_shop.receive(returned.id, {returned.items[0].item_id: 2})
    assert medusa_shop.returns(order)[0].status == "received"
    assert medusa_shop.sellable(sku) == 52


def test_orders_are_edited_captured_and_returned(medusa_shop: MedusaShop) -> None:
    sku = f"{medusa_shop.code}-A"
    medusa_shop.add_products({sku: 9})
    order = medusa_shop.place_order({sku: 3})
    line = medusa_shop.order(order).items[0].id
    medusa_shop.capture(order)
    assert medusa_shop.order(order).payment_status == "captured"
    medusa_shop.edit(order, {line: 2})
    assert medusa_shop.order(order).items[0].detail.quantity == 2
    medusa_shop.fulfill(order, {line: 2}, tracking="1Z1")
    returned = medusa_shop.ask_return(order, {line: 1})
    assert [each.id for each in medusa_shop.returns(order)] == [returned]

"""The store counterpart: what its users may rely on."""

from collections.abc import Callable

import pytest

from .process import CounterpartError
from .vendure.records import NewOrder
from .vendure.server import VendureServer
from .vendure.shop import VendureShop

pytestmark = pytest.mark.counterpart

NewShop = Callable[[VendureServer], VendureShop]


def test_products_have_the_stock_they_were_given(shop: VendureShop) -> None:
    shop.add_products({"A": 7, "B": 10})
    assert shop.on_hand() == {"A": 7, "B": 10}
    shop.set_on_hand({"A": 5})
    assert shop.on_hand() == {"A": 5, "B": 10}


def test_many_products_are_made_at_once(shop: VendureShop) -> None:
    stock = {f"S'{index}": index for index in range(500)}
    shop.add_products(stock)
    assert shop.on_hand() == stock
    shop.set_on_hand({"S'0": 3, "S'7": 9})
    shop.place_orders([NewOrder(units={"S'0": 1, "S'7": 2, "S'499": 1})])
    levels = shop.stock(["S'0", "S'7", "S'8"])
    assert [levels[sku].stock_levels[0].stock_allocated for sku in ("S'0", "S'7", "S'8")] == [1, 2, 0]


def test_a_changed_sku_is_found_under_its_new_name(shop: VendureShop) -> None:
    shop.add_products({"OLD": 1})
    shop.change_sku("OLD", "NEW")
    assert shop.on_hand(["OLD", "NEW"]) == {"NEW": 1}


def test_two_shops_of_one_server_share_nothing(vendure: VendureServer, new_shop: NewShop) -> None:
    first, second = new_shop(vendure), new_shop(vendure)
    first.add_products({"A": 1})
    second.add_products({"A": 2})
    first.place_orders([NewOrder(units={"A": 1})])
    assert (first.on_hand(), second.on_hand()) == ({"A": 1}, {"A": 2})
    assert (len(first.orders()), len(second.orders())) == (1, 0)


def test_two_servers_may_have_an_order_of_the_same_number(
    vendure: VendureServer, second_vendure: VendureServer, new_shop: NewShop
) -> None:
    for server in (vendure, second_vendure):
        shop = new_shop(server)
        shop.add_products({"A": 5})
        shop.place_orders([NewOrder(units={"A": 1}, code="1001")])
        assert list(shop.orders()) == ["1001"]


def test_orders_are_placed_by_several_buyers_at_once(shop: VendureShop) -> None:
    shop.add_products({"A": 100, "B": 100})
    placed = shop.place_orders([NewOrder(units={"A": 1, "B": 2}, code=f"{shop.code}-{n}") for n in range(12)])
    assert [order.code for order in placed] == [f"{shop.code}-{n}" for n in range(12)]
    assert {order.state for order in shop.orders().values()} == {"PaymentSettled"}
    stock = shop.stock()["B"].stock_levels
    assert [(level.stock_on_hand, level.stock_allocated) for level in stock] == [(100, 24)]


def test_an_unpaid_order_is_only_authorized(shop: VendureShop) -> None:
    shop.add_products({"A": 5})
    (placed,) = shop.place_orders([NewOrder(units={"A": 1}, payment="invoice")])
    assert placed.state == "PaymentAuthorized"


def test_an_order_for_more_than_there_is_is_refused(shop: VendureShop) -> None:
    shop.add_products({"A": 1})
    with pytest.raises(CounterpartError, match="not placed"):
        shop.place_orders([NewOrder(units={"A": 2})])


def test_a_fulfillment_shows_its_units_and_tracking(shop: VendureShop) -> None:
    shop.add_products({"A": 5})
    (placed,) = shop.place_orders([NewOrder(units={"A": 3})])
    line = shop.order(placed.id).lines[0]
    shop.fulfill(placed.id, {line.id: 2}, method="UPS", tracking="1Z1")
    order = shop.order(placed.id)
    assert order.units_fulfilled() == {"A": 2}
    assert order.fulfillments
    assert order.fulfillments[0].tracking_code == "1Z1"


def test_orders_can_be_modified_and_cancelled(shop: VendureShop) -> None:
    shop.add_products({"A": 9})
    first, second = shop.place_orders([NewOrder(units={"A": 3}), NewOrder(units={"A": 2})])
    line = shop.order(first.id).lines[0]
    payment = {"paymentId": shop.payments(first.id)[0], "reason": "fewer"}
    shop.modify(first.id, {"adjustOrderLines": [{"orderLineId": line.id, "quantity": 1}], "refund": payment})
    assert [(line.quantity, line.order_placed_quantity) for line in shop.order(first.id).lines] == [(1, 3)]
    shop.cancel(second.id)
    assert shop.order(second.id).state == "Cancelled"


def test_the_server_comes_back_with_its_data(own_vendure: VendureServer, new_shop: NewShop) -> None:
    shop = new_shop(own_vendure)
    shop.add_products({"A": 4})
    own_vendure.restart()
    assert shop.on_hand() == {"A": 4}

"""Fulfillment orders become orders, and follow what happens to them."""

from datetime import timedelta

import pytest
from trio.testing import MockClock

from dropstreamd.errors import ProtocolMismatch
from tests.fakes.shopify import FakeShopify
from tests.fakes.shopify_shop import ELSEWHERE, HERE, ShopifyShop
from tests.plugins.runs import Listing

from .stores import Account


async def test_an_order_has_all_that_a_warehouse_needs(account: Account, shop: ShopifyShop) -> None:
    shop.add_products({"A": 9})
    made = shop.place({"A": 3})
    made["order"] |= {"note": "ring twice", "poNumber": "PO-7"}
    made["order"]["customAttributes"] = [{"key": "Gift", "value": "Happy birthday"}]
    made["order"]["localizedFields"] = [{"id": "1", "key": "TAX_CREDENTIAL_BR", "value": "123"}]
    made["internationalDuties"] = {"incoterm": "DDP"}
    made["fulfillBy"] = "2026-12-01T10:00:00Z"
    made["deliveryMethod"]["additionalInformation"] = {"instructions": "at the back"}
    (order,) = (await account.listing(gift_attribute="Gift")).orders.values()
    assert (order.key, order.number, order.status) == (made["id"], made["order"]["name"], "open")
    assert (order.ship_to.name, order.ship_to.region, order.ship_to.country) == ("Ada Example", "IL", "US")
    assert (order.ship_method, order.po_number, order.note) == ("Standard", "PO-7", "ring twice")
    assert (order.incoterm, order.tax_ids, order.delivery_note) == (
        "DDP",
        ("TAX_CREDENTIAL_BR:123",),
        "at the back",
    )
    assert order.gift_message == "Happy birthday"
    assert order.ship_by is not None
    assert order.ship_by.day == 1
    (line,) = order.lines
    assert (line.sku, line.quantity, line.open_quantity, line.weight_g) == ("A", 3, 3, 227)
    assert (line.gtin, line.hs_code, line.origin) == ("0123456789012", "610910", "PT")
    assert line.unit_price is not None
    assert str(line.unit_price.amount) == "10.00"
    assert line.key == made["lineItems"][0]["lineItem"]["id"]
    by_code = await account.listing(ship_method="code")
    assert [each.ship_method for each in by_code.orders.values()] == ["STD"]


@pytest.mark.parametrize(
    ("status", "paid", "authorized", "anything"),
    [
        ("PAID", "open", "open", "open"),
        ("PARTIALLY_REFUNDED", "open", "open", "open"),
        ("AUTHORIZED", "waiting", "open", "open"),
        ("PENDING", "waiting", "waiting", "open"),
        ("PARTIALLY_PAID", "waiting", "waiting", "open"),
        ("REFUNDED", "waiting", "waiting", "waiting"),
        ("VOIDED", "waiting", "waiting", "waiting"),
        ("EXPIRED", "waiting", "waiting", "waiting"),
        (None, "waiting", "waiting", "waiting"),
    ],
)
async def test_what_is_paid_for_may_be_shipped(
    account: Account, shop: ShopifyShop, status: str | None, paid: str, authorized: str, anything: str
) -> None:
    made = shop.place({"A": 1})
    made["order"]["displayFinancialStatus"] = status
    for ship_when, wanted in {"paid": paid, "authorized": authorized, "any": anything}.items():
        assert list((await account.listing(ship_when=ship_when)).statuses.values()) == [wanted]


async def test_a_payment_is_seen_by_the_orders_own_clock(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 1})
    shop.pay(made, "PENDING")
    first = await account.listing()
    assert list(first.statuses.values()) == ["waiting"]
    shop.now += timedelta(hours=2)
    shop.place({"A": 1})
    second = await account.listing(first.cursor)
    shop.now += timedelta(hours=2)
    shop.pay(made)
    third = await account.listing(second.cursor)
    assert third.orders[made["id"]].status == "open"
    assert third.pages == 2


async def test_the_ship_method_is_that_of_the_lines_then_of_the_order(
    account: Account, shop: ShopifyShop
) -> None:
    made, other, bare = (shop.place({"A": 1}) for _ in range(3))
    made["lineItems"][0]["shippingLine"] = {"title": "Express", "code": "EXP"}
    bare["order"]["shippingLine"] = None
    bare["deliveryMethod"]["presentedName"] = "Slow"
    seen = (await account.listing()).orders
    assert [seen[each["id"]].ship_method for each in (made, other, bare)] == ["Express", "Standard", "Slow"]
    bare["deliveryMethod"] = None
    assert (await account.listing()).orders[bare["id"]].ship_method == ""


async def test_holds_and_schedules_wait(account: Account, shop: ShopifyShop) -> None:
    held, scheduled, open_ = (shop.place({"A": 1}) for _ in range(3))
    shop.set_status(held, "ON_HOLD")
    shop.set_status(scheduled, "SCHEDULED")
    first = await account.listing()
    assert [first.orders[each["id"]].status for each in (held, scheduled, open_)] == [
        "waiting",
        "waiting",
        "open",
    ]
    shop.now += timedelta(hours=1)
    shop.set_status(held, "OPEN")
    shop.set_status(open_, "ON_HOLD")
    second = await account.listing(first.cursor)
    assert [second.orders[each["id"]].status for each in (held, open_)] == ["open", "waiting"]


async def test_what_is_not_ours_is_not_told(account: Account, shop: ShopifyShop) -> None:
    shop.place({"A": 1}, location=ELSEWHERE)
    shop.place({"A": 1})["order"]["test"] = True
    shop.place({"A": 1})["deliveryMethod"]["methodType"] = "PICK_UP"
    shop.place({"A": 1})["lineItems"][0]["requiresShipping"] = False
    shop.cancel(shop.place({"A": 1}))
    unplaced = shop.place({"A": 1})
    unplaced["assignedLocation"] = {"location": None}
    seen = await account.listing()
    assert not seen.orders
    assert not seen.bad
    assert len((await account.listing(test_orders=True)).orders) == 1
    assert len((await account.listing(delivery=("SHIPPING", "PICK_UP"))).orders) == 1


async def test_one_that_is_moved_away_is_cancelled_for_us(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 1})
    first = await account.listing()
    shop.move(made, ELSEWHERE)
    second = await account.listing(first.cursor)
    assert second.orders[made["id"]].status == "cancelled"
    third = await account.listing(second.cursor)
    assert not third.orders, "it is told once"
    shop.move(made, HERE)
    assert (await account.listing(third.cursor)).orders[made["id"]].status == "open"


async def test_units_that_are_moved_away_are_an_edit(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 5})
    first = await account.listing()
    shop.move_some(made, 0, 2, ELSEWHERE)
    second = await account.listing(first.cursor)
    (order,) = second.orders.values()
    assert (order.status, order.lines[0].quantity) == ("open", 3)


async def test_a_second_fulfillment_order_here_has_a_number_of_its_own(
    account: Account, shop: ShopifyShop
) -> None:
    made = shop.place({"A": 5}, location=ELSEWHERE)
    name = made["order"]["name"]
    here = shop.move_some(made, 0, 2, HERE)
    first = await account.listing()
    assert {order.number for order in first.told} == {name}
    other = shop.move_some(here, 0, 1, HERE)
    second = await account.listing(first.cursor)
    assert second.orders[here["id"]].number == name
    assert second.orders[other["id"]].number == f"{name}-2"


async def test_what_was_refunded_is_not_shipped(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 5, "B": 1})
    first = await account.listing()
    shop.refund(made, 0, 2)
    shop.refund(made, 1, 1)
    second = await account.listing(first.cursor)
    assert [line.quantity for line in second.orders[made["id"]].lines] == [3, 0]
    # Should a shop leave what is to ship as it was, the order's own figure counts.
    made["lineItems"][0]["lineItem"]["currentQuantity"] = 1
    shop.touch(made)
    third = await account.listing(second.cursor)
    assert third.orders[made["id"]].lines[0].quantity == 1


async def test_what_was_refunded_whole_is_cancelled(account: Account, shop: ShopifyShop) -> None:
    made, odd = shop.place({"A": 2}), shop.place({"A": 2})
    first = await account.listing()
    shop.refund(made, 0, 2)
    odd["lineItems"][0]["remainingQuantity"] = 0  # as if it had been shipped
    for each in (made, odd):
        each["status"] = "CLOSED"
        shop.touch(each)
    second = await account.listing(first.cursor)
    assert [second.orders[each["id"]].status for each in (made, odd)] == ["cancelled", "cancelled"]


async def test_our_own_fulfillment_and_a_later_refund_change_nothing(
    account: Account, shop: ShopifyShop
) -> None:
    made = shop.place({"A": 2})
    first = await account.listing()
    line = made["lineItems"][0]
    shop.fulfill(made, {line["id"]: 1}, None)
    second = await account.listing(first.cursor)
    order = second.orders[made["id"]]
    assert (order.status, order.lines[0].quantity, order.lines[0].open_quantity) == ("open", 2, 1)
    shop.fulfill(made, {line["id"]: 1}, None)
    line["lineItem"]["currentQuantity"] = 0  # sent back and refunded
    third = await account.listing(second.cursor)
    assert third.orders[made["id"]].status == "closed"
    assert third.orders[made["id"]].lines[0].quantity == 2


async def test_what_may_have_left_before_waits_for_a_person(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 2})
    first = await account.listing()
    done = shop.fulfill(made, {made["lineItems"][0]["id"]: 2}, {"number": "1Z"})
    again = shop.cancel_fulfillment(made, done)
    second = await account.listing(first.cursor)
    assert (second.orders[made["id"]].status, second.orders[again["id"]].status) == ("closed", "waiting")
    third = await account.listing(second.cursor, ship_again=True)
    assert third.orders[again["id"]].status == "open"
    assert third.orders[again["id"]].number == f"{made['order']['name']}-2"


@pytest.mark.parametrize(
    ("status", "changed"), [("PAID", {"ship_again": True}), ("AUTHORIZED", {"ship_when": "authorized"})]
)
async def test_what_waited_is_looked_at_again_when_the_settings_let_it_go(
    account: Account, shop: ShopifyShop, status: str, changed: dict[str, object]
) -> None:
    """Long after it changed in Shopify, and though the first run after that broke off."""
    made = shop.place({"A": 2})
    made["order"]["displayFinancialStatus"] = status
    if status == "PAID":
        made = shop.cancel_fulfillment(made, shop.fulfill(made, {made["lineItems"][0]["id"]: 2}, {}))
    first = await account.listing()
    assert first.orders[made["id"]].status == "waiting"
    shop.now += timedelta(hours=6)
    shop.place({"A": 1})
    quiet = await account.listing((await account.listing(first.cursor)).cursor)
    shop.now += timedelta(hours=6)
    later = shop.place({"A": 1})
    assert made["id"] not in quiet.orders
    async with account.open(**changed) as store:
        broken = await Listing(cursor=quiet.cursor).read(store.orders, most_pages=1)
    assert made["id"] not in broken.orders
    again = await account.listing(broken.cursor, **changed)
    assert again.orders[made["id"]].status == "open"
    assert set((await account.listing(again.cursor, **changed)).orders) == {later["id"]}


async def test_a_cancellation_is_seen_though_the_run_before_broke_off(
    account: Account, shop: ShopifyShop
) -> None:
    made = [shop.place({"A": 1}) for _ in range(150)]
    async with account.open() as store:
        broken = await Listing().read(store.orders, most_pages=1)
    assert made[0]["id"] in broken.orders
    shop.cancel(made[0])
    again = await account.listing(broken.cursor)
    assert again.orders[made[0]["id"]].status == "cancelled"
    assert len(again.orders) == 150


async def test_two_thousand_of_one_second_come_once_each(
    account: Account, shop: ShopifyShop, patient_clock: MockClock
) -> None:
    made = [shop.place({"A": 1}) for _ in range(2000)]
    for each in made:
        shop.touch_now(each, each["order"])
    async with account.open() as store:
        first = await Listing().read(store.orders, most_pages=3)
        shop.refund(made[0], 0, 1)  # on the page that was read
        shop.touch(made[1999])  # on one that was not
        rest = await Listing(cursor=first.cursor).read(store.orders)
    orders = first.orders | rest.orders
    assert len(orders) == 2000
    assert len(first.told) + len(rest.told) == 2001, "only the one that changed meanwhile comes twice"
    assert rest.orders[made[0]["id"]].lines[0].quantity == 0


async def test_a_search_that_lags_behind_loses_nothing(account: Account, shop: ShopifyShop) -> None:
    shop.place({"A": 1})
    first = await account.listing()
    shop.now += timedelta(hours=1)
    shop.lag = timedelta(minutes=5)
    late = shop.place({"A": 1})
    shop.lag = timedelta()
    on_time = shop.place({"A": 1})
    second = await account.listing(first.cursor)
    assert on_time["id"] in second.orders
    assert late["id"] not in second.orders
    shop.now += timedelta(minutes=6)
    assert late["id"] in (await account.listing(second.cursor)).orders


async def test_long_orders_come_whole(account: Account, shop: ShopifyShop) -> None:
    shop.place({f"SKU-{number}": 1 for number in range(300)})
    (order,) = (await account.listing()).orders.values()
    assert len({line.key for line in order.lines}) == 300


async def test_what_cannot_be_decoded_is_told_and_followed(account: Account, shop: ShopifyShop) -> None:
    made = [shop.place({"A": 1}) for _ in range(6)]
    made[0]["lineItems"][0]["sku"] = "X" * 150
    made[1]["lineItems"][0]["remainingQuantity"] = 7
    made[2]["order"]["totalPriceSet"] = {"shopMoney": {"amount": "much", "currencyCode": "USD"}}
    made[3]["lineItems"] *= 2
    made[4]["updatedAt"] = "yesterday"
    seen = await account.listing()
    assert seen.orders.keys() == {made[5]["id"]}
    assert seen.bad.keys() == {each["id"] for each in made[:5]}
    assert seen.bad[made[0]["id"]].startswith("an id or SKU of it has more than 100 bytes")
    made[0]["lineItems"][0]["sku"] = "A"
    shop.touch(made[0])
    assert made[0]["id"] in (await account.listing(seen.cursor)).orders


async def test_a_page_that_is_too_dear_is_made_smaller(fake: FakeShopify, account: Account) -> None:
    for _ in range(30):
        fake.shop.place({"A": 1})
    fake.most_cost = 400
    seen = await account.listing()
    assert len(seen.orders) == 30
    assert fake.asked.count("OpenOrders") > 2
    fake.most_cost = 10
    with pytest.raises(ProtocolMismatch, match="MAX_COST_EXCEEDED"):
        await account.listing()


async def test_a_cursor_of_another_plugin_is_refused(account: Account) -> None:
    with pytest.raises(ProtocolMismatch, match="cursor"):
        await account.listing("nonsense")


async def test_a_quiet_run_under_a_clock_that_is_fast_hides_nothing(
    account: Account, shop: ShopifyShop
) -> None:
    """This machine's is a day ahead of the shop's: where nothing was listed, that one told no time."""
    first = await account.listing()
    second = await account.listing(first.cursor)
    made = [shop.place({"A": 1})["id"]]
    third = await account.listing(second.cursor)
    assert list(third.orders) == made
    quiet = await account.listing(third.cursor)
    made.append(shop.place({"A": 1})["id"])
    assert made[1] in (await account.listing(quiet.cursor)).orders

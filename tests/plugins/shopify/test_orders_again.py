"""Fulfillment orders are read once more by their ids: as they are by now, and as the list tells them."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from trio.testing import MockClock

from dropstreamd.errors import Misconfigured, ProtocolMismatch, Unreachable
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import READ_AGAIN, Reread
from tests.fakes.shopify import FakeShopify
from tests.fakes.shopify_shop import ELSEWHERE, HERE, Row, ShopifyShop

from .stores import Account

NOBODYS = "gid://shopify/FulfillmentOrder/99999999"
GONE = "the shop has it no more, or hides it: orders of over 60 days need the scope read_all_orders"
BY_ID = "OrdersById"


async def again(account: Account, *keys: str, **changes: object) -> Reread[Order]:
    async with account.open(**changes) as store:
        return await store.orders_again.read(keys)


def ids(rows: Sequence[Row]) -> list[str]:
    return [row["id"] for row in rows]


def statuses(told: Reread[Order]) -> dict[str, str]:
    return {order.key: order.status for order in told.documents}


async def test_they_are_as_the_list_tells_them(account: Account, shop: ShopifyShop) -> None:
    """With all lines, and with the number that the others of its order leave it."""
    shop.add_products({"A": 9})
    made, held, unpaid = (shop.place({"A": 5}) for _ in range(3))
    long = shop.place({f"SKU-{number}": 1 for number in range(40)})
    second = shop.move_some(made, 0, 2, HERE)
    shop.set_status(held, "ON_HOLD")
    shop.pay(unpaid, "PENDING")
    shop.refund(made, 0, 1)
    shop.fulfill(made, {made["lineItems"][0]["id"]: 1}, {"number": "1Z"})
    listed = await account.listing()
    told = await again(account, *ids([made, held, unpaid, long, second]))
    assert {order.key: order for order in told.documents} == listed.orders
    assert not told.bad
    assert listed.orders[second["id"]].number.endswith("-2")
    assert len(listed.orders[long["id"]].lines) == 40


async def test_they_are_as_they_are_by_now(account: Account, shop: ShopifyShop) -> None:
    """Though the list does not know of it yet."""
    rows = [shop.place({"A": 3}) for _ in range(8)]
    cancelled, held, changed, moved, some, shipped, unpaid, asked = rows
    first = await account.listing()
    shop.now += timedelta(hours=1)
    shop.place({"A": 1})
    before = await account.listing(first.cursor)
    shop.lag = timedelta(minutes=5)
    shop.cancel(cancelled)
    shop.set_status(held, "ON_HOLD")
    changed["destination"]["address1"] = "2 Test Street"
    shop.touch(changed)
    shop.move(moved, ELSEWHERE)
    shop.move_some(some, 0, 2, ELSEWHERE)
    shop.fulfill(shipped, {shipped["lineItems"][0]["id"]: 3}, {"number": "1Z"})
    shop.pay(unpaid, "VOIDED")
    asked["requestStatus"] = "CANCELLATION_REQUESTED"
    assert not (await account.listing(before.cursor)).orders.keys() & set(ids(rows))
    told = await again(account, *ids(rows))
    assert statuses(told) == {
        cancelled["id"]: "cancelled",
        held["id"]: "waiting",
        changed["id"]: "open",
        moved["id"]: "cancelled",
        some["id"]: "open",
        shipped["id"]: "closed",
        unpaid["id"]: "waiting",
        asked["id"]: "open",
    }
    orders = {order.key: order for order in told.documents}
    assert orders[changed["id"]].ship_to.line1 == "2 Test Street"
    assert [line.quantity for line in orders[some["id"]].lines] == [1]
    assert orders[asked["id"]].cancel_requested
    shop.now += timedelta(minutes=10)
    late = await account.listing(before.cursor)
    touched = {key: order for key, order in orders.items() if key != asked["id"]}
    assert {key: late.orders[key] for key in touched} == touched, "the list tells the same later"


async def test_what_is_not_this_warehouses_is_not_open(account: Account, shop: ShopifyShop) -> None:
    """It may be asked for, as it could not be read before."""
    rows = [shop.place({"A": 1}) for _ in range(4)]
    elsewhere, test, pick_up, download = rows
    shop.move(elsewhere, ELSEWHERE)
    test["order"]["test"] = True
    pick_up["deliveryMethod"]["methodType"] = "PICK_UP"
    download["lineItems"][0]["requiresShipping"] = False
    assert not (await account.listing()).orders
    assert statuses(await again(account, *ids(rows))) == dict.fromkeys(ids(rows), "cancelled")
    assert statuses(await again(account, test["id"], test_orders=True)) == {test["id"]: "open"}


async def test_one_that_is_gone_is_bad_and_other_keys_are_left_out(
    fake: FakeShopify, account: Account, shop: ShopifyShop
) -> None:
    made, broken = shop.place({"A": 1}), shop.place({"A": 1})
    broken["lineItems"][0]["sku"] = "X" * 150
    odd = (f"{made['id']}+R1", "", "1001", "gid://shopify/Order/1001", "unreadable-00ff", f"{made['id']}\n")
    told = await again(account, *odd, NOBODYS, broken["id"], made["id"])
    assert statuses(told) == {made["id"]: "open"}
    listed = (await account.listing()).bad
    assert {bad.key: bad.reason for bad in told.bad} == {
        **listed,
        NOBODYS: GONE,
    }
    before = len(fake.asked)
    assert await again(account, *odd) == await again(account) == Reread()
    assert len(fake.asked) == before


async def test_fifty_take_one_call(fake: FakeShopify, account: Account, shop: ShopifyShop) -> None:
    rows = [shop.place({"A": 1}) for _ in range(READ_AGAIN)]
    assert len((await again(account, *ids(rows))).documents) == READ_AGAIN
    assert fake.asked == ["token", BY_ID]


async def test_what_is_too_dear_is_asked_for_in_parts(
    fake: FakeShopify, account: Account, shop: ShopifyShop
) -> None:
    rows = [shop.place({"A": 1}) for _ in range(READ_AGAIN)]
    fake.most_cost = 400
    assert len((await again(account, *ids(rows))).documents) == READ_AGAIN
    assert fake.asked.count(BY_ID) <= 8
    fake.most_cost = 10
    with pytest.raises(ProtocolMismatch, match="MAX_COST_EXCEEDED"):
        await again(account, *ids(rows))


async def test_one_over_which_shopify_fails_is_bad_alone(
    fake: FakeShopify, account: Account, shop: ShopifyShop
) -> None:
    rows = [shop.place({"A": 1}) for _ in range(READ_AGAIN)]
    fake.stumbles = {rows[20]["id"]}
    told = await again(account, *ids(rows))
    assert len(told.documents) == READ_AGAIN - 1
    assert [(bad.key, bad.reason) for bad in told.bad] == [(rows[20]["id"], "Shopify fails to tell it")]
    assert fake.asked.count(BY_ID) <= 13
    fake.stumbles = set(ids(rows))
    with pytest.raises(Unreachable):
        await again(account, *ids(rows))
    with pytest.raises(Unreachable):
        await again(account, rows[0]["id"])


async def test_a_call_that_is_refused_whole(
    fake: FakeShopify, account: Account, shop: ShopifyShop, quick_clock: MockClock
) -> None:
    made = shop.place({"A": 1})
    fake.fail(BY_ID, "throttled", "expired", "503")
    assert statuses(await again(account, made["id"])) == {made["id"]: "open"}
    fake.fail(BY_ID, "inactive")
    with pytest.raises(Misconfigured, match="not active"):
        await again(account, made["id"])


async def test_what_was_read_by_its_key_alone_is_followed(account: Account, shop: ShopifyShop) -> None:
    """The list could not read it, and tells it no second time until it changes."""
    cancelled, moved, gone = (shop.place({"A": 1}) for _ in range(3))
    for made in (cancelled, moved, gone):
        made["lineItems"][0]["sku"] = "X" * 150
    first = await account.listing()
    assert first.bad.keys() == set(ids([cancelled, moved, gone]))
    for made in (cancelled, moved, gone):
        made["lineItems"][0]["sku"] = "A"
    told = await again(account, cancelled["id"], moved["id"])
    assert set(statuses(told).values()) == {"open"}
    shop.now += timedelta(hours=1)
    shop.cancel(cancelled)
    shop.move(moved, ELSEWHERE)
    shop.cancel(gone)
    second = await account.listing(first.cursor)
    assert second.statuses == dict.fromkeys(ids([cancelled, moved, gone]), "cancelled")
    assert not (await account.listing(second.cursor)).orders, "it is told once"


async def test_the_list_goes_on_beside_it(account: Account, shop: ShopifyShop) -> None:
    """A look by keys within a run neither moves its place nor what it has told."""
    rows = [shop.place({"A": 1}) for _ in range(150)]
    async with account.open() as store:
        first = await store.orders.page(None, lambda _mark: False)
        shop.move(rows[0], ELSEWHERE)
        assert statuses(await store.orders_again.read([rows[0]["id"]])) == {rows[0]["id"]: "cancelled"}
        second = await store.orders.page(first.cursor, lambda _mark: False)
    assert {order.key for order in (*first.documents, *second.documents)} == set(ids(rows))
    assert [order.status for order in second.documents if order.key == rows[0]["id"]] == ["cancelled"]

"""Orders are read once more by their ids: as they are by now, and as the list tells them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import pytest
from trio.testing import MockClock

from dropstreamd.errors import ProtocolMismatch, RateLimited
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import READ_AGAIN, Reread
from tests.fakes.ebay import FakeEbay
from tests.fakes.ebay_shop import EbayShop, Row, instructions

from .stores import Account

NOBODYS = "12-99999-99999"
GONE = "eBay has no such order: it was combined with another, or is over two years old"


async def again(account: Account, *keys: str, **changes: object) -> Reread[Order]:
    async with account.open(**changes) as store:
        return await store.orders_again.read(keys)


def ids(rows: Sequence[Row]) -> list[str]:
    return [row["orderId"] for row in rows]


def statuses(told: Reread[Order]) -> dict[str, str]:
    return {order.key: order.status for order in told.documents}


def some_of(row: Row) -> dict[str, object]:
    return {"lineItems": [{"lineItemId": row["lineItems"][0]["lineItemId"], "quantity": 1}]}


@pytest.mark.parametrize("unknown_ids", ["left out", "refused"])
async def test_they_are_as_the_list_tells_them(
    fake: FakeEbay, account: Account, shop: EbayShop, unknown_ids: Literal["left out", "refused"]
) -> None:
    """With what has left of them, by whichever call they are told."""
    fake.unknown_ids = unknown_ids
    plain, begun, unpaid, asked, refunded = (shop.place({"TEE": 3, "CAP": 1}) for _ in range(5))
    shop.ship(begun, some_of(begun))
    unpaid["orderPaymentStatus"] = "PENDING"
    request = {"cancelRequestId": "1", "cancelInitiator": "Buyer", "cancelRequestState": "REQUESTED"}
    asked["cancelStatus"] = {"cancelState": "IN_PROGRESS", "cancelRequests": [request]}
    refunded["lineItems"][1]["refunds"] = [{"amount": refunded["lineItems"][1]["lineItemCost"]}]
    listed = await account.listing()
    assert listed.statuses[unpaid["orderId"]] == "waiting"
    told = await again(account, *ids([begun, unpaid]), NOBODYS, *ids([plain, asked, refunded]))
    assert {order.key: order for order in told.documents} == listed.orders
    assert [order for order in told.documents if order.cancel_requested] == [listed.orders[asked["orderId"]]]
    assert {bad.key: bad.reason for bad in told.bad} == {NOBODYS: GONE}
    alone = [(await again(account, key)).documents[0] for key in listed.orders]
    assert {order.key: order for order in alone} == listed.orders


async def test_they_are_as_they_are_by_now(account: Account, shop: EbayShop) -> None:
    rows = [shop.place({"TEE": 3}) for _ in range(7)]
    cancelled, asked, shipped, changed, held, refunded, same = rows
    first = await account.listing()
    assert set(first.statuses.values()) == {"open"}
    shop.pass_time(minutes=1)
    shop.cancel(cancelled)
    asked["cancelStatus"]["cancelState"] = "IN_PROGRESS"
    shop.ship(shipped, {"lineItems": [{"lineItemId": shipped["lineItems"][0]["lineItemId"]}]})
    step = changed["fulfillmentStartInstructions"][0]["shippingStep"]
    step["shipTo"]["contactAddress"]["addressLine1"] = "2 Main St"
    held["program"] = {"ebayShipping": {"shippingLabelProvidedBy": "EBAY"}}
    refunded["lineItems"][0]["refunds"] = [{"amount": refunded["lineItems"][0]["lineItemCost"]}]
    for row in (asked, changed, held, refunded):
        shop.touch(row)
    told = await again(account, *ids(rows))
    assert statuses(told) == {
        cancelled["orderId"]: "cancelled",
        asked["orderId"]: "open",
        shipped["orderId"]: "closed",
        changed["orderId"]: "open",
        held["orderId"]: "waiting",
        refunded["orderId"]: "cancelled",
        same["orderId"]: "open",
    }
    orders = {order.key: order for order in told.documents}
    assert orders[asked["orderId"]].cancel_requested
    assert orders[changed["orderId"]].ship_to.line1 == "2 Main St"
    assert (await account.listing(first.cursor)).orders == orders, "the list tells the same"


async def test_what_is_not_the_warehouses_any_more_is_cancelled_for_it(
    account: Account, shop: EbayShop
) -> None:
    """No list tells it: fetched in a store, sent by eBay, or of a marketplace that is another's by now."""
    rows = [shop.place({"TEE": 2}) for _ in range(4)]
    picked_up, by_ebay, german, unsaid = rows
    shop.ship(german, some_of(german))
    picked_up["fulfillmentStartInstructions"] = [
        {**instructions(), "fulfillmentInstructionsType": "PREPARE_FOR_PICKUP"}
    ]
    by_ebay["program"] = {"fulfillmentProgram": {"fulfilledBy": "EBAY"}}
    german["lineItems"][0]["listingMarketplaceId"] = "EBAY_DE"
    del unsaid["lineItems"][0]["listingMarketplaceId"]
    told = await again(account, *ids(rows), marketplaces=("EBAY_US",))
    assert statuses(told) == dict.fromkeys(ids(rows[:3]), "cancelled")
    assert not told.bad
    assert not (await account.listing(marketplaces=("EBAY_US",))).orders.keys() & set(ids(rows))


async def test_other_keys_are_left_out(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    made, broken = shop.place({"TEE": 1}), shop.place({"TEE": 1})
    broken["lineItems"] = []
    odd = (f"{made['orderId']}+R1", "", "row-00ff", f"{made['orderId']}\n", "12-1,12-2", "12-1/2", "-", "٣")
    told = await again(account, *odd, broken["orderId"], made["orderId"])
    assert statuses(told) == {made["orderId"]: "open"}
    assert {bad.key: bad.reason for bad in told.bad} == (await account.listing()).bad
    before = len(fake.asked)
    assert await again(account, *odd) == await again(account) == Reread()
    assert len(fake.asked) == before


async def test_fifty_take_one_call(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    """One more for each of which some has left, as in the list."""
    rows = [shop.place({"TEE": 2}) for _ in range(READ_AGAIN)]
    shop.ship(rows[3], some_of(rows[3]))
    told = await again(account, *ids(rows))
    assert [order.key for order in told.documents] == ids(rows)
    assert fake.asked == ["token", "orders", "fulfillments"]


async def test_one_that_is_refused_is_bad_alone(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    rows = [shop.place({"TEE": 1}) for _ in range(READ_AGAIN)]
    refused = rows[20]["orderId"]
    fake.never_orders = {refused}
    told = await again(account, *ids(rows))
    assert len(told.documents) == READ_AGAIN - 1
    assert [bad.key for bad in told.bad] == [refused]
    assert told.bad[0].reason.startswith("eBay refuses to tell it: ")
    assert told.bad[0].reason.endswith("answered 400 (30000)")
    assert len(fake.asked) <= 15
    fake.never_orders = set(ids(rows))
    for keys in (ids(rows), [refused]):
        with pytest.raises(ProtocolMismatch, match="answered 400 \\(30000\\)"):
            await again(account, *keys)


async def test_unknown_ones_are_found_in_few_calls(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    fake.unknown_ids = "refused"
    rows = [shop.place({"TEE": 1}) for _ in range(READ_AGAIN - 1)]
    told = await again(account, NOBODYS, *ids(rows))
    assert len(told.documents) == READ_AGAIN - 1
    assert [bad.reason for bad in told.bad] == [GONE]
    assert len(fake.asked) <= 15
    assert [bad.reason for bad in (await again(account, NOBODYS)).bad] == [GONE]


async def test_a_call_that_is_turned_away(
    fake: FakeEbay, account: Account, shop: EbayShop, quick_clock: MockClock
) -> None:
    made = shop.place({"TEE": 1})
    fake.fail("orders", "429", "401", "503")
    assert statuses(await again(account, made["orderId"])) == {made["orderId"]: "open"}
    fake.fail("orders", "day")
    with pytest.raises(RateLimited):
        await again(account, made["orderId"])


async def test_an_open_one_whose_address_is_told_no_more_is_left_as_it_is_known(
    account: Account, shop: EbayShop
) -> None:
    """After 90 days; whatever stops it is told all the same."""
    old = shop.now - timedelta(days=91)
    rows = [shop.place({"TEE": 1}, at=old) for _ in range(4)]
    _open, cancelled, shipped, waiting = rows
    shop.cancel(cancelled)
    shop.ship(shipped, {"lineItems": [{"lineItemId": shipped["lineItems"][0]["lineItemId"]}]})
    waiting["cancelStatus"]["cancelState"] = "IN_PROGRESS"
    told = await again(account, *ids(rows))
    assert statuses(told) == {cancelled["orderId"]: "cancelled", shipped["orderId"]: "closed"}
    reason = "it has no address to be shipped to"
    assert {bad.key: bad.reason for bad in told.bad} == {waiting["orderId"]: reason}
    young = shop.place({"TEE": 1})
    young["fulfillmentStartInstructions"] = [instructions(shipTo={"fullName": "Jo"})]
    assert [bad.reason for bad in (await again(account, young["orderId"])).bad] == [reason]


async def test_the_list_goes_on_beside_it(account: Account, shop: EbayShop) -> None:
    """A look by keys within a run does not move its place."""
    rows = [shop.place({"TEE": 1}) for _ in range(250)]
    async with account.open() as store:
        first = await store.orders.page(None, lambda _mark: False)
        assert len((await store.orders_again.read(ids(rows[:2]))).documents) == 2
        second = await store.orders.page(first.cursor, lambda _mark: False)
    assert {order.key for order in (*first.documents, *second.documents)} == set(ids(rows))


async def test_what_is_no_list_of_orders_is_no_order(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    made = shop.place({"TEE": 1})
    fake.spoil("orders", rb'"orders":\[.*\]', b'"orders":{}')
    with pytest.raises(ProtocolMismatch, match="orders"):
        await again(account, made["orderId"])
    fake.spoil.forget()
    fake.spoil("orders", rb'"orderId":"[^"]*"', b'"orderId":null')
    assert {bad.key: bad.reason for bad in (await again(account, made["orderId"])).bad} == {
        made["orderId"]: GONE
    }

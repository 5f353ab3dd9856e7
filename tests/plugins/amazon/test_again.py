"""Orders are read once more by their ids, as the search tells them."""

import pytest

from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Reread
from tests.fakes.amazon import CANADA, FakeAmazon
from tests.fakes.amazon_seller import AmazonSeller, Row

from .stores import Account

ODD = ("", "0", "no such key", "gid://none/Order/1", "unreadable-00112233445566778899aabb", "ä" * 50)


async def read(account: Account, *asked: Row | str, **changes: object) -> Reread[Order]:
    keys = [each if isinstance(each, str) else str(each["orderId"]) for each in asked]
    async with account.open(**changes) as store:
        return await store.orders_again.read(keys)


@pytest.mark.parametrize("buyer_data", [False, True])
async def test_whatever_became_of_them(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, buyer_data: bool
) -> None:
    """One call each, and each as the search tells it."""
    seller.age_s = 600
    made = [seller.place({"A": 3}) for _ in range(5)]
    pending = seller.place({"A": 3}, status="PENDING")
    listed = [*made, pending]
    seller.cancel(made[0])
    seller.set_status(made[1], "SHIPPED")
    seller.ask_to_cancel(made[2])
    made[3]["programs"] = ["PRIME"]
    empty = await account.listing(buyer_data=buyer_data)
    seller.age_s = 300
    for order in listed:
        seller.touch(order)
    fake.asked.clear()
    told = await read(account, *ODD, *listed, buyer_data=buyer_data)
    assert fake.asked.count("getOrder") == len(listed)
    assert {order.key: order.status for order in told.documents} == {
        made[0]["orderId"]: "cancelled",
        made[1]["orderId"]: "closed",
        made[2]["orderId"]: "open",
        made[3]["orderId"]: "waiting",
        made[4]["orderId"]: "open",
        pending["orderId"]: "waiting",
    }
    assert not told.bad
    found = (await account.listing(empty.cursor, buyer_data=buyer_data)).orders
    assert {order.key: order for order in told.documents} == found
    assert {order.po_number for order in told.documents} == (
        {each["buyer"]["buyerPurchaseOrderNumber"] for each in listed} if buyer_data else {""}
    )


async def test_what_is_not_ours_is_left_out(fake: FakeAmazon, account: Account, seller: AmazonSeller) -> None:
    """Amazon's own, and another marketplace's; one that is nobody's is bad, and no id no call."""
    theirs, elsewhere, ours = (seller.place({"A": 1}) for _ in range(3))
    theirs["fulfillment"]["fulfilledBy"] = "AMAZON"
    elsewhere["salesChannel"]["marketplaceId"] = CANADA
    told = await read(account, theirs, elsewhere, "999-0000000-0000000", ours)
    assert [order.key for order in told.documents] == [ours["orderId"]]
    assert [(bad.key, bad.reason) for bad in told.bad] == [
        ("999-0000000-0000000", "this seller has no such order at Amazon (any more)")
    ]
    fake.asked.clear()
    assert await read(account) == await read(account, *ODD) == Reread()
    assert fake.asked == []


async def test_one_that_was_odd_is_told_once_it_can_be_read(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    """However long after, though nobody changed it."""
    seller.age_s = 600
    odd = seller.place({"A": 7})
    fake.spoil("searchOrders", b'"quantityOrdered":7', b'"quantityOrdered":"7"')
    fake.spoil("getOrder", b'"quantityOrdered":7', b'"quantityOrdered":"7"')
    first = await account.listing()
    assert first.bad.keys() == {odd["orderId"]}
    assert [bad.key for bad in (await read(account, *first.bad)).bad] == [odd["orderId"]]
    fake.spoil.forget()
    seller.sees_addresses = False
    (bad,) = (await read(account, *first.bad)).bad
    assert "no address of it" in bad.reason
    seller.sees_addresses = True
    (order,) = (await read(account, *first.bad)).documents
    assert (order.key, order.status, order.lines[0].quantity) == (odd["orderId"], "open", 7)


async def test_where_amazon_fails_over_one_the_rest_waits(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    made = [seller.place({"A": 1}) for _ in range(3)]
    fake.spoil("getOrder", f'"orderId":"{made[1]["orderId"]}"'.encode(), b'"orderId":"111-none"')
    told = await read(account, *made)
    assert [order.key for order in told.documents] == [made[0]["orderId"], made[2]["orderId"]]
    assert [bad.reason for bad in told.bad] == ["Amazon tells another order in its place"]
    fake.fail("getOrder", "html")
    told = await read(account, *made)
    assert not told.documents
    assert [bad.reason[:25] for bad in told.bad] == ["Amazon fails to tell it: "]

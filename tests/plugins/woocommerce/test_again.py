"""Orders are read once more by their keys, as the list tells them."""

import pytest

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import READ_AGAIN, Reread
from tests.fakes.woocommerce import FakeWooCommerce
from tests.fakes.woocommerce_rows import Row
from tests.fakes.woocommerce_shop import WooShop

from .stores import Account
from .test_orders import LIST, place

ONE = "GET wc/v3/orders/*"
ODD = ("", "0", "-1", "007", "1,2", "12 ", "no such key", "9" * 19, "unreadable-00ff", "²", "gid://x/Order/1")


async def read(account: Account, *asked: Row | str) -> Reread[Order]:
    keys = [each if isinstance(each, str) else str(each["id"]) for each in asked]
    async with account.open() as store:
        return await store.orders_again.read(keys)


async def test_a_page_of_orders_takes_one_request(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE", weight="0.25")
    made = place(shop, READ_AGAIN + 10)
    shop.fulfill_by_hand(made[0], {made[0]["line_items"][0]["id"]: 1}, "1Z")
    shop.refund(made[1], 0, 1)
    listed = (await account.listing()).orders
    fake.asked.clear()
    keys = sorted(listed)[:READ_AGAIN]
    told = await read(account, *keys)
    assert {order.key: order for order in told.documents} == {key: listed[key] for key in keys}
    assert (fake.calls(LIST), fake.calls(ONE)) == (1, 0)
    assert fake.calls(f"{ONE}/refunds") == fake.calls(f"{ONE}/fulfillments") == 1


async def test_whatever_became_of_them(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    cancelled, shipped, refunded, trashed, nameless, deleted, broken, collected, kept = place(shop, 9)
    for row, status in ((cancelled, "cancelled"), (shipped, "completed"), (trashed, "trash")):
        shop.set_status(row, status)
    shop.set_status(nameless, "checkout-draft")
    shop.refund(refunded, 0, 3)
    shop.delete(deleted)
    broken["broken"] = True
    collected["shipping_lines"] = [{"method_title": "Shop", "method_id": "local_pickup"}]
    asked = (cancelled, shipped, refunded, trashed, nameless, deleted, broken, collected, kept)
    told = await read(account, *ODD, *asked)
    assert {order.key: order.status for order in told.documents} == {
        str(cancelled["id"]): "cancelled",
        str(shipped["id"]): "closed",
        str(refunded["id"]): "cancelled",
        str(trashed["id"]): "cancelled",
        str(nameless["id"]): "waiting",
        str(collected["id"]): "waiting",
        str(kept["id"]): "open",
    }
    assert {bad.key for bad in told.bad} == {str(deleted["id"]), str(broken["id"])}
    assert all("deleted it, or fails to load it" in bad.reason for bad in told.bad)
    assert [query["status"] for query in fake.queries if "include" in query and "status" in query] == [
        ["any"],
        ["trash"],
    ]


async def test_no_id_is_no_request(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    """An empty filter would be none: all orders."""
    shop.add_product("TEE")
    place(shop, 2)
    assert await read(account) == Reread()
    assert await read(account, *ODD) == Reread()
    assert fake.asked == []


async def test_one_that_cannot_be_read_stands_alone(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE")
    odd, other, good = place(shop, 3)
    odd["line_items"][0]["quantity"] = 1.5
    shop.refund(other, 0, 1)
    fake.spoil(f"{ONE}/refunds", b'"line_items":', b'"x":')
    told = await read(account, odd, other, good)
    assert [order.key for order in told.documents] == [str(good["id"])]
    assert {bad.key: bad.reason[:9] for bad in told.bad} == {
        str(odd["id"]): f"line {odd['line_items'][0]['id']}",
        str(other["id"]): "refund " + str(shop.refunds[other["id"]][0]["id"])[:2],
    }


async def test_one_that_the_shop_fails_over_stands_alone(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """Whether it is the list that fails, or what belongs to one of them."""
    shop.add_product("TEE")
    first, second, third = place(shop, 3)
    shop.refund(second, 0, 1)
    fake.fail(LIST, "html")
    fake.fail(f"{ONE}/refunds", "late-400")
    told = await read(account, first, second, third)
    assert [order.key for order in told.documents] == [str(first["id"]), str(third["id"])]
    assert [(bad.key, bad.reason[:27]) for bad in told.bad] == [
        (str(second["id"]), "the store fails to tell it:")
    ]


@pytest.mark.parametrize("count", [1, 3])
async def test_a_shop_that_answers_none_makes_no_order_bad(
    fake: FakeWooCommerce, account: Account, shop: WooShop, count: int
) -> None:
    shop.add_product("TEE")
    made = place(shop, count)
    fake.fail(LIST, "html", "html", "html", "html")
    with pytest.raises(ProtocolMismatch, match="web page"):
        await read(account, *made)

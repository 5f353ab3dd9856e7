"""Medusa's orders, on the real server."""

from decimal import Decimal

import pytest

from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order
from tests.counterparts.medusa.server import DATABASE
from tests.counterparts.medusa.shop import MedusaShop

from .conftest import Stocked
from .stores import account_of, read

pytestmark = pytest.mark.counterpart


async def test_what_a_buyer_ordered(medusa_shop: MedusaShop) -> None:
    sku = f"{medusa_shop.code}-A"
    medusa_shop.add_products({sku: 5})
    key = medusa_shop.place_order({sku: 2})
    async with account_of(medusa_shop).open() as store:
        order: Order = (await read(store.orders)).documents[key]
    shown = medusa_shop.order(key)
    assert order.number == str(shown.display_id)
    assert order.status == "open"
    assert order.ship_to == Address(
        name="Ada Example",
        company="Example Ltd",
        line1="1 Test Street",
        line2="Floor 2",
        city="Springfield",
        region="IL",
        postal_code="62701",
        country="US",
        phone="+1 555 0100",
    )
    (line,) = order.lines
    assert (line.key, line.sku, line.quantity, line.fulfilled) == (shown.items[0].id, sku, 2, 0)
    assert line.unit_price == Money(amount=Decimal(20), currency="USD")
    assert order.total == Money(amount=Decimal(45), currency="USD")
    assert (order.ship_method, order.email) == ("Standard Shipping", "buyer@example.com")
    assert order.channel_code == f"Channel {medusa_shop.code}"


async def test_what_is_fulfilled_is_not_open(stocked: Stocked) -> None:
    partly, line = stocked.order()
    stocked.shop.fulfill(partly, {line: 2})
    wholly, other = stocked.order()
    stocked.shop.fulfill(wholly, {other: 3}, tracking="1Z1")
    async with stocked.account.open() as store:
        orders = (await read(store.orders)).documents
    assert (orders[partly].status, orders[partly].lines[0].open_quantity) == ("open", 1)
    assert orders[wholly].status == "closed"


async def test_an_order_that_waits_for_its_payment_is_followed(stocked: Stocked) -> None:
    order, _ = stocked.order()
    _long_ago(stocked, order)
    stocked.order()  # a later change, from which the next run begins
    captured = ("captured",)
    async with stocked.account.open(open_payments=captured) as store:
        first = await read(store.orders)
    assert first.documents[order].status == "waiting"
    stocked.shop.capture(order)
    async with stocked.account.open(open_payments=captured) as store:
        second = await read(store.orders, first.cursor)
    assert second.documents[order].status == "open"
    async with stocked.account.open(open_payments=captured) as store:
        assert order not in (await read(store.orders, second.cursor)).documents


async def test_an_edit_counts_once_it_is_confirmed(stocked: Stocked) -> None:
    order, line = stocked.order()
    stocked.shop.edit(order, {line: 1}, confirm=False)
    async with stocked.account.open() as store:
        assert (await read(store.orders)).documents[order].lines[0].quantity == 3


async def test_orders_are_read_again_by_their_ids(stocked: Stocked) -> None:
    """Whatever became of them, in one request; what is no id of Medusa's is nobody's."""
    shop = stocked.shop
    open_, cancelled, shipped, edited, odd = (stocked.order() for _ in range(5))
    shop.cancel(cancelled[0])
    shop.fulfill(shipped[0], {shipped[1]: 3})
    shop.edit(edited[0], {edited[1]: 1})
    shop.copies.without_sku(odd[0])
    async with stocked.account.open() as store:
        listed = await read(store.orders)
        keys = ["no such key", "unreadable-00ff", "ä" * 50, odd[0], *sorted(listed.documents), "order_01NONE"]
        told = await store.orders_again.read(keys)
    assert {order.key: order for order in told.documents} == listed.documents
    assert {order.key: order.status for order in told.documents} == {
        open_[0]: "open",
        cancelled[0]: "cancelled",
        shipped[0]: "closed",
        edited[0]: "waiting",
    }
    assert {bad.key: bad.reason for bad in told.bad} == {
        odd[0]: "a line that is to be shipped has no SKU: Product model",
        "order_01NONE": "the store no longer has it",
    }


async def test_one_that_could_not_be_read_and_waits_is_followed(stocked: Stocked) -> None:
    """Payment does not move its time of change, and it may wait for that once it can be read."""
    order, _ = stocked.order()
    _long_ago(stocked, order)
    stocked.order()
    stocked.shop.copies.without_sku(order)
    captured = ("captured",)
    async with stocked.account.open(open_payments=captured) as store:
        first = await read(store.orders)
    assert list(first.bad) == [order]
    stocked.shop.server.database.sql(
        f"UPDATE order_line_item SET variant_sku = '{stocked.sku}' WHERE id IN "  # noqa: S608
        f"(SELECT item_id FROM order_item WHERE order_id = '{order}')",
        database=DATABASE,
    )
    async with stocked.account.open(open_payments=captured) as store:
        (waiting,) = (await store.orders_again.read([order])).documents
        second = await read(store.orders, first.cursor)
    assert (waiting.status, second.documents[order].status) == ("waiting", "waiting")
    stocked.shop.capture(order)
    async with stocked.account.open(open_payments=captured) as store:
        assert (await read(store.orders, second.cursor)).documents[order].status == "open"


async def test_another_channels_orders_do_not_come(stocked: Stocked) -> None:
    order, _ = stocked.order()
    name = f"Channel {stocked.shop.code}"
    async with stocked.account.open(sales_channel=name) as store:
        assert set((await read(store.orders)).documents) == {order}
    async with stocked.account.open(sales_channel="") as store:
        assert order in (await read(store.orders)).documents
    async with stocked.account.open(sales_channel="no such") as store:
        with pytest.raises(Misconfigured, match="no sales channel is 'no such'"):
            await store.orders.page(None, lambda _mark: False)


async def test_a_strangers_cursor_is_refused(stocked: Stocked) -> None:
    async with stocked.account.open() as store:
        with pytest.raises(ProtocolMismatch, match="cursor"):
            await store.orders.page("{}", lambda _mark: False)


async def test_a_product_that_goes_while_the_list_is_read_hides_no_other(stocked: Stocked) -> None:
    stocked.add(**{f"P{number}": 1 for number in range(100)})
    skus = {variant.sku: variant for variant in stocked.shop.variants() if _own(stocked, variant.sku)}
    async with stocked.account.open() as store:
        found = set()
        more = True
        while more:
            page = await store.products.page(None, lambda _mark: False)
            found |= {product.sku for product in page.documents}
            gone = skus.pop(f"{stocked.shop.code}-P7", None)
            if gone is not None:
                stocked.shop.admin.delete(f"/admin/products/{gone.product.id}")
            more = page.more
    assert set(skus) <= found


def _own(stocked: Stocked, sku: str | None) -> bool:
    return sku is not None and sku.startswith(f"{stocked.shop.code}-")


def _long_ago(stocked: Stocked, order: str) -> None:
    stocked.shop.server.database.sql(
        f"UPDATE \"order\" SET updated_at = now() - interval '1 day' WHERE id = '{order}'",  # noqa: S608
        database=DATABASE,
    )

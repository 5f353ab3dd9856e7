"""Orders come once each, whatever happens while they are read, and as they are."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order
from tests.fakes.woocommerce import FakeWooCommerce
from tests.fakes.woocommerce_rows import ADDRESS, Row
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.runs import Listing

from .stores import Account, package

LIST = "GET wc/v3/orders"


def place(shop: WooShop, count: int, *, per_second: int = 1) -> list[Row]:
    """Orders, so many of them in a second."""
    made = []
    for number in range(count):
        if number % per_second == 0:
            shop.tick()
        made.append(shop.place({"TEE": 3}))
    return made


def keys(rows: list[Row]) -> set[str]:
    return {str(row["id"]) for row in rows}


async def again(account: Account, first: Listing) -> Listing:
    return await account.listing(first.cursor)


async def only(account: Account, cursor: str | None = None) -> Order:
    (order,) = (await account.listing(cursor)).orders.values()
    return order


async def test_2000_orders_come_once_each(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    """All of one second, then of seconds that end within a page."""
    shop.add_product("TEE")
    made = place(shop, 1000, per_second=1000) + place(shop, 1000, per_second=70)
    found = await account.listing()
    assert found.orders.keys() == keys(made)
    assert len(found.told) == 2000
    assert fake.calls(LIST) <= 30


async def test_what_changes_while_paging_is_not_lost(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """An order that changes moves to the end of the list, and all behind it up by one."""
    shop.add_product("TEE")
    made = place(shop, 250) + place(shop, 350, per_second=350)
    places = (0, 1, 30, 31, 99, 100, 120, 121, 260, 261, 262, 263, 300, 301, 302, 303)
    changed = [made[place] for place in places]

    def between() -> None:
        for order in changed[:4]:
            shop.refund(order, 0, 1)
        del changed[:4]
        if changed:
            fake.before[LIST] = between

    async with account.open() as store:
        page = await store.orders.page(None, lambda _mark: False)
        fake.before[LIST] = between
        found = await Listing(cursor=page.cursor).read(store.orders)
    assert found.orders.keys() | {order.key for order in page.documents} == keys(made)
    last = await again(account, found)
    both = found.orders | last.orders
    assert not changed
    assert {both[str(made[place]["id"])].lines[0].quantity for place in places} == {2}


async def test_a_cut_run_begins_again(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    made = place(shop, 150)
    async with account.open() as store:
        first = await Listing().read(store.orders, most_pages=1)
    assert (await again(account, first)).orders.keys() == keys(made)


async def test_an_order_as_a_warehouse_needs_it(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE", weight="0.25", global_unique_id="4006381333931")
    at = shop.now
    meta = [{"id": 1, "key": "gift", "value": "Happy birthday"}, {"id": 2, "key": "po", "value": 77}]
    made = shop.place({"TEE": 3}, customer_note="Ring twice", meta_data=meta, number="WEB-1")
    made["line_items"][0]["total"] = "10.00"
    found = await account.listing(gift_meta="gift", po_meta="po", channel_code="WEB")
    assert found.orders[str(made["id"])] == Order(
        key=str(made["id"]),
        number="WEB-1",
        status="open",
        placed_at=at,
        updated_at=at,
        ship_to=Address(
            name="Ann Lee",
            line1="1 High St",
            line2="Flat 2",
            city="York",
            postal_code="YO1 1AA",
            country="GB",
            phone="01904 1",
        ),
        bill_to=Address(
            name="Ann Lee",
            line1="1 High St",
            line2="Flat 2",
            city="York",
            postal_code="YO1 1AA",
            country="GB",
            phone="01904 1",
        ),
        lines=found.orders[str(made["id"])].lines,
        ship_method="Flat rate",
        email="ann@example.com",
        po_number="77",
        note="Ring twice",
        currency="EUR",
        total=Money(amount=Decimal("28.50"), currency="EUR"),
        channel_code="WEB",
        gift_message="Happy birthday",
    )
    (line,) = found.orders[str(made["id"])].lines
    assert (line.sku, line.quantity, line.gtin, line.weight_g) == ("TEE", 3, "4006381333931", 250)
    assert line.unit_price == Money(amount=Decimal("3.333333"), currency="EUR")


async def test_times_are_gmt_in_a_shop_elsewhere(account: Account, shop: WooShop) -> None:
    """What was changed a minute ago comes, and what was an hour ago does not come again."""
    shop.add_product("TEE")
    old = shop.place({"TEE": 1})
    shop.tick(3600)
    first = await account.listing()
    assert first.orders[str(old["id"])].placed_at == datetime(2026, 11, 20, 22, 26, 40, tzinfo=UTC)
    new = shop.place({"TEE": 1})
    second = await again(account, first)
    shop.tick(60)
    assert second.orders.keys() == keys([old, new]), "the newest change was the old one's"
    shop.set_status(new, "on-hold")
    assert (await again(account, second)).orders.keys() == keys([new])


async def test_the_hour_that_the_shops_clocks_skip(account: Account, shop: WooShop) -> None:
    """WordPress takes a time in it for an hour later, though it is compared with GMT."""
    shop.add_product("TEE")
    shop.now = datetime(2026, 3, 29, 1, 50, tzinfo=UTC)
    made = []
    for _ in range(350):
        shop.tick(12)
        made.append(shop.place({"TEE": 1}))
    first = await account.listing()
    assert first.orders.keys() == keys(made)
    shop.now = datetime(2026, 3, 29, 2, 40, tzinfo=UTC)
    late = [shop.place({"TEE": 1}) for _ in range(150)]
    second = await again(account, msgspec.structs.replace(first, cursor=_at(first, "2026-03-29T02:35:00Z")))
    assert second.orders.keys() >= keys(late)


def _at(found: Listing, since: str) -> str:
    """The same cursor, at another time."""
    return msgspec.json.encode({**msgspec.json.decode(found.cursor or ""), "since": since}).decode()


async def test_statuses(account: Account, shop: WooShop) -> None:
    """Only what is shipped is told of at first; what was told is followed."""
    shop.add_product("TEE")
    made = {status: shop.place({"TEE": 1}, status=status) for status in ("pending", "on-hold", "packing")}
    told = {status: shop.place({"TEE": 1}) for status in ("on-hold", "completed", "cancelled", "refunded")}
    first = await account.listing()
    assert first.orders.keys() == keys(list(told.values()))
    for status, order in told.items():
        shop.set_status(order, status)
    second = await again(account, first)
    assert second.statuses == {
        str(told["on-hold"]["id"]): "waiting",
        str(told["completed"]["id"]): "closed",
        str(told["cancelled"]["id"]): "cancelled",
        str(told["refunded"]["id"]): "cancelled",
    }
    shop.set_status(made["pending"], "processing")
    shop.set_status(made["packing"], "cancelled")
    third = await again(account, second)
    assert third.statuses == {str(told["on-hold"]["id"]): "waiting", str(made["pending"]["id"]): "open"}
    other = await account.listing(ship_statuses=("packing", "on-hold"))
    assert other.orders.keys() == keys([made["on-hold"], told["on-hold"]])


async def test_refunds_lessen_what_is_left(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    shop.add_product("CAP")
    made = shop.place({"TEE": 3, "CAP": 1})
    shop.refund(made, 0, 1)
    shop.refund(made, 0, 1)
    shop.refund(made, 1, 1)
    order = await only(account)
    assert [line.quantity for line in order.lines] == [1, 0]
    shop.refund(made, 0, 1)
    cancelled = await account.listing((await account.listing()).cursor)
    assert cancelled.orders == {}, "nothing was left of it before it was told"


async def test_an_order_refunded_line_by_line_is_cancelled(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    made = shop.place({"TEE": 2})
    first = await account.listing()
    shop.refund(made, 0, 2)
    assert (await again(account, first)).statuses == {str(made["id"]): "cancelled"}


async def test_trash_and_deletion_cancel(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    trashed, deleted, both = (
        shop.place({"TEE": 1}),
        shop.place({"TEE": 1}, number="W-7"),
        shop.place({"TEE": 1}),
    )
    kept = shop.place({"TEE": 1})
    first = await account.listing()
    shop.tick(7200)
    shop.set_status(trashed, "trash")
    shop.delete(deleted)
    shop.set_status(both, "trash")
    shop.delete(both)
    second = await again(account, first)
    assert {key: status for key, status in second.statuses.items() if status != "open"} == {
        str(trashed["id"]): "cancelled",
        str(deleted["id"]): "cancelled",
        str(both["id"]): "cancelled",
    }
    assert second.orders[str(deleted["id"])].number == "W-7"
    assert (await again(account, second)).statuses == {}
    shop.set_status(trashed, "processing")
    third = await again(account, second)
    assert third.statuses == {str(trashed["id"]): "open"}, "it was taken out of the trash again"
    assert str(kept["id"]) not in third.orders


async def test_an_order_whose_status_nobody_knows_any_more_is_not_gone(
    account: Account, shop: WooShop
) -> None:
    """The plugin that had brought its status was switched off: no list shows it."""
    shop.add_product("TEE")
    made = shop.place({"TEE": 1})
    first = await account.listing()
    shop.tick(7200)
    shop.set_status(made, "checkout-draft")
    second = await again(account, first)
    assert second.statuses == {str(made["id"]): "waiting"}
    shop.set_status(made, "processing")
    assert (await again(account, second)).statuses == {str(made["id"]): "open"}


async def test_what_was_shipped_before_is_not_shipped_again(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    shop.add_product("CAP")
    made = shop.place({"TEE": 3, "CAP": 2})
    tee, cap = (line["id"] for line in made["line_items"])
    shop.fulfill_by_hand(made, {tee: 2}, "1Z")
    shop.fulfill_by_hand(made, {cap: 1}, "", draft=True)
    order = await only(account)
    assert [(line.quantity, line.fulfilled) for line in order.lines] == [(3, 2), (2, 1)]
    shop.refund(made, 0, 2)
    order = await only(account)
    assert [(line.quantity, line.fulfilled) for line in order.lines] == [(2, 2), (2, 1)]


async def test_packages_told_by_notes_count_as_shipped(account: Account, shop: WooShop) -> None:
    shop.has_fulfillments = False
    shop.add_product("TEE")
    made = shop.place({"TEE": 3})
    await account.push(package("P1", made, 1, "1Z"))
    await account.push(package("P2", made, 1))
    assert [(line.quantity, line.fulfilled) for line in (await only(account)).lines] == [(3, 2)]


async def test_what_needs_no_shipping_is_left_out(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    shop.add_product("E-BOOK", virtual=True)
    shop.add_product("", None, virtual=True)
    made = shop.place({"TEE": 1, "E-BOOK": 1, "": 1})
    shop.place({"E-BOOK": 1})
    shop.place({"TEE": 1}, shipping_lines=[{"method_title": "Shop", "method_id": "local_pickup"}])
    order = await only(account)
    assert (order.key, [line.sku for line in order.lines]) == (str(made["id"]), ["TEE"])


async def test_one_that_the_buyer_collects_after_all_waits(account: Account, shop: WooShop) -> None:
    """Its shipping was changed after it had been told."""
    shop.add_product("TEE")
    made = shop.place({"TEE": 1})
    first = await account.listing()
    assert first.statuses == {str(made["id"]): "open"}
    made["shipping_lines"] = [{"method_title": "Shop", "method_id": "local_pickup"}]
    shop.touch(made)
    second = await account.listing(first.cursor)
    assert second.statuses == {str(made["id"]): "waiting"}
    made["shipping_lines"] = [{"method_title": "Flat rate", "method_id": "flat_rate"}]
    shop.touch(made)
    assert (await account.listing(second.cursor)).statuses == {str(made["id"]): "open"}


async def test_a_variation_without_a_sku_has_none(account: Account, shop: WooShop) -> None:
    """It shows its parent's, which does not tell what was bought."""
    parent = shop.add_variable("TEE", ["TEE-M"])
    made = shop.place({"TEE-M": 1})
    variation = shop.product("TEE-M")
    assert (await only(account)).lines[0].sku == "TEE-M"
    shop._by_sku.pop("tee-m")
    variation["sku"] = made["line_items"][0]["sku"] = "TEE"
    assert (await only(account)).lines[0].sku == ""
    assert parent["id"] == made["line_items"][0]["product_id"]


async def test_an_order_without_a_shipping_address_goes_to_the_other(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    shop.place({"TEE": 1}, shipping=dict.fromkeys(ADDRESS, ""))
    assert (await only(account)).ship_to.city == "York"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"number": ""}, "no number"),
        ({"number": "N" * 150}, "more than 100 bytes"),
        ({"date_created_gmt": "soon"}, "placed"),
        ({"total": "much"}, "total is no number"),
        ({"total": None}, "Expected `str`"),
        ({"line_items": [{"id": 1, "quantity": 1.5}]}, "1.5 units"),
        ({"line_items": [{"id": 1, "quantity": -1}]}, "-1 units"),
        ({"line_items": [{"id": 1, "quantity": 1, "total": "x"}]}, "total of line 1"),
        ({"line_items": [{"id": 1, "quantity": 1}, {"id": 1, "quantity": 1}]}, "twice"),
    ],
)
async def test_one_that_cannot_be_read_stands_alone(
    account: Account, shop: WooShop, broken: Row, reason: str
) -> None:
    shop.add_product("TEE")
    good, bad = shop.place({"TEE": 1}), shop.place({"TEE": 1})
    bad.update(broken)
    found = await account.listing()
    assert found.orders.keys() == keys([good])
    assert [reason in why for why in found.bad.values()] == [True]
    assert found.bad.keys() == keys([bad])


async def test_custom_fields_are_taken_to_a_bound(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    many = [{"id": number, "key": f"k{number}", "value": {"deep": ["x"]}} for number in range(500)]
    shop.place({"TEE": 1}, meta_data=[*many, {"id": 1, "key": "gift", "value": "x" * 9000}])
    found = await account.listing(gift_meta="gift", po_meta="k7")
    (order,) = found.orders.values()
    assert (len(order.gift_message), order.po_number) == (2000, "")


async def test_a_foreign_cursor_is_refused(account: Account) -> None:
    with pytest.raises(ProtocolMismatch, match="cursor"):
        await account.listing('{"since": 7}')


async def test_the_cursor_stays_small(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    place(shop, 300)
    found = await account.listing()
    assert len(found.cursor or "") < 1500
    assert len(msgspec.json.decode(found.cursor or "")["told"]) == 300

"""Orders come whole, each once, one for each address, and as they are now."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from trio.testing import MockClock

from dropstream_bigcommerce.reading import PAGE
from dropstreamd.errors import Misconfigured, ProtocolMismatch, Unreachable
from dropstreamd.model.money import Money
from tests.fakes.bigcommerce import FakeBigCommerce
from tests.fakes.bigcommerce_shop import STATUSES, BigCommerceShop
from tests.plugins.runs import Listing

from .stores import Account

MANY = 2000


@pytest.mark.parametrize("later", [False, True], ids=["the first run", "a later run"])
async def test_2000_of_one_second_come_once_though_some_change_meanwhile(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, later: bool
) -> None:
    """Page boundaries fall on equal times; after the second page one of the first changes, one of that
    page, and the last of all, and another is placed."""
    cursor = (await account.listing()).cursor if later else None
    fake.asked.clear()
    placed = [shop.place({"A": 2}) for _ in range(MANY)]
    before = shop.now

    def meanwhile(pages: int) -> None:
        if pages == 2:
            for number in (0, PAGE, MANY - 1):
                shop.lines(placed[number])[0]["quantity_refunded"] = 1
                shop.touch(placed[number])
            placed.append(shop.place({"A": 2}))

    async with account.open() as store:
        first = await Listing(cursor=cursor).read(store.orders, after=meanwhile)
    assert (len(first.told), len(first.orders)) == (MANY + 1, MANY + 1), "each exactly once"
    assert len(fake.asked) == 9 if later else 11, "pages of 250, of which one comes again; a status has none"
    assert {len(each.lines) for each in first.orders.values()} == {1}
    shop.now = before + timedelta(seconds=30)
    second = await account.listing(first.cursor)
    for number in (0, PAGE, MANY - 1):
        assert second.orders[str(placed[number]["id"])].lines[0].quantity == 1
    assert fake.throttled == 0


async def test_pages_that_are_smaller_than_asked_for_lose_nothing(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    """How many orders come at most with their lines is not written down."""
    fake.api.most = 20
    placed = [shop.place({"A": 1}) for _ in range(75)]
    assert len((await account.listing()).orders) == len(placed)


async def test_a_page_that_is_too_much_for_bigcommerce_is_made_smaller(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock
) -> None:
    placed = [shop.place({"A": 1}) for _ in range(130)]
    fake.fail("getOrders", "500", "500", "500", "500")
    assert len((await account.listing()).orders) == len(placed)
    assert fake.asked.count("getOrders") == 4 + 2 + 4, "those that failed, other statuses, fifty a page"
    for _ in range(8):
        fake.fail("getOrders", "500")
    with pytest.raises(Unreachable):
        await account.listing()


async def test_a_changed_setting_lets_go_what_it_lets_go(account: Account, shop: BigCommerceShop) -> None:
    made, cancelled = shop.place({"A": 1}), shop.place({"A": 1})
    empty = await account.listing()
    shop.set_status(made, 9)
    first = await account.listing(empty.cursor)
    assert first.statuses[str(made["id"])] == "waiting"
    shop.now += timedelta(days=2)
    shop.set_status(cancelled, 5)
    again = await account.listing(first.cursor, ship_when=("Awaiting Fulfillment", "Awaiting Shipment"))
    assert again.statuses == {str(made["id"]): "open", str(cancelled["id"]): "cancelled"}


async def test_a_run_brings_what_changed_since_the_last_one_began(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    old, other = shop.place({"A": 1}), shop.place({"A": 1})
    first = await account.listing()
    shop.now += timedelta(hours=2)
    nothing = await account.listing(first.cursor)
    assert len(nothing.told) == 2, "an overlap is read again"
    shop.now += timedelta(hours=2)
    shop.set_status(other, 12)
    fake.asked.clear()
    second = await account.listing(nothing.cursor)
    assert second.statuses == {str(other["id"]): "waiting"}
    assert fake.asked == ["getOrders"], "one call"
    assert str(old["id"]) not in second.orders


async def test_the_cursor_keeps_to_the_stores_clock(account: Account, shop: BigCommerceShop) -> None:
    """Ours is a day ahead of the store's here."""
    shop.place({"A": 1})
    first = await account.listing()
    shop.now += timedelta(hours=1)
    late = shop.place({"A": 1})
    assert str(late["id"]) in (await account.listing(first.cursor)).orders


async def test_an_order_is_told_whole(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 2}, customer_message="ring twice", total_inc_tax="12345678901234.5678")
    line = shop.lines(made)[0]
    line.update(price_ex_tax="0.1000", weight="1.5000", wrapping_message="For Jo", quantity_shipped=1)
    (order,) = (await account.listing()).orders.values()
    assert order.placed_at == datetime.fromtimestamp(1_795_300_000 - 86_400, UTC)
    assert (order.key, order.number, order.status) == (str(made["id"]), str(made["id"]), "open")
    assert order.total == Money(amount=Decimal("12345678901234.5678"), currency="USD")
    assert (order.note, order.gift_message, order.ship_method) == ("ring twice", "For Jo", "Ship by Weight")
    assert (order.ship_to.name, order.ship_to.region, order.ship_to.country) == ("Jane Doe", "Texas", "US")
    assert order.bill_to is not None
    assert (order.bill_to.line1, order.email) == ("123 Main Street", "buyer@example.com")
    (told,) = order.lines
    assert (told.key, told.sku, told.quantity, told.fulfilled) == (str(line["id"]), "A", 2, 1)
    assert told.unit_price == Money(amount=Decimal("0.1000"), currency="USD")
    assert (told.weight_g, told.gtin) == (680, "012345678901")
    made["is_tax_inclusive_pricing"] = True
    (order,) = (await account.listing()).orders.values()
    assert order.lines[0].unit_price == Money(amount=Decimal("10.8200"), currency="USD")


WANTED = {
    1: "waiting",
    2: None,
    3: "open",
    4: None,
    5: None,
    6: None,
    7: "waiting",
    8: "waiting",
    9: "waiting",
    10: None,
    11: "open",
    12: "waiting",
    13: "waiting",
    14: "waiting",
}
"""By status id, of what was never told before; None: nothing is told."""


async def test_what_may_be_shipped_follows_from_the_status(account: Account, shop: BigCommerceShop) -> None:
    empty = await account.listing()
    made = {status: shop.place({"A": 2}, status_id=status) for status in STATUSES}
    shop.lines(made[3])[0]["quantity_shipped"] = 1
    seen = (await account.listing(empty.cursor)).statuses
    assert seen == {str(made[each]["id"]): status for each, status in WANTED.items() if status}
    seen = (await account.listing(empty.cursor, ship_when=("Awaiting Shipment",))).statuses
    assert [key for key, status in seen.items() if status == "open"] == [str(made[9]["id"])]
    first = (await account.listing()).statuses
    assert set(first) == {str(made[each]["id"]) for each in (3, 11, 14)}, "the first run lists what may go"


@pytest.mark.parametrize(
    ("status", "shipped", "wanted"),
    [
        (5, 0, "cancelled"),
        (6, 0, "cancelled"),
        (4, 0, "cancelled"),
        (4, 1, "closed"),
        (2, 0, "closed"),
        (10, 0, "closed"),
        (0, 0, "waiting"),
    ],
)
async def test_what_was_told_is_told_when_it_is_over(
    account: Account, shop: BigCommerceShop, status: int, shipped: int, wanted: str
) -> None:
    made = shop.place({"A": 2})
    first = await account.listing()
    shop.lines(made)[0]["quantity_shipped"] = shipped
    shop.set_status(made, status)
    second = await account.listing(first.cursor)
    assert second.statuses == {str(made["id"]): wanted}
    third = await account.listing(second.cursor)
    assert len(third.told) == (1 if wanted == "waiting" else 0), "once"


async def test_an_archived_order_is_cancelled(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 2})
    first = await account.listing()
    made["is_deleted"] = True
    assert (await account.listing(first.cursor)).statuses == {str(made["id"]): "cancelled"}


async def test_refunds_lessen_what_is_open(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 3, "B": 1})
    before = await account.listing()
    shop.refund(made, 0, 1)
    first = await account.listing(before.cursor)
    (order,) = first.orders.values()
    assert (order.status, [line.quantity for line in order.lines]) == ("open", [2, 1])
    shop.refund(made, 0, 2)
    shop.refund(made, 1, 1)
    assert (await account.listing(first.cursor)).statuses == {str(made["id"]): "cancelled"}


async def test_what_was_shipped_stays_wanted_though_refunded(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 3})
    first = await account.listing()
    address, line = shop.addresses(made)[0], shop.lines(made)[0]
    shop.ship(made, address, {line["id"]: 2})
    shop.refund(made, 0, 2)
    (order,) = (await account.listing(first.cursor)).orders.values()
    assert (order.lines[0].quantity, order.lines[0].fulfilled) == (2, 2)
    assert order.status == "closed"


async def test_a_partial_refund_after_shipping_sends_nothing_again(
    account: Account, shop: BigCommerceShop
) -> None:
    """Shipped without a shipment, as a merchant may say, then refunded in part."""
    made = shop.place({"A": 3})
    first = await account.listing()
    made["date_shipped"] = "Mon, 11 Mar 2019 15:17:25 +0000"
    shop.refund(made, 0, 1)
    assert (await account.listing(first.cursor)).statuses == {str(made["id"]): "closed"}


async def test_what_was_never_let_go_is_not_by_a_partial_refund(
    account: Account, shop: BigCommerceShop
) -> None:
    """Sold and handed over in a shop, completed without a shipment, refunded in part."""
    made, held = shop.place({"A": 3}, status_id=10), shop.place({"A": 3}, status_id=12)
    cursor = (await account.listing()).cursor
    first = await account.listing(cursor)
    shop.refund(made, 0, 1)
    shop.refund(held, 0, 1)
    second = await account.listing(first.cursor)
    third = await account.listing(second.cursor)
    assert second.statuses == third.statuses == {str(made["id"]): "waiting", str(held["id"]): "waiting"}
    shop.set_status(held, 11)
    assert (await account.listing(third.cursor)).statuses[str(held["id"])] == "open"


async def test_partly_shipped_by_word_alone_waits(account: Account, shop: BigCommerceShop) -> None:
    """Somebody has said so, and made no shipment: nobody can tell what is left."""
    made = shop.place({"A": 3})
    first = await account.listing()
    shop.set_status(made, 3)
    second = await account.listing(first.cursor)
    assert second.statuses == {str(made["id"]): "waiting"}
    shop.ship(made, shop.addresses(made)[0], {shop.lines(made)[0]["id"]: 1})
    assert (await account.listing(second.cursor)).statuses == {str(made["id"]): "open"}


async def test_digital_lines_are_not_told(account: Account, shop: BigCommerceShop) -> None:
    mixed, digital, picked_up = (shop.place({"A": 1}) for _ in range(3))
    to = mixed["consignments"]["shipping"][0]
    to["line_items"].append(shop.line(mixed["id"], shop.addresses(mixed)[0], "E-BOOK", 1, type="digital"))
    shop.lines(digital)[0]["type"] = "digital"
    lines = picked_up["consignments"]["shipping"].pop()["line_items"]
    picked_up["consignments"]["pickups"] = [{"id": 9, "line_items": lines}]
    seen = (await account.listing()).orders
    assert list(seen) == [str(mixed["id"])]
    assert [line.sku for line in seen[str(mixed["id"])].lines] == ["A"]


async def test_an_order_of_many_lines_has_them_all(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.place({f"S-{number}": 1 for number in range(300)})
    shop.place({"A": 1})
    seen = (await account.listing()).orders
    assert sorted(len(each.lines) for each in seen.values()) == [1, 300]
    assert fake.asked.count("getOrderProducts") == 3


async def test_lines_that_are_left_out_are_noticed(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.place({"A": 1}, items_total=5)
    assert (await account.listing()).orders
    assert fake.asked.count("getOrderProducts") == 1


async def test_only_the_channels_that_are_ours_are_told(account: Account, shop: BigCommerceShop) -> None:
    mine, _ = shop.place({"A": 1}, channel_id=7), shop.place({"A": 1}, channel_id=8)
    assert list((await account.listing(channels=(7,))).orders) == [str(mine["id"])]


SPOILT = [
    ({"total_inc_tax": "NaN"}, {}, "no number"),
    ({"total_inc_tax": "12,50"}, {}, "decimal"),
    ({"date_created": "yesterday"}, {}, "RFC 2822"),
    ({}, {"sku": "X" * 101}, "more than 100 bytes"),
    ({}, {"sku": "A\0B"}, "bytes"),
    ({}, {"quantity_shipped": 0.5}, "no count"),
    ({}, {"price_ex_tax": "Infinity"}, "no number"),
    ({}, {"quantity_refunded": -1}, "no count"),
]


@pytest.mark.parametrize(("order", "line", "words"), SPOILT)
async def test_a_bad_order_sinks_no_page(
    account: Account, shop: BigCommerceShop, order: dict[str, object], line: dict[str, object], words: str
) -> None:
    shop.place({"A": 1})
    made = shop.place({"A": 1})
    made.update(order)
    shop.lines(made)[0].update(line)
    shop.place({"A": 1})
    found = await account.listing()
    assert len(found.orders) == 2
    assert words in found.bad[str(made["id"])]


async def test_a_line_that_stands_twice_is_bad(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 1, "B": 1})
    shop.lines(made)[1]["id"] = shop.lines(made)[0]["id"]
    assert "twice" in (await account.listing()).bad[str(made["id"])]


async def test_a_cursor_of_another_kind_is_refused(account: Account) -> None:
    with pytest.raises(ProtocolMismatch, match="not one of this plugin's"):
        await account.listing("2026-01-01")


async def test_too_many_open_orders_are_told(
    account: Account, shop: BigCommerceShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropstream_bigcommerce.orders.MOST_TOLD", 2)
    for _ in range(3):
        shop.place({"A": 1})
    with pytest.raises(Misconfigured, match="more than 2 orders are open"):
        await account.listing()

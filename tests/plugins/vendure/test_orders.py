"""Orders are listed whole in every run, and each that leaves the list is looked at once more."""

from datetime import timedelta

import pytest
from trio.testing import MockClock

from dropstreamd.clock import utc
from dropstreamd.errors import Misconfigured, ProtocolMismatch, Unreachable
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure, Fault
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import NOW_S
from tests.plugins.runs import Listing

from .stores import Account

Either = tuple[Account, FakeShop | VendureShop]


def orders(count: int, units: int = 1) -> list[NewOrder]:
    return [NewOrder(units={"A": units}) for _ in range(count)]


async def test_the_first_listing_has_every_open_order(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50, "B": 50})
    placed = shop.place_orders([NewOrder(units={"A": 3, "B": 1}), *orders(2)])
    found = await account.listing()
    assert found.orders.keys() == {order.id for order in placed}
    order = found.orders[placed[0].id]
    assert (order.number, order.status, order.ship_method) == (placed[0].code, "open", "standard-shipping")
    assert [(line.sku, line.quantity, line.fulfilled) for line in order.lines] == [("A", 3, 0), ("B", 1, 0)]
    assert (order.ship_to.name, order.ship_to.country) == ("Ada Example", "US")


async def test_an_unpaid_order_waits_until_it_is_paid_for(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    (placed,) = shop.place_orders([NewOrder(units={"A": 1}, payment="invoice")])
    assert (await account.listing()).orders[placed.id].status == "waiting"
    found = await account.listing(open_states=("PaymentAuthorized", "PaymentSettled"))
    assert found.orders[placed.id].status == "open"


async def test_an_order_cancelled_since_the_last_run_is_told_once(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    first, second = shop.place_orders(orders(2))
    before = await account.listing()
    shop.cancel(first.id)
    after = await account.listing(before.cursor)
    assert {key: order.status for key, order in after.orders.items()} == {
        first.id: "cancelled",
        second.id: "open",
    }
    assert (await account.listing(after.cursor)).orders.keys() == {second.id}


async def test_a_run_that_was_cut_tells_a_cancellation_again(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    (placed,) = shop.place_orders(orders(1))
    before = await account.listing()
    shop.cancel(placed.id)
    for _ in range(2):
        after = await account.listing(before.cursor)
        assert after.orders[placed.id].status == "cancelled"


async def test_units_cancelled_or_fulfilled_by_hand_are_not_wanted(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    (placed,) = shop.place_orders(orders(1, units=5))
    line = shop.order(placed.id).lines[0].id
    shop.cancel(placed.id, {line: 1})
    shop.fulfill(placed.id, {line: 3}, method="by hand", tracking="T1")
    (found,) = (await account.listing()).orders[placed.id].lines
    assert (found.quantity, found.fulfilled, found.open_quantity) == (4, 3, 1)


async def test_an_order_fulfilled_by_hand_is_closed(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    (placed,) = shop.place_orders(orders(1, units=2))
    before = await account.listing()
    line = shop.order(placed.id).lines[0].id
    shop.fulfill(placed.id, {line: 2}, method="by hand", tracking="T1")
    assert (await account.listing(before.cursor)).orders[placed.id].status == "closed"


async def test_orders_are_read_again_by_their_ids(either: Either) -> None:
    """Whatever became of them; what is no id of Vendure's would be an error of its database."""
    account, shop = either
    shop.add_products({"A": 50})
    first, second, third = shop.place_orders(orders(3))
    shop.cancel(first.id)
    shop.fulfill(second.id, {shop.order(second.id).lines[0].id: 1}, method="by hand", tracking="T1")
    odd = ("no such key", "99999999999", "unreadable-00ff", "999999")
    async with account.open() as store:
        told = await store.orders_again.read([*odd, first.id, second.id, third.id])
    assert {order.key: order.status for order in told.documents} == {
        first.id: "cancelled",
        second.id: "closed",
        third.id: "open",
    }
    assert [(bad.key, bad.reason) for bad in told.bad] == [
        ("999999", "the store no longer has it in this channel")
    ]


async def test_an_order_that_is_being_modified_waits(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    (placed,) = shop.place_orders(orders(1))
    shop.transition(placed.id, "Modifying")
    assert (await account.listing()).orders[placed.id].status == "waiting"


# ---- what only the double can be made to do


async def test_pages_follow_each_other(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 500})
    placed = fake.shop.place_orders(orders(250))
    found = await account.listing()
    assert found.orders.keys() == {order.id for order in placed}
    assert found.pages == 3


async def test_no_order_is_missed_when_others_leave_the_list_between_pages(
    account: Account, fake: FakeVendure
) -> None:
    fake.shop.add_products({"A": 500})
    placed = fake.shop.place_orders(orders(230))
    leaving = placed[:60]
    async with account.open() as store:
        first = await store.orders.page(None, lambda _mark: False)
        for order in leaving:
            fake.shop.cancel(order.id)
        rest = await Listing().read(store.orders)
    seen = {order.key for order in first.documents} | rest.orders.keys()
    assert seen == {order.id for order in placed}


async def test_the_list_may_shrink_to_nothing_between_pages(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 500})
    placed = fake.shop.place_orders(orders(150))
    async with account.open() as store:
        await store.orders.page(None, lambda _mark: False)
        for order in placed:
            fake.shop.cancel(order.id)
        assert (await Listing().read(store.orders)).orders == {}


async def test_many_that_left_are_looked_at_page_by_page(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 500})
    placed = fake.shop.place_orders(orders(150))
    before = await account.listing()
    for order in placed:
        fake.shop.cancel(order.id)
    after = await account.listing(before.cursor)
    assert {order.status for order in after.orders.values()} == {"cancelled"}
    assert len(after.orders) == 150


async def test_an_order_that_cannot_be_decoded_does_not_sink_its_page(
    account: Account, fake: FakeVendure
) -> None:
    fake.shop.add_products({"A": 50})
    first, second, third = fake.shop.place_orders(orders(3))
    fake.shop.orders_by_id[second.id]["orderPlacedAt"] = "2026-11-21 last evening"
    found = await account.listing()
    assert found.orders.keys() == {first.id, third.id}
    assert found.bad.keys() == {second.id}
    fake.shop.cancel(second.id)
    assert (await account.listing(found.cursor)).bad.keys() == {second.id}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"orderPlacedAt": "2026-99-99T00:00:00.000Z"}, "RFC3339"),
        ({"sku": "S" * 101}, "more than 100 bytes"),
        ({"sku": "S\0"}, "more than 100 bytes"),
        ({"quantity": -1}, "negative"),
    ],
)
async def test_what_is_wrong_with_an_order_is_told(
    account: Account, fake: FakeVendure, change: dict[str, object], reason: str
) -> None:
    fake.shop.add_products({"A": 50})
    (placed,) = fake.shop.place_orders(orders(1))
    order = fake.shop.orders_by_id[placed.id]
    line = order["lines"][0]
    for part in (order, line, line["productVariant"]):
        part.update({name: value for name, value in change.items() if name in part})
    found = await account.listing()
    assert reason in found.bad[placed.id]
    assert found.orders == {}


async def test_an_order_that_the_server_fails_over_does_not_sink_its_page(
    account: Account, fake: FakeVendure
) -> None:
    fake.shop.add_products({"A": 50})
    first, second, third = fake.shop.place_orders(orders(3))
    fake.fail("Orders", "database")
    fake.before["OrderIds"] = lambda: fake.shop.orders_by_id[second.id].update(customer={"firstName": None})
    found = await account.listing()
    assert found.orders.keys() == {first.id, third.id}
    assert "its own log" in found.bad[second.id]


async def test_a_server_that_fails_over_all_makes_no_order_bad(
    account: Account, fake: FakeVendure, quick_clock: MockClock
) -> None:
    """Nor one whose proxy answers 500."""
    fake.shop.add_products({"A": 50})
    placed = fake.shop.place_orders(orders(30))
    beyond: tuple[Fault, ...] = ("database",) * 40
    proxied: tuple[Fault, ...] = ("500",) * 4
    for faults in (beyond, proxied + beyond):
        fake.fail("Orders", *faults)
        with pytest.raises(Unreachable):
            await account.listing()
        assert fake.asked.count("Orders") < 20
        fake.faults.clear()
        fake.asked.clear()
    fake.shop.orders_by_id[placed[7].id].update(customer={"firstName": None})
    found = await account.listing()
    assert (len(found.orders), list(found.bad)) == (29, [placed[7].id])
    assert fake.asked.count("Orders") < 20


async def test_an_outage_while_listing_is_no_empty_list(
    account: Account, fake: FakeVendure, patient_clock: MockClock
) -> None:
    fake.shop.add_products({"A": 50})
    fake.shop.place_orders(orders(1))
    fake.fail("Orders", "database")
    fake.fail("OrderIds", "database")
    with pytest.raises(Unreachable):
        await account.listing()
    fake.fail("Orders", "500", "500", "500", "500")
    fake.fail("OrderIds", "500", "500", "500", "500")
    with pytest.raises(Unreachable):
        await account.listing()


async def test_an_order_that_the_store_lost_is_told(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 50})
    first, second = fake.shop.place_orders(orders(2))
    before = await account.listing()
    del fake.shop.orders_by_id[first.id]
    after = await account.listing(before.cursor)
    assert "no longer has it" in after.bad[first.id]
    assert after.orders.keys() == {second.id}


async def test_carts_aggregates_and_old_orders_are_left_out(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 50})
    placed = fake.shop.place_orders(orders(4))
    cart, aggregate, old, kept = (fake.shop.orders_by_id[each.id] for each in placed)
    cart.update(active=True, orderPlacedAt=None)
    aggregate["type"] = "Aggregate"
    old["orderPlacedAt"] = f"{utc(NOW_S) - timedelta(days=91):%Y-%m-%dT%H:%M:%S}.000Z"
    assert (await account.listing()).orders.keys() == {kept["id"]}
    assert (await account.listing(lookback_days=92)).orders.keys() == {old["id"], kept["id"]}


async def test_an_open_order_that_grew_too_old_is_told_once_more(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 50})
    (placed,) = fake.shop.place_orders(orders(1))
    before = await account.listing()
    age = f"{utc(NOW_S) - timedelta(days=91):%Y-%m-%dT%H:%M:%S}.000Z"
    fake.shop.orders_by_id[placed.id]["orderPlacedAt"] = age
    after = await account.listing(before.cursor)
    assert after.orders[placed.id].status == "open"
    assert (await account.listing(after.cursor)).orders == {}


async def test_an_order_that_came_back_to_the_list_is_kept_on_it(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 50})
    (placed,) = fake.shop.place_orders(orders(1))
    before = await account.listing()
    fake.shop.transition(placed.id, "Shipped")
    after = await account.listing(before.cursor)
    assert after.orders[placed.id].status == "closed"
    fake.shop.transition(placed.id, "PartiallyShipped")
    assert (await account.listing(after.cursor)).orders[placed.id].status == "open"


async def test_another_run_in_one_session_lists_anew(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 50})
    (placed,) = fake.shop.place_orders(orders(1))
    async with account.open() as store:
        first = await Listing().read(store.orders)
        second = await Listing(cursor=first.cursor).read(store.orders)
        await store.orders.confirm([])
    assert first.orders.keys() == second.orders.keys() == {placed.id}


async def test_a_cursor_of_another_kind_is_refused(account: Account) -> None:
    with pytest.raises(ProtocolMismatch, match="cursor"):
        await account.listing("2026-11-21")


async def test_too_many_open_orders_are_refused(
    account: Account, fake: FakeVendure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropstream_vendure.orders.MOST_OPEN", 2)
    fake.shop.add_products({"A": 50})
    fake.shop.place_orders(orders(3))
    with pytest.raises(Misconfigured, match="more than 2 orders"):
        await account.listing()


async def test_a_list_limit_below_a_page_is_named(
    account: Account, fake: FakeVendure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fakes.vendure_lists.TAKE_LIMIT", 50)
    with pytest.raises(ProtocolMismatch, match="refused to list 100") as caught:
        await account.listing()
    assert "adminListQueryLimit" in caught.value.remedy


async def test_an_order_that_waits_is_followed_however_old_it_grows(
    account: Account, fake: FakeVendure
) -> None:
    fake.shop.add_products({"A": 50})
    (placed,) = fake.shop.place_orders([NewOrder(units={"A": 1}, payment="invoice")])
    found = await account.listing()
    order = fake.shop.orders_by_id[placed.id]
    order["orderPlacedAt"] = f"{utc(NOW_S) - timedelta(days=91):%Y-%m-%dT%H:%M:%S}.000Z"
    for _ in range(2):
        found = await account.listing(found.cursor)
    order["state"] = "PaymentSettled"
    assert (await account.listing(found.cursor)).orders[placed.id].status == "open"

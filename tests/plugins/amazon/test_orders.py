"""Orders come in windows of time, each once, at the pace of a tiny search."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.clock import VirtualClock
from dropstreamd.errors import AuthFailed, ProtocolMismatch
from dropstreamd.model.money import Money
from dropstreamd.platform.limiter import Pace
from tests.fakes.amazon import CANADA, FakeAmazon
from tests.fakes.amazon_seller import AmazonSeller, Row
from tests.plugins.host import NOW_S
from tests.plugins.runs import Listing

from .stores import Account


async def test_an_order_has_all_that_a_warehouse_needs(account: Account, seller: AmazonSeller) -> None:
    made = seller.place({"A": 3, "B": 1})
    made["recipient"]["deliveryAddress"] |= {"addressLine2": "Apt 2", "addressLine3": "Bell 7"}
    made["recipient"]["deliveryPreference"] = {"dropOffLocation": "Porch", "addressInstruction": "ring twice"}
    first = made["orderItems"][0]["fulfillment"]
    first["packing"] = {"giftOption": {"giftMessage": "Happy birthday"}}
    first["shipping"] = {
        "shippingConstraints": {"signatureConfirmation": "MANDATORY"},
        "internationalShipping": {"iossNumber": "IM0123456789"},
    }
    (order,) = (await account.listing()).orders.values()
    assert (order.key, order.number, order.status) == (made["orderId"], made["orderId"], "open")
    assert (order.ship_to.name, order.ship_to.region, order.ship_to.country) == ("Ada Example", "IL", "US")
    assert (order.ship_to.line1, order.ship_to.line2) == ("1 Main St", "Apt 2, Bell 7")
    assert (order.ship_method, order.delivery_note) == ("STANDARD", "Porch, ring twice")
    assert (order.gift_message, order.tax_ids) == ("Happy birthday", ("IOSS:IM0123456789",))
    assert order.note == "the recipient has to sign"
    assert order.total == Money(amount=Decimal("40.00"), currency="USD")
    assert order.ship_by is not None
    assert order.deliver_by == order.ship_by + timedelta(days=5)
    line, other = order.lines
    assert (line.sku, line.quantity, line.open_quantity, line.name) == ("A", 3, 3, "A A")
    assert line.unit_price == Money(amount=Decimal("10.00"), currency="USD")
    assert line.key == made["orderItems"][0]["orderItemId"] != other.key
    assert (order.email, order.po_number, order.channel_code) == ("", "", "Amazon.com")
    (order,) = (await account.listing(buyer_data=True, channel_code="AMZ")).orders.values()
    assert (order.email, order.channel_code) == ("x@marketplace.amazon.com", "AMZ")
    assert order.po_number.startswith("PO-")


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("PENDING_AVAILABILITY", "waiting"),
        ("PENDING", "waiting"),
        ("UNSHIPPED", "open"),
        ("PARTIALLY_SHIPPED", "open"),
        ("UNFULFILLABLE", "waiting"),
        ("SHIPPED", "closed"),
        ("CANCELLED", "cancelled"),
    ],
)
async def test_only_what_is_ready_may_be_shipped(
    account: Account, seller: AmazonSeller, at: str, told: str
) -> None:
    """Pending orders wait, and their units are told: those are sold."""
    first = await account.listing()
    seller.place({"A": 2}, status=at)
    (order,) = (await account.listing(first.cursor)).orders.values()
    assert order.status == told
    assert order.lines[0].open_quantity == 2


@pytest.mark.parametrize("program", ["PRIME", "AMAZON_EASY_SHIP", "FBM_SHIP_PLUS", "DELIVERY_BY_AMAZON"])
async def test_what_goes_under_amazons_labels_waits_unless_the_warehouse_has_them(
    account: Account, seller: AmazonSeller, program: str
) -> None:
    seller.place({"A": 1})["programs"] = ["AMAZON_BUSINESS", program]
    assert list((await account.listing()).statuses.values()) == ["waiting"]
    assert list((await account.listing(amazon_labels=True)).statuses.values()) == ["open"]


async def test_what_waits_is_listed_once_more_when_the_settings_say_otherwise(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    labelled, cancelled = seller.place({"A": 1}), seller.place({"A": 1})
    labelled["programs"] = ["PRIME"]
    await trio.sleep(3600)
    first = await account.listing()
    assert list(first.statuses.values()) == ["waiting", "open"]
    await trio.sleep(3600)
    seller.cancel(cancelled)
    await trio.sleep(3600)
    second = await account.listing(first.cursor, amazon_labels=True)
    assert list(second.statuses.values()) == ["open"]
    third = await account.listing(second.cursor, amazon_labels=True)
    assert {key: order.status for key, order in third.orders.items()} == {cancelled["orderId"]: "cancelled"}
    assert not (await account.listing(third.cursor, amazon_labels=True)).orders


async def test_what_is_collected_waits(account: Account, seller: AmazonSeller) -> None:
    seller.place({"A": 1})["programs"] = ["IN_STORE_PICK_UP"]
    assert list((await account.listing(amazon_labels=True)).statuses.values()) == ["waiting"]


async def test_what_amazon_ships_and_other_marketplaces_are_not_told(
    account: Account, seller: AmazonSeller
) -> None:
    seller.place({"A": 1})["fulfillment"]["fulfilledBy"] = "AMAZON"
    seller.place({"A": 1})["salesChannel"]["marketplaceId"] = CANADA
    ours = seller.place({"A": 1})
    assert list((await account.listing()).orders) == [ours["orderId"]]


async def test_what_does_not_say_whose_it_is_stands_aside(account: Account, seller: AmazonSeller) -> None:
    """Neither field is one that an order must have."""
    whose, where = seller.place({"A": 1}), seller.place({"A": 1})
    del whose["fulfillment"]["fulfilledBy"]
    del where["salesChannel"]["marketplaceId"]
    found = await account.listing()
    assert not found.orders
    assert found.bad == {
        whose["orderId"]: "it does not say who fulfills it",
        where["orderId"]: "it does not say in which marketplace it was placed",
    }


async def test_an_order_that_is_over_needs_no_address(account: Account, seller: AmazonSeller) -> None:
    order = seller.place({"A": 1})
    del order["recipient"]["deliveryAddress"]
    order["orderItems"][0]["fulfillment"] = {"quantityFulfilled": 0, "quantityUnfulfilled": 0}
    assert list((await account.listing()).statuses.values()) == ["cancelled"]


async def test_a_buyer_may_ask_for_a_cancellation(account: Account, seller: AmazonSeller) -> None:
    asked, cancelled = seller.place({"A": 1}), seller.place({"A": 1})
    seller.ask_to_cancel(asked)
    seller.ask_to_cancel(cancelled)
    seller.cancel(cancelled)
    first = await account.listing()
    assert first.orders[asked["orderId"]].cancel_requested
    assert cancelled["orderId"] not in first.orders, "it was over before it was ever told"


async def test_cancelled_units_are_not_wanted(account: Account, seller: AmazonSeller) -> None:
    part, whole, gone = seller.place({"A": 3, "B": 1}), seller.place({"A": 3}), seller.place({"A": 3, "B": 1})
    part["orderItems"][0]["fulfillment"] = {"quantityFulfilled": 1, "quantityUnfulfilled": 1}
    for item in whole["orderItems"]:
        item["cancellation"]["cancellationExecution"] = {"cancelledBy": "MERCHANT"}
    gone["orderItems"][0]["cancellation"]["cancellationExecution"] = {"cancelledBy": "BUYER"}
    seen = (await account.listing()).orders
    quantities = {
        key: [(line.quantity, line.fulfilled) for line in order.lines] for key, order in seen.items()
    }
    assert quantities[part["orderId"]] == [(2, 1), (1, 0)]
    assert seen[whole["orderId"]].status == "cancelled"
    assert quantities[gone["orderId"]] == [(0, 0), (1, 0)]


async def test_what_happens_later_is_seen(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    pending, shipped, cancelled = (
        seller.place({"A": 1}, status="PENDING"),
        *(seller.place({"A": 1}) for _ in "xy"),
    )
    first = await account.listing()
    assert list(first.statuses.values()) == ["waiting", "open", "open"]
    await trio.sleep(3600)
    seller.set_status(pending, "UNSHIPPED")
    seller.set_status(shipped, "SHIPPED")
    seller.cancel(cancelled)
    second = await account.listing(first.cursor)
    assert list(second.statuses.values()) == ["open", "closed", "cancelled"]


async def test_bad_orders_stand_aside(account: Account, seller: AmazonSeller) -> None:
    good = seller.place({"A": 1})
    long, amount, none, twice = (seller.place({"A": 1, "B": 1}) for _ in range(4))
    long["orderItems"][0]["product"]["sellerSku"] = "X" * 150
    amount["proceeds"]["grandTotal"]["amount"] = "much"
    none["orderItems"][0]["fulfillment"]["quantityFulfilled"] = -1
    twice["orderItems"][1]["orderItemId"] = twice["orderItems"][0]["orderItemId"]
    found = await account.listing()
    assert list(found.orders) == [good["orderId"]]
    assert {key: reason.split(":")[0] for key, reason in found.bad.items()} == {
        long["orderId"]: "an id or SKU of it has more than 100 bytes",
        amount["orderId"]: "an amount of it is no number",
        none["orderId"]: "an item of it has less than no units",
        twice["orderId"]: "two of its items have one id, or none",
    }


async def test_addresses_that_are_not_told_stop_the_run(account: Account, seller: AmazonSeller) -> None:
    seller.place({"A": 1})
    seller.sees_addresses = False
    with pytest.raises(AuthFailed, match=r"no address of 1 orders.*Direct-to-Consumer Shipping"):
        await account.listing()
    for order in seller.orders.values():
        order["programs"] = ["IN_STORE_PICK_UP"]
    assert list((await account.listing()).statuses.values()) == ["waiting"], "that one needs none"


async def test_one_address_that_is_missing_holds_its_order(account: Account, seller: AmazonSeller) -> None:
    seller.place({"A": 1})
    del seller.place({"A": 1})["recipient"]["deliveryAddress"]["addressLine1"]
    assert sorted((await account.listing()).statuses.values()) == ["open", "waiting"]


async def test_nothing_younger_than_two_minutes_is_asked_for(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """It comes with the next window; what is in both comes twice, and is equal."""
    seller.age_s = 0.0
    first = await account.listing()
    made = seller.place({"A": 1})
    assert not first.told
    second = await account.listing(first.cursor)
    assert not second.told
    await trio.sleep(200)
    third = await account.listing(second.cursor)
    assert list(third.orders) == [made["orderId"]]
    await trio.sleep(200)
    fourth = await account.listing(third.cursor)
    assert fourth.told == third.told


async def test_a_clock_that_is_wrong_loses_nothing(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    first = await account.listing()
    made = seller.place({"A": 1})
    account.host.clock = VirtualClock(NOW_S + 3600)
    with pytest.raises(ProtocolMismatch, match="is this machine's clock right"):
        await account.listing(first.cursor)
    account.host.clock = VirtualClock(NOW_S - 3600)
    with pytest.raises(ProtocolMismatch, match=r"up to 20.* UTC, .*is this machine's clock right"):
        await account.listing(first.cursor)
    assert fake.asked.count("searchOrders") == 2, "there is no window yet"
    account.host.clock = VirtualClock(NOW_S)
    assert list((await account.listing(first.cursor)).orders) == [made["orderId"]]


@pytest.mark.parametrize("cursor", ["", "{", '{"since":7}'])
async def test_a_cursor_that_is_none_is_refused(account: Account, cursor: str) -> None:
    with pytest.raises(ProtocolMismatch, match="stored cursor"):
        await account.listing(cursor)


async def test_two_thousand_orders_come_each_once(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """All of one instant, so that every page ends between equals; some are updated while they are paged."""
    first = await account.listing()
    await trio.sleep(3600)
    at = seller.now() - timedelta(minutes=30)
    made = [seller.place({"A": 1}, at=at) for _ in range(2000)]
    updated: list[Row] = [made[0], made[99], made[100], made[1500], made[1999]]
    fake.asked.clear()
    async with account.open() as store:
        before = await Listing(cursor=first.cursor).read(store.orders, most_pages=7)
        seller.age_s = 0.0  # what happens now falls out of the window
        for order in updated:
            seller.cancel(order)
        rest = await Listing(cursor=before.cursor).read(store.orders)
    told = [order.key for order in (*before.told, *rest.told)]
    assert len(told) == len(set(told)) == 2000 - 2, "those that changed before they were reached come later"
    assert before.pages + rest.pages == fake.asked.count("searchOrders") == 20
    await trio.sleep(3600)
    later = await account.listing(rest.cursor)
    assert sorted(later.orders) == sorted(order["orderId"] for order in updated)
    assert set(later.statuses.values()) == {"cancelled"}
    assert len(later.told) == len(updated)
    assert set(told) | set(later.orders) == {order["orderId"] for order in made}
    assert not fake.throttled


async def test_a_backlog_is_gone_on_with_by_the_next_run(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """No run waits for the search; what it has is handed over meanwhile, and it says that there is more."""
    fake.plan("searchOrders", 0.0056, 3)
    account.host.limiter.operation("searchOrders", _pace(burst=3))
    at = seller.now() - timedelta(minutes=30)
    made = {seller.place({"A": 1}, at=at)["orderId"] for _ in range(450)}
    started_s = trio.current_time()
    told: list[str] = []
    cursor: str | None = None
    pages = []
    whole: list[int] = []
    for _ in range(6):
        run = await account.listing(cursor)
        pages.append(len(run.told))
        told += [order.key for order in run.told]
        if run.unfinished is None:
            whole.append(len(told))
        cursor = run.cursor
        await trio.sleep(120)
    assert pages[0] == 300
    assert set(whole) == {450}, "a run that did not come to the end does not say that it did"
    assert len(told) == len(set(told))
    assert set(told) == made
    assert trio.current_time() - started_s < 6 * 120 + 60
    assert not fake.throttled


async def test_without_a_search_left_nothing_is_said_of_orders(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """An empty page would say that there are none."""
    account.host.limiter.operation("searchOrders", _pace(burst=1))
    seller.place({"A": 1})
    first = await account.listing()
    again = await account.listing(first.cursor)
    assert again.unfinished is not None
    assert again.unfinished.message == "Amazon's budget of searches for orders is used up"
    assert "other connections" in again.unfinished.remedy
    assert fake.asked.count("searchOrders") == 1
    await trio.sleep(again.unfinished.again_s)
    assert (await account.listing(first.cursor)).unfinished is None
    assert not fake.throttled


async def test_a_search_is_tried_when_the_plan_allows_it_whatever_was_cut_from_it(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """What was cut comes back by itself: as it is now, the next call would be allowed in an hour."""
    search = account.host.limiter.operation("searchOrders", _pace(burst=1))
    for _ in range(9):
        search.slow_down(1.0)
        await trio.sleep(1.5)
    assert search.ready_in_s() == 0
    await account.listing()
    for _ in range(9):
        search.slow_down(1.0)
        await trio.sleep(1.5)
    assert search.ready_in_s() > 1000
    again = await account.listing()
    assert again.unfinished is not None
    assert 100 < again.unfinished.again_s < 200


async def test_a_place_that_amazon_has_forgotten_is_begun_again(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    for _ in range(150):
        seller.place({"A": 1})
    async with account.open() as store:
        first = await Listing().read(store.orders, most_pages=1)
    assert first.cursor is not None
    lost = first.cursor.replace("maxResultsPerPage", "maxResults")
    assert lost != first.cursor
    again = await account.listing(lost)
    assert len(again.orders) == 150
    assert fake.asked.count("searchOrders") == 1 + 3


def _pace(*, burst: float) -> Pace:
    return Pace(rate_per_s=0.0056, burst=burst, at_once=4)

"""Packages are confirmed once each, under a number that is always the same."""

import msgspec
import pytest
from trio.testing import MockClock

from dropstream_amazon.shipments import number_of
from dropstreamd.errors import OutcomeUnknown, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, Item
from dropstreamd.model.shipments import FulfillmentLine
from dropstreamd.platform.again import TRIES
from tests.fakes.amazon import CANADA, HERE, FakeAmazon, Fault
from tests.fakes.amazon_seller import AmazonSeller
from tests.plugins.things import STAMP, prepared, refused

from .stores import Account, no_steps, package, push


async def test_a_package_is_confirmed_with_carrier_tracking_and_units(
    account: Account, seller: AmazonSeller
) -> None:
    made = seller.place({"A": 3})
    async with account.open() as store:
        outcome = await push(store, package("P1", made, 2, "1Z1", "1Z2", carrier="ups", service="Ground"))
    (there,) = made["packages"]
    assert outcome == Accepted(key="P1", remote=there["packageReferenceId"])
    assert (there["carrier"], there["trackingNumber"]) == ("UPS", "1Z1")
    assert there["packageItems"] == [{"orderItemId": made["orderItems"][0]["orderItemId"], "quantity": 2}]
    assert made["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"


async def test_an_unknown_carrier_is_named(account: Account, seller: AmazonSeller) -> None:
    made = seller.place({"A": 3})
    async with account.open() as store:
        await push(store, package("P1", made, 3, "77", carrier="Bike Messengers"))
    assert made["packages"][0]["carrier"] == "Bike Messengers"


async def test_two_packages_are_two_and_a_repeat_is_none(account: Account, seller: AmazonSeller) -> None:
    made = seller.place({"A": 3})
    async with account.open() as store:
        for key, number in (("P1", "1Z1"), ("P2", "1Z2"), ("P1", "1Z1")):
            assert isinstance(await push(store, package(key, made, 1, number)), Accepted)
    assert sorted(each["trackingNumber"] for each in made["packages"]) == ["1Z1", "1Z2"]
    assert made["orderItems"][0]["fulfillment"]["quantityFulfilled"] == 2


async def test_changed_tracking_takes_the_place_of_the_old(account: Account, seller: AmazonSeller) -> None:
    made = seller.place({"A": 3})
    async with account.open() as store:
        first = await push(store, package("P1", made, 3, "1Z1"))
        assert isinstance(first, Accepted)
        changed = package("P1", made, 3, "1Z9")
        item = Item(key="P1", document=changed.document, remote=first.remote)
        assert await push(store, item) == first
    assert [each["trackingNumber"] for each in made["packages"]] == ["1Z9"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("before", OutcomeUnknown),
        ("after", OutcomeUnknown),
        ("lost", OutcomeUnknown),
        ("500", OutcomeUnknown),
        ("503", OutcomeUnknown),
        ("html", OutcomeUnknown),
        ("429", RateLimited),
    ],
)
async def test_a_lost_answer_is_unknown_and_the_repeat_does_no_harm(
    fake: FakeAmazon,
    account: Account,
    seller: AmazonSeller,
    quick_clock: MockClock,
    fault: Fault,
    error: type[Exception],
) -> None:
    made = seller.place({"A": 3})
    async with account.open() as store:
        one = prepared(store, package("P1", made, 2, "1Z1"))
        fake.fail("confirmShipment", *[fault] * (TRIES if fault == "429" else 1))
        with pytest.raises(error):
            await store.shipments.push(one, no_steps)
        (outcome,) = await store.shipments.push(one, no_steps)
    assert isinstance(outcome, Accepted)
    assert len(made["packages"]) == 1


async def test_a_slow_answer_is_one(fake: FakeAmazon, account: Account, seller: AmazonSeller) -> None:
    made = seller.place({"A": 3})
    fake.fail("confirmShipment", "slow")
    async with account.open() as store:
        assert isinstance(await push(store, package("P1", made, 2, "1Z1")), Accepted)


async def test_more_than_is_open_is_refused(account: Account, seller: AmazonSeller) -> None:
    made, gone, pending = seller.place({"A": 3}), seller.place({"A": 1}), seller.place({"A": 1})
    seller.cancel(gone)
    seller.set_status(pending, "PENDING")
    async with account.open() as store:
        await push(store, package("P1", made, 2, "1Z1"))
        more = await push(store, package("P2", made, 2, "1Z2"))
        assert refused(more) == "already-fulfilled"
        assert "2 left the warehouse, 1 are open" in str(more)
        assert refused(await push(store, package("P3", gone, 1, "1Z3"))) == "cancelled"
        assert refused(await push(store, package("P4", pending, 1, "1Z4"))) == "refused"
    assert [each["trackingNumber"] for each in made["packages"]] == ["1Z1"]


async def test_what_was_entered_by_hand_counts(account: Account, seller: AmazonSeller) -> None:
    made = seller.place({"A": 3})
    line = made["orderItems"][0]["orderItemId"]
    by_hand = {
        "packageReferenceId": "7",
        "carrierCode": "UPS",
        "trackingNumber": "1Z1",
        "shipDate": "2026-11-20T10:00:00Z",
        "orderItems": [{"orderItemId": line, "quantity": 3}],
    }
    seller.confirm(made["orderId"], {"marketplaceId": HERE, "packageDetail": by_hand})
    async with account.open() as store:
        outcome = await push(store, package("P1", made, 3, "1Z1"))
        assert outcome == Accepted(key="P1", remote="7")
        changed = Item(key="P1", document=package("P1", made, 3, "1Z9").document, remote="7")
        assert isinstance(await push(store, changed), Accepted)
    assert [each["trackingNumber"] for each in made["packages"]] == ["1Z9"]


async def test_what_amazon_cannot_take_is_refused_before_it_is_sent(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    made = seller.place({"A": 3})
    nobodys = {**made, "orderId": "not an order"}
    async with account.open() as store:
        causes = {}
        for cause, item in {
            "lines": package("P1", made, 0, "1Z1"),
            "tracking": package("P2", made, 1, " "),
            "carrier": package("P3", made, 1, "1Z", carrier=""),
            "no-order": package("P4", nobodys, 1, "1Z"),
        }.items():
            (rejected,) = store.shipments.prepare([item], STAMP).rejected
            causes[cause] = rejected.cause
        assert list(causes) == list(causes.values())
        unknown = package("P5", made, 1, "1Z")
        lines = (FulfillmentLine(order_line="nobodys", quantity=1),)
        document = unknown.document
        item = Item(key="P5", document=msgspec.structs.replace(document, lines=lines))
        assert refused(await push(store, item)) == "no-line"
        missing = {**made, "orderId": "111-9999999-9999999"}
        assert refused(await push(store, package("P6", missing, 1, "1Z"))) == "no-order"
    assert not made["packages"]


async def test_of_several_marketplaces_the_orders_own_is_told(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    made = seller.place({"A": 1})
    made["salesChannel"]["marketplaceId"] = CANADA
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        assert isinstance(await push(store, package("P1", made, 1, "1Z1")), Accepted)
    assert fake.asked == ["token", "getOrder", "confirmShipment"]


async def test_a_read_that_fails_says_that_nothing_was_done(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    made = seller.place({"A": 1})
    fake.fail("getOrder", "500", "500", "500", "500")
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        with pytest.raises(Unreachable):
            await push(store, package("P1", made, 1, "1Z1"))
    assert not made["packages"]


def test_numbers_are_positive_and_differ() -> None:
    numbers = {number_of(f"P{number}", ["1"]) for number in range(1000)}
    assert len(numbers) == 1000
    assert all(each.isdecimal() and 0 < int(each) < 10**15 for each in numbers)
    assert number_of("P1", ["1", "2"]) != number_of("P1", ["3"]), "another warehouse may have the same key"

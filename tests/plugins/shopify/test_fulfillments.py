"""Packages become fulfillments, each once, whatever happens on the way."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import DropstreamError, OutcomeUnknown, RateLimited
from dropstreamd.model.handover import Accepted, InDoubt, Item, Outcome, Rejected, Untouched
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from tests.fakes.shopify import FakeShopify, Fault
from tests.fakes.shopify_shop import Row, ShopifyShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, prepared, push, refused

from .stores import Account, package


def shown(made: Row) -> list[tuple[str, list[str], int]]:
    """State, tracking numbers and units of each fulfillment."""
    return [
        (
            each["status"],
            [one["number"] for one in each["trackingInfo"] if one["number"]],
            sum(line["quantity"] for line in each["fulfillmentLineItems"]),
        )
        for each in made["fulfillments"]
    ]


async def test_packages_are_told_with_their_tracking(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 5})
    async with account.open() as store:
        first = await push(store, package("P1", made, 2, "1Z1"))
        assert first == Accepted(key="P1", remote=made["fulfillments"][0]["id"])
        await push(store, package("P2", made, 2, "1Z2", "1Z3"))
        await push(store, package("P3", made, 1))
    assert shown(made) == [("SUCCESS", ["1Z1"], 2), ("SUCCESS", ["1Z2", "1Z3"], 2), ("SUCCESS", [], 1)]
    assert made["status"] == "CLOSED"


async def test_what_cannot_be_fulfilled_says_why(account: Account, shop: ShopifyShop) -> None:
    made, held, cancelled, done = (shop.place({"A": 2}) for _ in range(4))
    shop.set_status(held, "ON_HOLD")
    shop.cancel(cancelled)
    shop.fulfill(done, {done["lineItems"][0]["id"]: 2}, {"number": "by hand"})
    stranger = shop.place({"A": 1})
    wrong_line = package("P", stranger, 1).document.lines
    odd = Item(
        key="P",
        document=Fulfillment(order_key=made["id"], order_number="", package_key="P", lines=wrong_line),
    )
    async with account.open() as store:
        assert refused(await push(store, package("P", made, 3, "1Z"))) == "already-fulfilled"
        assert refused(await push(store, package("P", held, 1, "1Z"))) == "on-hold"
        assert refused(await push(store, package("P", cancelled, 1, "1Z"))) == "cancelled"
        assert refused(await push(store, package("P", done, 1, "1Z"))) == "already-fulfilled"
        assert refused(await push(store, odd)) == "no-line"
        empty = Fulfillment(
            order_key=made["id"],
            order_number="",
            package_key="P",
            lines=(FulfillmentLine(order_line="1", quantity=0),),
        )
        (nothing,) = store.shipments.prepare([Item(key="P", document=empty)], STAMP).rejected
        assert nothing.cause == "lines"
    assert shown(made) == []


async def test_what_somebody_entered_by_hand_is_the_packages_own(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 2})
    shop.fulfill(made, {made["lineItems"][0]["id"]: 2}, {"number": "1Z"})
    async with account.open() as store:
        outcome = await push(store, package("P", made, 2, "1Z"))
    assert outcome == Accepted(key="P", remote=made["fulfillments"][0]["id"])
    assert len(made["fulfillments"]) == 1


async def test_two_packages_under_one_number_are_two(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 2})
    async with account.open() as store:
        await push(store, package("P1", made, 1, "1Z"))
        await push(store, package("P2", made, 1, "1Z"))
    assert shown(made) == [("SUCCESS", ["1Z"], 1)] * 2


FATES: list[tuple[Fault, type[DropstreamError], int]] = [
    ("before", OutcomeUnknown, 0),
    ("after", OutcomeUnknown, 1),
    ("lost", OutcomeUnknown, 1),
    ("truncated", OutcomeUnknown, 1),
    ("html", OutcomeUnknown, 0),
    ("500", OutcomeUnknown, 0),
    ("503", OutcomeUnknown, 0),
    ("internal", OutcomeUnknown, 0),
    ("late-internal", OutcomeUnknown, 1),
    ("429", RateLimited, 0),
]


@pytest.mark.parametrize(("fault", "error", "made_already"), FATES)
@pytest.mark.parametrize("tracking", [("1Z",), ()])
async def test_whatever_becomes_of_the_call_there_is_one_in_the_end(
    fake: FakeShopify,
    account: Account,
    patient_clock: MockClock,
    fault: Fault,
    error: type[DropstreamError],
    made_already: int,
    tracking: tuple[str, ...],
) -> None:
    made = fake.shop.place({"A": 3})
    async with account.open() as store:
        # One that looks the same went before.
        await push(store, package("P0", made, 1, *tracking))
        fake.fail("Fulfill", fault)
        one, steps = prepared(store, package("P1", made, 1, *tracking)), Steps()
        with pytest.raises(error):
            await store.shipments.push(one, steps)
        assert len(made["fulfillments"]) == 1 + made_already
        if error is OutcomeUnknown:
            (found,) = await store.shipments.recover(one, steps.taken[-1], Steps())
            assert isinstance(found, Accepted if made_already else Untouched)
        if not made_already:
            assert isinstance(await push(store, package("P1", made, 1, *tracking)), Accepted)
    assert len(made["fulfillments"]) == 2


async def test_throttled_or_slow_it_is_told_all_the_same(
    fake: FakeShopify, account: Account, patient_clock: MockClock
) -> None:
    made = fake.shop.place({"A": 3})
    fake.fail("Fulfill", "throttled", "throttled", "slow")
    async with account.open() as store:
        assert isinstance(await push(store, package("P1", made, 1, "1Z")), Accepted)
    assert len(made["fulfillments"]) == 1


async def test_an_order_that_changes_before_the_call_is_looked_at_again(
    fake: FakeShopify, account: Account
) -> None:
    made = fake.shop.place({"A": 3})
    async with account.open() as store:
        fake.before["Fulfill"] = lambda: fake.shop.cancel(made)
        assert refused(await push(store, package("P1", made, 1, "1Z"))) == "cancelled"


async def test_what_is_not_wanted_any_more_is_not_told(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 3})
    async with account.open() as store:
        one = prepared(store, package("P1", made, 1, "1Z"))
        assert await store.shipments.push(one, Steps(wanted=False)) == [Untouched(key="P1")]
    assert not made["fulfillments"]


async def test_twice_is_in_doubt_and_cancelled_by_hand_was_told(account: Account, shop: ShopifyShop) -> None:
    made = shop.place({"A": 3})
    line = made["lineItems"][0]["id"]
    async with account.open() as store:
        one = prepared(store, package("P1", made, 1, "1Z"))
        first = shop.fulfill(made, {line: 1}, {"number": "1Z"})
        shop.fulfill(made, {line: 1}, {"number": "1Z"})
        (found,) = await store.shipments.recover(one, "creating after 0", Steps())
        assert isinstance(found, InDoubt)
        for each in list(made["fulfillments"]):
            shop.cancel_fulfillment(made, each)
        (found,) = await store.shipments.recover(one, "creating after 0", Steps())
        assert isinstance(found, Accepted)
        (found,) = await store.shipments.recover(one, "", Steps())
        assert isinstance(found, Untouched)
    assert first["status"] == "CANCELLED"


class TestAChangedTracking:
    async def _changed(self, account: Account, made: Row, units: int = 2, *tracking: str) -> Outcome:
        async with account.open() as store:
            item = package("P1", made, units, *tracking)
            remote = made["fulfillments"][0]["id"]
            return await push(store, Item(key="P1", document=item.document, remote=remote))

    async def test_is_changed_in_place(self, account: Account, shop: ShopifyShop) -> None:
        made = shop.place({"A": 2})
        async with account.open() as store:
            await push(store, package("P1", made, 2, "1Z-old"))
        outcome = await self._changed(account, made, 2, "1Z-new")
        assert outcome == Accepted(key="P1", remote=made["fulfillments"][0]["id"])
        assert shown(made) == [("SUCCESS", ["1Z-new"], 2)]

    async def test_of_what_was_changed_by_hand_is_a_task(self, account: Account, shop: ShopifyShop) -> None:
        made = shop.place({"A": 3})
        found = shop.fulfill(made, {made["lineItems"][0]["id"]: 2}, {"number": "1Z"})
        assert refused(await self._changed(account, made, 1, "1Z-new")) == "amend"
        shop.cancel_fulfillment(made, found)
        outcome = await self._changed(account, made, 2, "1Z-new")
        assert isinstance(outcome, Rejected)
        assert "cancelled" in outcome.reason

    async def test_is_found_again_after_a_lost_answer(
        self, fake: FakeShopify, account: Account, patient_clock: MockClock
    ) -> None:
        made = fake.shop.place({"A": 2})
        fake.shop.fulfill(made, {made["lineItems"][0]["id"]: 2}, {"number": "1Z", "company": "UPS"})
        item = package("P1", made, 2, "1Z-new")
        item = Item(key="P1", document=item.document, remote=made["fulfillments"][0]["id"])
        fake.fail("Retrack", "after")
        async with account.open() as store:
            one, steps = prepared(store, item), Steps()
            with pytest.raises(OutcomeUnknown):
                await store.shipments.push(one, steps)
            (found,) = await store.shipments.recover(one, steps.taken[-1], Steps())
        assert isinstance(found, Accepted)


async def test_a_cancelled_call_leaves_the_session_usable(
    fake: FakeShopify, account: Account, patient_clock: MockClock
) -> None:
    made = fake.shop.place({"A": 2})
    fake.fail("Fulfill", "lost")
    async with account.open() as store:
        one, steps = prepared(store, package("P1", made, 1, "1Z")), Steps()
        with trio.move_on_after(1):
            await store.shipments.push(one, steps)
        (found,) = await store.shipments.recover(one, steps.taken[-1], Steps())
    assert isinstance(found, Accepted)

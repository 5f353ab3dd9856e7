"""Packages become fulfillments, each once."""

import pytest
from trio.testing import MockClock

from dropstreamd.errors import Misconfigured, OutcomeUnknown
from dropstreamd.model.handover import Accepted, InDoubt, Item, Rejected, Untouched
from dropstreamd.model.shipments import Fulfillment
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, package, prepared, push, refused

from .stores import Account, Placed

Either = tuple[Account, FakeShop | VendureShop]


async def test_packages_become_shipped_fulfillments(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        first = await push(store, order.package("P1", 2, "1Z1", "1Z2"))
        assert shop.order(order.id).state == "PartiallyShipped"
        second = await push(store, order.package("P2", 3))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.remote != second.remote
    assert order.fulfilled == [
        ("Shipped", "UPS Ground [P1]", "1Z1, 1Z2", 2),
        ("Shipped", "UPS Ground [P2]", "", 3),
    ]
    assert shop.order(order.id).state == "Shipped"
    assert order.stock == (45, 0)


async def test_a_package_pushed_again_is_found(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        item = order.package("P1", 2, "1Z1")
        first = await push(store, item)
        assert await push(store, item) == first
        assert await store.shipments.recover(prepared(store, item), "creating", Steps()) == [first]
    assert len(order.fulfilled) == 1


async def test_two_packages_that_look_alike_are_two_fulfillments(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        for key in ("P1", "P11", "1"):
            assert isinstance(await push(store, order.package(key, 1, "SAME")), Accepted)
    assert len(order.fulfilled) == 3


async def test_one_that_was_only_created_is_shipped(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    made = shop.fulfill(order.id, {order.line: 2}, method="UPS Ground [P1]", tracking="1Z1")
    async with account.open() as store:
        outcomes = await store.shipments.recover(
            prepared(store, order.package("P1", 2, "1Z1")), "creating", Steps()
        )
    assert outcomes == [Accepted(key="P1", remote=made)]
    assert [state for state, *_ in order.fulfilled] == ["Shipped"]


async def test_one_that_never_arrived_is_pending_again(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    shop.fulfill(order.id, {order.line: 2}, method="UPS Ground [P11]", tracking="1Z1")
    async with account.open() as store:
        frozen = prepared(store, order.package("P1", 2, "1Z1"))
        assert await store.shipments.recover(frozen, "creating", Steps()) == [Untouched(key="P1")]
    assert [state for state, *_ in order.fulfilled] == ["Pending"]


async def test_more_than_is_open_is_refused(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        await push(store, order.package("P1", 4))
        outcome = await push(store, order.package("P2", 2))
    assert refused(outcome) == "already-fulfilled"
    assert isinstance(outcome, Rejected)
    assert "2 left the warehouse, 1 are open" in outcome.reason
    assert len(order.fulfilled) == 1


async def test_a_fulfillment_by_hand_is_equal_under_the_same_tracking_number(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    by_hand = shop.fulfill(order.id, {order.line: 5}, method="by hand", tracking="1Z1")
    async with account.open() as store:
        assert refused(await push(store, order.package("P1", 5, "1Z2"))) == "already-fulfilled"
        assert refused(await push(store, order.package("P1", 5))) == "already-fulfilled"
        assert await push(store, order.package("P1", 5, "1Z1")) == Accepted(key="P1", remote=by_hand)
    assert order.fulfilled == [("Shipped", "by hand", "1Z1", 5)]


async def test_a_cancelled_order_is_refused(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    shop.cancel(order.id)
    async with account.open() as store:
        assert refused(await push(store, order.package("P1", 1))) == "cancelled"


async def test_an_unknown_order_or_line_is_refused(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        assert refused(await push(store, package("P1", "999999", {order.line: 1}))) == "no-order"
        assert refused(await push(store, package("P1", order.id, {"999999": 1}))) == "no-line"
        unsent = prepared(store, package("P1", "999999", {order.line: 1}))
        assert await store.shipments.recover(unsent, "creating", Steps()) == [Untouched(key="P1")]


async def test_too_little_on_hand_is_refused_for_now(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    shop.set_on_hand({"A": 1})
    async with account.open() as store:
        assert refused(await push(store, order.package("P1", 2))) == "stock-on-hand"
        shop.set_on_hand({"A": 5})
        assert isinstance(await push(store, order.package("P1", 2)), Accepted)


async def test_a_missing_fulfillment_handler_is_named(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open(fulfillment_handler="dhl") as store:
        with pytest.raises(Misconfigured, match="'dhl'") as caught:
            await push(store, order.package("P1", 1))
    assert "manual-fulfillment" in caught.value.remedy


# ---- what only the double can be made to do


async def test_a_handler_that_cannot_keep_our_reference_is_not_used(
    account: Account, fake: FakeVendure
) -> None:
    order = Placed(fake.shop)
    fake.shop.handlers["own"] = ["trackingCode"]
    async with account.open(fulfillment_handler="own") as store:
        with pytest.raises(Misconfigured, match="takes no method"):
            await push(store, order.package("P1", 1))
    assert order.fulfilled == []


async def test_lines_named_twice_are_counted_together(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    item = order.package("P1", 3)
    lines = item.document.lines * 2
    twice = Item(
        key="P1", document=Fulfillment(order_key=order.id, order_number="1", package_key="P1", lines=lines)
    )
    async with account.open() as store:
        assert refused(await push(store, twice)) == "already-fulfilled"


async def test_what_has_no_units_or_was_handed_over_is_refused(account: Account) -> None:
    async with account.open(changed_tracking="task") as store:
        items = [package("P1", "1", {}), package("P2", "1", {"2": 0}), package("P3", "1", {"2": 1, "3": -1})]
        items.append(Item(key="P4", document=package("P4", "1", {"2": 1}).document, remote="12"))
        preparation = store.shipments.prepare(items, STAMP)
    assert preparation.prepared == ()
    assert [each.cause for each in preparation.rejected] == ["lines", "lines", "lines", "amend"]


async def test_preparing_is_the_same_every_time(account: Account) -> None:
    items = [package("P1", "1", {"2": 1}), package("P2", "1", {"2": 1})]
    async with account.open() as store:
        first = store.shipments.prepare(items, STAMP)
        assert store.shipments.prepare(items, STAMP) == first
    assert len({one.name for one in first.prepared}) == 2


async def test_one_that_is_no_longer_wanted_is_not_created(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        frozen = prepared(store, order.package("P1", 1))
        assert await store.shipments.push(frozen, Steps(wanted=False)) == [Untouched(key="P1")]
    assert order.fulfilled == []


async def test_an_attempt_that_was_never_sent_is_not_looked_up(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        frozen = prepared(store, order.package("P1", 1))
        assert await store.shipments.recover(frozen, "", Steps()) == [Untouched(key="P1")]
    assert fake.asked == []


@pytest.mark.parametrize("operation", ["Fulfill", "Ship"])
@pytest.mark.parametrize("fault", ["before", "after", "truncated", "500", "lost"])
async def test_whatever_is_lost_on_the_way_is_told_once(
    account: Account, fake: FakeVendure, patient_clock: MockClock, operation: str, fault: str
) -> None:
    order = Placed(fake.shop)
    fake.fail(operation, fault)  # type: ignore[arg-type] # one of the faults
    steps = Steps()
    async with account.open() as store:
        frozen = prepared(store, order.package("P1", 2, "1Z1"))
        with pytest.raises(OutcomeUnknown):
            await store.shipments.push(frozen, steps)
        (outcome,) = await store.shipments.recover(frozen, steps.taken[-1], steps)
        if isinstance(outcome, Untouched):
            (outcome,) = await store.shipments.push(frozen, steps)
    assert isinstance(outcome, Accepted)
    assert order.fulfilled == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]
    assert order.stock == (48, 3)


@pytest.mark.parametrize("operation", ["Fulfill", "Ship"])
async def test_an_error_after_it_was_applied_is_looked_into(
    account: Account, fake: FakeVendure, operation: str
) -> None:
    order = Placed(fake.shop)
    fake.fail(operation, "late-database")
    async with account.open() as store:
        assert isinstance(await push(store, order.package("P1", 2)), Accepted)
    assert [state for state, *_ in order.fulfilled] == ["Shipped"]


async def test_an_error_before_it_was_applied_is_a_refusal(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        fake.fail("Fulfill", "database")
        assert refused(await push(store, order.package("P1", 2))) == "refused"
        assert order.fulfilled == []
        fake.fail("Ship", "database")
        assert refused(await push(store, order.package("P1", 2))) == "not-shipped"
        assert [state for state, *_ in order.fulfilled] == ["Pending"]
        assert isinstance(await push(store, order.package("P1", 2)), Accepted)


async def test_one_that_vendure_does_not_ship_is_told_and_tried_again(
    account: Account, fake: FakeVendure
) -> None:
    order = Placed(fake.shop)
    fake.shop.refused_moves.add("Shipped")
    async with account.open() as store:
        outcome = await push(store, order.package("P1", 2))
        assert refused(outcome) == "not-shipped"
        assert "stays Pending" in str(outcome)
        fake.shop.refused_moves.clear()
        assert isinstance(await push(store, order.package("P1", 2)), Accepted)
    assert len(order.fulfilled) == 1


async def test_one_shipped_by_hand_meanwhile_is_accepted(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    made = fake.shop.fulfill(order.id, {order.line: 2}, method="UPS Ground [P1]", tracking="")
    fake.before["Ship"] = lambda: fake.shop.fulfillments[made].update(state="Delivered")
    async with account.open() as store:
        assert await push(store, order.package("P1", 2)) == Accepted(key="P1", remote=made)


async def test_the_same_units_taken_meanwhile_are_a_refusal(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    fake.before["Fulfill"] = lambda: order.shop.fulfill(
        order.id, {order.line: 5}, method="by hand", tracking=""
    )
    async with account.open() as store:
        outcome = await push(store, order.package("P1", 2))
    assert refused(outcome) == "refused"
    assert "ITEMS_ALREADY_FULFILLED_ERROR" in str(outcome)


async def test_one_that_stands_twice_is_in_doubt(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    for _ in range(2):
        fake.shop.fulfill(order.id, {order.line: 1}, method="UPS Ground [P1]", tracking="")
    async with account.open() as store:
        assert isinstance(await push(store, order.package("P1", 1)), InDoubt)


async def test_one_that_bears_our_key_with_other_units_is_not_ours(
    account: Account, fake: FakeVendure
) -> None:
    order = Placed(fake.shop)
    fake.shop.fulfill(order.id, {order.line: 1}, method="[P1]", tracking="")
    async with account.open() as store:
        assert refused(await push(store, order.package("P1", 2))) == "other-content"


async def test_one_cancelled_by_a_person_was_applied(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    made = fake.shop.fulfill(order.id, {order.line: 1}, method="UPS Ground [P1]", tracking="")
    fake.shop.move_fulfillment(made, "Cancelled")
    async with account.open() as store:
        frozen = prepared(store, order.package("P1", 1))
        assert await store.shipments.recover(frozen, "creating", Steps()) == [Accepted(key="P1", remote=made)]

"""A package whose tracking changed gets another fulfillment in the place of the one that it had."""

import msgspec
import pytest
from trio.testing import MockClock

from dropstream_vendure import PLUGIN
from dropstream_vendure.store import VendureStore
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Accepted, Item, Outcome, Prepared, Rejected, Untouched
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, prepared, push, refused

from .stores import Account, Placed, settings

Either = tuple[Account, FakeShop | VendureShop]


async def told(store: VendureStore, item: Item[Fulfillment]) -> str:
    """Push it; the fulfillment's id."""
    outcome = await push(store, item)
    assert isinstance(outcome, Accepted), outcome
    return outcome.remote


def over(item: Item[Fulfillment], remote: str) -> Item[Fulfillment]:
    """The package again, changed since the fulfillment `remote`."""
    return msgspec.structs.replace(item, remote=remote)


def live(order: Placed) -> list[tuple[str, str, str | None, int]]:
    return [each for each in order.fulfilled if each[0] != "Cancelled"]


# ---- what becomes of it


async def test_new_tracking_replaces_the_fulfillment(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        other = await told(store, order.package("P2", 3, "1Z1"))
        stock = order.stock
        changed = over(order.package("P1", 2, "1Z9"), first)
        second = await told(store, changed)
        assert second not in (first, other)
        assert shop.order(order.id).state == "Shipped"
        assert order.stock == stock == (45, 0)
        assert await told(store, changed) == second
    assert order.fulfilled == [
        ("Cancelled", "UPS Ground [P1]", "1Z1", 2),
        ("Shipped", "UPS Ground [P1]", "1Z9", 2),
        ("Shipped", "UPS Ground [P2]", "1Z1", 3),
    ]


async def test_tracking_may_change_again_and_back(either: Either) -> None:
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        remote = await told(store, order.package("P1", 2, "1Z1"))
        for tracking in ("1Z2", "1Z1"):
            remote = await told(store, over(order.package("P1", 2, tracking), remote))
            assert live(order) == [("Shipped", "UPS Ground [P1]", tracking, 2)]
            assert shop.order(order.id).state == "PartiallyShipped"
    assert order.stock == (48, 3)


async def test_what_the_order_shows_already_is_left_alone(account: Account, fake: FakeVendure) -> None:
    shop = fake.shop
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        before = shop.order(order.id)
        assert await told(store, over(order.package("P1", 2, "1Z1"), first)) == first
    assert shop.order(order.id) == before


async def test_one_cancelled_before_is_made_anew(either: Either) -> None:
    """Whoever cancelled it, the package left the warehouse, and its units are open."""
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        shop.move_fulfillment(first, "Cancelled")
        await told(store, over(order.package("P1", 2, "1Z9"), first))
    assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z9", 2)]
    assert order.stock == (48, 3)


@pytest.mark.parametrize("units", [4, 5])
async def test_what_could_not_be_made_anew_stays(either: Either, units: int) -> None:
    """Units that left the warehouse were cancelled in the shop: they could not be fulfilled again."""
    account, shop = either
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        shop.cancel(order.id, {order.line: units})
        outcome = await push(store, over(order.package("P1", 2, "1Z9"), first))
    assert refused(outcome) == "amend"
    assert f"fulfillment {first} could not be made anew" in str(outcome)
    assert order.fulfilled == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]


async def test_what_is_delivered_stays(account: Account, fake: FakeVendure) -> None:
    shop = fake.shop
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        shop.move_fulfillment(first, "Delivered")
        outcome = await push(store, over(order.package("P1", 2, "1Z9"), first))
    assert refused(outcome) == "amend"
    assert "is delivered; change its tracking by hand" in str(outcome)
    assert order.fulfilled == [("Delivered", "UPS Ground [P1]", "1Z1", 2)]


async def test_other_lines_are_never_cancelled(account: Account, fake: FakeVendure) -> None:
    shop = fake.shop
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        outcome = await push(store, over(order.package("P1", 3, "1Z9"), first))
    assert refused(outcome) == "amend"
    assert "has other lines or units" in str(outcome)
    assert order.fulfilled == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]


async def test_what_was_entered_by_hand_is_never_cancelled(account: Account, fake: FakeVendure) -> None:
    shop = fake.shop
    order = Placed(shop)
    by_hand = shop.fulfill(order.id, {order.line: 5}, method="by hand", tracking="1Z1")
    async with account.open() as store:
        assert await told(store, order.package("P1", 5, "1Z1")) == by_hand
        outcome = await push(store, over(order.package("P1", 5, "1Z9"), by_hand))
        assert refused(outcome) == "amend"
        assert "was entered by hand" in str(outcome)
        assert await told(store, over(order.package("P1", 5, "1Z1"), by_hand)) == by_hand
    assert order.fulfilled == [("Shipped", "by hand", "1Z1", 5)]


async def test_units_that_somebody_else_fulfilled_are_not_taken(account: Account, fake: FakeVendure) -> None:
    shop = fake.shop
    order = Placed(shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 5, "1Z1"))
        shop.move_fulfillment(first, "Cancelled")
        changed = over(order.package("P1", 5, "1Z9"), first)
        by_hand = shop.fulfill(order.id, {order.line: 5}, method="by hand", tracking="1Z8")
        assert refused(await push(store, changed)) == "already-fulfilled"
        same = over(order.package("P1", 5, "1Z8"), first)
        assert await told(store, same) == by_hand
    assert len(live(order)) == 1


# ---- what only the double can be made to do


async def test_only_the_one_that_was_told_of_is_cancelled(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        changed = order.package("P1", 2, "1Z9")
        outcome = await push(store, over(changed, "999"))
        assert refused(outcome) == "amend"
        assert f"fulfillment {first} is not the one that was made, 999" in str(outcome)
        assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]
        # A person said that it was handed over, so that its id is not known: its key is enough.
        assert await told(store, over(changed, "")) != first
    assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z9", 2)]


async def test_one_that_stands_twice_is_for_a_person(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    for _ in range(2):
        first = fake.shop.fulfill(order.id, {order.line: 1}, method="UPS Ground [P1]", tracking="1Z1")
    async with account.open() as store:
        outcome = await push(store, over(order.package("P1", 1, "1Z9"), first))
    assert refused(outcome) == "amend"
    assert "more than once" in str(outcome)
    assert len(live(order)) == 2


async def test_an_order_that_is_gone_is_refused(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        changed = over(order.package("P1", 2, "1Z9"), first)
        fake.shop.orders_by_id.clear()
        assert refused(await push(store, changed)) == "no-order"
        assert refused(await recovered(store, prepared(store, changed))) == "no-order"


async def test_one_that_is_no_longer_wanted_is_left_alone(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        frozen = prepared(store, over(order.package("P1", 2, "1Z9"), first))
        assert await store.shipments.push(frozen, Steps(wanted=False)) == [Untouched(key="P1")]
        assert await store.shipments.recover(frozen, "", Steps()) == [Untouched(key="P1")]
    assert order.fulfilled == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]


async def recovered(store: VendureStore, frozen: Prepared) -> Outcome:
    (outcome,) = await store.shipments.recover(frozen, "replacing", Steps())
    return outcome


@pytest.mark.parametrize("operation", ["Cancel", "Fulfill", "Ship"])
@pytest.mark.parametrize("fault", ["before", "after", "truncated", "500", "lost"])
async def test_wherever_it_is_cut_off_one_is_live_in_the_end(
    account: Account, fake: FakeVendure, patient_clock: MockClock, operation: str, fault: str
) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        frozen = prepared(store, over(order.package("P1", 2, "1Z9"), first))
        fake.fail(operation, fault)  # type: ignore[arg-type] # one of the faults
        with pytest.raises(OutcomeUnknown):
            await store.shipments.push(frozen, Steps())
        assert len(live(order)) <= 1
        outcome = await recovered(store, frozen)
        if isinstance(outcome, Untouched):
            assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]
            (outcome,) = await store.shipments.push(frozen, Steps())
        assert isinstance(outcome, Accepted)
        assert await recovered(store, frozen) == outcome
    assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z9", 2)]
    assert order.stock == (48, 3)


@pytest.mark.parametrize("operation", ["Cancel", "Fulfill", "Ship"])
async def test_an_error_after_it_was_applied_is_looked_into(
    account: Account, fake: FakeVendure, operation: str
) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        fake.fail(operation, "late-database")
        await told(store, over(order.package("P1", 2, "1Z9"), first))
    assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z9", 2)]


async def test_one_that_vendure_does_not_cancel_stays(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        changed = over(order.package("P1", 2, "1Z9"), first)
        fake.shop.refused_moves.add("Cancelled")
        outcome = await push(store, changed)
        assert refused(outcome) == "amend"
        assert f"did not cancel fulfillment {first}" in str(outcome)
        assert order.fulfilled == [("Shipped", "UPS Ground [P1]", "1Z1", 2)]


async def test_what_stays_undone_in_the_end_is_told(account: Account, fake: FakeVendure) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        frozen = prepared(store, over(order.package("P1", 2, "1Z9"), first))
        fake.fail("Fulfill", "database", "database")
        with pytest.raises(OutcomeUnknown):
            await store.shipments.push(frozen, Steps())
        outcome = await recovered(store, frozen)
        assert refused(outcome) == "refused"
        assert "its fulfillment is cancelled" in str(outcome)
        assert "make it by hand" in str(outcome)
        fake.shop.refused_moves.add("Shipped")
        outcome = await recovered(store, frozen)
        assert refused(outcome) == "not-shipped"
        assert "release" not in str(outcome)
        fake.shop.refused_moves.clear()
        assert isinstance(await recovered(store, frozen), Accepted)
    assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z9", 2)]


@pytest.mark.parametrize("fault", ["database", "stock", "reading"])
async def test_once_it_is_cancelled_a_refusal_is_not_the_end(
    account: Account, fake: FakeVendure, fault: str
) -> None:
    """A buyer without any fulfillment would be the worst: it is tried again before a person is asked."""
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 2, "1Z1"))
        frozen = prepared(store, over(order.package("P1", 2, "1Z9"), first))
        if fault == "database":
            fake.fail("Fulfill", "database")
        elif fault == "stock":
            fake.before["Fulfill"] = lambda: fake.shop.set_on_hand({"A": 1})
        else:
            fake.before["Cancel"] = lambda: fake.fail("Fulfillments", "database")
        with pytest.raises(OutcomeUnknown, match="there is no other"):
            await store.shipments.push(frozen, Steps())
        assert live(order) == []
        if fault == "stock":
            outcome = await recovered(store, frozen)
            assert isinstance(outcome, Rejected)
            assert outcome.cause == "stock-on-hand"
            assert "its fulfillment is cancelled" in outcome.reason
            assert "push the levels, then make it by hand" in outcome.reason
            fake.shop.set_on_hand({"A": 5})
        assert isinstance(await recovered(store, frozen), Accepted)
    assert live(order) == [("Shipped", "UPS Ground [P1]", "1Z9", 2)]


async def test_a_look_alike_of_another_package_is_not_taken_for_it(
    account: Account, fake: FakeVendure
) -> None:
    order = Placed(fake.shop)
    async with account.open() as store:
        first = await told(store, order.package("P1", 1, "1Z1"))
        other = await told(store, order.package("P2", 1, "SAME"))
        assert await told(store, over(order.package("P1", 1, "SAME"), first)) not in (first, other)
    assert len(live(order)) == 2


# ---- the setting


async def test_it_may_be_left_to_a_person(account: Account, fake: FakeVendure) -> None:
    assert PLUGIN.amends(settings(url=fake.url)) == {Part.SHIPMENTS}
    assert PLUGIN.amends(settings(url=fake.url, changed_tracking="task")) == frozenset()
    order = Placed(fake.shop)
    async with account.open(changed_tracking="task") as store:
        preparation = store.shipments.prepare([over(order.package("P1", 2, "1Z9"), "12")], STAMP)
    assert [each.cause for each in preparation.rejected] == ["amend"]

"""Orders that were handed over, and are cancelled or changed."""

from dataclasses import dataclass
from typing import Any

import pytest
from trio.testing import MockClock

from dropstreamd.errors import OutcomeUnknown, ProtocolMismatch
from dropstreamd.model.handover import Accepted, InDoubt, Rejected, Untouched
from dropstreamd.model.orders import OutboundLine
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import House, Row, lines_of
from tests.plugins.things import refused

from .houses import Account, item, order, push, recover


def only(house: House) -> Row:
    (row,) = house.orders.values()
    return row


# ---- cancelling


@dataclass
class Made:
    row: Row

    @property
    def stop(self) -> Any:
        return item(order(), remote=self.row["id"], cancel=True)


@pytest.fixture
def made(house: House) -> Made:
    return Made(house.order("SH1001", {"TEE": 2, "MUG": 1}))


async def test_an_order_is_cancelled(fake: FakeShipHero, account: Account, made: Made) -> None:
    async with account.open() as session:
        assert await push(session, made.stop) == Accepted(key="SH1001", remote=made.row["id"])
        assert await push(session, made.stop) == Accepted(key="SH1001", remote=made.row["id"])
    assert made.row["fulfillment_status"] == "canceled"
    assert fake.asked.count("CancelOrder") == 1


async def test_what_has_left_in_part_is_too_late(
    fake: FakeShipHero, house: House, account: Account, made: Made
) -> None:
    house.ship(made.row, {"TEE": 1}, "1Z1")
    async with account.open() as session:
        assert refused(await push(session, made.stop)) == "too-late"
        changed = item(order(gift_message="Enjoy"), remote=made.row["id"])
        assert refused(await push(session, changed)) == "too-late"
    assert "CancelOrder" not in fake.asked


async def test_packed_in_that_moment(fake: FakeShipHero, house: House, account: Account, made: Made) -> None:
    fake.before["CancelOrder"] = lambda: house.ship(made.row, {"TEE": 1}, "1Z1")
    async with account.open() as session:
        outcome = await push(session, made.stop)
    assert refused(outcome) == "not-cancelled"
    assert isinstance(outcome, Rejected)
    assert "valid labels" in outcome.reason


async def test_a_cancellation_whose_answer_is_lost(fake: FakeShipHero, account: Account, made: Made) -> None:
    fake.fail("CancelOrder", "before", "after")
    async with account.open() as session:
        with pytest.raises(OutcomeUnknown):
            await push(session, made.stop)
        assert await recover(session, made.stop) == Untouched(key="SH1001")
        with pytest.raises(OutcomeUnknown):
            await push(session, made.stop)
        assert await recover(session, made.stop) == Accepted(key="SH1001", remote=made.row["id"])


async def test_both_halves_of_a_split_are_cancelled(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock
) -> None:
    first, second = house.order("SH1001", {"TEE": 2}), house.order("SH1001", {"MUG": 1})
    stop = item(order(), remote=first["id"], cancel=True)
    fake.before["CancelOrder"] = lambda: fake.fail("CancelOrder", "429")  # the second time
    async with account.open() as session:
        with pytest.raises(OutcomeUnknown, match="a part of it was cancelled"):
            await push(session, stop)
        assert await recover(session, stop) == Untouched(key="SH1001")
        assert await push(session, stop) == Accepted(key="SH1001", remote=first["id"])
    assert {first["fulfillment_status"], second["fulfillment_status"]} == {"canceled"}


async def test_nothing_to_cancel(account: Account) -> None:
    async with account.open() as session:
        assert refused(await push(session, item(order(), remote="x", cancel=True))) == "none"
        assert refused(await push(session, item(order(), cancel=True))) == "none"
        assert isinstance(await recover(session, item(order(), remote="x", cancel=True)), InDoubt)


# ---- changing


async def test_only_what_differs_is_written(fake: FakeShipHero, house: House, account: Account) -> None:
    async with account.open() as session:
        first = await push(session, item(order()))
        assert isinstance(first, Accepted)
        fake.asked.clear()
        assert await push(session, item(order(), remote=first.remote)) == first
        assert fake.asked == ["Standing"]
        noted = order(gift_message="Enjoy")
        assert await push(session, item(noted, remote=first.remote)) == first
        assert fake.asked[1:] == ["Standing", "UpdateOrder"]
    assert only(house)["gift_note"] == "Enjoy"


async def test_lines_come_go_and_change(fake: FakeShipHero, house: House, account: Account) -> None:
    lines = (
        OutboundLine(number=1, order_line="a", sku="CAP", quantity=4),
        OutboundLine(number=2, order_line="b", sku="MUG", quantity=3),
    )
    async with account.open() as session:
        first = await push(session, item(order()))
        assert isinstance(first, Accepted)
        assert await push(session, item(order(lines=lines), remote=first.remote)) == first
    assert lines_of(only(house)["line_items"]) == {"MUG": 3, "CAP": 4}
    ids = {line["sku"]: line["partner_line_item_id"] for line in only(house)["line_items"]}
    assert ids == {"MUG": "SH1001-2", "CAP": "SH1001-1.2"}
    assert fake.asked[-3:] == ["AddLines", "UpdateLines", "RemoveLines"]


@pytest.mark.parametrize("fault", ["429", "after", "500", "html"])
async def test_a_change_that_is_interrupted_is_finished(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock, fault: str
) -> None:
    """Once a part of it is made, no error means that none was."""
    lines = (OutboundLine(number=1, order_line="a", sku="CAP", quantity=4),)
    async with account.open() as session:
        first = await push(session, item(order()))
        assert isinstance(first, Accepted)
        changed = item(order(lines=lines, note="Now"), remote=first.remote)
        fake.faults["RemoveLines"] = [fault]  # type: ignore[list-item]
        with pytest.raises(OutcomeUnknown):
            await push(session, changed)
        assert await recover(session, changed) == first
    assert lines_of(only(house)["line_items"]) == {"CAP": 4}
    assert only(house)["packing_note"] == "Now"


async def test_a_change_refused_half_way_is_in_doubt(
    fake: FakeShipHero, house: House, account: Account
) -> None:
    async with account.open() as session:
        first = await push(session, item(order()))
        assert isinstance(first, Accepted)
        lines = (OutboundLine(number=1, order_line="a", sku="CAP", quantity=4),)
        fake.before["RemoveLines"] = house.orders.clear
        outcome = await push(session, item(order(lines=lines), remote=first.remote))
    assert isinstance(outcome, InDoubt)
    assert "a part of the change was made" in outcome.why


async def test_a_look_up_that_is_refused_writes_nothing(fake: FakeShipHero, account: Account) -> None:
    fake.refusals["orders"] = ("The filter is invalid", 3)
    async with account.open() as session:
        with pytest.raises(ProtocolMismatch, match="code 3"):
            await push(session, item(order()))
    assert "CreateOrder" not in fake.asked


# ---- orders of many lines


MANY = {f"SKU-{number}": 5 for number in range(12)}


async def test_a_unit_of_a_late_line_has_left(fake: FakeShipHero, house: House, account: Account) -> None:
    """What has left is counted over all lines, and not over those alone that come with the order."""
    row = house.order("SH1001", MANY)
    house.ship(row, {"SKU-11": 2}, "1Z1")
    lines = tuple(
        OutboundLine(number=number, order_line=sku, sku=sku, quantity=4 if sku == "SKU-11" else 5)
        for number, sku in enumerate(MANY, 1)
    )
    async with account.open() as session:
        assert refused(await push(session, item(order(lines=lines), remote=row["id"]))) == "too-late"
        assert refused(await push(session, item(order(), remote=row["id"], cancel=True))) == "too-late"
    assert not {"UpdateLines", "CancelOrder"} & set(fake.asked)


async def test_more_orders_of_one_reference_than_are_looked_at(
    fake: FakeShipHero, house: House, account: Account
) -> None:
    """Behind those that were cancelled may be one that is not: nothing is made twice."""
    for _ in range(5):
        house.order("SH1001", {"TEE": 2, "MUG": 1})["fulfillment_status"] = "canceled"
    live = house.order("SH1001", {"TEE": 2, "MUG": 1})
    async with account.open() as session:
        assert await push(session, item(order())) == Accepted(key="SH1001", remote=live["id"])
        assert await recover(session, item(order())) == Accepted(key="SH1001", remote=live["id"])
    assert "CreateOrder" not in fake.asked

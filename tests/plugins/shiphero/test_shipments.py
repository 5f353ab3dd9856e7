"""Shipments out: a package for each label, each once, whatever moves while they are read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from trio.testing import MockClock

from dropstream_shiphero.documents import SHIPMENTS_AT_ONCE
from dropstream_shiphero.warehouse import ShipHeroWarehouse
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.platform.contract import Page
from tests.fakes.pool import Bucket
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import House, Row
from tests.plugins.host import NOW_S
from tests.plugins.runs import Run, read

from .houses import Account

MANY = 2_000
WEEKS = 4
"""Windows that are over, of a first run's thirty days."""


def days_ago(days: float) -> str:
    at = datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=days)
    return at.replace(tzinfo=None, microsecond=0).isoformat()


async def until_some(session: ShipHeroWarehouse) -> Page[Package]:
    """The first page that has any."""
    while True:
        page = await session.shipments.page(None, lambda _mark: False)
        if page.documents:
            return page


def references(first: Page[Package], rest: Run[Package]) -> set[str]:
    return {each.reference for each in (*first.documents, *rest.documents.values())}


def pages(count: int) -> int:
    """Calls for so many rows, of which each page brings five again."""
    return 1 + -(-(count - SHIPMENTS_AT_ONCE) // (SHIPMENTS_AT_ONCE - 5))


def aged(shipment: Row, days: float) -> Row:
    shipment["created_date"] = days_ago(days)
    for label in shipment["shipping_labels"]:
        label["created_date"] = days_ago(days)
    return shipment


async def test_a_label_is_a_package(house: House, account: Account) -> None:
    order = house.order("SH1", {"TEE": 2, "MUG": 1})
    shipment = house.ship(order, {"TEE": 2}, "1Z1", "1Z2")
    house.pack(shipment, order["line_items"][1], 1, shipment["shipping_labels"][1]["id"])
    told = await account.read("shipments")
    first, second = (told.documents[label["id"]] for label in shipment["shipping_labels"])
    assert (first.reference, second.reference) == ("SH1", "SH1")
    assert first.lines == (PackageLine(sku="TEE", quantity=2, order_line=1),)
    assert second.lines == (PackageLine(sku="MUG", quantity=1, order_line=2),)
    assert (first.carrier, first.service, first.tracking_numbers) == ("ups", "ups-ground", ("1Z1",))
    assert first.tracking_url == "https://track.example.com/1Z1"
    assert first.shipped_at == datetime.fromtimestamp(NOW_S, UTC)


async def test_partial_shipments_are_packages_of_their_own(house: House, account: Account) -> None:
    order = house.order("SH1", {"TEE": 5})
    house.ship(order, {"TEE": 2}, "1Z1")
    house.ship(order, {"TEE": 3}, "1Z2")
    told = await account.read("shipments")
    assert sorted(each.lines[0].quantity for each in told.documents.values()) == [2, 3]


async def test_units_without_a_label_go_with_the_first(house: House, account: Account) -> None:
    shipment = house.ship(house.order("SH1", {"TEE": 2}), None, "1Z1", "1Z2")
    shipment["line_items"][0]["shipping_label_id"] = None
    told = await account.read("shipments")
    (package,) = told.documents.values()
    assert package.tracking_numbers == ("1Z1",)


async def test_a_shipment_without_labels_is_told_once_none_can_join_it(
    house: House, account: Account
) -> None:
    """Such as one by hand, outside of ShipHero; a label that joins it gives another key."""
    old = aged(house.ship(house.order("SH1", {"TEE": 2})), 0.2)
    house.ship(house.order("SH2", {"TEE": 2}))
    told = await account.read("shipments")
    assert list(told.documents) == [old["id"]]
    assert told.documents[old["id"]].tracking_numbers == ()


async def test_other_shops_shipments_are_not_ours(house: House, account: Account) -> None:
    house.ship(house.order("SH1", {"TEE": 1}, shop="acme.myshopify.com"), None, "1Z1")
    told = await account.read("shipments")
    assert not told.documents
    assert not told.bad


async def test_lines_beyond_a_page(fake: FakeShipHero, house: House, account: Account) -> None:
    house.ship(house.order("SH1", {f"SKU-{number}": 1 for number in range(130)}), None, "1Z1")
    told = await account.read("shipments")
    (package,) = told.documents.values()
    assert sorted(line.order_line for line in package.lines) == list(range(1, 131))
    assert fake.asked.count("ShipmentLines") == 2


async def test_a_label_that_was_voided_after_it_was_read_is_told_as_that(
    house: House, account: Account
) -> None:
    shipment = aged(house.ship(house.order("SH1", {"TEE": 2}), None, "1Z1"), 9)
    first = await account.read("shipments")
    house.ship(house.order("SH2", {"TEE": 1}), None, "1Z2")
    second = await account.read("shipments", first.cursor)
    house.void(shipment["shipping_labels"][0])
    shipment["shipping_labels"].append({**house.label("1Z9"), "created_date": days_ago(0)})
    for line in shipment["line_items"]:
        line["shipping_label_id"] = shipment["shipping_labels"][1]["id"]
    third = await account.read("shipments", second.cursor)
    old = third.documents[shipment["shipping_labels"][0]["id"]]
    assert (old.voided, old.reference, old.tracking_numbers) == (True, "SH1", ("1Z1",))
    assert not third.bad
    fresh = third.documents[shipment["shipping_labels"][1]["id"]]
    assert (fresh.voided, fresh.tracking_numbers) == (False, ("1Z9",))
    assert (await account.read("shipments", third.cursor)).documents[old.key] == old


async def test_a_void_of_the_newest_shipments_label_is_told_whenever_that_was_made(
    house: House, account: Account
) -> None:
    """A label may be made after its shipment, and the cursor stands at the newest shipment until there is
    another."""
    shipment = aged(house.ship(house.order("SH1", {"TEE": 2}), None, "1Z1"), 1)
    (label,) = shipment["shipping_labels"]
    label["created_date"] = days_ago(0.5)
    first = await account.read("shipments")
    assert not first.documents[label["id"]].voided
    house.void(label)
    assert (await account.read("shipments", first.cursor)).documents[label["id"]].voided


async def test_a_label_that_was_never_read_alive_is_nothing_to_tell(house: House, account: Account) -> None:
    first = await account.read("shipments")
    shipment = house.ship(house.order("SH1", {"TEE": 2}), None, "1Z1")
    house.void(shipment["shipping_labels"][0])
    told = await account.read("shipments", first.cursor)
    assert not told.documents
    assert not told.bad


async def test_a_quantity_of_nonsense_sinks_no_page(house: House, account: Account) -> None:
    house.ship(house.order("SH1", {"TEE": 2}), None, "1Z1")
    bad = house.ship(house.order("SH2", {"TEE": 2}), None, "1Z2")
    bad["line_items"][0]["quantity"] = -1
    strange = house.ship(house.order("", {"TEE": 2}), None, "1Z3")
    odd = house.ship(house.order("SH4", {"TEE": 2}), None, "1Z4")
    odd["line_items"][0]["line_item"] = None
    told = await account.read("shipments")
    assert [each.reference for each in told.documents.values()] == ["SH1"]
    assert told.bad.keys() == {f"shipment {row['id']}" for row in (bad, strange, odd)}


async def test_weeks_are_read_one_by_one(fake: FakeShipHero, house: House, account: Account) -> None:
    """A run that was cut goes on where its last whole week ended."""
    for days in (29, 20, 10, 1):
        aged(house.ship(house.order(f"SH{days}", {"TEE": 1}), None, f"1Z{days}"), days)
    async with account.open() as session:
        first = await session.shipments.page(None, lambda _mark: False)
    assert first.more
    rest = await account.read("shipments", first.cursor)
    references = [each.reference for each in (*first.documents, *rest.documents.values())]
    assert sorted(references) == ["SH1", "SH10", "SH20", "SH29"]
    again = await account.read("shipments", rest.cursor)
    assert [each.reference for each in again.documents.values()] == ["SH1"][: len(again.documents)]
    assert fake.asked.count("Shipments") <= 8


@pytest.mark.parametrize("days", [400, 0.5])
async def test_a_clock_that_runs_ahead_hides_nothing(house: House, account: Account, days: float) -> None:
    aged(house.ship(house.order("SH1", {"TEE": 1}), None, "1Z1"), -days)
    first = await account.read("shipments")
    house.ship(house.order("SH2", {"TEE": 1}), None, "1Z2")
    second = await account.read("shipments", first.cursor)
    assert "SH2" in {each.reference for each in second.documents.values()}


async def test_two_thousand_of_one_instant_while_new_ones_come(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock
) -> None:
    """Newest first, every new one moves all others on; a page boundary lies within equal instants."""

    def arrivals() -> Iterator[None]:
        for number in range(MANY):
            house.ship(house.order(f"NEW{number}", {"TEE": 1}), None, f"1ZN{number}")
            yield

    new = arrivals()
    fake.credits = Bucket(4004, 60.0)
    fake.newest_first = True
    for number in range(MANY):
        aged(house.ship(house.order(f"SH{number}", {"TEE": 1}), None, f"1Z{number}"), 0.5)
    async with account.open() as session:
        first = await Run[Package]().read(session.shipments, after=lambda _pages: next(new))
    second = await account.read("shipments", first.cursor)
    found = {each.reference for each in (*first.documents.values(), *second.documents.values())}
    assert len(first.told) - len(first.documents) < MANY / 4
    assert found >= {f"SH{number}" for number in range(MANY)} | {"NEW3", f"NEW{first.pages - 1}"}
    assert fake.throttled == 0


async def test_rows_that_go_while_they_are_read_hide_no_other(
    fake: FakeShipHero, house: House, account: Account
) -> None:
    """Its cursors count places: what goes lets those behind it move up."""
    for number in range(120):
        house.ship(house.order(f"SH{number}", {"TEE": 1}), None, f"1Z{number}")
    ids = list(house.shipments)
    async with account.open() as session:
        first = await until_some(session)
        for gone in ids[:3]:
            del house.shipments[gone]
        rest = await read(session.shipments)
    assert references(first, rest) == {f"SH{number}" for number in range(120)}
    assert fake.asked.count("Shipments") == pages(120) + WEEKS


async def test_more_go_than_a_page_brings_again(fake: FakeShipHero, house: House, account: Account) -> None:
    for number in range(120):
        house.ship(house.order(f"SH{number}", {"TEE": 1}), None, f"1Z{number}")
    ids = list(house.shipments)
    async with account.open() as session:
        first = await until_some(session)
        for gone in ids[:30]:
            del house.shipments[gone]
        rest = await read(session.shipments)
    assert references(first, rest) == {f"SH{number}" for number in range(120)}
    assert fake.asked.count("Shipments") > pages(120) + WEEKS

"""Shipments: each package reaches the store that sold, once, with its tracking."""

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import intake, shipments
from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.model.handover import Bad, Writes
from dropstreamd.model.orders import OrderLine
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, connection, order, package
from tests.channels.shipped import AMENDS, hand_over, told
from tests.fakes.sessions import KEY, LOOKUP, NEVER
from tests.fakes.sinks import Bug, Fault


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    """An order of 3 × A and 2 × B that the warehouse has, under the reference SH1."""
    plant = Plant(state)
    await hand_over(plant)
    return plant


async def test_a_package_becomes_a_fulfillment_once(plant: Plant) -> None:
    plant.configure(shop=connection(carriers={"UPS": "United Parcel"}))
    plant.ship(package("P1", "SH1", ("A", 3), ("B", 2)))
    run = await plant.export()
    assert run.counts == {"staged": 1, "accepted": 1}
    made = plant.stores["shop"].fulfilled.newest()["P1"]
    assert (made.order_key, made.order_number, made.package_key) == ("o1", "1", "P1")
    assert (made.carrier, made.tracking_numbers) == ("United Parcel", ("1Z1",))
    assert told(plant) == {"P1": {"L1": 3, "L2": 2}}
    assert plant.warehouse.packages.archived == ["shp-0000"]
    assert not (await plant.export()).counts


@pytest.mark.parametrize(("left_s", "told_s"), [(-3600, 0), (0, 0), (3600, 3600)])
async def test_nothing_leaves_before_its_order_was_placed(plant: Plant, left_s: int, told_s: int) -> None:
    """Of many a warehouse only the day is known: its noon may be before the order."""
    placed_at = order("o1").placed_at
    sent = replace(package("P1", "SH1", ("A", 3)), shipped_at=placed_at + timedelta(seconds=left_s))
    plant.ship(sent)
    await plant.export()
    made = plant.stores["shop"].fulfilled.newest()["P1"]
    assert made.shipped_at == placed_at + timedelta(seconds=told_s)


async def test_partial_shipments_are_fulfillments_of_their_own(plant: Plant) -> None:
    plant.ship(package("P1", "SH1", ("A", 1)), package("P2", "SH1", ("A", 2), ("B", 1)))
    await plant.export()
    plant.ship(package("P3", "SH1", ("B", 1)))
    await plant.export()
    assert told(plant) == {"P1": {"L1": 1}, "P2": {"L1": 2, "L2": 1}, "P3": {"L2": 1}}
    assert set(plant.stores["shop"].fulfilled.created().values()) == {1}


async def test_too_much_is_clamped_told_and_shown(plant: Plant) -> None:
    plant.ship(package("P1", "SH1", ("A", 5), ("B", 2)))
    await plant.export()
    assert told(plant) == {"P1": {"L1": 3, "L2": 2}}
    assert plant.stores["shop"].fulfilled.newest()["P1"].tracking_numbers == ("1Z1",)
    task = plant.tasks()["shipments", "P1 over"]
    assert "2 × A too many; the rest was told" in task.detail


async def test_a_package_that_is_all_too_much_is_shown_with_its_tracking(plant: Plant) -> None:
    plant.ship(package("P1", "SH1", ("A", 3), ("B", 2)))
    await plant.export()
    plant.ship(package("P2", "SH1", ("A", 1), tracking="1Z9"))
    await plant.export()
    assert set(told(plant)) == {"P1"}
    assert "told nothing of it; tracking number 1Z9" in plant.tasks()["shipments", "P2 over"].detail
    assert plant.doc("P2", shipments.CHANNEL).state is State.VOID


async def test_a_sku_of_no_line_is_parked_or_shown(plant: Plant) -> None:
    plant.ship(package("P1", "SH1", ("X", 1)), package("P2", "SH1", ("X", 1), ("A", 1)))
    await plant.export()
    assert plant.doc("P1", shipments.CHANNEL).cause == "sku:X"
    assert told(plant) == {"P2": {"L1": 1}}
    assert "1 × X too many" in plant.tasks()["shipments", "P2 over"].detail


async def test_lines_of_one_sku_are_filled_in_turn_the_named_one_first(state: InlineStore) -> None:
    plant = Plant(state)
    lines = [OrderLine(key="a", sku="A", quantity=2), OrderLine(key="b", sku="A", quantity=2)]
    plant.place(order("1", *lines))
    await plant.import_orders()
    named = PackageLine(sku="A", quantity=3, order_line=2)
    plant.ship(replace(package("P1", "SH1"), lines=(named,)), package("P2", "SH1", ("A", 1)))
    await plant.export()
    assert told(plant) == {"P1": {"a": 1, "b": 2}, "P2": {"a": 1}}


async def test_a_package_without_lines_is_all_that_is_left(plant: Plant) -> None:
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    plant.ship(package("P2", "SH1"), package("P3", "SH1"))
    await plant.export()
    assert told(plant) == {"P1": {"L1": 1}, "P2": {"L1": 2, "L2": 2}}
    assert plant.doc("P3", shipments.CHANNEL).state is State.VOID


async def test_only_what_was_handed_over_can_ship(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1", OrderLine(key="L1", sku="A", quantity=5, fulfilled=3)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 5)))
    await plant.export()
    assert told(plant) == {"P1": {"L1": 2}}


async def test_an_amended_order_can_still_ship_in_full(state: InlineStore) -> None:
    """What the store shows as fulfilled by then is our own first package."""
    plant = Plant(state, amends=frozenset({Part.ORDERS}))
    await hand_over(plant)
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    lines = [OrderLine(key="L1", sku="A", quantity=4, fulfilled=1), OrderLine(key="L2", sku="B", quantity=2)]
    plant.place(order("1", *lines))
    await plant.import_orders()
    assert [line.quantity for line in plant.warehouse.taken.newest()["o1"].lines] == [4, 2]
    plant.ship(package("P2", "SH1", ("A", 3), ("B", 2)))
    await plant.export()
    assert told(plant) == {"P1": {"L1": 1}, "P2": {"L1": 3, "L2": 2}}
    assert not plant.tasks()


# ---- whose it is


async def test_each_package_reaches_its_seller(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1001"))
    plant.place(order("1001"), name="ebay")
    await plant.import_orders()
    await plant.import_orders("ebay")
    assert len(plant.warehouse.taken.effects) == 2
    plant.ship(package("P1", "SH1001", ("A", 1)), package("P2", "EB1001", ("A", 1)))
    await plant.export()
    assert (set(told(plant)), set(told(plant, "ebay"))) == ({"P1"}, set())
    await plant.export("ebay")
    assert (set(told(plant)), set(told(plant, "ebay"))) == ({"P1"}, {"P2"})


async def test_an_unknown_reference_is_kept_and_matched_later(state: InlineStore) -> None:
    plant = Plant(state)
    plant.ship(package("P1", "SH1", ("A", 3)))
    run = await plant.export()
    assert run.counts == {"unmatched": 1}
    assert plant.warehouse.packages.archived
    kept = plant.state.read(lambda tx: list(intake.unmatched(tx, plant.account)))
    assert [one.package.key for one in kept] == ["P1"]
    plant.ship(package("P1", "SH1", ("A", 3)))
    assert not (await plant.export()).counts
    await hand_over(plant)
    await plant.export()
    assert told(plant) == {"P1": {"L1": 3}}
    assert not plant.state.read(lambda tx: list(intake.unmatched(tx, plant.account)))


async def test_a_newer_export_is_not_undone_by_the_one_that_was_kept(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.ship(package("P1", "SH1", ("A", 3), tracking="old"))
    await plant.export()
    await hand_over(plant)
    plant.ship(package("P1", "SH1", ("A", 3), tracking="new"))
    await plant.export()
    await plant.export()
    assert plant.stores["shop"].fulfilled.newest()["P1"].tracking_numbers == ("new",)
    assert len(plant.stores["shop"].fulfilled.effects) == 1


@pytest.mark.parametrize("bad", [("", "SH1"), ("P1", ""), ("P1", "S" * 101), ("P\0", "SH1")])
async def test_a_package_without_usable_numbers_is_shown(plant: Plant, bad: tuple[str, str]) -> None:
    plant.ship(package(*bad, ("A", 1)), package("P2", "SH1", ("A", 1)))
    run = await plant.export()
    assert run.counts == {"staged": 1, "undecodable": 1, "accepted": 1}
    assert set(told(plant)) == {"P2"}


@pytest.mark.parametrize("quantity", [0, -3])
async def test_a_package_with_less_than_a_unit_is_shown(plant: Plant, quantity: int) -> None:
    plant.ship(package("P1", "SH1", ("A", quantity), ("B", 1)), package("P2", "SH1", ("A", 1)))
    run = await plant.export()
    assert run.counts == {"staged": 1, "undecodable": 1, "accepted": 1}
    assert told(plant) == {"P2": {"L1": 1}}


async def test_what_came_before_reaches_the_store_while_the_warehouse_is_down(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.ship(package("P1", "SH1", ("A", 1)))
    plant.stores["shop"].fulfilled.faults.append(Fault.WAIT)
    with pytest.raises(RateLimited):
        await plant.export()

    async def down() -> None:
        raise Unreachable("the warehouse is down")

    monkeypatch.setattr(plant.feed, "fetch_packages", down)
    with pytest.raises(Unreachable):
        await plant.export()
    assert set(told(plant)) == {"P1"}


# ---- an order that the warehouse itself spoke of


@pytest.mark.parametrize("shipped_before", [False, True])
async def test_a_package_proves_an_order_in_doubt(state: InlineStore, *, shipped_before: bool) -> None:
    """Whether it is told before or after we know that we do not know."""
    plant = Plant(state, orders=NEVER)
    plant.place(order("1", ("A", 3)))
    plant.warehouse.taken.faults.append(Fault.BUG_AFTER)
    with pytest.raises(Bug):
        await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 3)))
    if shipped_before:
        await plant.export()
    await plant.import_orders()
    if not shipped_before:
        assert plant.doc("o1").state is State.DOUBT
        await plant.export()
    assert plant.doc("o1").state is State.ACCEPTED
    await plant.export()
    assert told(plant) == {"P1": {"L1": 3}}
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_package_outweighs_a_look_up_that_found_nothing(state: InlineStore) -> None:
    plant = Plant(state, orders=LOOKUP)
    plant.place(order("1", ("A", 3)))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.warehouse.taken._seen.clear()
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    plant.later(minutes=5)
    await plant.import_orders()
    assert plant.doc("o1").state is State.ACCEPTED
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_package_proves_an_order_that_we_thought_untouched(plant: Plant) -> None:
    plant.place(order("2", ("A", 1)))
    plant.warehouse.taken.faults.append(Fault.HOLD)
    with pytest.raises(Misconfigured):
        await plant.import_orders()
    plant.ship(package("P1", "SH2", ("A", 1)))
    await plant.export()
    await plant.import_orders()
    assert plant.doc("o2").state is State.ACCEPTED
    assert "o2" not in plant.warehouse.taken.created()


# ---- the store's answers


@pytest.mark.parametrize("writes", [KEY, LOOKUP, NEVER], ids=lambda writes: writes.repeat)
async def test_a_lost_answer_doubles_no_fulfillment(state: InlineStore, writes: Writes) -> None:
    plant = Plant(state, shipments=writes)
    await hand_over(plant)
    plant.ship(package("P1", "SH1", ("A", 1)), package("P2", "SH1", ("A", 1)))
    plant.stores["shop"].fulfilled.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.export()
    plant.later(minutes=5)
    await plant.export()
    plant.later(minutes=5)
    await plant.export()
    assert plant.stores["shop"].fulfilled.created() == {"P1": 1, "P2": 1}
    doubt = plant.doc("P1", shipments.CHANNEL).state is State.DOUBT
    assert doubt == (writes is NEVER)


@pytest.mark.parametrize("cause", ["unreadable", "order-unreadable"])
async def test_a_package_whose_order_the_store_could_not_tell_of_goes_again(plant: Plant, cause: str) -> None:
    sink = plant.stores["shop"].fulfilled
    sink.refuse = {"P1": cause}
    plant.ship(package("P1", "SH1", ("A", 2)))
    for _ in range(2):
        await plant.export()
        assert plant.doc("P1", shipments.CHANNEL).state is State.PARKED
    assert len(sink.pushed) == 2
    sink.refuse = {}
    await plant.export()
    assert told(plant) == {"P1": {"L1": 2}}


async def test_a_refused_package_keeps_its_units_and_holds_no_neighbour(plant: Plant) -> None:
    plant.stores["shop"].fulfilled.refuse = {"P1": "closed"}
    plant.ship(package("P1", "SH1", ("A", 2)), package("P2", "SH1", ("A", 3)))
    await plant.export()
    assert told(plant) == {"P2": {"L1": 1}}
    assert plant.doc("P1", shipments.CHANNEL).by_sink


async def test_an_unreadable_row_does_not_sink_its_file(plant: Plant) -> None:
    row = Bad(key="shp line 7", place="shp line 7", reason="quantity is no number", raw=b"x")
    plant.warehouse.packages.put("shp-0000", row, package("P1", "SH1", ("A", 1)))
    run = await plant.export()
    assert run.counts == {"staged": 1, "undecodable": 1, "accepted": 1}


async def test_a_package_that_was_sent_again_whole_is_unreadable_no_more(plant: Plant) -> None:
    plant.warehouse.packages.put("shp-0000", Bad(key="P1", place="shp line 7", reason="no number", raw=b"x"))
    await plant.export()
    flow = plant.feed.account.flow(shipments.CHANNEL)
    assert [key for key, _ in plant.state.read(lambda tx: list(documents.bad_records(tx, flow)))] == ["P1"]
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    assert not plant.state.read(lambda tx: list(documents.bad_records(tx, flow)))


async def test_sides_without_shipments_say_so(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.ship(package("P1", "SH1", ("A", 1)))
    monkeypatch.setattr(plant.stores["shop"], "fulfilled", None)
    with pytest.raises(ProtocolMismatch, match="takes no shipments"):
        await plant.export()


async def test_a_reference_of_another_connection_is_parked(state: InlineStore) -> None:
    """Nothing stages one so; the resolver still looks."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    await hand_over(plant)
    stranger = shipments.incoming(package("P1", "SH1", ("A", 1)))
    book = shipments.book("c-ebay", amends=False)
    await plant.state.write(partial(documents.stage, book=book, incoming=[stranger], now_s=0.0, run="r"))
    await plant.export("ebay")
    assert plant.doc("P1", shipments.CHANNEL, "ebay").cause == "link"


def test_the_digest_covers_what_the_store_is_told() -> None:
    one: Package = package("P1", "SH1", ("A", 1), ("B", 2))
    same = replace(one, lines=one.lines[::-1])
    assert shipments.incoming(one).digest == shipments.incoming(same).digest
    assert shipments.incoming(one).digest != shipments.incoming(replace(one, carrier="X")).digest

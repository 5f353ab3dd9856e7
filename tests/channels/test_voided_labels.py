"""Labels that the warehouse voids: the store is told nothing of them. If it was told before, it is a task."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import shipments
from dropstreamd.errors import OutcomeUnknown, Wait
from dropstreamd.model.handover import Accepted, Untouched
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.store import settling
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import ACCOUNT, START_S, Plant, order, package
from tests.fakes.sessions import NEVER
from tests.fakes.sinks import Fault

AMENDS = frozenset({Part.SHIPMENTS})


async def planted(state: InlineStore, *, amends: bool = True) -> Plant:
    """An order of 3 × A that the warehouse has, under the reference SH1."""
    plant = Plant(state, amends=AMENDS if amends else frozenset())
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    return plant


def voided(one: Package) -> Package:
    return replace(one, lines=(), voided=True)


@pytest.mark.parametrize("amends", [True, False])
async def test_after_the_store_was_told_it_is_a_task(state: InlineStore, *, amends: bool) -> None:
    """Once, whatever else comes, until a person says that the store is mended."""
    plant = await planted(state, amends=amends)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    for _ in range(2):
        plant.ship(voided(package("P1", "SH1")))
        await plant.export()
    assert len(plant.stores["shop"].fulfilled.effects) == 1
    task = plant.tasks()["shipments", "P1"]
    assert task.number == "SH1"
    assert "the label of package P1, tracking number 1Z1, was voided" in task.detail
    plant.ship(package("P2", "SH1", ("A", 3), tracking="1Z2"))
    await plant.export()
    assert "P2" not in plant.stores["shop"].fulfilled.newest()
    assert "tracking number 1Z2" in plant.tasks()["shipments", "P2 over"].detail


async def test_before_the_store_was_told_it_is_told_nothing_of_it(state: InlineStore) -> None:
    plant = await planted(state)
    plant.stores["shop"].fulfilled.faults.append(Fault.WAIT)
    plant.ship(package("P1", "SH1", ("A", 3)))
    with pytest.raises(Wait):
        await plant.export()
    plant.ship(voided(package("P1", "SH1")), package("P0", "SH1", ("A", 3), tracking="1Z2"))
    await plant.export()
    assert plant.stores["shop"].fulfilled.created() == {"P0": 1}
    assert plant.stores["shop"].fulfilled.newest()["P0"].lines[0].quantity == 3
    assert plant.doc("P1", shipments.CHANNEL).state is State.VOID
    assert not plant.tasks()


async def test_one_that_was_refused_takes_no_units_any_more(state: InlineStore) -> None:
    plant = await planted(state)
    plant.stores["shop"].fulfilled.refuse = {"P1": "closed"}
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    plant.ship(voided(package("P1", "SH1")), package("P0", "SH1", ("A", 3), tracking="1Z2"))
    await plant.export()
    assert plant.stores["shop"].fulfilled.created() == {"P0": 1}
    assert not plant.tasks()


@pytest.mark.parametrize("applied", [True, False])
async def test_one_of_which_nobody_knows_whether_it_was_told_keeps_its_units(
    state: InlineStore, *, applied: bool
) -> None:
    """The store may have them under the label that was voided: told under another, they would leave twice."""
    plant = Plant(state, shipments=NEVER)
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.stores["shop"].fulfilled.faults.append(Fault.LOST_AFTER)
    plant.ship(package("P1", "SH1", ("A", 3)))
    with pytest.raises(OutcomeUnknown):
        await plant.export()
    plant.later(minutes=5)
    plant.ship(voided(package("P1", "SH1")), package("P2", "SH1", ("A", 3), tracking="1Z2"))
    await plant.export()
    assert plant.doc("P1", shipments.CHANNEL).state is State.DOUBT
    assert plant.stores["shop"].fulfilled.created() == {"P1": 1}
    waits = plant.doc("P2", shipments.CHANNEL)
    assert (waits.state, waits.cause) == (State.PARKED, "voided:P1")
    outcome = Accepted(key="P1", remote="1") if applied else Untouched(key="P1")
    book = shipments.book_of(plant.scopes["c-shop"])
    resolve = partial(settling.resolve_doubt, book=book, key="P1", outcome=outcome, now_s=START_S, run="r")
    await state.write(resolve)
    await plant.export()
    assert plant.stores["shop"].fulfilled.created() == ({"P1": 1} if applied else {"P1": 1, "P2": 1})
    assert plant.doc("P2", shipments.CHANNEL).state is (State.VOID if applied else State.ACCEPTED)
    assert (("shipments", "P2 over") in plant.tasks()) == applied


def test_a_package_that_is_none_has_the_digest_that_it_always_had() -> None:
    one = package("P1", "SH1", ("A", 1))
    assert shipments.incoming(one).digest.hex() == DIGEST
    assert shipments.incoming(voided(one)).digest.hex() != DIGEST


DIGEST = "e0b1176ae9fa681d067bf1e50a8f49b8"


async def test_its_units_are_still_to_leave(state: InlineStore) -> None:
    """What is on hand has them again, and another order must not be promised them."""
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"))
    plant.place(order("1", ("A", 3)))
    plant.report({"A": 10})
    await plant.import_orders()
    await plant.smart()
    plant.stores["shop"].fulfilled.faults.append(Fault.WAIT)
    plant.ship(package("P1", "SH1", ("A", 3)))
    with pytest.raises(Wait):
        await plant.export()
    plant.later(hours=1)
    plant.report({"A": 7})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}
    plant.ship(voided(package("P1", "SH1")))
    await plant.export()
    plant.later(hours=1)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}
    plant.ship(package("P2", "SH1", ("A", 3), tracking="1Z2"))
    await plant.export()
    plant.later(hours=1)
    plant.report({"A": 7})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}

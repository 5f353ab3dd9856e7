"""What came back is told to the store once, under whatever name, and no more of it than was sent."""

from collections import Counter

import pytest
from msgspec.structs import replace

from dropstreamd.channels import receipts
from dropstreamd.channels.return_lines import Expected
from dropstreamd.channels.returnable import Returnable
from dropstreamd.channels.traces import Brought, Came
from dropstreamd.config.schema import Recipe, ReturnSettings
from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, asked_back, came_back, connection, order, package

PAYS_BACK = ReturnSettings(reference="R{number}", restock=True, refund=True)


async def sold(
    state: InlineStore, *lines: tuple[str, int], left: int = 1, bundles: dict[str, Recipe] | None = None
) -> Plant:
    """Order 1 of these lines was handed over; package P1 took as many of the first one as have `left`."""
    plant = Plant(state, connection(returns=PAYS_BACK, bundles=bundles or {}))
    plant.place(order("1", *lines))
    await plant.import_orders()
    if left:
        plant.ship(package("P1", "SH1", (lines[0][0], left)))
        await plant.export()
    return plant


async def asked(plant: Plant, *lines: tuple[str, int]) -> None:
    """The merchant makes a return, 9, of these lines."""
    plant.ask_back(asked_back("9", *lines))
    await plant.returns()
    plant.later(minutes=5)


async def receive(plant: Plant, key: str, units: int = 1, sku: str = "A", **named: object) -> None:
    plant.receive(came_back(key, (sku, units, "restock"), **named))
    await plant.returns()
    plant.later(minutes=5)


def told(plant: Plant) -> dict[str, int]:
    """Units that the store was told of, by receipt."""
    found = plant.stores["shop"].received.newest()
    return {key: sum(line.quantity for line in each.lines) for key, each in found.items()}


async def test_more_than_was_sold_does_not_come_back(state: InlineStore) -> None:
    """It came without an RMA and was received by its order's number; then the merchant made a return of it,
    and the warehouse books it in for that. One was ever sent: the store restocks, and pays back, one."""
    plant = await sold(state, ("A", 1))
    await receive(plant, "R-1", order_reference="SH1")
    await asked(plant, ("A", 1))
    await receive(plant, "R-2", reference="R9")
    assert told(plant) == {"R-1": 1}
    [task] = plant.tasks().values()
    assert task.title == "9: more came back than was sent"
    assert task.detail == (
        "receipt R-2: 1 × A too many; the store was told nothing of it; "
        "order 1, line L1: 1 left, 1 came back before (R-1)"
    )


@pytest.mark.parametrize("at_once", [("R-1", "R-2"), ("R-2", "R-1")])
async def test_so_it_is_where_both_are_told_in_one_run(state: InlineStore, at_once: tuple[str, str]) -> None:
    plant = await sold(state, ("A", 1))
    await asked(plant, ("A", 1))
    by_itself = came_back(at_once[0], ("A", 1, "restock"), order_reference="SH1", kind="return-to-sender")
    plant.receive(by_itself, came_back(at_once[1], ("A", 1, "restock"), reference="R9"))
    await plant.returns()
    assert told(plant) == {"R-1": 1}
    assert list(plant.tasks()) == [("receipts", "R-2 over")]


async def test_what_else_was_sent_of_it_comes_back(state: InlineStore) -> None:
    plant = await sold(state, ("A", 3), ("B", 1), left=3)
    await receive(plant, "R-1", order_reference="SH1")
    await asked(plant, ("A", 3))
    await receive(plant, "R-2", 3, reference="R9")
    assert told(plant) == {"R-1": 1, "R-2": 2}
    [task] = plant.tasks().values()
    assert "1 × A too many; the rest was told to the store" in task.detail
    assert task.detail.endswith("order 1, line L1: 3 left, 1 came back before (R-1)")


async def test_what_the_store_refused_is_told_under_the_other_name(state: InlineStore) -> None:
    """Many a store takes nothing back of which it has no return."""
    plant = await sold(state, ("A", 1))
    sink = plant.stores["shop"].received
    sink.refuse["R-1"] = "there is no return of it"
    await receive(plant, "R-1", order_reference="SH1")
    await asked(plant, ("A", 1))
    await receive(plant, "R-2", reference="R9")
    assert told(plant) == {"R-2": 1}
    assert not plant.tasks()


async def test_kits_come_back_once_too(state: InlineStore) -> None:
    plant = await sold(state, ("KIT", 2), left=0, bundles={"KIT": {"A": 1, "B": 2}})
    plant.ship(package("P1", "SH1", ("A", 2), ("B", 4)))
    await plant.export()
    await receive(plant, "R-1", order_reference="SH1")
    await asked(plant, ("KIT", 2))
    plant.receive(came_back("R-2", ("A", 2, "restock"), ("B", 4, "restock"), reference="R9"))
    await plant.returns()
    assert told(plant) == {"R-1": 1, "R-2": 1}
    assert "1 × A, 2 × B too many" in plant.tasks()["receipts", "R-2 over"].detail


async def test_one_that_is_named_anew_is_no_other(state: InlineStore) -> None:
    """The warehouse tells of the same receipt once more, with the RMA."""
    plant = await sold(state, ("A", 1))
    plant.amends = frozenset({Part.RECEIPTS})
    plant.configure()
    await receive(plant, "R-1", order_reference="SH1")
    await asked(plant, ("A", 1))
    await receive(plant, "R-1", reference="R9")
    assert told(plant) == {"R-1": 1}
    assert plant.stores["shop"].received.newest()["R-1"].return_key == "r9"
    await receive(plant, "R-2", reference="R9")
    assert told(plant) == {"R-1": 1}


# ---- what has left


async def test_what_is_not_known_to_have_left_waits_for_its_package(state: InlineStore) -> None:
    plant = await sold(state, ("A", 2))
    await receive(plant, "R-1", 2, order_reference="SH1")
    doc = plant.doc("R-1", receipts.FLOW)
    assert (doc.state, doc.cause) == (State.PARKED, "not-shipped")
    assert doc.reason == ("1 × A came back and are in no package heard of yet: order 1, line L1: 1 left")
    plant.ship(package("P2", "SH1", ("A", 1), tracking="1Z2"))
    await plant.export()
    await plant.returns()
    assert told(plant) == {"R-1": 2}
    assert not plant.tasks()


async def test_what_was_closed_short_has_not_left(state: InlineStore) -> None:
    plant = await sold(state, ("A", 2))
    plant.say("SH1", "closed-short")
    await plant.export()
    await receive(plant, "R-1", 2, order_reference="SH1")
    assert told(plant) == {"R-1": 1}
    task = plant.tasks()["receipts", "R-1 over"]
    assert task.detail.endswith("the rest was told to the store; order 1, line L1: 1 left")


async def test_what_somebody_else_shipped_comes_back_too(state: InlineStore) -> None:
    plant = await sold(state, ("A", 2))
    [line] = order("1", ("A", 2)).lines
    plant.place(order("1", replace(line, fulfilled=2)))
    await plant.import_orders()
    await receive(plant, "R-1", 2, order_reference="SH1")
    assert told(plant) == {"R-1": 2}


async def test_where_no_packages_are_told_all_of_it_has_left(state: InlineStore) -> None:
    plant = await sold(state, ("A", 2), left=0)
    await receive(plant, "R-1", 2, order_reference="SH1")
    await asked(plant, ("A", 2))
    await receive(plant, "R-2", 2, reference="R9")
    assert told(plant) == {"R-1": 2}


async def test_what_the_store_was_told_of_does_not_wait_when_it_changes(state: InlineStore) -> None:
    plant = await sold(state, ("A", 2))
    plant.amends = frozenset({Part.RECEIPTS})
    plant.configure()
    await receive(plant, "R-1", order_reference="SH1")
    await receive(plant, "R-1", 2, order_reference="SH1")
    assert told(plant) == {"R-1": 2}


# ---- two lines of a return that are of one line of the order


def of_one_line(units: int, told: int) -> Returnable:
    return Returnable(
        number="1",
        sold=Counter(L1=units),
        left=Counter(L1=units),
        told=Counter(L1=told),
        told_by={},
        all_known=True,
    )


@pytest.mark.parametrize(
    ("told", "brought", "left"),
    [(0, (0, 0), [2, 1]), (1, (0, 0), [2, 0]), (1, (0, 1), [1, 1]), (2, (0, 1), [0, 1]), (3, (0, 1), [0, 1])],
)
def test_they_share_what_may_come_back(told: int, brought: tuple[int, int], left: list[int]) -> None:
    """What other receipts of the return brought has its place, so that it is not told again."""
    expected = tuple(
        Expected(number=at, sku="A", quantity=2, order_line=line, return_line=f"RL{at}")
        for at, line in enumerate(("L1", "L1", "L9"), start=1)
    )
    came = tuple(Came(at, "A", units, "restock") for at, units in enumerate(brought, start=1) if units)
    limited = of_one_line(3, told).of_what_was_sold(expected, Brought(units={"C1": came}, kits={}))
    assert [line.quantity for line in limited] == [*left, 2], "of a line that is not known nothing is said"

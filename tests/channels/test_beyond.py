"""Units that leave beyond their order, which no figure at hand knows of."""

from typing import Literal

import pytest
from msgspec.structs import replace

from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, order, package


@pytest.mark.parametrize("quantity", ["on_hand", "available"])
async def test_what_left_beyond_an_order_is_not_offered_before_the_next_snapshot(
    state: InlineStore, quantity: Literal["on_hand", "available"]
) -> None:
    """Three left for an order of one: seven are there, and the figure at hand is of before."""
    plant = Plant(state, account=replace(ACCOUNT, quantity=quantity))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 1)))
    await plant.import_orders()
    await plant.smart()
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 7})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}


async def test_a_package_beyond_an_order_of_which_nothing_is_left_is_deducted_too(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1", ("A", 1)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    plant.later(minutes=5)
    plant.report({"A": 9})
    await plant.smart()
    plant.later(minutes=5)
    plant.ship(package("P2", "SH1", ("A", 2), tracking="1Z2"))
    await plant.export()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}


@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize("quantity", ["on_hand", "available"])
async def test_what_left_of_an_order_that_was_stopped_is_deducted_too(
    state: InlineStore, quantity: Literal["on_hand", "available"], *, snapshot: bool
) -> None:
    """Its units were free again, by the figure of the warehouse that has shipped them all the same."""
    plant = Plant(state, account=replace(ACCOUNT, quantity=quantity), cancels=frozenset({Part.ORDERS}))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 1)))
    await plant.import_orders()
    await plant.smart()
    plant.later(minutes=5)
    plant.place(order("1", ("A", 1), status="cancelled"))
    await plant.import_orders()
    if snapshot:
        plant.later(minutes=5)
        plant.report({"A": 10})
        await plant.smart()
        assert plant.stores["shop"].shows() == {"A": 10}
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 9}
    plant.later(minutes=5)
    plant.report({"A": 9})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 9}

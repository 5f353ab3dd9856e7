"""Inventory looks at the orders too: two runs of a connection may read its store at once."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.channels import orders
from dropstreamd.channels.look import Look
from dropstreamd.channels.run import Run
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.store.records import State
from tests.channels.plant import ENABLED_S, Plant, order
from tests.fakes.sources import ChangesSession


async def test_a_page_that_comes_late_does_not_undo_a_newer_one(
    plant: Plant, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_s = [5.0]
    asked = ChangesSession.page

    async def late(session: ChangesSession[Order], cursor: str | None, taken: Taken) -> Page[Order]:
        page = await asked(session, cursor, taken)
        await trio.sleep(slow_s.pop() if slow_s else 0)
        return page

    monkeypatch.setattr(ChangesSession, "page", late)
    plant.place(order("1"))
    async with trio.open_nursery() as nursery:
        run = Run(plant.scopes["c-shop"], run_id="inventory")
        nursery.start_soon(Look(run, orders.book(run.scope), ENABLED_S).at_changes)
        await trio.sleep(1)
        plant.place(order("1", status="cancelled"))
        await plant.import_orders()
    assert plant.doc("o1").state is State.VOID
    assert not plant.warehouse.taken.effects

"""After a restore, in the four other channels: what may have been handed over since waits for a person."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from dropstreamd.channels import catalogs, purchases, receipts, returns, stock_notices
from dropstreamd.clock import utc
from dropstreamd.store import documents
from dropstreamd.store.backup import make_backup, restore
from dropstreamd.store.lmdb_store import open_inline_store
from dropstreamd.store.records import State
from tests.channels.plant import START_S, Plant, asked_back, came_back, product, purchase
from tests.channels.test_restored import reopened
from tests.channels.test_stock_notices import NEW, NO_STORE, bought, enter


def refuse(plant: Plant, *, everything: bool) -> None:
    """Have both sides refuse what the backup is to know and not have handed over."""
    shop = plant.stores["shop"]
    for refuses, key in (
        (plant.warehouse.expected.refuse, "r7"),
        (shop.purchases.refuse, "po1"),
        (shop.drafts.refuse, "A"),
    ):
        refuses.clear()
        if everything:
            refuses[key] = "not now"


async def run_all(plant: Plant) -> None:
    for job in ("returns.sync", "purchase_orders.import", "purchase_orders.status", "catalogs.sync"):
        await plant.run(job)


async def test_what_went_after_the_backup_does_not_go_again(tmp_path: Path) -> None:
    """The backup knows return 7, purchase order 1 and item A; 8, 2 and B come, and all go, after it."""
    with open_inline_store(tmp_path) as state:
        plant = Plant(state)
        plant.ask_back(asked_back("7"))
        plant.buy(purchase("1", ordered_at=utc(START_S)))
        plant.stock(product("A"))
        refuse(plant, everything=True)
        await run_all(plant)
        await make_backup(state.environment, tmp_path / "backup", clock=plant.clock)
        plant.later(minutes=1)
        refuse(plant, everything=False)
        plant.ask_back(asked_back("7", ("A", 2)), asked_back("8", asked_s=plant.clock.now_s()))
        now = utc(plant.clock.now_s())
        plant.buy(purchase("1", ("A", 11)), purchase("2", ordered_at=now))
        plant.stock(product("B"))
        await run_all(plant)
        for flow, key in ((purchases.CHANNEL, "po1"), (catalogs.CHANNEL, "A")):
            assert plant.doc(key, flow).state in (State.ACCEPTED, State.PARKED)
        plant.receive(came_back("C1", ("A", 1, "restock"), reference="R8", received_at=now))
        await run_all(plant)
    created = {
        name: dict(sink.created())
        for name, sink in (
            ("returns", plant.warehouse.expected),
            ("purchases", plant.stores["shop"].purchases),
            ("receipts", plant.stores["shop"].received),
        )
    }
    assert created == {
        "returns": {"r7": 1, "r8": 1},
        "purchases": {"po1": 1, "po2": 1},
        "receipts": {"C1": 1},
    }
    plant.later(minutes=10)
    restore(tmp_path / "backup", tmp_path, clock=plant.clock)
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        plant.sell(product("A"), product("B"))  # the store has the drafts by now, and says so
        plant.receive(came_back("C1", ("A", 1, "restock"), reference="R8", received_at=now))
        for _ in range(2):
            await run_all(plant)
            plant.later(minutes=5)
        assert plant.warehouse.expected.created() == created["returns"]
        assert plant.stores["shop"].purchases.created() == created["purchases"]
        assert plant.stores["shop"].received.created() == created["receipts"]
        assert set(plant.stores["shop"].drafts.created().values()) == {1}
        assert plant.doc("r7", returns.CHANNEL).state is State.DOUBT
        assert plant.doc("r8", returns.CHANNEL).state is State.ACCEPTED  # its receipt proves it
        assert plant.doc("po1", purchases.CHANNEL).state is State.DOUBT
        assert plant.doc("po2", purchases.CHANNEL).state is State.HELD
        assert plant.doc("C1", receipts.FLOW).state is State.HELD


async def test_a_purchase_order_that_is_entered_again_asks_a_person(tmp_path: Path) -> None:
    """One without a date, or of the day of the restore, may be one that the warehouse was told of since the
    backup. One of a later day cannot be."""
    noon = utc(START_S + 3 * 3600)
    day = timedelta(days=1)
    both = [bought("1", ("A", 5)), bought("2", ("A", 5), ordered_at=noon)]
    with open_inline_store(tmp_path) as state:
        plant = Plant(state, offers=NO_STORE)
        await make_backup(state.environment, tmp_path / "backup", clock=plant.clock)
        await enter(plant, *both)
        await plant.run(NEW)
    plant.later(minutes=10)
    restore(tmp_path / "backup", tmp_path, clock=plant.clock)
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        scope = plant.scopes["c-shop"]
        again = [*both, bought("3", ("A", 5), ordered_at=noon + day)]
        assert (await enter(plant, *again)).new == 3
        assert plant.state.read(partial(stock_notices.held_back, scope=scope, orders=again)) == 2
        for _ in range(2):
            await plant.run(NEW)
        assert plant.warehouse.announced.created() == {"1": 1, "2": 1, "3": 1}
        assert {plant.doc(key, stock_notices.FLOW).state for key in "12"} == {State.HELD}
        assert (await enter(plant, *again)).same == 3
        notices = stock_notices.book(scope)
        release = partial(documents.release, book=notices, key="1", now_s=START_S, run="", why="never told")
        assert await plant.state.write(release)
        await plant.run(NEW)
        assert plant.warehouse.announced.created() == {"1": 2, "2": 1, "3": 1}

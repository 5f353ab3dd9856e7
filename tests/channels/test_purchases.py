"""Purchase orders: new ones to the store, and what came of them."""

import pytest
from msgspec.structs import replace

from dropstreamd.channels import purchases
from dropstreamd.clock import utc
from dropstreamd.errors import Wait
from dropstreamd.model.handover import Bad
from dropstreamd.model.purchases import PurchaseLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import ENABLED_S, START_S, Plant, connection, purchase

AMENDS = frozenset({Part.PURCHASE_ORDERS})
NEW, STATUS = "purchase_orders.import", "purchase_orders.status"


def line(sku: str, expected: int, received: int, damaged: int = 0) -> PurchaseLine:
    return PurchaseLine(key="L1", sku=sku, expected=expected, received=received, damaged=damaged)


async def test_a_new_one_goes_once_and_its_status_later(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    shop = plant.stores["shop"].purchases
    plant.buy(purchase("1", ("A", 10)))
    await plant.run(STATUS)
    assert not shop.effects
    await plant.run(NEW)
    plant.buy(purchase("1", line("A", 10, 4), status="partially-received"))
    await plant.run(NEW)
    assert len(shop.effects) == 1
    await plant.run(STATUS)
    await plant.run(STATUS)
    assert [effect.remote for effect in shop.effects] == [None, "at-po1"]
    assert shop.newest()["po1"].lines[0].incoming == 6
    assert not plant.tasks()


async def test_a_store_that_amends_none_makes_a_task(plant: Plant) -> None:
    plant.buy(purchase("1", ("A", 10)))
    await plant.run(NEW)
    plant.buy(purchase("1", line("A", 10, 4), PurchaseLine(key="L2", sku="B", expected=1), status="closed"))
    await plant.run(STATUS)
    detail = plant.tasks()["purchase_orders", "po1"].detail
    assert detail == "open became closed; A: 4 of 10 came, 0 damaged; line added: 1 × B"


@pytest.mark.parametrize(
    ("came", "status", "said"),
    [
        (line("A", 10, 12), "open", "A: 12 of 10 came"),
        (line("A", 10, 8), "received", "A: 8 of 10 came"),
        (line("A", 10, 10, 2), "closed", "A: 2 damaged"),
        (line("A", 10, 8), "partially-received", None),
        (line("A", 10, 0), "cancelled", None),
    ],
)
async def test_what_came_otherwise_is_a_task_and_told(
    state: InlineStore, came: PurchaseLine, status: str, said: str | None
) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.buy(purchase("1", ("A", 10)))
    await plant.run(NEW)
    plant.buy(replace(purchase("1", came), status=status))
    await plant.run(STATUS)
    assert plant.stores["shop"].purchases.newest()["po1"].lines == (came,)
    task = plant.tasks().get(("purchase_orders", "po1 received"))
    assert (None if task is None else task.detail) == said


async def test_what_was_told_already_is_no_new_task(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.buy(purchase("1", line("A", 10, 12)))
    await plant.run(NEW)
    book = purchases.book(plant.scopes["c-shop"])
    await state.write(lambda tx: documents.close_task(tx, book, "po1 received", revision=0))
    plant.buy(replace(purchase("1", line("A", 10, 12)), note="at the gate"))
    await plant.run(STATUS)
    assert not plant.tasks()


async def test_one_cancelled_before_is_not_told(plant: Plant) -> None:
    plant.buy(purchase("1"), purchase("2"))
    plant.stores["shop"].purchases.refuse.update(po1="number", po2="number")
    await plant.run(NEW)
    plant.buy(purchase("1", status="cancelled"))
    await plant.run(NEW)
    assert plant.doc("po1", purchases.CHANNEL).state is State.VOID
    assert plant.doc("po2", purchases.CHANNEL).by_sink


async def test_what_ended_before_is_history(plant: Plant) -> None:
    plant.buy(
        purchase("1", status="received"),
        purchase("2", status="closed", updated_at=utc(ENABLED_S - 1)),
        purchase("3", line("A", 10, 10), status="received", updated_at=utc(START_S)),
        purchase("4", status="cancelled", updated_at=utc(START_S)),
    )
    await plant.run(NEW)
    assert plant.stores["shop"].purchases.created() == {"po3": 1}


async def test_every_store_of_the_account_is_told(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"SHOP-A": "A", "B": "W-B"}), connection("ebay"))
    plant.buy(purchase("1", ("A", 10), ("C", 1)))
    await plant.run(NEW, "ebay")
    await plant.run(NEW, "shop")
    skus = {
        name: [line.sku for line in plant.stores[name].purchases.newest()["po1"].lines]
        for name in ("shop", "ebay")
    }
    assert skus == {"shop": ["SHOP-A", "C"], "ebay": ["A", "C"]}


async def test_an_older_form_changes_nothing(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.buy(purchase("1", line("A", 10, 4), updated_at=utc(START_S)))
    await plant.run(NEW)
    plant.buy(purchase("1", line("A", 10, 0), updated_at=utc(START_S - 60)))
    await plant.run(STATUS)
    assert len(plant.stores["shop"].purchases.effects) == 1


async def test_a_page_that_cannot_be_read_whole(plant: Plant) -> None:
    plant.buy(purchase("1"), purchase("9" * 120))
    plant.warehouse.purchases.change("po2", Bad(key="po2", place="PO 2", reason="odd", raw=b"x"))
    run = await plant.run(NEW)
    assert run.counts["undecodable"] == 2
    assert plant.stores["shop"].purchases.created() == {"po1": 1}


async def test_what_was_fetched_goes_also_while_the_warehouse_fails(state: InlineStore) -> None:
    plant = Plant(state, connection(), connection("ebay"))
    plant.buy(purchase("1"))
    await plant.run(NEW)
    plant.warehouse.purchases.down = 1
    with pytest.raises(Wait):
        await plant.run(NEW, "ebay")
    assert plant.stores["ebay"].purchases.created() == {"po1": 1}


async def test_more_than_a_slice(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purchases, "SLICE", 2)
    plant.buy(*(purchase(str(number)) for number in range(5)), replace(purchase("9"), lines=()))
    await plant.run(NEW)
    assert len(plant.stores["shop"].purchases.created()) == 5
    assert plant.doc("po9", purchases.CHANNEL).state is State.VOID

"""Orders that change after their hand-over: amended, or a person's."""

from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.model.orders import OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Flow, State
from dropstreamd.store.tables import Table
from tests.channels.plant import HOME, Plant, order, package


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "cancelled"}, "stop it at the warehouse"),
        ({"note": "ring twice"}, "another note"),
        ({"ship_to": replace(HOME, city="Boston")}, "another address"),
        ({"ship_method": "Express"}, "another ship method"),
        ({"lines": (OrderLine(key="L1", sku="A", quantity=1),)}, "A: 2 were ordered, now 1 are"),
        ({"lines": ()}, "line removed: 2 × A"),
    ],
)
async def test_a_change_after_hand_over_is_a_task(plant: Plant, change: dict[str, object], said: str) -> None:
    first = order("1", ("A", 2))
    plant.place(first)
    await plant.import_orders()
    plant.place(replace(first, **change))
    run = await plant.import_orders()
    assert run.counts["tasks"] == 1
    assert said in plant.tasks()["sales_orders", "o1"].detail
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert len(plant.warehouse.taken.effects) == 1
    assert "tasks" not in (await plant.import_orders()).counts


@pytest.mark.parametrize("able", [frozenset(), frozenset({Part.ORDERS})])
async def test_what_an_earlier_version_did_not_know_of_an_order_is_no_change(
    state: InlineStore, able: frozenset[Part]
) -> None:
    """Else every order that is open would be amended, or a task, once after an update."""
    plant = Plant(state, amends=able, cancels=able)
    first = order("1", ("A", 2))
    plant.place(first)
    await plant.import_orders()
    await state.write(partial(_as_an_earlier_version_wrote_it, flow=plant.flow()))
    lines = tuple(replace(line, sold=2) for line in first.lines)
    plant.place(replace(first, lines=lines, store_order="100"))
    await plant.import_orders()
    assert not plant.tasks()
    assert plant.doc("o1").revision == 1
    assert len(plant.warehouse.taken.effects) == 1


def _as_an_earlier_version_wrote_it(tx: Writer, *, flow: Flow) -> None:
    doc = documents.get(tx, flow, "o1")
    assert doc is not None
    content = msgspec.msgpack.decode(doc.content)
    del content["store_order"], content["lines"][0]["sold"]
    older = replace(doc, content=msgspec.msgpack.encode(content))
    tx.put(Table.DOCUMENTS, (*flow, "o1"), documents.encode(older))


async def test_our_own_fulfillment_is_no_change(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    plant.place(order("1", OrderLine(key="L1", sku="A", quantity=2, fulfilled=2), status="closed"))
    await plant.import_orders()
    assert not plant.tasks()
    assert plant.doc("o1").state is State.ACCEPTED


async def test_changed_and_changed_back_leaves_the_task(plant: Plant) -> None:
    for quantity in (2, 3, 2):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    task = plant.tasks()["sales_orders", "o1"]
    assert "changed back" in task.detail
    assert task.revision == 3


async def test_a_change_back_after_the_task_was_done_is_a_task_again(plant: Plant) -> None:
    """Somebody told the warehouse of the change: what was handed over first is now a change."""
    plant.people = True
    for quantity in (2, 3):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    close = partial(documents.close_task, book=orders.book(plant.scopes["c-shop"]), key="o1")
    assert not await plant.state.write(partial(close, revision=1)), "that is not the one which is shown"
    assert await plant.state.write(partial(close, revision=2))
    assert not plant.tasks()
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    assert plant.tasks()["sales_orders", "o1"].revision == 3


AMENDS = frozenset({Part.ORDERS})


async def test_a_sink_that_amends_is_told_the_change(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    for quantity in (2, 3):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    first, second = plant.warehouse.taken.effects
    assert (first.remote, second.remote) == (None, "at-o1")
    assert second.document.lines[0].quantity == 3
    assert not plant.tasks()


@pytest.mark.parametrize("lines", [(OrderLine(key="L1", sku="A", quantity=2),), ()])
async def test_a_cancellation_is_a_task_where_the_sink_only_amends(
    state: InlineStore, lines: tuple[OrderLine, ...]
) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(replace(order("1", status="cancelled"), lines=lines))
    await plant.import_orders()
    assert "stop it at the warehouse" in plant.tasks()["sales_orders", "o1"].detail
    assert len(plant.warehouse.taken.effects) == 1


async def test_an_order_refunded_whole_is_a_task_where_the_sink_only_amends(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(replace(order("1"), lines=()))
    await plant.import_orders()
    assert plant.tasks()


async def test_a_refused_change_is_a_task_and_not_tried_for_ever(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.warehouse.taken.refuse = {"o1": "shipped already"}
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    task = plant.tasks()["sales_orders", "o1"]
    assert task.kind == "refused"
    assert "2 were ordered, now 3 are" in task.detail
    pushed = len(plant.warehouse.taken.pushed)
    plant.place(order("1", OrderLine(key="L1", sku="A", quantity=3, fulfilled=2)))
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == pushed

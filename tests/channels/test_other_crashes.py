"""Every crash of a day of the four other channels on the real ledger, as in test_crashes."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from dropstreamd.channels import (
    catalogs,
    products,
    purchases,
    receipts,
    receiving,
    returns,
    stock_notices,
)
from dropstreamd.model.purchases import PurchaseLine
from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import open_inline_store
from dropstreamd.store.records import State
from tests.channels.dying import KINDS, MORE, Deaths, Step
from tests.channels.plant import (
    Plant,
    asked_back,
    came_back,
    connection,
    order,
    package,
    product,
    purchase,
)
from tests.channels.test_stock_notices import bought, enter
from tests.fakes.sinks import FakeSink, Fault

AMENDS = frozenset({Part.PRODUCTS, Part.PURCHASE_ORDERS})
JOBS = (
    "products.update",
    "products.export",
    "catalogs.sync",
    "purchase_orders.import",
    "purchase_orders.status",
    "returns.sync",
)


def day(plant: Plant) -> Iterator[Step]:
    """Two returns are asked for and one of them is cancelled; one comes back with its number, one parcel by
    itself; products and purchase orders come and change, and one that was entered here is announced and
    comes."""
    plant.sell(product("A"), product("B"))
    plant.stock(product("A"), product("N"))
    plant.buy(purchase("1", ("A", 10)))
    plant.ask_back(asked_back("7", ("A", 2)), asked_back("8"))
    yield from (partial(plant.run, job) for job in JOBS)
    plant.sell(product("B", title="Better"))
    plant.buy(purchase("1", PurchaseLine(key="L1", sku="A", expected=10, received=4)))
    plant.ask_back(asked_back("8", status="cancelled"))
    # It bears the return's reference where the warehouse has it, else the order's.
    known = {"reference": "R7"} if plant.warehouse.expected.created()["r7"] else {"order_reference": "SH1"}
    plant.receive(came_back("C1", ("A", 1, "restock"), ("A", 1, "damaged"), **known))
    plant.receive(
        came_back("C2", ("B", 1, "restock"), tracking_numbers=("1Z2",), kind="return-to-sender"),
        came_back("C9", ("Z", 1, "restock"), reference="R?"),
    )
    if plant.warehouse.announced.created()["77"]:
        plant.receive(came_back("C5", ("A", 3, "restock"), reference="PSH77"))
    yield from (partial(plant.run, job) for job in JOBS)


async def live(plant: Plant, deaths: Deaths) -> None:
    """An order has left by the morning. One day; then until nothing moves."""
    plant.place(order("1", ("A", 3)), order("2", ("B", 1)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 3)), package("P2", "SH2", ("B", 1), tracking="1Z2"))
    await plant.export()
    await enter(plant, bought("77", ("A", 4)))
    await deaths.outlive(day(plant))
    for _ in range(3):
        for job in JOBS:
            plant.later(minutes=2)
            await plant.run(job)


def check(plant: Plant, repeats: str) -> None:
    """What must hold at the end of any day."""
    shop, warehouse = plant.stores["shop"], plant.warehouse
    acts: list[tuple[str, str, FakeSink[object]]] = [
        (returns.CHANNEL, "r7", warehouse.expected),  # type: ignore[list-item]
        (returns.CHANNEL, "r8", warehouse.expected),  # type: ignore[list-item]
        (stock_notices.FLOW, "77", warehouse.announced),  # type: ignore[list-item]
        (purchases.CHANNEL, "PSH77", shop.purchases),  # type: ignore[list-item]
        (receipts.FLOW, "C1", shop.received),  # type: ignore[list-item]
        (receipts.FLOW, "C2", shop.received),  # type: ignore[list-item]
        (catalogs.CHANNEL, "N", shop.drafts),  # type: ignore[list-item]
        (products.CHANNEL, "A", warehouse.master),  # type: ignore[list-item]
        (products.CHANNEL, "B", warehouse.master),  # type: ignore[list-item]
        (purchases.CHANNEL, "po1", shop.purchases),  # type: ignore[list-item]
    ]
    settled: dict[str, bool] = {}
    for channel, key, sink in acts:
        arrived, state = sink.created()[key], plant.doc(key, channel).state
        assert arrived <= 1, f"{key} was doubled"
        settled[key] = state is not State.DOUBT
        assert settled[key] or repeats == "never", f"{key} is in doubt"
        if settled[key] and key != "r8":
            assert (state, arrived) == (State.ACCEPTED, 1), (key, state, arrived)
    assert plant.doc("r8", returns.CHANNEL).state in (State.ACCEPTED, State.VOID, State.DOUBT)
    if settled["B"]:
        assert warehouse.master.newest()["B"].title == "Better"
    if settled["po1"]:
        assert shop.purchases.newest()["po1"].lines[0].received == 4
    if settled["PSH77"]:
        scope = plant.scopes["c-shop"]
        came = plant.state.read(lambda tx: list(stock_notices.receipts(tx, scope, "PSH77")))
        assert shop.purchases.newest()["PSH77"].lines[0].received == 3 * len(came)
    if settled["C1"]:
        assert sum(line.quantity for line in shop.received.newest()["C1"].lines) == 2
    assert set(shop.drafts.created()) <= {"N"}
    assert [
        one.receipt.key for one in plant.state.read(lambda tx: list(receiving.unmatched(tx, plant.account)))
    ] == ["C9"]


async def lived(
    folder: Path, kind: str, points: list[int], *, fault: Fault = Fault.NONE, cancels: bool = False
) -> Deaths:
    writes, steps = KINDS[kind]
    folder.mkdir(mode=0o700)  # noqa: ASYNC240 - nothing else runs
    with open_inline_store(folder, limit_bytes=1 << 26) as state:
        plant = Plant(state, connection(), orders=writes, shipments=writes, steps=steps, amends=AMENDS)
        shop, warehouse = plant.stores["shop"], plant.warehouse
        sinks = (warehouse.expected, warehouse.announced, warehouse.master, shop.received, shop.drafts)
        for sink in (*sinks, shop.purchases):
            sink.faults.append(fault)
        deaths = Deaths(plant, points, cancels=cancels)
        await live(plant, deaths)
        with deaths.told():
            check(plant, writes.repeat)
        return deaths


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("kind", ["lookup", "steps", "never"])
async def test_single_deaths(tmp_path: Path, kind: str, *, cancels: bool) -> None:
    """A fifth of all points, another for each kind."""
    first = ["lookup", "steps", "never"].index(kind)
    for point in range(first, 900, 1 if MORE > 1 else 5):
        one = await lived(tmp_path / str(point), kind, [point], cancels=cancels)
        if one.unreached:
            break
    assert 90 < point < 890


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE, Fault.WAIT])
async def test_deaths_after_a_lost_answer(tmp_path: Path, kind: str, fault: Fault) -> None:
    chance = random.Random(f"{kind} {fault}")
    for number, point in enumerate(sorted(chance.sample(range(180), 5 * min(MORE, 30)))):
        await lived(tmp_path / str(number), kind, [point], fault=fault)


@pytest.mark.parametrize("kind", KINDS)
async def test_many_deaths(tmp_path: Path, kind: str) -> None:
    chance = random.Random(kind)
    for number in range(6 * MORE):
        deaths = [chance.randrange(90) for _ in range(chance.randrange(2, 5))]
        await lived(tmp_path / str(number), kind, deaths, cancels=chance.random() < 0.3)

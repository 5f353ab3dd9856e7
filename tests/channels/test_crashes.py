"""Every crash, and many pairs of them, of one merchant's day on the real ledger.

A death falls before or after any write of the state, any request, any page, any archiving; or the
run is cancelled there instead. Afterwards nothing may be lost, doubled or called accepted falsely,
and only what can neither be repeated nor looked up may be in doubt.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dropstreamd.channels import orders, shipments
from dropstreamd.model.shipments import Package
from dropstreamd.store.base import Reader
from dropstreamd.store.lmdb_store import open_inline_store
from dropstreamd.store.records import Flow, State
from dropstreamd.store.tables import Table
from tests.channels.dying import KINDS, MORE, Deaths, Step
from tests.channels.plant import Plant, connection, order, package
from tests.fakes.sinks import Fault

pytestmark = pytest.mark.exhaustive


def day(plant: Plant) -> Iterator[Step]:
    """Orders come, one is cancelled before and one changed after its hand-over; two packages leave, one
    of them is exported again with another tracking number; stock moves twice."""
    plant.place(order("1", ("A", 3)), order("2", ("B", 1)), order("3"), order("9", status="waiting"))
    plant.report({"A": 10, "B": 10})
    yield plant.import_orders
    yield plant.smart
    plant.place(order("3", status="cancelled"), order("1", ("A", 2)), order("4"), order("9", status="open"))
    yield plant.import_orders
    _ship(plant, package("P1", "SH1", ("A", 1)), package("P2", "SH1", ("A", 2)), package("P9", "SH?"))
    yield plant.export
    yield plant.import_orders
    _ship(plant, package("P1", "SH1", ("A", 1), tracking="1Z2"), package("P3", "SH4", ("A", 1)))
    plant.report({"A": 7, "B": 9})
    yield plant.smart
    yield plant.export
    yield plant.full


def _ship(plant: Plant, *packages: Package) -> None:
    """Of what the warehouse has: nothing leaves that did not arrive."""
    taken = {effect.document.reference for effect in plant.warehouse.taken.effects}
    plant.ship(*(one for one in packages if one.reference in taken or one.reference == "SH?"))


async def live(plant: Plant, deaths: Deaths) -> None:
    """One day; then until nothing moves."""
    await deaths.outlive(day(plant))
    for _ in range(4):
        plant.later(minutes=2)
        plant.report({"A": 7, "B": 9})  # it knows by then of all that was handed over
        for step in (plant.import_orders, plant.export, plant.smart):
            plant.later(minutes=2)
            await step()


def check(plant: Plant, repeats: str) -> None:
    """What must hold at the end of any day."""
    shop = plant.stores["shop"]
    for key in ("o1", "o2", "o4", "o9"):
        arrived = plant.warehouse.taken.created()[key]
        _check_act(plant, orders.CHANNEL, key, arrived, repeats)
    assert plant.warehouse.taken.created()["o3"] <= 1
    for key in plant.state.read(lambda tx: _keys(tx, plant.flow(shipments.CHANNEL))):
        _check_act(plant, shipments.CHANNEL, key, shop.fulfilled.created()[key], repeats)
    told = ("sales_orders", "o1") in plant.tasks() or _went_as_changed(plant)
    assert told or plant.doc("o1").state is State.DOUBT
    shows = shop.shows()
    held_back = Counter[str]()
    for key, sku, units in [("o1", "A", 2), ("o2", "B", 1), ("o4", "A", 1), ("o9", "A", 1)]:
        held_back[sku] += units * (plant.doc(key).state is State.DOUBT)
    assert shows == {"A": 7 - held_back["A"], "B": 9 - held_back["B"]}


def _keys(tx: Reader, flow: Flow) -> list[str]:
    return [path[-1] for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow))]


def _went_as_changed(plant: Plant) -> bool:
    sent = [one.document for one in plant.warehouse.taken.effects if one.key == "o1"]
    return [line.quantity for order in sent for line in order.lines] == [2]


def _check_act(plant: Plant, channel: str, key: str, arrived: int, repeats: str) -> None:
    assert arrived <= 1, f"{key} was doubled"
    state = plant.doc(key, channel).state
    if state is State.DOUBT:
        assert repeats == "never"
    else:
        assert (state, arrived) == (State.ACCEPTED, 1), (key, state, arrived)


async def lived(
    folder: Path, kind: str, points: list[int], *, fault: Fault = Fault.NONE, cancels: bool = False
) -> Deaths:
    writes, steps = KINDS[kind]
    folder.mkdir(mode=0o700)  # noqa: ASYNC240 - nothing else runs
    with open_inline_store(folder, limit_bytes=1 << 26) as state:
        plant = Plant(state, connection(), orders=writes, shipments=writes, steps=steps)
        shop = plant.stores["shop"]
        for faults in (plant.warehouse.taken.faults, shop.fulfilled.faults, shop.levels.faults):
            faults.append(fault)
        deaths = Deaths(plant, points, cancels=cancels)
        await live(plant, deaths)
        with deaths.told():
            check(plant, writes.repeat)
        return deaths


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_single_death(tmp_path: Path, kind: str, *, cancels: bool) -> None:
    for point in range(400):
        one = await lived(tmp_path / str(point), kind, [point], cancels=cancels)
        if one.unreached:
            break
    assert 60 < point < 399


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE, Fault.WAIT])
async def test_deaths_after_a_lost_answer(tmp_path: Path, kind: str, fault: Fault) -> None:
    chance = random.Random(f"{kind} {fault}")
    for number, point in enumerate(sorted(chance.sample(range(110), min(110, 12 * MORE)))):
        await lived(tmp_path / str(number), kind, [point], fault=fault)


@pytest.mark.parametrize("kind", KINDS)
async def test_many_deaths(tmp_path: Path, kind: str) -> None:
    chance = random.Random(kind)
    for number in range(15 * MORE):
        deaths = [chance.randrange(60) for _ in range(chance.randrange(2, 5))]
        cancels = chance.random() < 0.3
        with suppress(IndexError):
            await lived(tmp_path / str(number), kind, deaths, cancels=cancels)

"""Adjustments of the warehouse's stock: each once, and right whichever comes first, they or a snapshot."""

import random
from datetime import timedelta

import pytest
from msgspec.structs import replace

from dropstreamd.channels import believing, inventory
from dropstreamd.channels.run import Run
from dropstreamd.clock import utc
from dropstreamd.config.schema import Breaker
from dropstreamd.errors import Misconfigured
from dropstreamd.model.stock import Adjustment, StockRow
from dropstreamd.platform.contract import StockPage
from dropstreamd.store import documents, stock
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, connection

PATH = ("acme", "main")


def adjustment(plant: Plant, number: str, *units: tuple[str, int], age_s: float = 0.0) -> Adjustment:
    rows = tuple(StockRow(sku=sku, quantity=quantity) for sku, quantity in units)
    return Adjustment(key=f"a/{number}", number=number, at=utc(plant.clock.now_s() - age_s), rows=rows)


def adjust(plant: Plant, *told: Adjustment, stock: dict[str, int] | None = None) -> None:
    """The warehouse writes a file of adjustments; with `stock`, a snapshot of now is in it too."""
    count = len(plant.warehouse.stock.files) + len(plant.warehouse.stock.archived)
    rows = tuple(StockRow(sku=sku, quantity=quantity) for sku, quantity in (stock or {}).items())
    page = StockPage(
        snapshot=f"adj-{count:04d}",
        as_of=utc(plant.clock.now_s()),
        rows=rows,
        last=stock is not None,
        adjustments=told,
    )
    plant.warehouse.stock.put(f"stock-{count:04d}", page)


async def smart(plant: Plant, **later: float) -> Run:
    plant.later(**(later or {"minutes": 1}))
    return await plant.smart()


def figures(plant: Plant) -> dict[str, int]:
    return plant.state.read(lambda tx: stock.figures(tx, PATH))


def shown(plant: Plant) -> dict[str, int]:
    return plant.stores["shop"].shows()


def reasons(plant: Plant) -> list[str]:
    flow = plant.feed.account.flow(inventory.CHANNEL)
    return plant.state.read(lambda tx: [record.reason for _, record in documents.bad_records(tx, flow)])


async def started(state: InlineStore) -> Plant:
    """A warehouse that has told its stock once."""
    plant = Plant(state)
    plant.report({"A": 10, "B": 5})
    await plant.smart()
    plant.later(minutes=1)
    return plant


async def test_only_what_changed_is_pushed(state: InlineStore) -> None:
    plant = await started(state)
    adjust(plant, adjustment(plant, "1", ("A", -3)), adjustment(plant, "2", ("A", 1)))
    run = await smart(plant)
    assert (run.counts["adjustments"], run.counts["pushed"]) == (1, 1)
    assert shown(plant) == {"A": 8, "B": 5}
    run = await smart(plant)
    assert run.counts["pushed"] == 0


async def test_one_that_is_told_again_counts_once(state: InlineStore) -> None:
    plant = await started(state)
    one = adjustment(plant, "1", ("A", -3))
    adjust(plant, one, one)
    await smart(plant)
    adjust(plant, replace(one, at=one.at + timedelta(hours=1)))
    await smart(plant)
    assert shown(plant)["A"] == 7
    assert reasons(plant) == []
    adjust(plant, replace(one, rows=(StockRow(sku="A", quantity=-9),)))
    await smart(plant)
    assert shown(plant)["A"] == 7
    assert reasons(plant) == ["adjustment '1' was told before with other lines: the first ones count"]


async def test_no_figure_is_made_up(state: InlineStore) -> None:
    plant = await started(state)
    wild = adjustment(plant, "2", ("B", 10**13))
    adjust(plant, adjustment(plant, "1", ("NEW", 4), ("A", 1)), wild, replace(wild, key="k" * 200))
    await smart(plant)
    assert figures(plant) == {"A": 11, "B": 5}
    assert [reason.split(" ", 2)[2] for reason in sorted(reasons(plant))] == [
        "says +4 of 'NEW', of which no figure is known",
        "has a number that is too long, or no text",
        "says +10000000000000 of 'B', which is no count of units",
    ]


async def test_a_snapshot_of_later_has_it_in_itself(state: InlineStore) -> None:
    plant = await started(state)
    adjust(plant, adjustment(plant, "1", ("A", -3)))
    plant.later(seconds=10)
    plant.report({"A": 7, "B": 5})
    await smart(plant)
    assert shown(plant)["A"] == 7
    adjust(plant, adjustment(plant, "0", ("A", -1), age_s=3600))
    run = await smart(plant)
    assert (run.counts["adjustments"], run.counts["pushed"]) == (1, 0)
    assert shown(plant)["A"] == 7


async def test_a_snapshot_of_before_gets_it_on_top(state: InlineStore) -> None:
    plant = await started(state)
    plant.later(hours=1)
    adjust(plant, adjustment(plant, "1", ("A", -3), ("NEW", 2)))
    await smart(plant)
    plant.report({"A": 15, "B": 5, "NEW": 1}, age_s=1800)
    await smart(plant)
    assert figures(plant) == {"A": 12, "B": 5, "NEW": 3}
    plant.report({"A": 12, "B": 5, "NEW": 3})
    await smart(plant)
    assert figures(plant) == {"A": 12, "B": 5, "NEW": 3}


async def test_a_held_snapshot_gets_what_came_meanwhile_once(state: InlineStore) -> None:
    plant = await started(state)
    adjust(plant, adjustment(plant, "1", ("A", 1)))
    await smart(plant)
    plant.report({"A": 500, "B": 500}, age_s=90)
    await smart(plant)
    assert figures(plant) == {"A": 11, "B": 5}
    adjust(plant, adjustment(plant, "2", ("A", -2)))
    await smart(plant)
    assert figures(plant) == {"A": 9, "B": 5}
    await plant.state.write(
        lambda tx: believing.approve(tx, account=plant.feed.account, now_s=plant.clock.now_s())
    )
    assert figures(plant) == {"A": 499, "B": 500}


async def test_one_from_ahead_of_now_does_not_stay_on_top(state: InlineStore) -> None:
    plant = await started(state)
    adjust(plant, adjustment(plant, "1", ("A", -3), age_s=-86_400))
    await smart(plant)
    plant.report({"A": 7, "B": 5})
    await smart(plant)
    assert shown(plant)["A"] == 7


async def test_they_count_by_the_clock_of_the_snapshots_which_may_run_ahead(plant: Plant) -> None:
    plant.report({"A": 10}, age_s=-1800)
    await plant.smart()
    plant.later(minutes=5)
    adjust(
        plant, adjustment(plant, "1", ("A", -3), age_s=-1800), adjustment(plant, "0", ("A", -1), age_s=-1200)
    )
    await smart(plant)
    assert shown(plant)["A"] == 7
    plant.report({"A": 7}, age_s=-1800)
    await smart(plant)
    assert shown(plant)["A"] == 7


async def test_a_snapshot_in_the_same_file_has_it_in_itself(state: InlineStore) -> None:
    plant = await started(state)
    adjust(plant, adjustment(plant, "1", ("A", -3)), stock={"A": 7, "B": 5})
    await smart(plant)
    assert shown(plant)["A"] == 7


async def test_only_what_counts_for_the_account(state: InlineStore) -> None:
    account = replace(ACCOUNT, facilities=frozenset({"EAST"}), units={"A": 12})
    plant = Plant(state, account=account)
    rows = (StockRow(sku="A", quantity=1, facility="EAST"), StockRow(sku="A", quantity=1, facility="WEST"))
    plant.warehouse.stock.put(
        "stock-0", StockPage(snapshot="s", as_of=utc(plant.clock.now_s()), rows=rows, last=True)
    )
    await plant.smart()
    plant.later(minutes=1)
    adjust(plant, replace(adjustment(plant, "1"), rows=(*rows, rows[0])))
    await smart(plant)
    assert shown(plant)["A"] == 36


async def test_every_store_of_the_account_is_told(state: InlineStore) -> None:
    plant = Plant(state, connection(), connection("ebay", listings={"E-A": "A"}))
    plant.report({"A": 10})
    for name in ("shop", "ebay"):
        await plant.smart(name)
    plant.later(minutes=1)
    adjust(plant, adjustment(plant, "1", ("A", -3)))
    for name in ("shop", "ebay"):
        await plant.smart(name)
    assert (shown(plant), plant.stores["ebay"].shows()) == ({"A": 7}, {"E-A": 7})


async def test_they_show_that_the_warehouse_still_tells_its_stock(state: InlineStore) -> None:
    plant = await started(state)
    stale_s = plant.account.breaker.stale_after_s
    plant.later(seconds=stale_s - 60)
    adjust(plant, adjustment(plant, "1", ("A", -3)))
    await smart(plant, seconds=stale_s - 60)
    assert shown(plant)["A"] == 7
    with pytest.raises(Misconfigured, match="hours old"):
        await smart(plant, seconds=120)


@pytest.mark.parametrize("seed", range(12))
async def test_in_whatever_order_and_however_often_they_are_read(state: InlineStore, seed: int) -> None:
    """A shelf with known comings and goings: at the end the figure is what lies there."""
    chance = random.Random(seed)
    loose = Breaker(lost_share=1.0, zeroed_share=1.0, raised_share=1e6, stale_after_s=1e9)
    plant = Plant(state, account=replace(ACCOUNT, breaker=loose))
    plant.report({"A": 10})
    await plant.smart()
    lies, told = 10, list[Adjustment | tuple[int, float]]()
    for number in range(12):
        plant.later(minutes=1)
        if chance.random() < 0.3:
            told.append((lies, plant.clock.now_s()))
        else:
            difference = chance.choice((-2, -1, 1, 3))
            lies += difference
            told.append(adjustment(plant, str(number), ("A", difference)))
    told += chance.sample(told, 5)
    chance.shuffle(told)
    for each in told:
        if isinstance(each, Adjustment):
            adjust(plant, each)
        else:
            plant.report({"A": each[0]}, age_s=plant.clock.now_s() - each[1])
        await smart(plant, seconds=1)
    assert figures(plant) == {"A": lies}
    assert reasons(plant) == []

"""Snapshots: which of the warehouse's figures are believed."""

from collections.abc import Mapping
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import believing, snapshot
from dropstreamd.channels.breaker import Difference, judge
from dropstreamd.channels.snapshot import Snapshot
from dropstreamd.clock import utc
from dropstreamd.config.schema import Breaker
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import StockPage
from dropstreamd.store import documents, stock
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.stock import Generation
from tests.channels.plant import ACCOUNT, Plant
from tests.fakes.points import Killed

TEN = {f"S{number}": 10 for number in range(10)}


async def told(
    plant: Plant, figures: Mapping[str, int], *, age_s: float = 0.0, after_s: float = 60.0
) -> Generation:
    """What is made of a snapshot."""
    plant.clock.step(after_s)
    plant.report(dict(figures), age_s=age_s)
    [made] = await plant.feed.fetch_stock()
    return made


def believed(plant: Plant) -> dict[str, int]:
    return plant.state.read(lambda tx: stock.figures(tx, plant.feed.account.path))


def held(plant: Plant) -> Generation | None:
    return plant.state.read(lambda tx: stock.held(tx, plant.feed.account.path))


async def approve(plant: Plant) -> Generation | None:
    return await plant.state.write(
        partial(believing.approve, account=plant.feed.account, now_s=plant.clock.now_s())
    )


async def test_a_sound_one_is_believed_and_archived(plant: Plant) -> None:
    made = await told(plant, TEN)
    assert (made.verdict, made.skus, made.changed, made.units) == ("applied", 10, 10, 100)
    made = await told(plant, {**TEN, "S1": 9})
    assert (made.changed, made.missing) == (1, 0)
    assert believed(plant) == {**TEN, "S1": 9}
    assert len(plant.warehouse.stock.archived) == 2


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, "it has no rows"),
        ({f"S{number}": 10 for number in range(6)}, "4 of 10 SKUs are missing, more than 20%"),
        ({**TEN, "S0": 0, "S1": 0, "S2": 0, "S3": -1}, "4 of 10 SKUs in stock became 0, more than 30%"),
        (dict.fromkeys(TEN, 120), "its 1200 units are more than 2 times the 100 before"),
    ],
)
async def test_an_odd_one_is_held_until_it_is_approved(
    plant: Plant, figures: dict[str, int], said: str
) -> None:
    await told(plant, TEN)
    await plant.smart()
    plant.stores["shop"].levels.effects = []
    made = await told(plant, figures)
    assert made.verdict == "held"
    assert said in made.why
    await plant.smart()
    assert believed(plant) == TEN
    assert not plant.stores["shop"].levels.effects
    assert held(plant) is not None

    approved = await approve(plant)
    assert approved is not None
    assert approved.verdict == "applied"
    assert believed(plant) == {**TEN, **figures}
    assert await approve(plant) is None
    await plant.smart()
    assert set(plant.stores["shop"].shows()) == {sku for sku in figures if figures[sku] != TEN[sku]}


@pytest.mark.parametrize("lost", [2, 3])
async def test_the_share_itself_is_allowed(plant: Plant, lost: int) -> None:
    await told(plant, TEN)
    made = await told(plant, dict(list(TEN.items())[lost:]))
    assert made.verdict == ("applied" if lost == 2 else "held")


@pytest.mark.parametrize(("age_s", "said"), [(37 * 3600, "37.0 hours old"), (-2 * 3600, "ahead of now")])
async def test_a_time_that_cannot_be_right_is_held_even_at_first(
    plant: Plant, age_s: float, said: str
) -> None:
    made = await told(plant, TEN, age_s=age_s)
    assert made.verdict == "held"
    assert said in made.why
    assert not believed(plant)


async def test_an_older_one_never_replaces_a_newer(plant: Plant) -> None:
    await told(plant, TEN)
    made = await told(plant, {**TEN, "S0": 99}, age_s=3600)
    assert made.verdict == "superseded"
    assert believed(plant) == TEN
    assert plant.warehouse.stock.archived


async def test_a_sound_one_takes_the_place_of_a_held_one(plant: Plant) -> None:
    await told(plant, TEN)
    await told(plant, {})
    assert (await told(plant, {**TEN, "S0": 9})).verdict == "applied"
    assert held(plant) is None
    assert await approve(plant) is None
    assert believed(plant)["S0"] == 9


async def test_an_older_one_never_replaces_a_held_one(plant: Plant) -> None:
    """Files out of order: what a person is to look at is the newest word of the warehouse, all the same."""
    await told(plant, TEN, age_s=7200)
    newest = await told(plant, {"S0": 1}, age_s=600)
    assert newest.verdict == "held"
    odd = await told(plant, {"S0": 99}, age_s=3600)
    assert (odd.verdict, odd.why) == ("superseded", "stock-0001, which is held, is newer")
    assert (await told(plant, {**TEN, "S0": 9}, age_s=3600)).verdict == "applied"
    assert believed(plant)["S0"] == 9
    assert held(plant) == newest
    assert await approve(plant) is not None
    assert believed(plant)["S0"] == 1
    assert held(plant) is None


async def test_one_held_for_its_time_gives_way_to_a_sound_one(plant: Plant) -> None:
    await told(plant, TEN)
    assert (await told(plant, {**TEN, "S0": 5}, age_s=-86_400)).verdict == "held"
    assert (await told(plant, {**TEN, "S0": 6})).verdict == "applied"
    assert held(plant) is None


async def test_several_waiting_are_taken_oldest_first(plant: Plant) -> None:
    plant.report(TEN, age_s=60)
    plant.report({**TEN, "S0": 9}, age_s=30)
    made = await plant.feed.fetch_stock()
    assert [one.verdict for one in made] == ["applied", "applied"]
    assert believed(plant)["S0"] == 9
    ids = [one.id for one in plant.state.read(lambda tx: list(stock.history(tx, plant.feed.account.path)))]
    assert ids == sorted(ids, reverse=True)


# ---- SKUs that are not there


async def test_a_missing_sku_keeps_its_figure_or_is_zeroed(plant: Plant) -> None:
    without = {sku: 10 for sku in TEN if sku != "S0"}
    await told(plant, TEN)
    made = await told(plant, without)
    assert (made.missing, made.kept) == (1, 1)
    assert believed(plant) == TEN
    plant.account = replace(ACCOUNT, missing="zero")
    plant.configure()
    made = await told(plant, without)
    assert (made.missing, made.kept) == (1, 0)
    assert believed(plant) == {**TEN, "S0": 0}


async def test_what_was_approved_as_gone_holds_no_later_one(plant: Plant) -> None:
    """A warehouse dropped half of its SKUs for good."""
    half = dict(list(TEN.items())[5:])
    await told(plant, TEN)
    assert (await told(plant, half)).verdict == "held"
    await approve(plant)
    assert (await told(plant, half)).verdict == "applied"
    assert (await told(plant, {**half, "S9": 3})).verdict == "applied"
    assert (await told(plant, dict(list(half.items())[2:]))).verdict == "held"


async def test_all_units_damaged_is_none_available(state: InlineStore) -> None:
    """The SKU is in the snapshot, in no status that counts: that is 0, and not silence."""
    plant = Plant(state, account=replace(ACCOUNT, statuses=frozenset({"OK"})))

    async def rows(*rows: tuple[str, int, str]) -> None:
        plant.clock.step(60)
        made = tuple(StockRow(sku=sku, quantity=quantity, status=status) for sku, quantity, status in rows)
        as_of = utc(plant.clock.now_s())
        name = f"s{plant.clock.now_s()}"
        plant.warehouse.stock.put(name, StockPage(snapshot=name, as_of=as_of, rows=made, last=True))
        await plant.feed.fetch_stock()

    await rows(
        ("A", 5, "OK"), ("A", 1, "DMG"), ("B", 2, "OK"), ("C", 9, "OK"), ("D", 9, "OK"), ("E", 9, "DMG")
    )
    assert believed(plant) == {"A": 5, "B": 2, "C": 9, "D": 9}
    await rows(("A", 6, "DMG"), ("B", 2, "OK"), ("C", 9, "OK"), ("D", 9, "OK"), ("E", 9, "DMG"))
    assert believed(plant) == {"A": 0, "B": 2, "C": 9, "D": 9}


# ---- rows


def summed(*rows: StockRow, known: Mapping[str, int] | None = None, **settings: object) -> tuple[object, int]:
    made = Snapshot("s", 0.0)
    made.add(rows, replace(ACCOUNT, **settings))
    figures, bad = made.kept(known or {})
    return figures, len(bad)


def row(sku: str, quantity: int, status: str = "", facility: str = "") -> StockRow:
    return StockRow(sku=sku, quantity=quantity, status=status, facility=facility)


def test_rows_of_a_sku_are_summed_over_what_counts() -> None:
    rows = [row("A", 1, "OK", "1"), row("A", 2, "OK", "2"), row("A", 4, "DMG", "1"), row("B", 8, "OK", "9")]
    assert summed(*rows) == ({"A": 7, "B": 8}, 0)
    assert summed(*rows, statuses=frozenset({"OK"})) == ({"A": 3, "B": 8}, 0)
    assert summed(*rows, facilities=frozenset({"1", "2"})) == ({"A": 7}, 0)
    assert summed(*rows, units={"A": 12}) == ({"A": 84, "B": 8}, 0)


def test_a_sku_that_stands_twice_is_set_aside_where_that_is_refused() -> None:
    rows = [row("A", 1), row("A", 2), row("B", 8)]
    assert summed(*rows, duplicates="refuse") == ({"B": 8}, 1)
    assert summed(*rows, duplicates="refuse", known={"A": 5}) == ({"A": 5, "B": 8}, 1)


@pytest.mark.parametrize("sku", ["", "S" * 101, "a\0b", "\ud800"])
def test_what_is_no_sku_is_set_aside(sku: str) -> None:
    assert summed(row(sku, 1), row("B", 8)) == ({"B": 8}, 1)


def test_a_snapshot_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "SKUS", 2)
    with pytest.raises(ProtocolMismatch, match="more than 2 SKUs"):
        summed(row("A", 1), row("B", 1), row("C", 1))


def test_a_first_snapshot_is_judged_by_age_and_rows_alone() -> None:
    assert judge(Difference({}, {"A": 0}), Breaker(), age_s=0.0) == ""
    assert judge(Difference({"A": 0}, {"A": 50}), Breaker(), age_s=0.0) == ""


# ---- pages, files, crashes


async def test_pages_make_one_snapshot_and_an_unended_one_is_nothing(plant: Plant) -> None:
    as_of = utc(plant.clock.now_s())
    first = StockPage(snapshot="s", as_of=as_of, rows=(row("A", 1),))
    bad = Bad(key="s line 3", place="s line 3", reason="no number", raw=b"x")
    last = StockPage(snapshot="s", as_of=as_of, rows=(row("A", 2), row("B", 3)), bad=(bad,), last=True)
    torn = StockPage(snapshot="r", as_of=as_of, rows=(row("Z", 1),))
    plant.warehouse.stock.put("1-torn", torn)
    plant.warehouse.stock.put("2-whole", first, last)
    [made] = await plant.feed.fetch_stock()
    assert (made.snapshot, made.bad_rows) == ("s", 1)
    assert believed(plant) == {"A": 3, "B": 3}
    flow = plant.feed.account.flow("inventory")
    assert len(plant.state.read(lambda tx: list(documents.bad_records(tx, flow)))) == 1


async def test_a_file_that_cannot_be_read_is_told_to_who_asked(plant: Plant) -> None:
    as_of = utc(plant.clock.now_s())
    bad = Bad(key="file x", place="inv_1.csv", reason="it is torn", raw=b"")
    plant.warehouse.stock.put("1-torn", StockPage(snapshot="r", as_of=as_of, rows=(), bad=(bad,)))
    [made] = await plant.feed.fetch_stock()
    assert (made.verdict, made.why, made.bad_rows) == ("unreadable", "it is torn", 1)
    assert held(plant) is None
    assert believed(plant) == {}


async def test_a_newer_snapshot_makes_older_unreadable_rows_of_no_matter(plant: Plant) -> None:
    def kept() -> dict[str, float]:
        flow = plant.feed.account.flow("inventory")
        return {
            key: each.at_s for key, each in plant.state.read(lambda tx: list(documents.bad_records(tx, flow)))
        }

    def report(name: str, age_s: float, *bad: str) -> None:
        as_of = utc(plant.clock.now_s() - age_s)
        rows = tuple(Bad(key=each, place=name, reason="no number", raw=b"x") for each in bad)
        plant.warehouse.stock.put(
            name, StockPage(snapshot=name, as_of=as_of, rows=(row("A", 1),), bad=rows, last=True)
        )

    report("1", 0, "B", "C")
    await plant.feed.fetch_stock()
    first = kept()
    assert set(first) == {"B", "C"}
    plant.clock.step(60)
    report("2", 0, "C", "D")
    await plant.feed.fetch_stock()
    assert set(kept()) == {"C", "D"}
    assert kept()["C"] == first["C"]
    report("0", 3000)  # an older one says nothing of now
    await plant.feed.fetch_stock()
    assert set(kept()) == {"C", "D"}


async def test_a_file_that_was_taken_but_not_archived_is_no_empty_snapshot(plant: Plant) -> None:
    await told(plant, TEN)
    for point in range(30):
        plant.clock.step(60)
        plant.report({**TEN, "S0": point})
        plant.points.arm(point)
        try:
            await plant.feed.fetch_stock()
        except Killed:
            plant.configure()
        unreached = plant.points.disarm()
        for made in await plant.feed.fetch_stock():
            assert made.verdict == "applied", (point, made.why)
        assert held(plant) is None, plant.points.labels
        assert believed(plant)["S0"] == point
        assert not plant.warehouse.stock.files
        if unreached:
            break
    else:
        raise AssertionError("it has more points than were tried")

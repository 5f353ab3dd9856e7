"""After a restore: what the state knows is older than what happened. Nothing goes out again by itself."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from dropstreamd.channels import after_restore, believing
from dropstreamd.config.schema import Breaker, Config, DaemonSettings
from dropstreamd.errors import NotYet, OutcomeUnknown, Unreachable
from dropstreamd.store import control_numbers
from dropstreamd.store.backup import make_backup, restore
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from dropstreamd.store.records import State
from dropstreamd.supervisor.restored import after_a_restore
from tests.channels.plant import ACCOUNT, ENABLED_S, Plant, connection, order, package
from tests.channels.test_oversell import Down
from tests.fakes.sessions import KEY, FakeStore
from tests.fakes.sinks import Fault

Step = Callable[[Plant], Awaitable[object]]


async def go_back(tmp_path: Path, before: Step, after: Step) -> tuple[Plant, list[str]]:
    """A plant lives `before`, is backed up, lives `after`, and is restored; what was sent by then."""
    with open_inline_store(tmp_path) as state:
        plant = Plant(state)
        await before(plant)
        await make_backup(state.environment, tmp_path / "backup", clock=plant.clock)
        await after(plant)
    plant.later(minutes=10)
    restore(tmp_path / "backup", tmp_path, clock=plant.clock)
    return plant, [effect.key for effect in plant.warehouse.taken.effects]


def begin_again(plant: Plant, state: InlineStore) -> None:
    plant.state.inner = state
    plant.configure()


async def reopened(plant: Plant, state: InlineStore) -> None:
    """The daemon starts on the restored state."""
    begin_again(plant, state)
    config = Config(
        daemon=DaemonSettings(),
        merchants={},
        connections={each.id: each for each in plant.connections.values()},
    )
    await after_a_restore(plant.state, config, plant.clock.now_s())


async def waits_for_payment(plant: Plant) -> None:
    plant.place(order("1", status="waiting"))
    await plant.import_orders()


async def is_paid(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()


async def has_no_method(plant: Plant) -> None:
    plant.place(order("1", method="Express"))
    await plant.import_orders()


async def gets_its_method(plant: Plant) -> None:
    plant.configure(shop=connection(methods={"Express": "AIR"}))
    await plant.import_orders()


async def is_old(plant: Plant) -> None:
    plant.place(order("1", placed_s=ENABLED_S - 10))
    await plant.import_orders()


async def is_asked_for(plant: Plant) -> None:
    await plant.import_orders(since_s=0.0)


async def is_under_way(plant: Plant) -> None:
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.LOST_BEFORE)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()


async def goes_on(plant: Plant) -> None:
    """The attempt came to nothing, and the next one arrived."""
    plant.later(minutes=2)
    await plant.import_orders()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (waits_for_payment, is_paid),
        (has_no_method, gets_its_method),
        (is_old, is_asked_for),
        (is_under_way, goes_on),
    ],
)
async def test_what_went_after_the_backup_does_not_go_again(
    tmp_path: Path, before: Step, after: Step
) -> None:
    plant, sent = await go_back(tmp_path, before, after)
    assert sent == ["o1"]
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        for since_s in (None, 0.0, None):
            await plant.import_orders(since_s=since_s)
            plant.later(minutes=5)
        assert plant.warehouse.taken.created() == {"o1": 1}
        assert plant.doc("o1").state in (State.DOUBT, State.HELD)


async def is_seen(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    plant.warehouse.taken.faults.append(Fault.HOLD)
    with pytest.raises(Exception, match="folder is gone"):
        await plant.import_orders()


async def is_sent(plant: Plant) -> None:
    plant.place(order("2", ("B", 1)))
    await plant.import_orders()


async def test_packages_of_what_went_after_the_backup_reach_the_store(tmp_path: Path) -> None:
    """Of an order that the backup knew, and of one that it did not."""
    plant, sent = await go_back(tmp_path, is_seen, is_sent)
    assert sorted(sent) == ["o1", "o2"]
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        await plant.import_orders()
        plant.ship(package("P1", "SH1", ("A", 2)), package("P2", "SH2", ("B", 1)))
        await plant.export()
        assert set(plant.stores["shop"].fulfilled.newest()) == {"P1", "P2"}
        assert {plant.doc(key).state for key in ("o1", "o2")} == {State.ACCEPTED}
        await plant.import_orders()
        assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def is_one(plant: Plant) -> None:
    plant.place(replace(order("1", ("A", 3)), store_order="100"))
    await plant.import_orders()


async def is_split(plant: Plant) -> None:
    """A person tells the warehouse that two are gone from the first; then they go by themselves."""
    first, second = order("1", ("A", 1)), order("2", ("A", 2))
    plant.place(*(replace(each, store_order="100") for each in (first, second)))
    await plant.import_orders()
    assert await plant.close_task("o1")
    await plant.import_orders()


async def test_packages_of_units_split_off_after_the_backup_reach_the_store(tmp_path: Path) -> None:
    """To the backup the warehouse has them under the first, so that they would wait."""
    plant, sent = await go_back(tmp_path, is_one, is_split)
    assert sent == ["o1", "o2"]
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        await plant.import_orders()
        plant.ship(package("P2", "SH2", ("A", 2)))
        await plant.export()
        assert set(plant.stores["shop"].fulfilled.newest()) == {"P2"}


async def counts(plant: Plant) -> int:
    return await plant.state.write(lambda tx: control_numbers.block(tx, ("acme", "main"), "US>THEM", 1))


async def test_control_numbers_given_after_the_backup_are_not_given_again(tmp_path: Path) -> None:
    given: list[int] = []

    async def give(plant: Plant) -> None:
        given.extend([await counts(plant), await counts(plant)])

    plant, _ = await go_back(tmp_path, give, give)
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        assert await counts(plant) > max(given)


@pytest.mark.parametrize("by_location", [False, True])
async def test_what_stores_show_is_unknown_after_a_restore(tmp_path: Path, by_location: bool) -> None:
    """A figure that is what it was at the backup was another one in between, and the store was told that one.
    The figures of the backup itself are told to nobody."""
    locations = {"loc-1": "E"} if by_location else {}
    at, home = ("loc-1", "loc-1") if by_location else (None, "")
    breaker = Breaker(raised_share=10.0)
    with open_inline_store(tmp_path) as state:
        plant = Plant(
            state, connection(locations=locations, home=home), account=replace(ACCOUNT, breaker=breaker)
        )
        plant.report_by(("E", "A", 5), ("E", "B", 9))
        await plant.smart()
        await make_backup(state.environment, tmp_path / "backup", clock=plant.clock)
        plant.later(minutes=10)
        plant.report_by(("E", "A", 10), ("E", "B", 2))
        await plant.smart()
    plant.later(minutes=10)
    restore(tmp_path / "backup", tmp_path, clock=plant.clock)
    store = plant.stores["shop"]
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        with pytest.raises(NotYet, match="waits for the first stock figures after the restore"):
            await plant.smart()
        assert store.shows_at() == {at: {"A": 10, "B": 2}}
        plant.later(minutes=10)
        plant.report_by(("E", "A", 5), ("E", "B", 2))
        await plant.smart()
        assert store.shows_at() == {at: {"A": 5, "B": 2}}
        store.levels.effects = []
        plant.later(minutes=10)
        await plant.smart()
        assert store.levels.effects == []


async def shows_ten(plant: Plant) -> None:
    plant.report({"A": 10})
    await plant.smart()


async def sells_nine(plant: Plant) -> None:
    plant.later(minutes=10)
    plant.report({"A": 1})
    await plant.smart()


def waits(plant: Plant) -> bool:
    return plant.state.read(
        lambda tx: after_restore.awaits_figures(tx, plant.connections["shop"], plant.account) > 0
    )


@pytest.mark.parametrize("job", ["inventory.smart", "inventory.full"])
async def test_no_level_goes_out_before_the_first_figures_after_a_restore(tmp_path: Path, job: str) -> None:
    """The backup believes in 10, of which 9 are gone since. What the warehouse wrote before the restore and
    nobody has read yet tells no more than the backup: an order of in between may be in neither."""
    plant, _ = await go_back(tmp_path, shows_ten, sells_nine)
    store = plant.stores["shop"]
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        plant.place(order("1", ("A", 1)))
        await plant.import_orders()
        for _ in range(2):
            with pytest.raises(NotYet):
                await plant.run(job)
            plant.report({"A": 7}, age_s=700)
            plant.later(minutes=1)
        plant.configure(late=connection("late"))  # a store that was connected since knows of no restore
        plant.stores["late"] = FakeStore(plant.clock, plant.points, shipments=KEY)
        with pytest.raises(NotYet):
            await plant.full("late")
        assert waits(plant)
        assert store.shows_at() == {None: {"A": 1}}
        plant.report({"A": 2})
        await plant.run(job)
        assert not waits(plant)
        assert store.shows_at() == {None: {"A": 1}}  # of two one is the order's


async def test_no_level_goes_out_after_a_restore_while_the_warehouse_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere what orders take is deducted all the same: here the figures are a backup's."""
    plant, _ = await go_back(tmp_path, shows_ten, sells_nine)
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        plant.place(order("1", ("A", 1)))
        await plant.import_orders()
        monkeypatch.setattr(plant.warehouse.stock, "session", Down)
        with pytest.raises(Unreachable):
            await plant.smart()
        assert plant.stores["shop"].shows_at() == {None: {"A": 1}}


async def test_a_snapshot_that_the_backup_held_is_none_from_after_the_restore(tmp_path: Path) -> None:
    """Its own time may be ahead of the restore's, so that nobody can approve it any more."""

    async def holds_one(plant: Plant) -> None:
        await shows_ten(plant)
        plant.later(minutes=1)
        plant.report({"A": 500}, age_s=-3000)
        await plant.smart()

    plant, _ = await go_back(tmp_path, holds_one, sells_nine)
    with open_inline_store(tmp_path) as state:
        await reopened(plant, state)
        approve = partial(believing.approve, account=plant.feed.account, now_s=plant.clock.now_s())
        assert await plant.state.write(approve) is None
        with pytest.raises(NotYet):
            await plant.full()
        assert plant.stores["shop"].shows_at() == {None: {"A": 1}}

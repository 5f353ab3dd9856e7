"""Runs, lines of the log, switches, cursors and snapshots remembered: each bounded."""

from functools import partial

from dropstreamd.store import cursors, runs, stock, switches
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Flow
from dropstreamd.store.runs import LINES_KEPT, RUNS_KEPT, Line, RunRecord
from dropstreamd.store.stock import Generation
from dropstreamd.store.tables import Table
from tests.store.rerun import commit

FLOW = Flow("c-shop", "sales_orders")
PATH = ("acme", "main")


def record(number: int, **changed: object) -> RunRecord:
    plain = {"id": f"{number:06}", "job": "import", "trigger": "schedule", "started_s": float(number)}
    return RunRecord(**{**plain, **changed})  # type: ignore[arg-type]


def test_runs_are_kept_up_to_a_bound_and_found(state: InlineStore) -> None:
    environment = state.environment
    environment.commit([partial(runs.put, connection="c", channel="x", record=record(0))])
    environment.commit(
        [
            lambda tx, number=number: runs.put(tx, "c", "orders", record(number))  # type: ignore[misc]
            for number in range(RUNS_KEPT + 5)
        ]
    )
    kept = state.read(lambda tx: list(runs.newest(tx, "c", "orders", limit=10_000)))
    assert [one.id for one in kept] == [f"{number:06}" for number in range(RUNS_KEPT + 4, 4, -1)]
    assert state.read(partial(runs.get, connection="c", channel="orders", run="000004")) is None
    assert state.read(partial(runs.get, connection="c", channel="x", run="000000")) == record(0)


def test_runs_that_a_crash_cut_off_are_closed_once(state: InlineStore) -> None:
    for number in range(3):
        result = "running" if number == 1 else "done"
        commit(state, partial(runs.put, connection="c", channel="o", record=record(number, result=result)))
    close = partial(runs.close_crashed, connection="c", channel="o", now_s=9.0)
    assert [one.id for one in commit(state, close)] == ["000001"]
    assert commit(state, close) == []
    closed = state.read(partial(runs.get, connection="c", channel="o", run="000001"))
    assert closed is not None
    assert (closed.result, closed.ended_s) == ("crashed", 9.0)


def test_the_log_is_bounded_and_read_oldest_first(state: InlineStore) -> None:
    lines = [Line(at_s=float(number), event="run done", text=str(number)) for number in range(LINES_KEPT + 3)]
    state.environment.commit([partial(runs.log, connection="c", line=line) for line in lines])
    state.environment.commit([partial(runs.log, connection="c-2", line=lines[0])])
    assert state.read(lambda tx: tx.count(Table.ACTIVITY, ("c",))) == LINES_KEPT
    assert [line.text for line in state.read(partial(runs.lines, connection="c", limit=2))] == [
        "2001",
        "2002",
    ]


def test_a_switch_remembers_when_it_was_first_on(state: InlineStore) -> None:
    turn = partial(switches.turn, connection="c", channel="o", who="ann")
    assert not state.read(partial(switches.get, connection="c", channel="o")).on
    for now_s, on in [(1.0, False), (2.0, True), (3.0, True), (4.0, False), (5.0, True)]:
        commit(state, partial(turn, on=on, now_s=now_s))
    switch = state.read(partial(switches.get, connection="c", channel="o"))
    assert (switch.on, switch.since_s, switch.first_on_s) == (True, 5.0, 2.0)


def test_files_are_remembered_until_they_are_archived(state: InlineStore) -> None:
    taken = partial(cursors.is_taken, merchant="acme", warehouse="main", mark="shp_1.csv")
    assert not state.read(taken)
    commit(state, partial(cursors.take, merchant="acme", warehouse="main", mark="shp_1.csv"))
    assert state.read(taken)
    commit(state, partial(cursors.forget, merchant="acme", warehouse="main", mark="shp_1.csv"))
    assert not state.read(taken)
    commit(state, partial(cursors.put, flow=FLOW, cursor="2026"))
    assert state.read(partial(cursors.get, flow=FLOW)) == "2026"


def test_snapshots_are_remembered_up_to_a_bound(state: InlineStore) -> None:
    for number in range(stock.HISTORY + 3):
        made = Generation(
            id=f"{number:04}",
            snapshot="s",
            as_of_s=float(number),
            at_s=0.0,
            verdict="applied" if number else "held",
        )
        commit(state, partial(stock.remember, path=PATH, generation=made, figures={"A": number}))
    kept = state.read(lambda tx: [one.id for one in stock.history(tx, PATH)])
    assert kept == [f"{number:04}" for number in range(stock.HISTORY + 2, 2, -1)]
    latest = state.read(partial(stock.latest, path=PATH))
    assert latest is not None
    assert latest.id == kept[0]
    assert state.read(partial(stock.held, path=PATH)) is None
    assert state.read(partial(stock.held_figures, path=PATH)) == {}


def test_figures_are_those_written_last(state: InlineStore) -> None:
    commit(state, partial(stock.put_figures, path=PATH, changed={"B": 2, "A": 1}, generation="G1"))
    commit(state, partial(stock.put_figures, path=PATH, changed={"A": -3}, generation="G2"))
    assert state.read(partial(stock.figures, path=PATH)) == {"A": -3, "B": 2}
    row = state.read(partial(stock.reported, path=PATH, sku="A"))
    assert row is not None
    assert (stock.quantity_of(row), stock.changed_by(row)) == (-3, "G2")
    assert state.read(partial(stock.reported, path=PATH, sku="C")) is None
    commit(state, partial(stock.put_gone, path=PATH, skus=["B"]))
    assert state.read(partial(stock.gone, path=PATH)) == {"B"}

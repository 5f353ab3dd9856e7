"""Levels, write by write, each run in vain once before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import pytest

from dropstreamd.model.handover import (
    Accepted,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
)
from dropstreamd.model.stock import Level
from dropstreamd.store import level_handover, levels
from dropstreamd.store.base import Reader
from dropstreamd.store.level_handover import Opened
from dropstreamd.store.levels import Derived
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Flow, LevelRecord
from dropstreamd.store.tables import Table
from tests.store.rerun import commit

FLOW = Flow("c-shop", "inventory")
AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_S = AT.timestamp()


def prepare(items: object, stamp: Stamp) -> Preparation:
    keys = tuple(item.key for item in items)  # type: ignore[attr-defined]
    refused = tuple(Rejected(key=key, cause="sku", reason="odd") for key in keys if key == "ODD")
    good = tuple(key for key in keys if key != "ODD")
    made = (Prepared(name=stamp.attempt, keys=good, payload=b""),) if good else ()
    return Preparation(prepared=made, rejected=refused)


def open_all(state: InlineStore, figures: dict[str, int], attempt: str = "a") -> Opened:
    def derive(_tx: Reader, sku: str) -> Derived | None:
        return Derived(available=figures[sku], reported=b"%d" % figures[sku]) if sku in figures else None

    return commit(
        state,
        partial(
            level_handover.open_batch,
            flow=FLOW,
            after=None,
            limit=10,
            derive=derive,
            prepare=prepare,
            stamp=Stamp(attempt=attempt, at=AT),
            run="r",
        ),
    )


def settle(
    state: InlineStore, attempt: str, *outcomes: Outcome, now_s: float = AT_S, after_s: float = 30.0
) -> None:
    commit(
        state,
        partial(
            level_handover.settle,
            flow=FLOW,
            attempt_id=attempt,
            outcomes=outcomes,
            now_s=now_s,
            run="r",
            visible_after_s=after_s,
        ),
    )


def mark(state: InlineStore, *skus: str, forced: bool = False) -> None:
    commit(state, partial(levels.mark, flow=FLOW, skus=skus, forced=forced))


def level(state: InlineStore, sku: str) -> LevelRecord:
    found = state.read(partial(levels.get, flow=FLOW, sku=sku))
    assert found is not None
    return found


def test_told_once_it_is_not_told_again_unless_forced(state: InlineStore) -> None:
    mark(state, "A", "B")
    opened = open_all(state, {"A": 1})
    assert (opened.last, opened.unknown, len(opened.attempts)) == ("B", 1, 1)
    settle(state, "a-0000", Accepted(key="A"))
    assert level(state, "A").accepted == 1
    mark(state, "A")
    assert open_all(state, {"A": 1}, "b").unchanged == 1
    mark(state, "A", forced=True)
    mark(state, "A")
    assert len(open_all(state, {"A": 1}, "c").attempts) == 1


@pytest.mark.parametrize("outcomes", [(), (Untouched(key="A"),)])
def test_without_an_answer_it_is_unknown_and_pending(
    state: InlineStore, outcomes: tuple[Outcome, ...]
) -> None:
    mark(state, "A")
    open_all(state, {"A": 1})
    settle(state, "a-0000", *outcomes)
    assert level(state, "A").accepted is None
    assert state.read(partial(levels.has_work, flow=FLOW))
    settle(state, "a-0000", Accepted(key="A"))
    assert level(state, "A").accepted is None, "an attempt that is closed says nothing"


def test_an_older_push_that_may_still_act_is_outlived(state: InlineStore) -> None:
    mark(state, "A")
    open_all(state, {"A": 1})
    settle(state, "a-0000", now_s=AT_S, after_s=30.0)
    open_all(state, {"A": 2}, "b")
    settle(state, "b-0000", now_s=AT_S + 1, after_s=0.0)
    assert level(state, "A").unsure_until_s == AT_S + 30
    open_all(state, {"A": 2}, "c")
    settle(state, "c-0000", Accepted(key="A"))
    assert level(state, "A").accepted is None
    assert state.read(lambda tx: tx.get(Table.PENDING, (*FLOW, "A"))) == levels.FORCED


def test_what_a_dead_run_left_open_is_pushed_again(state: InlineStore) -> None:
    mark(state, "A", "B")
    open_all(state, {"A": 1, "B": 2})
    recover = partial(level_handover.recover, flow=FLOW, now_s=AT_S, visible_after_s=30.0)
    assert commit(state, recover) == 2
    assert commit(state, recover) == 0
    assert len(open_all(state, {"A": 1, "B": 2}, "b").attempts) == 1


def test_refused_it_is_parked_until_it_differs(state: InlineStore) -> None:
    mark(state, "A", "ODD")
    opened = open_all(state, {"A": 1, "ODD": 1})
    assert opened.refused == 1
    settle(state, "a-0000", Rejected(key="A", cause="gone", reason="no such SKU"))
    assert state.read(lambda tx: tx.count(Table.PARKED, tuple(FLOW))) == 2
    mark(state, "A")
    assert open_all(state, {"A": 1}, "b").unchanged == 1
    mark(state, "A")
    open_all(state, {"A": 2}, "c")
    settle(state, "c-0000", Accepted(key="A"))
    assert (level(state, "A").accepted, level(state, "A").cause) == (2, "")
    assert state.read(lambda tx: tx.count(Table.PARKED, tuple(FLOW))) == 1


def test_a_refusals_cause_may_hold_what_no_key_may(state: InlineStore) -> None:
    mark(state, "A")
    open_all(state, {"A": 1})
    settle(state, "a-0000", Rejected(key="A", cause="no\0such", reason="no such SKU"))
    assert level(state, "A").cause == "no\ufffdsuch"
    mark(state, "A")
    open_all(state, {"A": 2}, "b")
    settle(state, "b-0000", Accepted(key="A"))
    assert state.read(lambda tx: tx.count(Table.PARKED, tuple(FLOW))) == 0


def test_what_a_level_was_accepted_with_is_remembered_where_that_is_wanted(state: InlineStore) -> None:
    seen: dict[str, str | None] = {}

    def told(items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        seen[stamp.attempt] = items[0].remote
        return prepare(items, stamp)

    def push(number: int, outcome: Outcome | None, *, remembers: bool) -> None:
        levels_now = Derived(available=number, reported=b"%d" % number)
        mark(state, "A")
        commit(
            state,
            partial(
                level_handover.open_batch,
                flow=FLOW,
                after=None,
                limit=10,
                derive=lambda _tx, _sku: levels_now,
                prepare=told,
                stamp=Stamp(attempt=f"t{number}", at=AT),
                run="r",
                remembers=remembers,
            ),
        )
        commit(
            state,
            partial(
                level_handover.settle,
                flow=FLOW,
                attempt_id=f"t{number}-0000",
                outcomes=[] if outcome is None else [outcome],
                now_s=AT_S,
                run="r",
                visible_after_s=0.0,
                remembers=remembers,
            ),
        )

    push(1, Accepted(key="A", remote="offer-1"), remembers=True)
    push(2, None, remembers=True)  # unknown
    push(3, Rejected(key="A", cause="x", reason="x"), remembers=True)
    push(4, Accepted(key="A", remote="offer-2"), remembers=True)
    push(5, Accepted(key="A", remote="offer-3"), remembers=False)
    push(6, Accepted(key="A"), remembers=True)
    assert list(seen.values()) == [None, "offer-1", "offer-1", "offer-1", None, None]

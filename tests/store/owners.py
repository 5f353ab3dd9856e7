"""The invariant of the ledger, read off the whole state: every document has exactly one owner."""

from collections import Counter

import msgspec

from dropstreamd.store import handover, level_flows
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Attempt, Document, Flow, LevelRecord, State
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import RESTORED, may_come_back

LEVELS = "inventory"
INDEXED = {State.PARKED: "parked", State.HELD: "held", State.DOUBT: "doubt"}


def check_owners(tx: Reader, *, people: bool = False) -> None:
    """Assert that each act is with its one owner and in that owner's index alone, that every index row
    and attempt has its document, and that no change after hand-over is without a task.

    `people`: tasks may have been closed, so that a change needs none any more.
    """
    rows: Counter[tuple[Flow, str]] = Counter()
    for flow, key in _indexed(tx):
        rows[flow, key] += 1
    attempts = _attempts(tx)
    for path, raw in tx.scan(Table.DOCUMENTS):
        flow, key = Flow(path[0], path[1]), path[2]
        named = attempts.pop((flow, key), [])
        if level_flows.location_of(flow.channel)[0] == LEVELS:
            _check_level(tx, flow, key, msgspec.msgpack.decode(raw, type=LevelRecord), named)
            rows.pop((flow, key), None)
            continue
        doc = msgspec.msgpack.decode(raw, type=Document)
        _check_act(tx, flow, key, doc, named)
        assert rows.pop((flow, key), 0) == (doc.state is State.PENDING or doc.state in INDEXED), (key, doc)
        if doc.state is State.ACCEPTED and doc.changed_since_accepted and not people:
            assert tx.get(Table.TASKS, (*flow, key)), f"{key} changed after hand-over and nobody is told"
    acts = {place for place in rows if level_flows.location_of(place[0].channel)[0] != LEVELS}
    assert not acts, f"indexed, but no document: {acts}"
    assert not [place for place in attempts if level_flows.location_of(place[0].channel)[0] != LEVELS], (
        f"no document: {attempts}"
    )


def _indexed(tx: Reader) -> list[tuple[Flow, str]]:
    found = [(Flow(path[0], path[1]), path[2]) for path, _ in tx.scan(Table.PENDING)]
    for path, _ in tx.scan(Table.PARKED):
        if path[2] != "bad":
            found.append((Flow(path[0], path[1]), path[4]))
    return found


def _attempts(tx: Reader) -> dict[tuple[Flow, str], list[tuple[str, Attempt]]]:
    found: dict[tuple[Flow, str], list[tuple[str, Attempt]]] = {}
    for path, raw in tx.scan(Table.ATTEMPTS):
        attempt = msgspec.msgpack.decode(raw, type=Attempt)
        assert attempt.keys, f"{path} is empty"
        for tried in attempt.keys:
            found.setdefault((Flow(path[0], path[1]), tried.key), []).append((path[2], attempt))
    return found


def _check_act(tx: Reader, flow: Flow, key: str, doc: Document, named: list[tuple[str, Attempt]]) -> None:
    if doc.state is State.DOUBT and doc.cause == RESTORED:
        assert not named, (key, doc, named)
        assert not doc.attempt
    elif doc.state in (State.OPEN, State.DOUBT):
        assert [attempt_id for attempt_id, _ in named] == [doc.attempt], (key, doc, named)
        assert (named[0][1].step == handover.IN_DOUBT) == (doc.state is State.DOUBT), (key, doc, named)
    else:
        assert not named, (key, doc, named)
        assert not doc.attempt
    assert (tx.get(Table.PENDING, (*flow, key)) is not None) == (doc.state is State.PENDING), (key, doc)
    if doc.state in INDEXED:
        row = (*flow, INDEXED[doc.state], doc.cause or "-", key)
        assert tx.get(Table.PARKED, row) is not None, (key, doc)
    elif not may_come_back(doc):
        assert not doc.cause, (key, doc)
        assert not doc.reason, (key, doc)
    assert doc.accepted <= doc.revision
    assert (doc.accepted > 0) == bool(doc.accepted_digest)
    assert doc.accepted or doc.state is not State.ACCEPTED
    assert not doc.accepted or doc.state is not State.VOID
    assert len(doc.history) <= 40


def _check_level(
    tx: Reader, flow: Flow, sku: str, record: LevelRecord, named: list[tuple[str, Attempt]]
) -> None:
    assert len(named) <= 1, (sku, named)
    parked = [path for path, _ in tx.scan(Table.PARKED, (*flow, "parked")) if path[-1] == sku]
    assert parked == ([(*flow, "parked", record.cause, sku)] if record.cause else []), (sku, record)
    pending = tx.get(Table.PENDING, (*flow, sku)) is not None
    assert record.accepted is not None or pending or named or record.cause, (sku, record)

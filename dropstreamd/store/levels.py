"""Levels: what each store was last told of each SKU, and what it has to be told.

A level may be pushed again and again, the newest wins. So an attempt whose outcome is unknown is not
looked up: its levels are unknown, which differs from every level, and are pushed again.

The levels of each location of a store are a flow of their own, named by the channel and the location; those
that name no location are the channel's own flow.
"""

from collections.abc import Callable, Iterable

import msgspec

from dropstreamd.model.handover import Rejected
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import as_part
from dropstreamd.store.records import AttemptKey, Flow, LevelRecord
from dropstreamd.store.tables import Table

_record = msgspec.msgpack.Decoder(LevelRecord)
_encode = msgspec.msgpack.Encoder().encode

FORCED = b"full"
"""Pending whatever the store was told before."""

_SINCE = b"@"
"""Before the second since which a pending level has waited for another store's."""


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """What a SKU's level should be, and the warehouse's figures it came from."""

    available: int
    reported: bytes


Derive = Callable[[Reader, str], Derived | None]
"""The level of a channel SKU; None for one that the warehouse never had."""


def get(tx: Reader, flow: Flow, sku: str) -> LevelRecord | None:
    """What the store was last told of a channel SKU."""
    raw = tx.get(Table.DOCUMENTS, (*flow, sku))
    return None if raw is None else _record.decode(raw)


def in_store(tx: Reader, flow: Flow) -> list[str]:
    """Every channel SKU that the store was told of and did not refuse."""
    return [sku for sku, raw in tx.scan_last(Table.DOCUMENTS, tuple(flow)) if not _record.decode(raw).cause]


def shown(tx: Reader, flow: Flow) -> list[str]:
    """Every channel SKU of which the store shows some, or may: what it shows is unknown after a push that was
    not answered."""
    found = ((sku, _record.decode(raw)) for sku, raw in tx.scan_last(Table.DOCUMENTS, tuple(flow)))
    return [sku for sku, record in found if not record.cause and record.accepted != 0]


def told(tx: Reader, flow: Flow) -> list[str]:
    """Every channel SKU that the store was told of, refused or not."""
    return [sku for sku, _ in tx.scan_last(Table.DOCUMENTS, tuple(flow))]


def accept(
    tx: Writer, flow: Flow, tried: AttemptKey, opened_s: float, now_s: float, run: str, remote: str
) -> None:
    """The store took a level, of an attempt that was opened then. It stays unknown where something sent
    earlier may act later."""
    _unpark(tx, flow, tried.key)
    old = get(tx, flow, tried.key)
    record = LevelRecord(accepted=tried.revision, reported=tried.digest, at_s=now_s, run=run, remote=remote)
    if old is not None and opened_s < old.unsure_until_s:
        record = LevelRecord(at_s=now_s, run=run, unsure_until_s=old.unsure_until_s, remote=remote)
        tx.put(Table.PENDING, (*flow, tried.key), FORCED)
    tx.put(Table.DOCUMENTS, (*flow, tried.key), _encode(record))


def refuse(tx: Writer, flow: Flow, tried: AttemptKey, refused: Rejected, now_s: float, run: str) -> None:
    """The store refused a level; one that was refused in passing is to be pushed again."""
    _unpark(tx, flow, tried.key)
    old = get(tx, flow, tried.key) or LevelRecord()
    cause = as_part(refused.cause)
    record = msgspec.structs.replace(
        old,
        at_s=now_s,
        run=run,
        cause=cause,
        reason=refused.reason,
        refused=tried.revision,
        refused_reported=tried.digest,
    )
    tx.put(Table.DOCUMENTS, (*flow, tried.key), _encode(record))
    tx.put(Table.PARKED, (*flow, "parked", cause, tried.key), b"")
    if refused.is_passing:
        tx.put(Table.PENDING, (*flow, tried.key), FORCED)


def doubt(tx: Writer, flow: Flow, skus: Iterable[str], *, until_s: float = 0.0) -> None:
    """What the store shows of these SKUs is unknown: they are to be pushed anew, and once more if that was
    before `until_s`, as what was sent may act until then."""
    for sku in skus:
        _unpark(tx, flow, sku)
        old = get(tx, flow, sku) or LevelRecord()
        unknown = LevelRecord(
            at_s=old.at_s,
            run=old.run,
            unsure_until_s=max(until_s, old.unsure_until_s),
            remote=old.remote,
        )
        tx.put(Table.DOCUMENTS, (*flow, sku), _encode(unknown))
        tx.put(Table.PENDING, (*flow, sku), FORCED)


def refused(tx: Reader, flow: Flow) -> list[str]:
    """Every channel SKU that the store refuses."""
    return [path[-1] for path, _ in tx.scan(Table.PARKED, tuple(flow))]


def forget_refused(tx: Writer, flow: Flow, skus: Iterable[str]) -> None:
    """Nothing is sold under these refused SKUs any more. Those that were taken meanwhile stay."""
    for sku in skus:
        record = get(tx, flow, sku)
        if record is not None and record.cause:
            forget(tx, flow, sku)


def adopt(tx: Writer, source: Flow, target: Flow, *, limit: int) -> int:
    """Take levels that were told in one flow for what the store shows in another, as it is the same place
    of it: how many of at most `limit` there were. They are unknown there, and to be pushed anew; what the
    store refused is forgotten. No attempt of `source` may be open."""
    rows = list(tx.scan(Table.DOCUMENTS, tuple(source), limit=limit))
    for path, raw in rows:
        sku, old = path[-1], _record.decode(raw)
        forget(tx, source, sku)
        if old.cause and old.accepted is None:
            continue
        known = get(tx, target, sku) or LevelRecord()
        doubt(tx, target, [sku], until_s=max(old.unsure_until_s, known.unsure_until_s))
    return len(rows)


def forget(tx: Writer, flow: Flow, sku: str) -> None:
    """The store is told no level of this SKU in this flow any more."""
    _unpark(tx, flow, sku)
    tx.delete(Table.DOCUMENTS, (*flow, sku))
    tx.delete(Table.PENDING, (*flow, sku))


def empty(tx: Writer, flow: Flow, *, limit: int) -> int:
    """Forget at most `limit` levels of a flow whatever they are; how many there were."""
    rows = list(tx.scan(Table.DOCUMENTS, tuple(flow), limit=limit))
    for path, _ in rows:
        forget(tx, flow, path[-1])
    return len(rows)


def forget_shown_none(tx: Writer, flow: Flow, skus: Iterable[str]) -> None:
    """Forget those of these SKUs that the store shows none of, or refuses."""
    for sku in skus:
        record = get(tx, flow, sku)
        if record is not None and (record.cause or record.accepted == 0):
            forget(tx, flow, sku)


def has_work(tx: Reader, flow: Flow) -> bool:
    """Whether a level is to be looked at, or an attempt was left open."""
    return any(tx.first(table, tuple(flow)) is not None for table in (Table.PENDING, Table.ATTEMPTS))


def mark(tx: Writer, flow: Flow, skus: Iterable[str], *, forced: bool = False) -> None:
    """Have these channel SKUs looked at by the next run; a forced one stays forced."""
    for sku in skus:
        key = (*flow, sku)
        flag = tx.get(Table.PENDING, key)
        if flag is None:
            tx.put(Table.PENDING, key, FORCED if forced else b"")
        elif forced:
            tx.put(Table.PENDING, key, FORCED + b"".join(flag.partition(_SINCE)[1:]))


def falls(record: LevelRecord | None, level: Derived) -> bool:
    """Whether the store shows more than the level, as far as anybody can say: what it shows is unknown
    after a push that was not answered. What it was never told, or refuses, it does not show."""
    if record is None:
        return False
    if record.accepted is None:
        return not record.cause
    return level.available < record.accepted


def waits_since_s(tx: Reader, flow: Flow, sku: str) -> float:
    """Since when a pending level waits for another store's; 0 if it does not."""
    return since_s(tx.get(Table.PENDING, (*flow, sku)) or b"")


def since_s(flag: bytes) -> float:
    """Since when a level waits for another store's, by its `flag` in `Table.PENDING`; 0 if it does not."""
    since = flag.partition(_SINCE)[2]
    return float(since) if since else 0.0


def wait(tx: Writer, flow: Flow, sku: str, flag: bytes, at_s: float) -> None:
    """Leave a level pending, by its `flag` in `Table.PENDING`, waiting for another store's since then."""
    tx.put(Table.PENDING, (*flow, sku), flag.partition(_SINCE)[0] + _SINCE + b"%d" % at_s)


class Looked(msgspec.Struct, kw_only=True):
    """Pending levels that fall; `last` is the last SKU looked at, None when none was left."""

    falling: list[str]
    last: str | None = None


def look(tx: Reader, flow: Flow, *, after: str | None, limit: int, derive: Derive) -> Looked:
    """Which of the next pending levels fall."""
    looked = Looked(falling=[])
    start = None if after is None else (*flow, after)
    for path, _ in tx.scan(Table.PENDING, tuple(flow), after=start, limit=limit):
        sku = looked.last = path[-1]
        record = get(tx, flow, sku)
        level = None if record is None else derive(tx, sku)
        if level is not None and falls(record, level):
            looked.falling.append(sku)
    return looked


def _unpark(tx: Writer, flow: Flow, sku: str) -> None:
    old = get(tx, flow, sku)
    if old is not None and old.cause:
        tx.delete(Table.PARKED, (*flow, "parked", old.cause, sku))

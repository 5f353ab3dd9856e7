"""Levels: what each store was last told of each SKU, and what it has to be told.

A level may be pushed again and again, the newest wins. So an attempt whose outcome is unknown is not
looked up: its levels are unknown, which differs from every level, and are pushed again.

The levels of each location of a store are a flow of their own, named by the channel and the location; those
that name no location are the channel's own flow.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from dropstreamd.model.handover import Accepted, Item, Outcome, Preparation, Rejected, Stamp, Untouched
from dropstreamd.model.stock import Level
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import as_part
from dropstreamd.store.records import Attempt, AttemptKey, Flow, LevelRecord
from dropstreamd.store.tables import Table

_record = msgspec.msgpack.Decoder(LevelRecord)
_attempt = msgspec.msgpack.Decoder(Attempt)
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

Waits = Callable[[Reader, str], bool]
"""Whether a level that rises has to wait, since another store still shows too much of the same stock."""

Prepare = Callable[[Sequence[Item[Level]], Stamp], Preparation]


class Opened(msgspec.Struct, kw_only=True):
    """The attempts of one batch; `last` is the last SKU looked at, None when none was left."""

    attempts: list[tuple[str, Attempt]]
    last: str | None = None
    unchanged: int = 0
    unknown: int = 0
    refused: int = 0
    waiting: int = 0


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


def doubt(tx: Writer, flow: Flow, skus: Iterable[str]) -> None:
    """What the store shows of these SKUs is unknown: they are to be pushed anew."""
    for sku in skus:
        _unknown(tx, flow, sku, 0.0)


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
        until_s = max(old.unsure_until_s, known.unsure_until_s)
        _unknown(tx, target, sku, until_s)
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
    since = (tx.get(Table.PENDING, (*flow, sku)) or b"").partition(_SINCE)[2]
    return float(since) if since else 0.0


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


def open_batch(
    tx: Writer,
    flow: Flow,
    *,
    after: str | None,
    limit: int,
    derive: Derive,
    prepare: Prepare,
    stamp: Stamp,
    run: str,
    only: Sequence[str] = (),
    waits: Waits | None = None,
    patience_s: float = 0.0,
    remembers: bool = False,
    location: str | None = None,
) -> Opened:
    """Freeze attempts for the next pending levels that the store has to be told of, or for those of the
    SKUs `only`. One that rises and `waits` stays pending, for `patience_s` in all. `remembers`: as in
    `Writes`. `location` is the flow's."""
    opened = Opened(attempts=[])
    now_s = stamp.at.timestamp()
    items: list[Item[Level]] = []
    derived: dict[str, Derived] = {}
    for sku, flag in _pending(tx, flow, after, limit, only):
        opened.last, key = sku, (*flow, sku)
        level, record = derive(tx, sku), get(tx, flow, sku)
        if level is None:
            opened.unknown += 1
        elif not flag.startswith(FORCED) and not _differs(record, level):
            opened.unchanged += 1
        elif (
            waits is not None
            and _rises(record, level)
            and _waited_s(flag, now_s) < patience_s
            and waits(tx, sku)
        ):
            opened.waiting += 1
            since = b"%d" % (now_s - _waited_s(flag, now_s))
            tx.put(Table.PENDING, key, flag.partition(_SINCE)[0] + _SINCE + since)
            continue
        else:
            derived[sku] = level
            remote = record.remote if remembers and record is not None else ""
            document = Level(sku=sku, available=level.available, location=location)
            items.append(Item(key=sku, document=document, remote=remote or None))
        tx.delete(Table.PENDING, key)
    if items:
        _freeze(tx, flow, prepare(items, stamp), derived, opened, stamp, run)
    return opened


def _pending(
    tx: Reader, flow: Flow, after: str | None, limit: int, only: Sequence[str]
) -> list[tuple[str, bytes]]:
    if only:
        flags = ((sku, tx.get(Table.PENDING, (*flow, sku))) for sku in only)
        return [(sku, flag) for sku, flag in flags if flag is not None]
    start = None if after is None else (*flow, after)
    return [(path[-1], flag) for path, flag in tx.scan(Table.PENDING, tuple(flow), after=start, limit=limit)]


def _waited_s(flag: bytes, now_s: float) -> float:
    """For how long it has waited; a time to come was told by a clock that has been set back since."""
    since = flag.partition(_SINCE)[2]
    return max(0.0, now_s - float(since)) if since else 0.0


def _rises(record: LevelRecord | None, level: Derived) -> bool:
    """Whether the store would show more than it does; what it shows unknown, it falls."""
    return record is None or (record.accepted is not None and level.available > record.accepted)


def _differs(record: LevelRecord | None, level: Derived) -> bool:
    """Whether the store has to be told: the warehouse's figure moved since it was last told, or the
    level is not the one it took. What it refused is not sent again unchanged (but see `UNTOLD`)."""
    if record is None:
        return True
    if record.cause:
        return (record.refused, record.refused_reported) != (level.available, level.reported)
    return (record.accepted, record.reported) != (level.available, level.reported)


def _freeze(
    tx: Writer,
    flow: Flow,
    preparation: Preparation,
    derived: dict[str, Derived],
    opened: Opened,
    stamp: Stamp,
    run: str,
) -> None:
    now_s = stamp.at.timestamp()
    for refused in preparation.rejected:
        opened.refused += 1
        level = derived[refused.key]
        _refuse(tx, flow, AttemptKey(refused.key, level.available, level.reported), refused, now_s, run)
    for number, prepared in enumerate(preparation.prepared):
        keys = tuple(AttemptKey(sku, derived[sku].available, derived[sku].reported) for sku in prepared.keys)
        attempt = Attempt(name=prepared.name, payload=prepared.payload, keys=keys, run=run, opened_s=now_s)
        attempt_id = f"{stamp.attempt}-{number:04d}"
        tx.put(Table.ATTEMPTS, (*flow, attempt_id), _encode(attempt))
        opened.attempts.append((attempt_id, attempt))


class Settled(msgspec.Struct, kw_only=True):
    """What the outcomes of one attempt came to."""

    accepted: int = 0
    refused: int = 0
    again: int = 0


def settle(
    tx: Writer,
    flow: Flow,
    attempt_id: str,
    outcomes: Sequence[Outcome],
    *,
    now_s: float,
    run: str,
    visible_after_s: float,
    remembers: bool = False,
) -> Settled:
    """Close an attempt. What is neither accepted nor refused is unknown, and pending again; unless it was
    untouched, it may still act for `visible_after_s`. `remembers`: as in `Writes`."""
    counts = Settled()
    raw = tx.get(Table.ATTEMPTS, (*flow, attempt_id))
    if raw is None:
        return counts
    by_sku = {outcome.key: outcome for outcome in outcomes}
    attempt = _attempt.decode(raw)
    for tried in attempt.keys:
        match by_sku.get(tried.key):
            case Accepted() as accepted:
                counts.accepted += 1
                remote = accepted.remote if remembers else ""
                _accept(tx, flow, tried, attempt.opened_s, now_s, run, remote)
            case Rejected() as refused:
                counts.refused += 1
                _refuse(tx, flow, tried, refused, now_s, run)
            case Untouched():
                counts.again += 1
                _unknown(tx, flow, tried.key, 0.0)
            case _:
                counts.again += 1
                _unknown(tx, flow, tried.key, now_s + visible_after_s)
    tx.delete(Table.ATTEMPTS, (*flow, attempt_id))
    return counts


def recover(tx: Writer, flow: Flow, *, now_s: float, visible_after_s: float) -> int:
    """Levels of attempts that a run left open are unknown: they are pushed again. How many.

    The push that was cut off may act for `visible_after_s` more: what is pushed before that is over
    is pushed once more after it.
    """
    count = 0
    for path, raw in list(tx.scan(Table.ATTEMPTS, tuple(flow))):
        for tried in _attempt.decode(raw).keys:
            _unknown(tx, flow, tried.key, now_s + visible_after_s)
            count += 1
        tx.delete(Table.ATTEMPTS, path)
    return count


def _accept(
    tx: Writer, flow: Flow, tried: AttemptKey, opened_s: float, now_s: float, run: str, remote: str
) -> None:
    _unpark(tx, flow, tried.key)
    old = get(tx, flow, tried.key)
    record = LevelRecord(accepted=tried.revision, reported=tried.digest, at_s=now_s, run=run, remote=remote)
    if old is not None and opened_s < old.unsure_until_s:
        record = LevelRecord(at_s=now_s, run=run, unsure_until_s=old.unsure_until_s, remote=remote)
        tx.put(Table.PENDING, (*flow, tried.key), FORCED)
    tx.put(Table.DOCUMENTS, (*flow, tried.key), _encode(record))


def _refuse(tx: Writer, flow: Flow, tried: AttemptKey, refused: Rejected, now_s: float, run: str) -> None:
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


def _unknown(tx: Writer, flow: Flow, sku: str, until_s: float) -> None:
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


def _unpark(tx: Writer, flow: Flow, sku: str) -> None:
    old = get(tx, flow, sku)
    if old is not None and old.cause:
        tx.delete(Table.PARKED, (*flow, "parked", old.cause, sku))

"""The hand-over of levels: attempts are frozen in one transaction, and what came of each is settled in one.

As in `handover`, but for acts: a level whose outcome is unknown is pushed again.
"""

from collections.abc import Callable, Sequence

import msgspec

from dropstreamd.model.handover import Accepted, Item, Outcome, Preparation, Rejected, Stamp, Untouched
from dropstreamd.model.stock import Level
from dropstreamd.store import levels
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.levels import Derive, Derived
from dropstreamd.store.records import Attempt, AttemptKey, Flow, LevelRecord
from dropstreamd.store.tables import Table

_attempt = msgspec.msgpack.Decoder(Attempt)
_encode = msgspec.msgpack.Encoder().encode

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
        level, record = derive(tx, sku), levels.get(tx, flow, sku)
        if level is None:
            opened.unknown += 1
        elif not flag.startswith(levels.FORCED) and not _differs(record, level):
            opened.unchanged += 1
        elif (
            waits is not None
            and _rises(record, level)
            and _waited_s(flag, now_s) < patience_s
            and waits(tx, sku)
        ):
            opened.waiting += 1
            levels.wait(tx, flow, sku, flag, now_s - _waited_s(flag, now_s))
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
                levels.accept(tx, flow, tried, attempt.opened_s, now_s, run, remote)
            case Rejected() as refused:
                counts.refused += 1
                levels.refuse(tx, flow, tried, refused, now_s, run)
            case Untouched():
                counts.again += 1
                levels.doubt(tx, flow, [tried.key])
            case _:
                counts.again += 1
                levels.doubt(tx, flow, [tried.key], until_s=now_s + visible_after_s)
    tx.delete(Table.ATTEMPTS, (*flow, attempt_id))
    return counts


def recover(tx: Writer, flow: Flow, *, now_s: float, visible_after_s: float) -> int:
    """Levels of attempts that a run left open are unknown: they are pushed again. How many.

    The push that was cut off may act for `visible_after_s` more: what is pushed before that is over
    is pushed once more after it.
    """
    count = 0
    for path, raw in list(tx.scan(Table.ATTEMPTS, tuple(flow))):
        skus = [tried.key for tried in _attempt.decode(raw).keys]
        levels.doubt(tx, flow, skus, until_s=now_s + visible_after_s)
        count += len(skus)
        tx.delete(Table.ATTEMPTS, path)
    return count


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
    since_s = levels.since_s(flag)
    return max(0.0, now_s - since_s) if since_s else 0.0


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
        levels.refuse(tx, flow, AttemptKey(refused.key, level.available, level.reported), refused, now_s, run)
    for number, prepared in enumerate(preparation.prepared):
        keys = tuple(AttemptKey(sku, derived[sku].available, derived[sku].reported) for sku in prepared.keys)
        attempt = Attempt(name=prepared.name, payload=prepared.payload, keys=keys, run=run, opened_s=now_s)
        attempt_id = f"{stamp.attempt}-{number:04d}"
        tx.put(Table.ATTEMPTS, (*flow, attempt_id), _encode(attempt))
        opened.attempts.append((attempt_id, attempt))

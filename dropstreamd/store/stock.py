"""A warehouse account's stock: the last figures believed, and the snapshots they came from.

Figures are by SKU, over all facilities that count. For facilities that a store's locations are mapped to they
are also kept one by one: those have a row for every SKU that was ever seen there.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.tables import Table

Path = tuple[str, str]
"""Merchant and warehouse."""

Located = Mapping[str, Mapping[str, int]]
"""Units by facility, then by SKU."""

NOWHERE: Located = MappingProxyType({})

HISTORY = 50
"""Snapshots remembered for one account."""

FORGOTTEN_AT_ONCE = 10_000


class Generation(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One complete snapshot, and what was made of it.

    `applied`: its figures are believed. `held`: it looks wrong and waits for a person, or for a
    sound one. `superseded`: a newer one was there first. `unreadable`: none of it counts, and it is not
    kept. `adjusted`: no snapshot, but differences told by themselves, `units` their sum. Counts are SKUs,
    `units` their total; `kept` are those `missing` that go on being shown with a figure above 0.
    """

    id: str
    snapshot: str
    as_of_s: float
    at_s: float
    verdict: Literal["applied", "held", "superseded", "unreadable", "adjusted"]
    why: str = ""
    skus: int = 0
    changed: int = 0
    missing: int = 0
    units: int = 0
    bad_rows: int = 0
    kept: int = 0


_generation = msgspec.msgpack.Decoder(Generation)
_figures = msgspec.msgpack.Decoder(dict[str, int])
_located = msgspec.msgpack.Decoder(dict[str, dict[str, int]])
_names = msgspec.msgpack.Decoder(frozenset[str])


def _value(quantity: int, generation: str) -> bytes:
    return b"%d %s" % (quantity, generation.encode())


def quantity_of(value: bytes) -> int:
    """The units in a row of `stock`."""
    return int(value[: value.index(b" ")])


def _rows(path: Path, facility: str | None) -> tuple[Table, Key]:
    return (Table.STOCK, path) if facility is None else (Table.FACILITY_STOCK, (*path, facility))


def reported(tx: Reader, path: Path, sku: str, facility: str | None = None) -> bytes | None:
    """The row of a SKU, in all or at one facility: what it says differs after every change of its figure,
    also after one there and back. None for a SKU that the warehouse never had there."""
    table, key = _rows(path, facility)
    return tx.get(table, (*key, sku))


def changed_by(value: bytes) -> str:
    """The generation that changed the figure in a row last."""
    return value.partition(b" ")[2].decode()


def figures(tx: Reader, path: Path, facility: str | None = None) -> dict[str, int]:
    """All figures of the account, or of one facility, by SKU."""
    # In line: a call for each of a million rows is felt.
    return {sku: int(value[: value.index(b" ")]) for sku, value in tx.scan_last(*_rows(path, facility))}


def put_figures(
    tx: Writer, path: Path, changed: Mapping[str, int], generation: str, facility: str | None = None
) -> None:
    """Believe these figures from now on."""
    rows = ((sku, _value(changed[sku], generation)) for sku in sorted(changed))
    tx.put_many(*_rows(path, facility), rows)


def forget_facility(tx: Writer, path: Path, facility: str) -> None:
    """Nobody asks for its own figures any more."""
    prefix = (*path, facility)
    while tx.delete_prefix(Table.FACILITY_STOCK, prefix, limit=FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
        continue


# ---- generations: "latest" and "held" beside the history, which is keyed by id

_LATEST, _HELD, _FIGURES, _GONE = "-latest", "-held", "-held figures", "-gone"
_LOCATED, _COUNTED, _RESTORED = "-held facilities", "-facilities", "-restored"
_FOLLOWING = "-following"


def latest(tx: Reader, path: Path) -> Generation | None:
    """The newest snapshot that was believed."""
    return _one(tx, path, _LATEST)


def knows_until_s(generation: Generation) -> float:
    """Until when its figures can know what happened. The warehouse's clock may run ahead of ours; but no
    snapshot knows what came after it was read."""
    return min(generation.as_of_s, generation.at_s)


def held(tx: Reader, path: Path) -> Generation | None:
    """The snapshot that waits for a person."""
    return _one(tx, path, _HELD)


def keep_restored(tx: Writer, at_s: float) -> None:
    """Remember for every account that its figures came from a backup then. The snapshot that the backup held
    is forgotten: it is not to be approved any more."""
    names = [key for key, _ in tx.scan(Table.GENERATIONS) if key[-1].startswith("-")]
    for *account, name in names:
        if name == _LATEST:
            tx.put(Table.GENERATIONS, (*account, _RESTORED), repr(at_s).encode())
        elif name in (_HELD, _FIGURES, _LOCATED):
            tx.delete(Table.GENERATIONS, (*account, name))


def restored_s(tx: Reader, path: Path) -> float:
    """When the account's figures came from a backup; 0 if they never did."""
    raw = tx.get(Table.GENERATIONS, (*path, _RESTORED))
    return 0.0 if raw is None else float(raw)


def held_figures(tx: Reader, path: Path) -> dict[str, int]:
    """The figures of the held snapshot; empty where there is none."""
    raw = tx.get(Table.GENERATIONS, (*path, _FIGURES))
    return {} if raw is None else _figures.decode(raw)


def held_located(tx: Reader, path: Path) -> dict[str, dict[str, int]]:
    """What the held snapshot says of single facilities."""
    raw = tx.get(Table.GENERATIONS, (*path, _LOCATED))
    return {} if raw is None else _located.decode(raw)


def counted(tx: Reader, path: Path) -> frozenset[str]:
    """The facilities of which a snapshot that is believed was counted."""
    raw = tx.get(Table.GENERATIONS, (*path, _COUNTED))
    return frozenset() if raw is None else _names.decode(raw)


def put_counted(tx: Writer, path: Path, facilities: Iterable[str]) -> None:
    """Keep which facilities those are."""
    tx.put(Table.GENERATIONS, (*path, _COUNTED), msgspec.msgpack.encode(sorted(facilities)))


def gone(tx: Reader, path: Path) -> frozenset[str]:
    """SKUs that we know and the newest believed snapshot had not."""
    raw = tx.get(Table.GENERATIONS, (*path, _GONE))
    return frozenset() if raw is None else _names.decode(raw)


def put_gone(tx: Writer, path: Path, skus: Iterable[str]) -> None:
    """Keep which SKUs the snapshot believed now has not."""
    tx.put(Table.GENERATIONS, (*path, _GONE), msgspec.msgpack.encode(sorted(skus)))


def following(tx: Reader, path: Path) -> frozenset[str]:
    """The connections whose levels were marked at every change of a figure since all of theirs were looked
    at: no other one can rely on what is marked."""
    raw = tx.get(Table.GENERATIONS, (*path, _FOLLOWING))
    return frozenset() if raw is None else _names.decode(raw)


def follow(tx: Writer, path: Path, connection: str) -> None:
    """All levels of the connection have been marked: from now on it follows."""
    _put_following(tx, path, following(tx, path) | {connection})


def told_to(tx: Writer, path: Path, connections: Iterable[str]) -> None:
    """A change of figures was marked for these alone: whoever else followed has missed it."""
    before = following(tx, path)
    still = before.intersection(connections)
    if still != before:
        _put_following(tx, path, still)


def _put_following(tx: Writer, path: Path, connections: Iterable[str]) -> None:
    tx.put(Table.GENERATIONS, (*path, _FOLLOWING), msgspec.msgpack.encode(sorted(connections)))


def _one(tx: Reader, path: Path, name: str) -> Generation | None:
    raw = tx.get(Table.GENERATIONS, (*path, name))
    return None if raw is None else _generation.decode(raw)


def history(tx: Reader, path: Path) -> Iterator[Generation]:
    """The snapshots remembered, newest first."""
    for key, raw in tx.scan(Table.GENERATIONS, path, reverse=True):
        if not key[-1].startswith("-"):
            yield _generation.decode(raw)


def remember(
    tx: Writer, path: Path, generation: Generation, figures: Mapping[str, int], located: Located = NOWHERE
) -> None:
    """Keep what was made of a snapshot; an applied one takes the place of a held one that is no newer."""
    raw = msgspec.msgpack.encode(generation)
    tx.put(Table.GENERATIONS, (*path, generation.id), raw)
    if generation.verdict == "applied":
        tx.put(Table.GENERATIONS, (*path, _LATEST), raw)
        waiting = held(tx, path)
        if waiting is None or waiting.id == generation.id or knows_until_s(waiting) <= generation.as_of_s:
            _forget_held(tx, path)
    elif generation.verdict == "held":
        tx.put(Table.GENERATIONS, (*path, _HELD), raw)
        tx.put(Table.GENERATIONS, (*path, _FIGURES), msgspec.msgpack.encode(dict(figures)))
        tx.delete(Table.GENERATIONS, (*path, _LOCATED))
        if located:
            tx.put(Table.GENERATIONS, (*path, _LOCATED), msgspec.msgpack.encode(located))
    old = [key for key, _ in tx.scan(Table.GENERATIONS, path, reverse=True) if not key[-1].startswith("-")]
    for key in old[HISTORY:]:
        tx.delete(Table.GENERATIONS, key)


def _forget_held(tx: Writer, path: Path) -> None:
    for name in (_HELD, _FIGURES, _LOCATED):
        tx.delete(Table.GENERATIONS, (*path, name))

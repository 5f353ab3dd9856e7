"""Adjustments of a warehouse account's stock that were told: each for ever, and those that no snapshot which
is believed knows of by their time."""

from collections import Counter

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.stock import Path
from dropstreamd.store.tables import Table

_KNOWN, _NEWER = "adjusted:", "adjusted at:"
"""Beside the references of the account: no reference has a colon."""


class Adjusted(msgspec.Struct, frozen=True, array_like=True):
    """An adjustment: when it was made, its units by SKU, and the generation that it was taken as."""

    at_s: float
    units: dict[str, int]
    generation: str


_adjusted = msgspec.msgpack.Decoder(Adjusted)


def find(tx: Reader, path: Path, key: str) -> Adjusted | None:
    """The adjustment of that key, None where it was never told."""
    raw = tx.get(Table.LINKS, (*path, _KNOWN, key))
    return None if raw is None else _adjusted.decode(raw)


def keep(tx: Writer, path: Path, key: str, one: Adjusted, *, newer: bool) -> None:
    """Remember an adjustment; `newer`: it comes on top of the newest snapshot that is believed."""
    raw = msgspec.msgpack.encode(one)
    tx.put(Table.LINKS, (*path, _KNOWN, key), raw)
    if newer:
        tx.put(Table.LINKS, (*_of_time(path, one.at_s), key), raw)


def newer(tx: Reader, path: Path, as_of_s: float, *, after: str = "") -> Counter[str]:
    """Differences by SKU that a snapshot of then does not know of; only of those taken after that
    generation."""
    units: Counter[str] = Counter()
    for _, raw in tx.scan(Table.LINKS, (*path, _NEWER), after=_of_time(path, as_of_s)):
        one = _adjusted.decode(raw)
        if one.at_s > as_of_s and one.generation > after:
            units.update(one.units)
    return units


def settle(tx: Writer, path: Path, as_of_s: float) -> None:
    """A snapshot of then is believed: what was made before is in it. That it was told stays known."""
    for key, raw in list(tx.scan(Table.LINKS, (*path, _NEWER))):
        if _adjusted.decode(raw).at_s > as_of_s:
            return
        tx.delete(Table.LINKS, key)


def newest_s(tx: Reader, path: Path) -> float:
    """When the newest adjustment that no snapshot knows of was made; 0 for none."""
    last = tx.last(Table.LINKS, (*path, _NEWER))
    return 0.0 if last is None else _adjusted.decode(last[1]).at_s


def _of_time(path: Path, at_s: float) -> Key:
    return (*path, _NEWER, f"{max(0.0, at_s):014.3f}")

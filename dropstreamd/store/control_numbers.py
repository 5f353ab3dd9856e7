"""Control numbers: a count for each sequence of a warehouse account, such as an EDI sender and receiver.

A number once given is never given again, whatever becomes of what it was given for: gaps are harmless,
a repetition is not.
"""

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.stock import Path
from dropstreamd.store.tables import Table

LEAP = 1_000_000
"""How many numbers a restored state leaves out: far more than were given since its backup."""

LAST = "-last"
"""Below a series: the number given last. No purpose is called so."""


def block(tx: Writer, path: Path, series: str, count: int) -> int:
    """The first of `count` numbers that follow each other; from 1."""
    last = _number(tx, path, series, LAST)
    tx.put(Table.CONTROL_NUMBERS, (*path, series, LAST), str(last + count).encode())
    return last + 1


def for_purpose(tx: Writer, path: Path, series: str, purpose: str) -> int:
    """The number that this purpose has; a new one the first time it is asked for."""
    known = _number(tx, path, series, f"for {purpose}")
    if known:
        return known
    number = block(tx, path, series, 1)
    tx.put(Table.CONTROL_NUMBERS, (*path, series, f"for {purpose}"), str(number).encode())
    return number


def leap(tx: Writer) -> int:
    """Leave out, in every series, what may have been given since the backup that this state came from; how
    many series there are."""
    counts = [(path, int(raw)) for path, raw in tx.scan(Table.CONTROL_NUMBERS) if path[-1] == LAST]
    for path, last in counts:
        tx.put(Table.CONTROL_NUMBERS, path, str(last + LEAP).encode())
    return len(counts)


def _number(tx: Reader, path: Path, series: str, name: str) -> int:
    raw = tx.get(Table.CONTROL_NUMBERS, (*path, series, name))
    return 0 if raw is None else int(raw)

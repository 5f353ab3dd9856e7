"""A process that writes until it is killed, telling each number only once its write was answered.

Each write puts one row in each of two tables and raises a counter by one; every seventh raises after
it has written, and must leave nothing.
"""

import sys
from itertools import count
from pathlib import Path

import trio

from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import LmdbStore, open_store
from dropstreamd.store.tables import Table

COUNTER = ("c", "counter")


def put(writer: Writer, number: int) -> None:
    """The two rows of `number`, and the counter."""
    seen = int(writer.get(Table.CURSORS, COUNTER) or b"0")
    writer.put(Table.DOCUMENTS, ("c", f"{number:09}"), b"x" * (number * 37 % 9000))
    writer.put(Table.PENDING, ("c", f"{number:09}"), b"")
    writer.put(Table.CURSORS, COUNTER, b"%d" % (seen + 1))
    if number % 7 == 0:
        raise LookupError(number)


async def keep_writing(store: LmdbStore, start: int) -> None:
    for number in count(start, 5):
        try:
            await store.write(lambda writer, number=number: put(writer, number))  # type: ignore[misc]
        except LookupError:
            continue
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


async def main(folder: Path, start: int) -> None:
    with open_store(folder) as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            for offset in range(5):
                nursery.start_soon(keep_writing, store, start + offset)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))

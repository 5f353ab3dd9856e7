"""`Reader` and `Writer` over one LMDB transaction.

Values are copied out (no buffers into the map), and no cursor outlives the call or the page of a scan
that made it, so that nothing points into the map when rows move or the transaction ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile

import lmdb

from dropstreamd.store.keys import MAX_KEY_BYTES, Key, decode_key, encode_key, encode_part
from dropstreamd.store.tables import Table, check_owned

PAGE_ROWS = 256

_Row = tuple[bytes, bytes]


class LmdbReader:
    """See `base.Reader`."""

    def __init__(self, txn: "lmdb.Transaction[bytes]", handles: "Mapping[Table, lmdb._Database]") -> None:
        self._txn = txn
        self._handles = handles

    def get(self, table: Table, key: Key) -> bytes | None:
        return self._txn.get(_encode_whole(key), None, self._handles[table])

    def scan(
        self,
        table: Table,
        prefix: Key = (),
        *,
        after: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[Key, bytes]]:
        beyond = None if after is None else encode_key(after)
        for page in self._pages(table, encode_key(prefix), beyond, limit, reverse=reverse):
            for raw, value in page:
                yield decode_key(raw), value

    def scan_last(self, table: Table, prefix: Key) -> Iterator[tuple[str, bytes]]:
        start = encode_key(prefix)
        skipped = len(start)
        for page in self._pages(table, start, None, None, reverse=False):
            for raw, value in page:
                part = raw[skipped:-1].decode("utf-8", "surrogateescape")
                if "\0" in part or len(raw) == skipped:
                    raise ValueError(f"{table.value}: {decode_key(raw)!r} is not {prefix!r} and one part")
                yield part, value

    def first(self, table: Table, prefix: Key = ()) -> tuple[Key, bytes] | None:
        return next(self.scan(table, prefix, limit=1), None)

    def last(self, table: Table, prefix: Key = ()) -> tuple[Key, bytes] | None:
        return next(self.scan(table, prefix, limit=1, reverse=True), None)

    def count(self, table: Table, prefix: Key = ()) -> int:
        if not prefix:
            return self._txn.stat(self._handles[table])["entries"]
        start = encode_key(prefix)
        with self._txn.cursor(self._handles[table]) as cursor:
            if not cursor.set_range(start):
                return 0
            keys = cursor.iternext(keys=True, values=False)
            return sum(1 for _ in takewhile(lambda raw: raw.startswith(start), keys))

    def _pages(
        self, table: Table, start: bytes, beyond: bytes | None, limit: int | None, *, reverse: bool
    ) -> Iterator[list[_Row]]:
        """The rows under `start` in bounded lists, each through a cursor of its own."""
        left = limit
        while left is None or left > 0:
            rows = PAGE_ROWS if left is None else min(PAGE_ROWS, left)
            page = self._page(table, start, beyond, rows, reverse=reverse)
            within = page
            if page and not page[-1][0].startswith(start):
                within = [row for row in page if row[0].startswith(start)]
            if within:
                yield within
            if len(within) < rows:
                return
            beyond = within[-1][0]
            left = None if left is None else left - rows

    def _page(
        self, table: Table, start: bytes, beyond: bytes | None, rows: int, *, reverse: bool
    ) -> list[_Row]:
        with self._txn.cursor(self._handles[table]) as cursor:
            if reverse:
                found = _seek_before(cursor, _end_of(start) if beyond is None else beyond)
                return list(islice(cursor.iterprev(), rows)) if found else []
            found = _seek_from(cursor, start) if beyond is None else _seek_beyond(cursor, beyond)
            return list(islice(cursor.iternext(), rows)) if found else []


class LmdbWriter(LmdbReader):
    """See `base.Writer`."""

    def put(self, table: Table, key: Key, value: bytes) -> None:
        check_owned(table, key)
        self._txn.put(_encode_whole(key), value, db=self._handles[table])

    def put_many(self, table: Table, prefix: Key, rows: Iterable[tuple[str, bytes]]) -> None:
        check_owned(table, prefix)
        raw, put, handle = encode_key(prefix), self._txn.put, self._handles[table]
        for part, value in rows:
            key = raw + encode_part(part)
            if len(key) > MAX_KEY_BYTES:
                raise ValueError(f"a key of {len(key)} bytes: at most {MAX_KEY_BYTES} fit")
            put(key, value, db=handle)

    def delete(self, table: Table, key: Key) -> bool:
        return self._txn.delete(_encode_whole(key), db=self._handles[table])

    def delete_prefix(self, table: Table, prefix: Key, *, limit: int) -> int:
        check_owned(table, prefix)
        deleted = 0
        for page in self._pages(table, encode_key(prefix), None, limit, reverse=False):
            for raw, _ in page:
                self._txn.delete(raw, db=self._handles[table])
            deleted += len(page)
        return deleted


def _encode_whole(key: Key) -> bytes:
    if not key:
        raise ValueError("a key has at least one part")
    return encode_key(key)


def _end_of(start: bytes) -> bytes | None:
    """The least key that is after all those under `start`; None for the end of the table."""
    return start[:-1] + b"\1" if start else None


# A cursor that was not placed iterates from the table's beginning: hence the answers below are used.


def _seek_from(cursor: "lmdb.Cursor[bytes]", start: bytes) -> bool:
    return cursor.set_range(start) if start else cursor.first()


def _seek_beyond(cursor: "lmdb.Cursor[bytes]", raw: bytes) -> bool:
    if not cursor.set_range(raw):
        return False
    return cursor.next() if cursor.key() == raw else True


def _seek_before(cursor: "lmdb.Cursor[bytes]", raw: bytes | None) -> bool:
    if raw is None or not cursor.set_range(raw):
        return cursor.last()
    return cursor.prev()

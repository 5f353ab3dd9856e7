"""The rows of a CSV file with a header, and what is wrong with them, by line."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from dropstreamd.config.place import Place, meant, shown

PROBLEMS_A_FILE = 20


class Wrong(NamedTuple):
    """What a row holds, and what it should."""

    found: str
    allowed: str


Row = tuple[str, ...]


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is made of: columns that it must have, and `optional` ones that may be absent or empty
    (read as ""). A row is named by its first `keys` columns, and is there once. Further columns are for
    people. `check` says what else is wrong with a row."""

    names: tuple[str, ...]
    optional: tuple[str, ...] = ()
    keys: int = 1
    check: Callable[[Row], Wrong | None] = lambda _row: None


class Rows:
    """Reads one file, whose shown path is `path`."""

    def __init__(self, columns: Columns, *, path: str, most: int, place: Place) -> None:
        self._columns = columns
        self._path = path
        self._most = most
        self._place = place
        self._wrong_count = 0

    def read(self, reader: Iterator[list[str]], line: Callable[[], int]) -> list[Row] | None:
        """Every row, its optional columns last; None after a problem: the first twenty are reported."""
        header = next(reader, None) or []
        wanted = self._header(header)
        if wanted is None:
            return None
        rows: list[Row] = []
        lines: dict[Row, int] = {}
        for fields in reader:
            if not fields:
                continue
            if len(rows) == self._most:
                self.wrong(line(), "more rows", f"at most {self._most}")
                break
            row = self._row(fields, len(header), wanted, line())
            if row is None:
                continue
            key = row[: self._columns.keys]
            if key in lines:
                self.wrong(line(), f"{self._named(key)} again", f"once, and line {lines[key]} has it")
                continue
            rows.append(row)
            lines[key] = line()
        if self._wrong_count > PROBLEMS_A_FILE:
            more = self._wrong_count - PROBLEMS_A_FILE
            Place(self._path, self._place.problems).wrong(
                found=f"{more} more wrong rows", allowed="rows like the header"
            )
        return None if self._wrong_count else rows

    def wrong(self, line: int, found: str, allowed: str, hint: str = "") -> None:
        """Report what is wrong on a line."""
        self._wrong_count += 1
        if self._wrong_count <= PROBLEMS_A_FILE:
            Place(self._path, self._place.problems, f"line {line}").wrong(
                found=found, allowed=allowed, hint=hint
            )

    def _named(self, key: Row) -> str:
        return ", ".join(
            f"{name} {shown(value)}" for name, value in zip(self._columns.names, key, strict=False)
        )

    def _header(self, header: list[str]) -> list[int | None] | None:
        """Where each column stands; None after a problem."""
        names = [name.strip().lower() for name in header]
        expected = f"a header with {','.join(self._columns.names)}"
        for column in self._columns.names:
            if names.count(column) != 1:
                found = "no column" if column not in names else "several columns"
                self.wrong(1, f"{found} {column}", expected, meant(column, names))
        for column in self._columns.optional:
            if names.count(column) > 1:
                self.wrong(1, f"several columns {column}", "one at most")
        if self._wrong_count:
            return None
        return [
            names.index(column) if column in names else None
            for column in (*self._columns.names, *self._columns.optional)
        ]

    def _row(self, fields: list[str], width: int, wanted: list[int | None], line: int) -> Row | None:
        if len(fields) != width:
            self.wrong(line, f"{len(fields)} fields", f"{width}, as in the header")
            return None
        row = tuple("" if at is None else fields[at] for at in wanted)
        for column, value in zip(self._columns.names, row, strict=False):
            if not value or value != value.strip() or len(value) > 200 or "\0" in value:
                allowed = "1 to 200 characters without spaces at either end"
                self.wrong(line, f"{column} {shown(value)}", allowed)
                return None
        wrong = self._columns.check(row)
        if wrong is not None:
            self.wrong(line, wrong.found, wrong.allowed)
            return None
        return row

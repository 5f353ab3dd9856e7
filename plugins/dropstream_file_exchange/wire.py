"""A warehouse's CSV file: decoded strictly, in batches of rows, with the line of each.

Rows are handed on one by one and not kept: thousands of lists that live on would set off collections
of garbage over the whole process, of 40 ms and more.

What makes the whole file unreadable is raised as `ProtocolMismatch` with a message for a person.
"""

import csv
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from dropstream_file_exchange.settings import Column, CsvForm
from dropstreamd.errors import ProtocolMismatch

BATCH = 2_000
TAIL_BYTES = 8
HEADER_SHOWN = 300
"""Characters of a header in a message."""
TORN = "its last row has no end: the file is torn, or its last line wants `last_newline = false`"


class CsvFile:
    """One file, opened: its header is read, its end is seen to be whole."""

    def __init__(self, content: IO[bytes], form: CsvForm) -> None:
        self._content = content
        self._form = form
        self.header: list[str] | None = None
        self._width = 0
        self._ends_open = self._check_end()
        content.seek(0)
        self._text = io.TextIOWrapper(content, form.encoding, newline="")
        if form.quote:
            self._reader = csv.reader(self._text, delimiter=form.delimiter, quotechar=form.quote, strict=True)
        else:
            self._reader = csv.reader(
                self._text, delimiter=form.delimiter, quoting=csv.QUOTE_NONE, strict=True
            )
        self._ahead: list[str] | None = None
        if form.header:
            with self.reading():
                first = next(self._reader, None)
            if not first:
                raise ProtocolMismatch("it has no header")
            self.header = [name.strip() for name in first]

    def batch(self) -> Iterator[list[str]]:
        """The next rows, at most 2,000; to be read within `reading`. Blank lines are empty rows."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return itertools.islice(self._reader, BATCH)
        return itertools.chain((ahead,), itertools.islice(self._reader, BATCH - 1))

    def more(self, last: list[str] | None) -> bool:
        """Whether another batch has rows. `last` is the last row of the one that was just read."""
        with self.reading():
            self._ahead = next(self._reader, None)
        width = self._width = self._width or len(self.header or last or ())
        if self._ahead is None and self._ends_open and last is not None and len(last) < width:
            raise ProtocolMismatch(TORN)
        return self._ahead is not None

    def line(self, row: list[str]) -> int:
        """The line at which the row that was read last begins; a quoted field may span several."""
        return self._reader.line_num - sum(field.count("\n") for field in row)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Maps what may go wrong while rows are read."""
        try:
            yield
        except csv.Error as error:
            raise ProtocolMismatch(f"line {self._reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise ProtocolMismatch(
                f"after line {self._reader.line_num}: it is not written in {self._form.encoding}"
            ) from error

    def close(self) -> None:
        """Let go of the content without closing it."""
        self._text.detach()

    def index(self, name: str, column: Column | None, *, required: bool) -> int | None:
        """Where a column stands, from 0; None for one that the file need not have and has not."""
        if column is None:
            return None
        if isinstance(column, int):
            return self._at(name, column, required=required)
        places = [at for at, title in enumerate(self.header or ()) if title == column]
        if len(places) > 1:
            raise ProtocolMismatch(f"its header names the column {column!r} twice")
        if places:
            return places[0]
        if required:
            found = ", ".join(repr(title) for title in self.header or ())
            if len(found) > HEADER_SHOWN:
                found = f"{found[:HEADER_SHOWN]} …"
            meant = "" if column == name else f" (for {name})"
            raise ProtocolMismatch(f"its header has no column {column!r}{meant}, but {found}")
        return None

    def _at(self, name: str, column: int, *, required: bool) -> int | None:
        if self.header is None or column <= len(self.header):
            return column - 1
        if required:
            raise ProtocolMismatch(
                f"its header has {len(self.header)} columns, {name} is to be in number {column}"
            )
        return None

    def _check_end(self) -> bool:
        """Whether the last row ends without an end of line. A file whose last value has no end
        either, neither a line's nor a quote's, may be a part of one: then it is refused."""
        size = self._content.seek(0, io.SEEK_END)
        self._content.seek(max(0, size - TAIL_BYTES))
        # Wide encodings put NULs around their ends of line.
        tail = self._content.read().replace(b"\0", b"")
        if not tail or tail.endswith((b"\n", b"\r")):
            return False
        if self._form.last_newline and not (self._form.quote and tail.endswith(self._form.quote.encode())):
            raise ProtocolMismatch(TORN)
        return True


def width_problem(row: list[str], header: list[str] | None, needed: int) -> str | None:
    """Why a row has not the fields that it should have; None if it has."""
    if len(row) < needed or (header is not None and len(row) < len(header)):
        return f"it has {len(row)} fields, expected {len(header) if header is not None else needed}"
    if header is not None and any(row[len(header) :]):
        return f"it has {len(row)} fields, expected {len(header)}"
    return None


def raw(row: list[str], form: CsvForm) -> bytes:
    """A row as bytes, to be shown to a person."""
    text = io.StringIO()
    csv.writer(text, delimiter=form.delimiter, quoting=csv.QUOTE_ALL, lineterminator="").writerow(row)
    return text.getvalue().encode()

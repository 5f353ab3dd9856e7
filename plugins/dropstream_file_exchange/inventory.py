"""Inventory files: each is one snapshot, read row by row."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.settings import INVENTORY_COLUMNS, Inventory
from dropstream_file_exchange.values import MOST_DIGITS, date_parser, quantity_parser
from dropstream_file_exchange.wire import CsvFile, raw, width_problem
from dropstreamd.clock import utc
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Bad, StockPage
from dropstreamd.platform.inbox import Fetched

MOST_BAD = 1_000
MOST_SKU = 100  # bytes
SURE_SKU = MOST_SKU // 4  # characters that cannot be more bytes than that
MOST_FIELDS = 1_000  # of a plain row in a file without a header


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where the fields stand, from 0; `needed` is the fewest fields that hold them all."""

    sku: int
    quantity: int
    status: int | None
    facility: int | None
    as_of: int | None

    @property
    def needed(self) -> int:
        return 1 + max(self.sku, self.quantity, self.status or 0, self.facility or 0, self.as_of or 0)


def read_stock(fetched: Fetched, settings: Inventory, zone: ZoneInfo) -> Generator[StockPage, None, None]:
    """The file's pages; the last one is marked so and bears the file's mark.

    Raises ProtocolMismatch where the file cannot be read to its end, or more than 1,000 of its rows
    cannot: pages that came before it are then no snapshot.
    """
    file = CsvFile(fetched.content, settings)
    try:
        places = _places(file, settings)
        rows = _Rows(file, places, settings, fetched.entry.name)
        as_of = None if settings.as_of == "column" else _as_of(fetched, settings, zone, "")
        count_bad, more = 0, True
        while more:
            stock, bad = rows.read()
            more = file.more(rows.last)
            if as_of is None:
                as_of = _as_of(fetched, settings, zone, rows.first_as_of)
            count_bad += len(bad)
            if count_bad > MOST_BAD:
                raise ProtocolMismatch(
                    f"more than {MOST_BAD} rows cannot be read, the last: {bad[-1].reason}"
                )
            yield StockPage(
                snapshot=f"{fetched.entry.name} {fetched.digest[:12]}",
                as_of=as_of,
                rows=tuple(stock),
                bad=tuple(bad),
                last=not more,
                mark=None if more else fetched.mark(readable=True),
            )
    finally:
        file.close()


class _Rows:
    """Reads batches of one file. The plain row (all fields there, digits only) takes the short way."""

    def __init__(self, file: CsvFile, places: Places, settings: Inventory, name: str) -> None:
        self.last: list[str] | None = None
        self.first_as_of = ""
        self._file = file
        self._header = file.header
        self._places = places
        self._settings = settings
        self._name = name
        self._quantity = quantity_parser(settings)
        self._needed = places.needed
        self._widths = (len(file.header), len(file.header)) if file.header else (self._needed, MOST_FIELDS)

    def read(self) -> tuple[list[StockRow], list[Bad]]:
        """The next batch: the rows that could be read, and those that could not, each with its line."""
        stock: list[StockRow] = []
        bad: list[Bad] = []
        rows = self._file.batch()
        with self._file.reading():
            if self._places.as_of is not None and not self.first_as_of:
                rows = self._peek(rows)
            if self._places.status is None and self._places.facility is None:
                rows = self._odd(rows, stock)
            for row in rows:
                if not row:
                    continue
                self.last = row
                try:
                    stock.append(self._row(row))
                except ValueError as error:
                    bad.append(self._bad(row, self._file.line(row), str(error)))
        return stock, bad

    def _odd(self, rows: Iterator[list[str]], stock: list[StockRow]) -> Iterator[list[str]]:
        """Takes the rows that are as most are into `stock`; what comes out are the others."""
        sku_at, quantity_at = self._places.sku, self._places.quantity
        fewest, most = self._widths
        add = stock.append
        row = self.last
        for row in rows:
            if (
                fewest <= len(row) <= most
                and (text := row[quantity_at]).isdecimal()
                and len(text) <= MOST_DIGITS
                and 0 < len(sku := row[sku_at].strip()) <= SURE_SKU
                and "\0" not in sku
            ):
                add(StockRow(sku=sku, quantity=int(text)))
            else:
                yield row
        self.last = row

    def _peek(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        """Keeps the snapshot's time of the first row."""
        at = self._places.as_of
        for row in rows:
            if row and not self.first_as_of and at is not None and at < len(row):
                self.first_as_of = row[at].strip()
            yield row

    def _row(self, row: list[str]) -> StockRow:
        places = self._places
        problem = width_problem(row, self._header, self._needed)
        if problem is not None:
            raise ValueError(problem)
        sku = row[places.sku].strip()
        if not sku:
            raise ValueError("the SKU is empty")
        if len(sku.encode()) > MOST_SKU or "\0" in sku:
            raise ValueError(f"the SKU is longer than {MOST_SKU} bytes, or holds a NUL")
        return StockRow(
            sku=sku,
            quantity=self._quantity(row[places.quantity]),
            status="" if places.status is None else row[places.status].strip(),
            facility="" if places.facility is None else row[places.facility].strip(),
        )

    def _bad(self, row: list[str], line: int, reason: str) -> Bad:
        content = raw(row, self._settings)
        key = row[self._places.sku].strip() if self._places.sku < len(row) else ""
        if not 0 < len(key.encode()) <= MOST_SKU or "\0" in key:
            key = f"row {hashlib.blake2b(content, digest_size=8).hexdigest()}"
        return Bad(key=key, place=f"{self._name} line {line}", reason=reason, raw=content)


def _places(file: CsvFile, settings: Inventory) -> Places:
    stated = settings.columns is not None
    columns = settings.columns or INVENTORY_COLUMNS
    find: Callable[..., int | None] = file.index
    sku = file.index("the SKU", columns.sku, required=True)
    quantity = file.index("the quantity", columns.quantity, required=True)
    if sku is None or quantity is None:
        raise ProtocolMismatch("its SKU or quantity has no column")
    return Places(
        sku=sku,
        quantity=quantity,
        status=find("the status", columns.status, required=stated),
        facility=find("the facility", columns.facility, required=stated),
        as_of=find("the snapshot's time", columns.as_of, required=stated)
        if settings.as_of == "column"
        else None,
    )


def _as_of(fetched: Fetched, settings: Inventory, zone: ZoneInfo, in_column: str) -> datetime:
    """When the figures were true: as the settings say."""
    if settings.as_of == "mtime":
        return utc(fetched.entry.mtime_s)
    text = in_column
    if settings.as_of == "name":
        text = fetched.entry.name
        settings = msgspec.structs.replace(settings, dates=(settings.as_of_name,))
    try:
        return date_parser(settings, zone)(text)
    except ValueError as error:
        raise ProtocolMismatch(f"the snapshot's time: {error}") from error

"""Shipment files: rows, each with units of one SKU, gathered to packages."""

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.settings import SHIPMENT_COLUMNS, Shipments
from dropstream_file_exchange.values import date_parser, noon_of_a_day, quantity_parser
from dropstream_file_exchange.wire import CsvFile, raw, width_problem
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.platform.contract import Bad
from dropstreamd.platform.inbox import Fetched

MOST_KEY = 100  # bytes of a document's key or a SKU


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where the fields stand, from 0."""

    reference: int
    sku: int
    quantity: int
    shipment: int | None
    package: int | None
    order_line: int | None
    carrier: int | None
    service: int | None
    tracking: int | None
    tracking_url: int | None
    shipped: int | None
    facility: int | None


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What about so many rows came to."""

    packages: tuple[Package, ...] = ()
    bad: tuple[Bad, ...] = ()


class Row(msgspec.Struct, kw_only=True, gc=False):
    """One row of a package: its values, or what is wrong with it."""

    line: int
    raw: bytes
    problem: str = ""
    reference: str = ""
    units: PackageLine | None = None
    carrier: str = ""
    service: str = ""
    tracking: tuple[str, ...] = ()
    tracking_url: str = ""
    shipped_at: datetime | None = None
    facility: str = ""


def read_packages(fetched: Fetched, settings: Shipments, zone: ZoneInfo) -> Generator[Gathered, None, None]:
    """The file's packages, in portions of about 2,000 rows, some of them empty.

    It is read twice: first to its end, to see that it can be read and how many rows each package
    has, for these need not stand together. Raises ProtocolMismatch, before it brings anything,
    where it cannot be read. A bad row sets its package aside; one that names none, itself alone.
    """
    counts: Counter[str | None] = Counter()
    file = CsvFile(fetched.content, settings)
    try:
        reader = _Reader(file, settings, zone)
        more = True
        while more:
            last = None
            with file.reading():
                for last in file.batch():
                    if last:
                        counts[reader.key(last)] += 1
            more = file.more(last)
            yield Gathered()
    finally:
        file.close()
    file = CsvFile(fetched.content, settings)
    try:
        yield from _gather(file, reader, counts, fetched.entry.name)
    finally:
        file.close()


def _gather(
    file: CsvFile, reader: "_Reader", counts: Counter[str | None], name: str
) -> Generator[Gathered, None, None]:
    open_: dict[str, list[Row]] = {}
    more = True
    while more:
        packages: list[Package] = []
        bad: list[Bad] = []
        fields: list[str] | None = None
        with file.reading():
            for fields in file.batch():
                if not fields:
                    continue
                key, row = reader.key(fields), reader.row(fields, file.line(fields))
                if key is None:
                    bad.append(_lone(row, name))
                    continue
                rows = open_.setdefault(key, [])
                rows.append(row)
                if len(rows) == counts[key]:
                    _close(key, open_.pop(key), name, packages, bad)
        more = file.more(fields)
        yield Gathered(packages=tuple(packages), bad=tuple(bad))


def _close(key: str, rows: list[Row], name: str, packages: list[Package], bad: list[Bad]) -> None:
    several = len(rows) > 1  # a single one's line is its place
    problems = [f"line {row.line}: {row.problem}" if several else row.problem for row in rows if row.problem]
    if len({row.reference for row in rows}) > 1:
        problems.append("its rows name more than one order")
    lines = tuple(row.units for row in rows if row.units is not None)
    if not problems and not lines:
        problems.append("nothing is in it: every quantity is 0")
    if problems:
        place = f"{name} line {rows[0].line}" + (f" to {rows[-1].line}" if several else "")
        content = b"\n".join(row.raw for row in rows)
        bad.append(Bad(key=key, place=place, reason="; ".join(problems[:10]), raw=content))
        return
    packages.append(
        Package(
            key=key,
            reference=rows[0].reference,
            lines=lines,
            carrier=_first(row.carrier for row in rows),
            service=_first(row.service for row in rows),
            tracking_numbers=tuple(dict.fromkeys(number for row in rows for number in row.tracking)),
            tracking_url=_first(row.tracking_url for row in rows),
            shipped_at=next((row.shipped_at for row in rows if row.shipped_at), None),
            facility=_first(row.facility for row in rows),
        )
    )


class _Reader:
    """Reads the rows of one file."""

    def __init__(self, file: CsvFile, settings: Shipments, zone: ZoneInfo) -> None:
        self._header = file.header
        self._settings = settings
        self._places = _places(file, settings)
        self._needed = 1 + max(at for at in msgspec.structs.astuple(self._places) if at is not None)
        self._quantity = quantity_parser(settings)
        self._date = date_parser(settings, zone)
        self._zone = zone

    def key(self, fields: list[str]) -> str | None:
        """What tells a row's package from all others of the account; None where that is unreadable.

        Shipment and package ids where the file has them; else the order and the tracking number,
        and for a package without one, the order and the ship date.
        """
        places = self._places
        reference = self._at(fields, places.reference)
        shipment, package = self._at(fields, places.shipment), self._at(fields, places.package)
        if shipment:
            return package_key("s", shipment, package)
        if not reference:
            return None
        if package:
            return package_key("p", reference, package)
        tracking = self._at(fields, places.tracking)
        if tracking:
            return package_key("t", reference, tracking)
        shipped = self._at(fields, places.shipped)
        return package_key("d", reference, shipped) if shipped else None

    def row(self, fields: list[str], line: int) -> Row:
        """The row's values; where one is wrong, what."""
        row = Row(line=line, raw=raw(fields, self._settings))
        try:
            self._fill(row, fields)
        except ValueError as error:
            row.problem = str(error)
        return row

    def _fill(self, row: Row, fields: list[str]) -> None:
        places = self._places
        problem = width_problem(fields, self._header, self._needed)
        if problem is not None:
            raise ValueError(problem)
        row.reference = self._at(fields, places.reference)
        if not row.reference:
            raise ValueError("the order number is empty")
        if not may_be_key(row.reference):
            raise ValueError(f"the order number is longer than {MOST_KEY} bytes, or holds a NUL")
        row.carrier = self._at(fields, places.carrier)
        row.service = self._at(fields, places.service)
        row.tracking_url = self._at(fields, places.tracking_url)
        row.tracking = self._tracking(self._at(fields, places.tracking))
        shipped = self._at(fields, places.shipped)
        row.shipped_at = noon_of_a_day(self._date(shipped), self._zone) if shipped else None
        row.facility = self._at(fields, places.facility)
        row.units = self._units(fields)

    def _units(self, fields: list[str]) -> PackageLine | None:
        """What the row says is in the package; None for a row of 0 units."""
        sku = self._at(fields, self._places.sku)
        if not sku:
            raise ValueError("the SKU is empty")
        if not may_be_key(sku):
            raise ValueError(f"the SKU is longer than {MOST_KEY} bytes, or holds a NUL")
        quantity = self._quantity(fields[self._places.quantity])
        if quantity < 0:
            raise ValueError(f"the quantity {quantity} is negative")
        order_line = self._at(fields, self._places.order_line)
        if order_line and not order_line.isdecimal():
            raise ValueError(f"the order line {order_line[:40]!r} is not a number")
        return PackageLine(sku=sku, quantity=quantity, order_line=int(order_line or 0)) if quantity else None

    def _tracking(self, text: str) -> tuple[str, ...]:
        separator = self._settings.tracking_separator
        numbers = text.split(separator) if separator else [text]
        return tuple(number.strip() for number in numbers if number.strip())

    def _at(self, fields: list[str], place: int | None) -> str:
        return fields[place].strip() if place is not None and place < len(fields) else ""


def _places(file: CsvFile, settings: Shipments) -> Places:
    columns = settings.columns or SHIPMENT_COLUMNS
    needed = {"reference", "sku", "quantity"} if settings.columns is None else set(columns.__struct_fields__)
    found = {
        name: file.index(name, column, required=name in needed)
        for name, column in msgspec.structs.asdict(columns).items()
    }
    places = msgspec.convert(found, Places)
    if (places.shipment, places.package, places.tracking, places.shipped) == (None, None, None, None):
        raise ProtocolMismatch("no column of it tells one package of an order from another")
    return places


def may_be_key(text: str) -> bool:
    return len(text.encode()) <= MOST_KEY and "\0" not in text


def package_key(kind: str, *parts: str) -> str:
    """Parts that no other parts give, kept readable where they are short."""
    key = "/".join([kind, *(quote(part, safe=" ") for part in parts)])
    if len(key) <= MOST_KEY:
        return key
    return f"{kind}#{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}"


def _lone(row: Row, name: str) -> Bad:
    reason = row.problem or "no shipment, package or tracking number and no ship date tells its package"
    key = f"row {hashlib.blake2b(row.raw, digest_size=8).hexdigest()}"
    return Bad(key=key, place=f"{name} line {row.line}", reason=reason, raw=row.raw)


def _first(values: Iterator[str]) -> str:
    return next((value for value in values if value), "")

"""A small warehouse behind an SFTP folder: takes order files, answers with shipment and inventory files.

It works when told to, on the folder itself, as a WMS on the server's own machine does.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from dropstreamd.clock import Clock, utc
from dropstreamd.errors import ProtocolMismatch

CARRIER = "UPS"
SHIPMENT_COLUMNS = (
    "order_number",
    "shipment_id",
    "package_id",
    "line_number",
    "sku",
    "quantity",
    "carrier",
    "service",
    "tracking_number",
    "ship_date",
)


class TakenLine(msgspec.Struct, frozen=True, kw_only=True):
    """One Pick Detail row."""

    number: int
    sku: str
    quantity: int


class TakenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a file: its number, its ship method, its lines."""

    reference: str
    ship_method: str
    lines: tuple[TakenLine, ...]


class SandboxWarehouse:
    """The warehouse of one folder tree: `in` and `out`, and `taken` for the order files it has read."""

    def __init__(self, root: Path, clock: Clock, stock: Mapping[str, int]) -> None:
        self.stock = dict(stock)
        self.orders: list[TakenOrder] = []
        self._inbox, self._outbox, self._taken = root / "in", root / "out", root / "taken"
        self._clock = clock
        self._shipments = 0
        self._files = 0
        for folder in (self._inbox, self._outbox, self._taken):
            folder.mkdir(parents=True, exist_ok=True)

    def take_orders(self) -> list[TakenOrder]:
        """Read every `ord_*.csv` and move it away; the orders in them, in the order of their names."""
        found: list[TakenOrder] = []
        for path in sorted(self._inbox.glob("ord_*.csv")):
            found += _read_orders(path)
            path.rename(self._taken / path.name)
        self.orders += found
        return found

    def ship(self, orders: Iterable[TakenOrder]) -> Path | None:
        """Send each order in one package, and tell it in one file; None where there is none."""
        rows: list[tuple[object, ...]] = []
        for order in orders:
            self._shipments += 1
            for line in order.lines:
                self.stock[line.sku] = self.stock.get(line.sku, 0) - line.quantity
                rows.append(self._row(order, line))
        return self._leave("shp", SHIPMENT_COLUMNS, rows) if rows else None

    def report_stock(self) -> Path:
        """A snapshot of everything that is available."""
        rows = [(sku, max(0, quantity)) for sku, quantity in sorted(self.stock.items())]
        return self._leave("inv", ("sku", "quantity"), rows)

    def _row(self, order: TakenOrder, line: TakenLine) -> tuple[object, ...]:
        number = self._shipments
        shipped = utc(self._clock.now_s()).isoformat(timespec="seconds")
        tracking = f"1ZSANDBOX{number:06d}"
        return (
            *(order.reference, f"S{number}", "1", line.number, line.sku, line.quantity),
            *(CARRIER, order.ship_method, tracking, shipped),
        )

    def _leave(self, prefix: str, columns: Iterable[str], rows: Iterable[tuple[object, ...]]) -> Path:
        """Write a file under another name, then give it its own: it appears whole."""
        self._files += 1
        at = utc(self._clock.now_s())
        path = self._outbox / f"{prefix}_{at:%Y%m%d%H%M%S}_{self._files:04d}.csv"
        part = path.with_name(f".{path.name}.part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
        return part.rename(path)


def _read_orders(path: Path) -> list[TakenOrder]:
    """The orders of one file. Raises ProtocolMismatch, naming the line, for what is no order file."""
    orders: list[TakenOrder] = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.reader(file, strict=True), start=1):
            if row[:1] == ["PH"] and len(row) >= 25:
                orders.append(TakenOrder(reference=row[1], ship_method=row[19], lines=()))
            elif row[:1] == ["PD"] and len(row) == 6 and orders and row[1] == orders[-1].reference:
                line = TakenLine(number=int(row[2]), sku=row[3], quantity=int(row[4]))
                orders[-1] = msgspec.structs.replace(orders[-1], lines=(*orders[-1].lines, line))
            else:
                raise ProtocolMismatch(f"{path.name} line {number} is no row of an order file")
    return orders

"""A purchase order and what came of it: pure arithmetic over the warehouse's receipts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder, PurchaseStatus
from dropstreamd.model.returns import Receipt


class _Tally(msgspec.Struct, kw_only=True):
    """What came of one line. `short` will not come any more."""

    line: PurchaseLine
    received: int = 0
    damaged: int = 0
    short: int = 0

    @property
    def left(self) -> int:
        return max(0, self.line.expected - self.received - self.short)

    @property
    def told(self) -> PurchaseLine:
        return msgspec.structs.replace(self.line, received=self.received, damaged=self.damaged)


def told(order: PurchaseOrder, receipts: Sequence[Receipt]) -> PurchaseOrder:
    """The purchase order with what came: received, damaged (a part of that), more or less than expected.

    Units are of the line that the warehouse names, else of the lines of their SKU one after the other; what
    is beyond counts with the last of them. A SKU that was not expected has a line of its own.
    """
    tallies = [_Tally(line=line) for line in order.lines]
    for receipt in receipts:
        for came in receipt.lines:
            for tally, units in _shared(tallies, came.sku, came.return_line, came.quantity):
                tally.received += units
                tally.damaged += units if came.condition == "damaged" else 0
        for short in receipt.short:
            for tally, units in _shared(tallies, short.sku, short.line, short.quantity):
                tally.short += units
    times = [order.updated_at, *(receipt.received_at for receipt in receipts)]
    return msgspec.structs.replace(
        order,
        status=_status(order.status, tallies),
        lines=tuple(tally.told for tally in tallies),
        updated_at=_latest(times),
    )


def _shared(tallies: list[_Tally], sku: str, number: int, units: int) -> Iterator[tuple[_Tally, int]]:
    """The lines that units of a SKU are of, and how many of each."""
    if 0 < number <= len(tallies) and tallies[number - 1].line.sku == sku:
        yield tallies[number - 1], units
        return
    mine = [tally for tally in tallies if tally.line.sku == sku]
    if not mine:
        mine = [_Tally(line=PurchaseLine(key=f"unexpected {sku}", sku=sku, expected=0))]
        tallies += mine
    for tally in mine[:-1]:
        part = min(units, tally.left)
        units -= part
        if part:
            yield tally, part
    yield mine[-1], units


def _status(entered: PurchaseStatus, tallies: list[_Tally]) -> PurchaseStatus:
    """`closed` where the warehouse says of all that is missing that it will not come."""
    if entered != "open":
        return entered
    if not any(tally.received or tally.short for tally in tallies):
        return "open"
    if any(tally.left for tally in tallies):
        return "partially-received"
    short = any(tally.received < tally.line.expected for tally in tallies)
    return "closed" if short else "received"


def _latest(times: Sequence[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)

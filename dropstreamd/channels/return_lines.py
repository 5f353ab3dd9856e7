"""Lines of a return, between the store's words and the warehouse's: what the warehouse is to expect, and
which of it a receipt brought back. `returned_kits.py` tells that to the store."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from dropstreamd.channels.traces import Came
from dropstreamd.config.schema import Connection
from dropstreamd.model.orders import OutboundLine, OutboundOrder
from dropstreamd.model.returns import (
    OutboundReturn,
    OutboundReturnLine,
    ReceiptLine,
    Return,
    ReturnLine,
)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a warehouse's SKU that may come back; `number` is the line that the warehouse knows. Where
    they are of kits, `kit` is the bundle's SKU and `units_per_kit` what one takes."""

    number: int
    sku: str
    quantity: int
    order_line: str
    return_line: str = ""
    kit: str = ""
    units_per_kit: int = 0

    @property
    def sold_by(self) -> str:
        """The line of the store that it is of: the return's, or the order's where there is no return."""
        return self.return_line or self.order_line


def of_return(sent: OutboundReturn) -> tuple[Expected, ...]:
    """What a return that was handed over lets expect."""
    return tuple(
        Expected(
            number=line.number,
            sku=line.sku,
            quantity=line.quantity,
            order_line=line.order_line,
            return_line=line.return_line,
            kit=line.kit,
            units_per_kit=line.units_per_kit,
        )
        for line in sent.lines
    )


def of_order(sent: OutboundOrder) -> tuple[Expected, ...]:
    """What may come back of an order of which no return was asked for: all of it."""
    return tuple(
        Expected(
            number=line.number,
            sku=line.sku,
            quantity=line.quantity,
            order_line=line.order_line,
            kit=line.kit,
            units_per_kit=line.units_per_kit,
        )
        for line in sent.lines
    )


_Part = tuple[str, str, int]
"""Warehouse SKU, kit ("" for none) and units per kit."""


def warehouse_lines(
    ret: Return, order: OutboundOrder | None, sent: OutboundReturn | None, connection: Connection
) -> tuple[OutboundReturnLine, ...]:
    """The lines of a return as the warehouse is told to expect them: under the SKUs that it was told to
    ship, else those that it was told of the return before (`sent`), else those of listing and bundle."""
    shipped = _by_line((line.order_line, line) for line in (order.lines if order else ()))
    told = _by_line((line.return_line, line) for line in (sent.lines if sent else ()))
    lines: list[OutboundReturnLine] = []
    next_number = 1
    for line in ret.lines:
        parts = shipped.get(line.order_line) or told.get(line.key) or _sold(connection, line.sku)
        numbered = enumerate(parts, start=next_number)
        next_number += len(parts)
        if line.quantity > 0:
            lines.extend(_expected_back(line, part, number) for number, part in numbered)
    return tuple(lines)


def _by_line(lines: Iterable[tuple[str, OutboundLine | OutboundReturnLine]]) -> dict[str, list[_Part]]:
    parts: dict[str, list[_Part]] = {}
    for key, line in lines:
        parts.setdefault(key, []).append((line.sku, line.kit, line.units_per_kit))
    return parts


def _sold(connection: Connection, sku: str) -> list[_Part]:
    own = connection.listings.get(sku, sku)
    recipe = connection.bundles.get(own)
    return [(own, "", 0)] if recipe is None else [(each, own, units) for each, units in recipe.items()]


def _expected_back(line: ReturnLine, part: _Part, number: int) -> OutboundReturnLine:
    sku, kit, units = part
    return OutboundReturnLine(
        number=number,
        return_line=line.key,
        order_line=line.order_line,
        sku=sku,
        quantity=line.quantity * (units or 1),
        reason=line.reason,
        kit=kit,
        units_per_kit=units,
    )


def asked_for(line: OutboundReturnLine) -> int:
    """How many of the store's units the line was handed over for: kits, where it is a part of one."""
    return line.quantity // (line.units_per_kit or 1)


def share_out(
    told: Iterable[ReceiptLine], expected: tuple[Expected, ...], others: Iterable[tuple[Came, ...]]
) -> tuple[tuple[Came, ...], Counter[str]]:
    """Count a receipt's units against what is expected, less what other receipts brought: the line that
    the warehouse names first, then any of the same SKU. What no line can take is returned by SKU."""
    left = Counter({line.number: line.quantity for line in expected})
    for brought in others:
        for one in brought:
            left[one.line] -= one.quantity
    came: list[Came] = []
    spare: Counter[str] = Counter()
    for line in told:
        units = line.quantity
        same = [each for each in expected if each.sku == line.sku]
        for each in sorted(same, key=lambda each: each.number != line.return_line):
            some = min(units, max(0, left[each.number]))
            if some:
                came.append(Came(each.number, each.sku, some, line.condition))
                left[each.number] -= some
                units -= some
        if units:
            spare[line.sku] += units
    return tuple(came), spare

"""Lines of a return, between the store's words and the warehouse's: the one place that knows how a line
of the store is made of lines of the warehouse."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from dropstreamd.channels.traces import Came
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.returns import (
    Condition,
    OutboundReturn,
    OutboundReturnLine,
    ReceiptLine,
    Return,
    ReturnedLine,
)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a warehouse's SKU that may come back; `number` is the line that the warehouse knows."""

    number: int
    sku: str
    quantity: int
    order_line: str
    return_line: str = ""


def of_return(sent: OutboundReturn) -> tuple[Expected, ...]:
    """What a return that was handed over lets expect."""
    return tuple(
        Expected(
            number=line.number,
            sku=line.sku,
            quantity=line.quantity,
            order_line=line.order_line,
            return_line=line.return_line,
        )
        for line in sent.lines
    )


def of_order(sent: OutboundOrder) -> tuple[Expected, ...]:
    """What may come back of an order of which no return was asked for: all of it."""
    return tuple(
        Expected(number=line.number, sku=line.sku, quantity=line.quantity, order_line=line.order_line)
        for line in sent.lines
    )


def warehouse_lines(
    ret: Return, order: OutboundOrder | None, listings: Mapping[str, str]
) -> tuple[OutboundReturnLine, ...]:
    """The lines of a return as the warehouse is told to expect them: under the SKU that it was told to
    ship, else that of the listing."""
    shipped = {} if order is None else {line.order_line: line.sku for line in order.lines}
    return tuple(
        OutboundReturnLine(
            number=number,
            return_line=line.key,
            order_line=line.order_line,
            sku=shipped.get(line.order_line) or listings.get(line.sku, line.sku),
            quantity=line.quantity,
            reason=line.reason,
        )
        for number, line in enumerate(ret.lines, start=1)
        if line.quantity > 0
    )


def store_lines(
    came: Iterable[Came], expected: Iterable[Expected], store_skus: Mapping[str, str]
) -> tuple[ReturnedLine, ...]:
    """What came back, in lines of the store. `store_skus` are its SKUs by its order line."""
    lines = {line.number: line for line in expected}
    units: Counter[tuple[int, str, Condition]] = Counter()
    for one in came:
        units[one.line, one.sku, one.condition] += one.quantity
    return tuple(
        ReturnedLine(
            order_line=lines[number].order_line,
            return_line=lines[number].return_line,
            sku=store_skus.get(lines[number].order_line, sku),
            quantity=quantity,
            condition=condition,
        )
        for (number, sku, condition), quantity in units.items()
    )


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

"""Lines of a return, between the store's words and the warehouse's: the one place that knows how a line
of the store is made of lines of the warehouse."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from dropstreamd.channels.kits import touched
from dropstreamd.channels.traces import Came
from dropstreamd.config.schema import Recipe
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.returns import (
    Condition,
    OutboundReturn,
    OutboundReturnLine,
    ReceiptLine,
    Return,
    ReturnedLine,
    ReturnLine,
)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a warehouse's SKU that may come back; `number` is the line that the warehouse knows."""

    number: int
    sku: str
    quantity: int
    order_line: str
    return_line: str = ""
    units_per_kit: int = 0


WORST = ("damaged", "quarantine", "restock")
"""Conditions: a kit is in that of its worst component."""


def of_return(sent: OutboundReturn) -> tuple[Expected, ...]:
    """What a return that was handed over lets expect."""
    return tuple(
        Expected(
            number=line.number,
            sku=line.sku,
            quantity=line.quantity,
            order_line=line.order_line,
            return_line=line.return_line,
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
            units_per_kit=line.units_per_kit,
        )
        for line in sent.lines
    )


def warehouse_lines(
    ret: Return, order: OutboundOrder | None, listings: Mapping[str, str], bundles: Mapping[str, Recipe]
) -> tuple[OutboundReturnLine, ...]:
    """The lines of a return as the warehouse is told to expect them: under the SKUs that it was told to
    ship, else those of listings and bundles. A kit is a line for each component."""
    parts = [
        (line, sku, units, kit)
        for line in ret.lines
        for sku, units, kit in _parts(line, order, listings, bundles)
    ]
    return tuple(
        OutboundReturnLine(
            number=number,
            return_line=line.key,
            order_line=line.order_line,
            sku=sku,
            quantity=line.quantity * units,
            reason=line.reason,
            kit=kit,
            units_per_kit=units if kit else 0,
        )
        for number, (line, sku, units, kit) in enumerate(parts, start=1)
        if line.quantity > 0
    )


def _parts(
    line: ReturnLine, order: OutboundOrder | None, listings: Mapping[str, str], bundles: Mapping[str, Recipe]
) -> list[tuple[str, int, str]]:
    """What one unit of the line is at the warehouse: SKUs, units of each, and the kit that it is."""
    shipped = [] if order is None else [one for one in order.lines if one.order_line == line.order_line]
    if shipped:
        return [(one.sku, one.units_per_kit or 1, one.kit) for one in shipped]
    own = listings.get(line.sku, line.sku)
    if own in bundles:
        return [(sku, units, own) for sku, units in bundles[own].items()]
    return [(own, 1, "")]


def store_lines(
    came: Iterable[Came],
    expected: Iterable[Expected],
    store_skus: Mapping[str, str],
    before: Iterable[tuple[Came, ...]] = (),
) -> tuple[ReturnedLine, ...]:
    """What came back, in lines of the store. `store_skus` are its SKUs by its order line. Of a kit, one
    component back is one kit back, in the condition of the worst; its other components, which may come
    in later receipts, are none: `before` is what receipts brought earlier."""
    lines = {line.number: line for line in expected}
    units: Counter[tuple[int, str, Condition]] = Counter()
    kits: dict[tuple[str, str], list[Came]] = {}
    for one in came:
        line = lines[one.line]
        if line.units_per_kit:
            kits.setdefault((line.order_line, line.return_line), []).append(one)
        else:
            units[one.line, one.sku, one.condition] += one.quantity
    plain = [
        ReturnedLine(
            order_line=lines[number].order_line,
            return_line=lines[number].return_line,
            sku=store_skus.get(lines[number].order_line, sku),
            quantity=quantity,
            condition=condition,
        )
        for (number, sku, condition), quantity in units.items()
    ]
    earlier = [one for brought in before for one in brought]
    for (order_line, return_line), parts in kits.items():
        recipe = {
            line.sku: line.units_per_kit
            for line in lines.values()
            if (line.order_line, line.return_line) == (order_line, return_line)
        }
        of_line = [one for one in earlier if one.line in lines and lines[one.line].order_line == order_line]
        more = touched(recipe, _units([*of_line, *parts])) - touched(recipe, _units(of_line))
        if more:
            plain.append(
                ReturnedLine(
                    order_line=order_line,
                    return_line=return_line,
                    sku=store_skus.get(order_line, parts[0].sku),
                    quantity=more,
                    condition=min((one.condition for one in parts), key=WORST.index),
                )
            )
    return tuple(plain)


def _units(came: Iterable[Came]) -> Counter[str]:
    units: Counter[str] = Counter()
    for one in came:
        units[one.sku] += one.quantity
    return units


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

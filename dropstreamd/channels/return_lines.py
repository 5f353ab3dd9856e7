"""Lines of a return, between the store's words and the warehouse's: what the warehouse is to expect, and
which of it a receipt brought back. `returned_kits.py` tells that to the store."""

from collections import Counter
from collections.abc import Iterable
from itertools import count

import msgspec

from dropstreamd.channels.kits import Kit
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


def numbered_as_before(
    lines: Iterable[OutboundReturnLine], before: Iterable[OutboundReturnLine]
) -> tuple[OutboundReturnLine, ...]:
    """The lines, those among them that the warehouse knows `before` under the numbers that they had."""
    numbers = {(line.return_line, line.sku): line.number for line in before}
    new_numbers = count(max(numbers.values(), default=0) + 1)
    return tuple(
        msgspec.structs.replace(line, number=numbers.get((line.return_line, line.sku)) or next(new_numbers))
        for line in lines
    )


def asked_for(line: OutboundReturnLine) -> int:
    """How many of the store's units the line was handed over for: kits, where it is a part of one."""
    return line.quantity // (line.units_per_kit or 1)


def of_kits(expected: Iterable[Expected]) -> dict[str, list[Expected]]:
    """The components of each line of the store that sold kits."""
    parts: dict[str, list[Expected]] = {}
    for line in expected:
        if line.kit:
            parts.setdefault(line.sold_by, []).append(line)
    return parts


def kit_of(parts: list[Expected]) -> Kit:
    """The kit that these are the components of."""
    return Kit(
        sku=parts[0].kit,
        recipe={line.sku: line.units_per_kit for line in parts},
        ordered=parts[0].quantity // parts[0].units_per_kit,
    )


def share_out(
    told: Iterable[ReceiptLine], expected: tuple[Expected, ...], others: Iterable[tuple[Came, ...]]
) -> tuple[tuple[Came, ...], Counter[str]]:
    """Count a receipt's units against what is expected, less what other receipts brought: the line that
    the warehouse names first; then whole kits; then kits of which every component is there; then lines that
    were sold alone; then parts of kits. What no line can take is returned by SKU."""
    sharing = _Sharing(told, expected, others)
    for line in expected:
        sharing.take(line, named=True)
    every_kit = list(of_kits(expected).values())
    for parts in every_kit:
        count = min(sharing.for_line(line) // line.units_per_kit for line in parts)
        for line in parts:
            sharing.take(line, most=count * line.units_per_kit)
    for parts in every_kit:
        if len(parts) > 1:
            count = min(-(-sharing.for_line(line) // line.units_per_kit) for line in parts)
            for line in parts:
                sharing.take(line, most=count * line.units_per_kit)
    for line in sorted(expected, key=lambda line: bool(line.kit)):
        sharing.take(line)
    return tuple(sharing.came), sharing.spare()


class _Sharing:
    """What is still to be counted of a receipt, and what each line can still take."""

    def __init__(
        self,
        told: Iterable[ReceiptLine],
        expected: Iterable[Expected],
        others: Iterable[tuple[Came, ...]],
    ) -> None:
        self.came: list[Came] = []
        self._left = Counter({line.number: line.quantity for line in expected})
        for brought in others:
            for one in brought:
                self._left[one.line] -= one.quantity
        self._told: dict[str, list[ReceiptLine]] = {}
        for line in told:
            self._told.setdefault(line.sku, []).append(line)

    def for_line(self, line: Expected) -> int:
        """Units that it could take."""
        there = sum(part.quantity for part in self._told.get(line.sku, ()))
        return min(there, max(0, self._left[line.number]))

    def take(self, line: Expected, *, most: int | None = None, named: bool = False) -> None:
        """Count units against a line, `most` at most; with `named` only those that the warehouse counts
        against it."""
        wanted = self.for_line(line) if most is None else min(most, self.for_line(line))
        rest = []
        for part in self._told.get(line.sku, ()):
            meant = not named or part.return_line == line.number
            some = min(part.quantity, wanted) if meant else 0
            if some:
                self.came.append(Came(line.number, line.sku, some, part.condition))
                self._left[line.number] -= some
                wanted -= some
            if part.quantity > some:
                rest.append(msgspec.structs.replace(part, quantity=part.quantity - some))
        self._told[line.sku] = rest

    def spare(self) -> Counter[str]:
        """Units that no line took, by SKU."""
        spare: Counter[str] = Counter()
        for sku, parts in self._told.items():
            spare[sku] += sum(part.quantity for part in parts)
        return +spare

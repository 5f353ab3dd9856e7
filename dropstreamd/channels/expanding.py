"""The lines of an order as its warehouse takes them: bundles as components."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count

from msgspec.structs import replace

from dropstreamd.config.schema import Connection
from dropstreamd.model.orders import OrderLine, OutboundLine


def outbound_lines(
    wanted: Sequence[OrderLine], sent: Sequence[OutboundLine], connection: Connection
) -> tuple[OutboundLine, ...]:
    """What the warehouse is to send for the lines that are `kits.to_ship`.

    Of an order that was handed over before (`sent`) that is all of it, what the warehouse has sent
    included: only what the store had shipped before the hand-over is none of its business. A line stays
    what it was then, whatever listings and bundles say now: its packages are told by that. Only where the
    store itself sells another SKU on it by now is it looked up anew.
    """
    before = {line.order_line: line.ordered - handed(line) for line in sent}
    parts: dict[str, list[OutboundLine]] = {}
    for part in sent:
        parts.setdefault(part.order_line, []).append(part)
    next_number = 1
    lines: list[OutboundLine] = []
    for line in wanted:
        made = _parts(line, parts.get(line.key, ()), connection)
        numbers = range(next_number, next_number + len(made))
        next_number += len(made)
        quantity = line.quantity - before.get(line.key, line.fulfilled)
        if quantity > 0:
            lines.extend(
                _outbound(line, each, quantity, number) for each, number in zip(made, numbers, strict=True)
            )
    return tuple(lines)


def told_by_hand(
    wanted: Sequence[OrderLine],
    sent: Sequence[OutboundLine],
    connection: Connection,
    gone: Mapping[str, int],
) -> tuple[OutboundLine, ...]:
    """What a warehouse that had `sent` has for these lines once a person has told it of them. It knows its
    lines by the numbers that they had. What has `gone` of a line, in the store's units, stays on it though
    the store has taken it back: it may still come back."""
    lines: dict[str, list[OutboundLine]] = {}
    for line in outbound_lines(wanted, sent, connection):
        lines.setdefault(line.order_line, []).append(line)
    for key in {line.order_line: None for line in sent}:
        if gone.get(key, 0) > max((handed(line) for line in lines.get(key, ())), default=0):
            lines[key] = [_less(line, gone[key]) for line in sent if line.order_line == key]
    numbers = {(line.order_line, line.sku): line.number for line in sent}
    new_numbers = count(max(numbers.values(), default=0) + 1)
    return tuple(
        replace(line, number=numbers.get((line.order_line, line.sku)) or next(new_numbers))
        for line in chain.from_iterable(lines.values())
    )


def _less(line: OutboundLine, units: int) -> OutboundLine:
    """The same line, handed over for so many of the store's units."""
    ordered = line.ordered - handed(line) + units if line.ordered else 0
    return replace(line, quantity=units * (line.units_per_kit or 1), ordered=ordered)


def handed(line: OutboundLine) -> int:
    """How many of the store's units the line was handed over for: kits, where it is a part of one."""
    return line.quantity // (line.units_per_kit or 1)


_Part = tuple[str, str, int]
"""Warehouse SKU, kit ("" for none) and units per kit."""


def _parts(line: OrderLine, sent: Iterable[OutboundLine], connection: Connection) -> list[_Part]:
    """What one unit of the store's line is made of."""
    listings, bundles = connection.listings, connection.bundles
    own = listings.get(line.sku, line.sku)
    before = list(sent)
    sold_as = before[0].store_sku if before else ""
    if before and before[0].kit and sold_as in ("", line.sku):  # "": an older program's record
        return [(each.sku, each.kit, each.units_per_kit) for each in before]
    if before and sold_as == line.sku:
        return [(before[0].sku, "", 0)]
    recipe = None if (before and not sold_as) or line.part_of else bundles.get(own)
    if recipe is None:
        return [(own, "", 0)]
    return [(sku, own, units) for sku, units in recipe.items()]


def _outbound(line: OrderLine, part: _Part, quantity: int, number: int) -> OutboundLine:
    sku, kit, units = part
    if kit:
        # Name, price and what customs want to know are the kit's: none of them is the component's.
        return OutboundLine(
            number=number,
            order_line=line.key,
            sku=sku,
            quantity=quantity * units,
            ordered=line.quantity,
            store_sku=line.sku,
            kit=kit,
            units_per_kit=units,
        )
    return OutboundLine(
        number=number,
        order_line=line.key,
        sku=sku,
        quantity=quantity,
        ordered=line.quantity,
        store_sku=line.sku,
        name=line.name,
        unit_price=line.unit_price,
        gtin=line.gtin,
        vendor_code=line.vendor_code,
        weight_g=line.weight_g,
        hs_code=line.hs_code,
        origin=line.origin,
        declared_value=line.declared_value,
    )

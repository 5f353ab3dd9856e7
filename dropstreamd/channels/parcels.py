"""What a package took of its order, and what kits it completed: pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from dropstreamd.channels import kits
from dropstreamd.channels.references import Allocation, Taken, Told
from dropstreamd.model.orders import OutboundLine, OutboundOrder
from dropstreamd.model.shipments import FulfillmentLine, Package

_Line = tuple[str, str]
"""A line of the warehouse's: the store's line, and the component's SKU where that sold kits ("" else:
units count by the store's line, whatever SKU it had then)."""


def allocate(
    package: Package, order: OutboundOrder, others: Iterable[tuple[Allocation, ...]]
) -> tuple[tuple[Allocation, ...], Counter[str]]:
    """Share the package's units out over the order's lines: the line that the warehouse names first,
    then any of the same SKU. What no line can take is returned by SKU.

    A package without lines is all that is left of the order.
    """
    left = _left(order, others)
    if not package.lines:
        whole = [Allocation(line.order_line, line.sku, left[_line(line)]) for line in order.lines]
        return tuple(one for one in whole if one.quantity > 0), Counter()
    taken: Counter[tuple[str, str]] = Counter()
    spare: Counter[str] = Counter()
    for part in package.lines:
        units = part.quantity
        same = [line for line in order.lines if line.sku == part.sku]
        for line in sorted(same, key=lambda line: line.number != part.order_line):
            some = min(units, max(0, left[_line(line)]))
            taken[line.order_line, line.sku] += some
            left[_line(line)] -= some
            units -= some
        if units:
            spare[part.sku] += units
    allocation = tuple(Allocation(line, sku, units) for (line, sku), units in taken.items() if units)
    return allocation, spare


def _line(line: OutboundLine) -> _Line:
    return (line.order_line, line.sku if line.kit else "")


def _left(order: OutboundOrder, others: Iterable[tuple[Allocation, ...]]) -> Counter[_Line]:
    left = Counter({_line(line): line.quantity for line in order.lines})
    of_kits = {line.order_line for line in order.lines if line.kit}
    for taken in others:
        for one in taken:
            left[one.order_line, one.sku if one.order_line in of_kits else ""] -= one.quantity
    return left


def completed(order: OutboundOrder, allocation: tuple[Allocation, ...], others: Taken) -> Told:
    """The kits that a package completes, beyond those that others told of.

    A kit has left when all its components have, in whichever packages. The packages that carried part of
    such kits and told the store nothing are told with this one, each with the first that does.
    """
    found = {}
    for line, kit in kits.line_map(order.lines).items():
        more = _whole(kit, line, [allocation, *others.units.values()]) - _told(line, others)
        if more > 0 and any(one.order_line == line for one in allocation):
            found[line] = more
    silent = [
        other
        for other, units in others.units.items()
        if any(one.order_line in found for one in units)
        and other not in others.told
        and told_with(other, others) is None
        and not _plain(order, units)
    ]
    return Told(found, tuple(silent))


def lacking(
    order: OutboundOrder, allocation: tuple[Allocation, ...], others: Taken
) -> list[tuple[str, int, int]]:
    """Kits of which the store was told more than have left, since a package shrank: SKU, told, whole."""
    found = []
    for line, kit in kits.line_map(order.lines).items():
        whole, told = _whole(kit, line, [allocation, *others.units.values()]), _told(line, others)
        if told > whole:
            found.append((kit.sku, told, whole))
    return found


def told_with(package: str, taken: Taken) -> str | None:
    """The other package with which the store was told of this one's tracking."""
    return next((key for key, told in taken.told.items() if package in told.others), None)


def fulfilled(
    order: OutboundOrder, allocation: tuple[Allocation, ...], told: Told
) -> tuple[FulfillmentLine, ...]:
    """The lines of the store: its own units of those that sold no kits, and whole kits of the others."""
    quantities: Counter[str] = Counter()
    for one in _plain(order, allocation):
        quantities[one.order_line] += one.quantity
    quantities.update(told.kits)
    return tuple(FulfillmentLine(order_line=line, quantity=count) for line, count in quantities.items())


def told(order: OutboundOrder, taken: Taken) -> Counter[str]:
    """Units of the store's lines, kits where they sold such, that the store is told of with packages."""
    units: Counter[str] = Counter()
    for package, allocation in taken.units.items():
        for line in fulfilled(order, allocation, taken.told.get(package, Told())):
            units[line.order_line] += line.quantity
    return units


def _plain(order: OutboundOrder, allocation: tuple[Allocation, ...]) -> list[Allocation]:
    of_kits = {line.order_line for line in order.lines if line.kit}
    return [one for one in allocation if one.order_line not in of_kits]


def _whole(kit: kits.Kit, line: str, packages: Iterable[tuple[Allocation, ...]]) -> int:
    units: Counter[str] = Counter()
    for taken in packages:
        for one in taken:
            if one.order_line == line:
                units[one.sku] += one.quantity
    return min(kit.ordered, kits.whole(kit.recipe, units).kits)


def _told(line: str, taken: Taken) -> int:
    return sum(told.kits.get(line, 0) for told in taken.told.values())


def loose(order: OutboundOrder, taken: Mapping[str, tuple[Allocation, ...]]) -> Counter[str]:
    """Components that left and complete no kit: what the store knows nothing of when the order ends
    short."""
    found: Counter[str] = Counter()
    for line, kit in kits.line_map(order.lines).items():
        units: Counter[str] = Counter()
        for allocation in taken.values():
            for one in allocation:
                if one.order_line == line:
                    units[one.sku] += one.quantity
        found.update(kits.whole(kit.recipe, units).loose)
    return found

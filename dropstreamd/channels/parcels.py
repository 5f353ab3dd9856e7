"""What a package took of its order, and what kits it completed: pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import msgspec

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
        whole = [_of(line, left[_line(line)]) for line in order.lines]
        return tuple(one for one in whole if one.quantity > 0), Counter()
    taken: dict[tuple[str, str], Allocation] = {}
    spare: Counter[str] = Counter()
    for part in package.lines:
        units = part.quantity
        same = [line for line in order.lines if line.sku == part.sku]
        for line in sorted(same, key=lambda line: line.number != part.order_line):
            some = min(units, max(0, left[_line(line)]))
            before = taken.get((line.order_line, line.sku))
            taken[line.order_line, line.sku] = _of(line, some + (before.quantity if before else 0))
            left[_line(line)] -= some
            units -= some
        if units:
            spare[part.sku] += units
    return tuple(one for one in taken.values() if one.quantity), spare


def _of(line: OutboundLine, units: int) -> Allocation:
    return Allocation(line.order_line, line.sku, units, line.units_per_kit)


def _line(line: OutboundLine) -> _Line:
    return (line.order_line, line.sku if line.kit else "")


def _left(order: OutboundOrder, others: Iterable[tuple[Allocation, ...]]) -> Counter[_Line]:
    left = Counter({_line(line): line.quantity for line in order.lines})
    of_kits = {line.order_line for line in order.lines if line.kit}
    for taken in others:
        for one in taken:
            left[one.order_line, one.sku if one.order_line in of_kits else ""] -= one.quantity
    return left


def settled(order: OutboundOrder, taken: Taken) -> Taken:
    """What packages took, where the order's lines have changed since: components that their line of kits
    wants no more, and of which the store was told no kit, are those that another line of kits waits for."""
    wanted = Counter({_line(line): line.quantity for line in order.lines if line.kit})
    if not wanted:
        return taken
    per_kit = {_line(line): line.units_per_kit for line in order.lines if line.kit}
    had: Counter[_Line] = Counter()
    for one in chain.from_iterable(taken.units.values()):
        if one.units_per_kit or (one.order_line, one.sku) in wanted:
            had[one.order_line, one.sku] += one.quantity
            per_kit.setdefault((one.order_line, one.sku), one.units_per_kit)
    told = {(line, sku): units * _told(line, taken) for (line, sku), units in per_kit.items()}
    spare = +Counter({line: units - max(wanted[line], told[line]) for line, units in had.items()})
    lacking = wanted - had
    units = dict(taken.units)
    # The store is told of a package with the kits that it is in: of those it does not know, first.
    for key in sorted(units, key=lambda key: _is_known(key, order, taken)) if spare and lacking else ():
        units[key] = tuple(_moved(units[key], spare, lacking, per_kit))
    moved = taken.moved | {key for key, one in units.items() if one != taken.units[key]}
    return Taken(units=units, told=taken.told, moved=moved)


def _moved(
    allocation: tuple[Allocation, ...],
    spare: Counter[_Line],
    lacking: Counter[_Line],
    per_kit: Mapping[_Line, int],
) -> Iterator[Allocation]:
    """A package's units, with those that are spare given to the lines that lack them."""
    for one in allocation:
        rest = one.quantity
        for line, sku in [each for each in lacking if each[1] == one.sku]:
            some = min(rest, spare[one.order_line, sku], lacking[line, sku])
            if some > 0:
                yield Allocation(line, sku, some, per_kit[line, sku])
                spare[one.order_line, sku] -= some
                lacking[line, sku] -= some
                rest -= some
        if rest:
            yield msgspec.structs.replace(one, quantity=rest)


def completed(order: OutboundOrder, allocation: tuple[Allocation, ...], others: Taken) -> Told:
    """The kits that a package completes, beyond those that others told of.

    A kit has left when all its components have, in whichever packages. The packages that carried part of
    such kits and told the store nothing are told with this one, each with the first that does.
    """
    found = {}
    moved = chain.from_iterable(others.units[key] for key in others.moved)
    grown = {one.order_line for one in chain(allocation, moved)}
    for line, kit in kits.line_map(order.lines).items():
        more = _whole(kit, line, [allocation, *others.units.values()]) - _told(line, others)
        if more > 0 and line in grown:
            found[line] = more
    silent = [
        other
        for other, units in others.units.items()
        if any(one.order_line in found for one in units) and not _is_known(other, order, others)
    ]
    return Told(found, tuple(silent))


def _is_known(package: str, order: OutboundOrder, taken: Taken) -> bool:
    """Whether the store was told of a package, with its own units or with another."""
    told = package in taken.told or told_with(package, taken) is not None
    return told or bool(_plain(order, taken.units[package]))


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
    return [one for one in allocation if not one.units_per_kit and one.order_line not in of_kits]


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

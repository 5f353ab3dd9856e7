"""What a receipt brought back, in lines of the store: its own units, and kits where it sold bundles.

One component back is one kit back. Receipts together tell as many kits as what they all brought can be
from at the least, each those that it adds. A kit is to restock if all of it came back so in one receipt; it
is damaged if any of it is; else, lacking something or set aside, it is in quarantine.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from dropstreamd.channels import kits
from dropstreamd.channels.kits import Kit
from dropstreamd.channels.return_lines import Expected, kit_of, of_kits
from dropstreamd.channels.traces import Brought, Came
from dropstreamd.model.returns import Condition, ReturnedLine


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """Kits, by the store's SKU, that came back without these units of the warehouse's SKUs."""

    sku: str
    kits: int
    missing: Mapping[str, int]


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt tells the store; `kits` are those among it, by the line that sold them."""

    lines: tuple[ReturnedLine, ...]
    kits: dict[str, int]
    lacking: tuple[Lacking, ...]


def tell(
    came: Iterable[Came],
    others: Brought,
    told: Mapping[str, int],
    expected: tuple[Expected, ...],
    store_skus: Mapping[str, str],
) -> Telling:
    """What a receipt that brought this tells the store. `told` are the kits that it told of before, and
    `store_skus` the store's SKUs by its order line."""
    came = tuple(came)
    lines = _plain(came, expected, store_skus)
    counts: dict[str, int] = {}
    lacking: list[Lacking] = []
    for sold_by, parts in of_kits(expected).items():
        own = _units(came, parts)
        if not own and sold_by not in told:
            continue
        kit = kit_of(parts)
        count = _added(kit, sold_by, parts, came, others)
        if not count:
            continue
        counts[sold_by] = count
        sku = store_skus.get(parts[0].order_line, kit.sku)
        lines += [
            _line(parts[0], sku, some, condition)
            for condition, some in _conditions(kit, count, own).items()
            if some
        ]
        lacks = count - kits.whole(kit.recipe, _all(own)).kits
        if lacks > 0:
            missing = Counter(kits.components(kit.recipe, count))
            missing.subtract(_all(own))
            lacking.append(Lacking(sku=sku, kits=lacks, missing=dict(+missing)))
    return Telling(lines=tuple(lines), kits=counts, lacking=tuple(lacking))


def _plain(
    came: Iterable[Came], expected: Iterable[Expected], store_skus: Mapping[str, str]
) -> list[ReturnedLine]:
    """The lines that sold no kits."""
    lines = {line.number: line for line in expected if not line.kit}
    units: Counter[tuple[int, str, Condition]] = Counter()
    for one in came:
        if one.line in lines:
            units[one.line, one.sku, one.condition] += one.quantity
    return [
        _line(lines[number], store_skus.get(lines[number].order_line, sku), quantity, condition)
        for (number, sku, condition), quantity in units.items()
    ]


def _line(line: Expected, sku: str, quantity: int, condition: Condition) -> ReturnedLine:
    return ReturnedLine(
        order_line=line.order_line,
        return_line=line.return_line,
        sku=sku,
        quantity=quantity,
        condition=condition,
    )


_ByCondition = Mapping[Condition, Mapping[str, int]]


def _units(came: Iterable[Came], parts: Iterable[Expected]) -> _ByCondition:
    """Units of these lines, by condition and SKU."""
    skus = {line.number: line.sku for line in parts}
    units: dict[Condition, Counter[str]] = {}
    for one in came:
        if one.line in skus:
            units.setdefault(one.condition, Counter())[skus[one.line]] += one.quantity
    return units


def _all(units: _ByCondition) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in units.values():
        total.update(each)
    return total


def _added(kit: Kit, sold_by: str, parts: list[Expected], came: tuple[Came, ...], others: Brought) -> int:
    """Kits touched by all receipts, less those that the others told of."""
    every = [*came, *(one for brought in others.units.values() for one in brought)]
    touched = min(kit.ordered, kits.touched(kit.recipe, _all(_units(every, parts))))
    return max(0, touched - sum(each.get(sold_by, 0) for each in others.kits.values()))


def _conditions(kit: Kit, count: int, own: _ByCondition) -> dict[Condition, int]:
    restock = min(count, kits.whole(kit.recipe, own.get("restock", {})).kits)
    damaged = min(count - restock, kits.touched(kit.recipe, own.get("damaged", {})))
    return {"restock": restock, "damaged": damaged, "quarantine": count - restock - damaged}

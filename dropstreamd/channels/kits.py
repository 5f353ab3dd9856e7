"""Bundles on their way through an order: kits to the store, components to the warehouse.

The line map is in the order that was handed over: each of its lines names the store's line, and where that
sold kits, the kit and the units that one takes. What comes back (packages, short picks, returns) names
components, and is told to the store in kits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from dropstreamd.config.schema import Recipe
from dropstreamd.model.orders import OrderLine, OutboundLine


class Kit(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the store that sold kits: the kit's SKU, what one is made of, and how many were handed
    over."""

    sku: str
    recipe: Recipe
    ordered: int


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Components as kits: as many as they make, and the units that make none."""

    kits: int
    loose: Mapping[str, int]


def sold_from(listings: Mapping[str, str], bundles: Mapping[str, Recipe], sku: str) -> Recipe:
    """What one unit of a store's SKU takes from the warehouse."""
    own = listings.get(sku, sku)
    return bundles.get(own) or {own: 1}


def to_ship(lines: Iterable[OrderLine]) -> list[OrderLine]:
    """The lines that something is sent for: not one whose bundle the platform has taken apart into lines
    of their own."""
    lines = list(lines)
    apart = {line.part_of for line in lines if line.part_of}
    return [line for line in lines if line.key not in apart] if apart else lines


def line_map(lines: Iterable[OutboundLine]) -> dict[str, Kit]:
    """The kits of an order that was handed over, by the store's line."""
    parts: dict[str, list[OutboundLine]] = {}
    for line in lines:
        if line.kit:
            parts.setdefault(line.order_line, []).append(line)
    return {
        key: Kit(
            sku=found[0].kit,
            recipe={line.sku: line.units_per_kit for line in found},
            ordered=found[0].quantity // found[0].units_per_kit,
        )
        for key, found in parts.items()
    }


def components(recipe: Recipe, kits: int) -> dict[str, int]:
    """The units that so many kits take."""
    return {sku: units * kits for sku, units in recipe.items()}


def whole(recipe: Recipe, units: Mapping[str, int]) -> Whole:
    """The kits that these units make, and what is left over; units of other SKUs are left over too."""
    kits = min(max(0, units.get(sku, 0)) // each for sku, each in recipe.items())
    loose = Counter({sku: count for sku, count in units.items() if count > 0})
    loose.subtract(components(recipe, kits))
    return Whole(kits=kits, loose=dict(+loose))


def touched(recipe: Recipe, units: Mapping[str, int]) -> int:
    """The least number of kits that these units can be from: one component back is one kit touched."""
    return max(-(-max(0, units.get(sku, 0)) // each) for sku, each in recipe.items())

"""From the warehouse's figures to the level that a store shows: whole numbers, rounded down, never below 0.

    reported        what the warehouse told of each component; a SKU that is no bundle is its own
    unsent          units that orders take and the figures do not know of: taken off each component
    safety stock    held back of each component
    bundle          how many can be built from what is left: as many as the scarcest component gives
    fixed           the most that is offered to all stores together
    share           the part of it that is this store's
    maximum         the most that one store shows
    minimum         0 is shown where it would be less

Orders are taken off first, by component. Taken off the finished level instead, the units of an order for a
single one would never lessen the bundles that are built of the same stock, an order of one store would not
lessen the shares of the others, and a level kept at its maximum would not fall below what is left.

Where the store has several locations, each for a facility of its own, all of this is done for each by itself,
with the orders and the stock of its facility. Safety stock and the minimum hold at each location; a fixed
quantity and a maximum, which are for all of a store, are shared out evenly over its locations (what is left
of a division goes to the first ones): so the sum of them is never more than what was set, and no location's
level depends on another's stock. Shares are taken of each, and rounded down at each.

Every step lessens what the one before gave, and shares of one warehouse come to 100% at most. So no store
shows more than can be built, and where shares are set, all together do not either: of a component, a store
with share s shows at most s of what is left, whether alone or in bundles.
"""

from collections.abc import Sequence

import msgspec

from dropstreamd.channels.places import WHOLE, Place
from dropstreamd.config.schema import WHOLE_PPM, Allocation, StockRule


class Component(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A warehouse SKU of which one unit sold takes `units`. `reported` None: the warehouse never had it."""

    sku: str
    units: int
    reported: int | None
    unsent: int = 0


class Left(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is left of a component: `safety` units are held back, `left` may be sold, which is enough to
    build `builds`."""

    component: Component
    safety: int
    left: int
    builds: int


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """Every figure on the way to `level`: `built` of the components, `offered` to all stores together
    after what is held back of a bundle (`safety`) and a fixed quantity, `shared` is this store's part,
    `capped` that at its maximum."""

    components: tuple[Left, ...]
    built: int
    safety: int
    offered: int
    shared: int
    capped: int
    level: int


def work_out(
    sku: str,
    components: Sequence[Component],
    allocation: Allocation,
    *,
    bundle: bool,
    place: Place = WHOLE,
) -> Worked:
    """The level at a place of what is sold under the SKU that a listing leads to. There is at least one
    component."""
    rule = rule_at(allocation, sku, place)
    lefts = tuple(_left(each, allocation.rule(each.sku)) for each in components)
    built = min(left.builds for left in lefts)
    safety = held_back(rule, built) if bundle and sku in allocation.overrides else 0
    offered = max(0, built - safety)
    if rule.fixed is not None:
        offered = min(offered, rule.fixed)
    shared = offered * allocation.share_ppm // WHOLE_PPM
    capped = shared if rule.maximum is None else min(shared, rule.maximum)
    return Worked(
        components=lefts,
        built=built,
        safety=safety,
        offered=offered,
        shared=shared,
        capped=capped,
        level=0 if capped < rule.minimum else capped,
    )


def _left(component: Component, rule: StockRule) -> Left:
    reported = max(0, component.reported or 0)
    safety = held_back(rule, reported)
    left = max(0, (component.reported or 0) - component.unsent - safety)
    return Left(component=component, safety=safety, left=left, builds=left // component.units)


def rule_at(allocation: Allocation, sku: str, place: Place) -> StockRule:
    """What of a SKU's rule holds at one of a store's locations."""
    rule = allocation.rule(sku)
    if place.among == 1 or (rule.fixed is None and rule.maximum is None):
        return rule
    return msgspec.structs.replace(rule, fixed=_part(rule.fixed, place), maximum=_part(rule.maximum, place))


def _part(units: int | None, place: Place) -> int | None:
    if units is None:
        return None
    each, left = divmod(units, place.among)
    return each + (place.number < left)


def held_back(rule: StockRule, units: int) -> int:
    """Safety stock of so many units; a part of them is rounded up."""
    return rule.safety_units + -(-units * rule.safety_ppm // WHOLE_PPM)

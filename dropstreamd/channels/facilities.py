"""A snapshot counted by facility, for those that connections map to locations of their stores.

What a snapshot says of a SKU it says of every facility: one that has no row of it has none. A SKU that the
snapshot does not have at all keeps its figure everywhere, or has none anywhere, as the account's settings
say.
"""

from collections.abc import Iterable, Mapping, Set

from dropstreamd.config.schema import Breaker
from dropstreamd.model.stock import MOST_UNITS, StockRow
from dropstreamd.store import stock
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.stock import Located, Path

Changed = dict[str, list[str]]
"""SKUs whose figure moved, by facility."""


class Counted:
    """Sums the rows of one snapshot for each of some facilities."""

    def __init__(self, facilities: Iterable[str]) -> None:
        self.figures: dict[str, dict[str, int]] = {facility: {} for facility in facilities}

    def add(self, row: StockRow, units: int) -> None:
        """A row that counts, in units; of another facility it is left out."""
        here = self.figures.get(row.facility)
        if here is not None:
            here[row.sku] = here.get(row.sku, 0) + units

    def kept(self, known: Located, told: Set[str]) -> dict[str, dict[str, int]]:
        """The figures of the SKUs that the snapshot tells of, which `told` are; the others are left out.
        One that a facility was `known` to have and has no row of any more has 0 there."""
        return {
            facility: {
                **{sku: 0 for sku in known.get(facility, ()) if sku in told},
                **{sku: units for sku, units in here.items() if sku in told and abs(units) <= MOST_UNITS},
            }
            for facility, here in self.figures.items()
        }


def known(tx: Reader, path: Path, facilities: Iterable[str]) -> dict[str, dict[str, int]]:
    """The figures of these facilities that are believed; none of one that was not counted before."""
    counted = stock.counted(tx, path)
    return {each: stock.figures(tx, path, each) if each in counted else {} for each in facilities}


def judge(before: Located, after: Located, breaker: Breaker) -> str:
    """Why a snapshot should not be believed for what it says of single facilities; "" if it should. A
    facility of which nothing was known is not compared."""
    if not after:
        return ""
    if not any(after.values()):
        return f"none of its rows is of a facility that locations are mapped to: {', '.join(sorted(after))}"
    stocked = zeroed = units_before = units_after = 0
    for facility, old in before.items():
        new = after.get(facility, {})
        for sku, units in old.items():
            now = new.get(sku, units)
            stocked += units > 0
            zeroed += units > 0 >= now
            units_before += units
            units_after += now
        if old:
            units_after += sum(units for sku, units in new.items() if sku not in old)
    if zeroed > breaker.zeroed_share * stocked:
        share = f"{breaker.zeroed_share:.0%}"
        return f"{zeroed} of {stocked} SKUs in stock at their facilities became 0 there, more than {share}"
    if units_before > 0 and units_after > units_before * (1 + breaker.raised_share):
        times = f"{1 + breaker.raised_share:g} times"
        return f"the {units_after} units at mapped facilities are more than {times} the {units_before} before"
    return ""


def believe(
    tx: Writer,
    path: Path,
    before: Located,
    after: Located,
    *,
    missing: Iterable[str],
    mapped: Set[str],
    generation: str,
) -> Changed:
    """Believe the figures of these facilities from now on, and forget those of all that are not `mapped`
    any more; what changed. Of the SKUs that are `missing` none is left."""
    changed: Changed = {}
    missing = list(missing)
    for facility, figures in after.items():
        old = before.get(facility, {})
        moved = {sku: units for sku, units in figures.items() if old.get(sku) != units}
        moved.update({sku: 0 for sku in missing if old.get(sku, 0) != 0})
        stock.put_figures(tx, path, moved, generation, facility)
        changed[facility] = list(moved)
    counted = stock.counted(tx, path)
    for facility in counted - mapped:
        stock.forget_facility(tx, path, facility)
    still = (counted & mapped) | after.keys()
    if counted != still:
        stock.put_counted(tx, path, still)
    return changed


def fresh(tx: Reader, path: Path, after: Mapping[str, object]) -> set[str]:
    """Facilities that are counted for the first time."""
    return set(after) - stock.counted(tx, path)

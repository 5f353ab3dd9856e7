"""The figures of one snapshot: its rows, summed by SKU, and what of them is set aside."""

from collections.abc import Iterable, Mapping

from dropstreamd.channels import adjusting
from dropstreamd.channels.facilities import Counted
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.stock import MOST_UNITS, StockRow
from dropstreamd.platform.contract import Bad
from dropstreamd.store import documents, stock
from dropstreamd.store.keys import MAX_PART_BYTES

SKUS = 2_000_000
"""The most SKUs of one snapshot."""

NOTHING: Mapping[str, int] = {}


class Snapshot:
    """Sums the rows of one snapshot by SKU, as the account's settings say; for some `facilities` also for
    each by itself."""

    def __init__(self, name: str, as_of_s: float, facilities: Iterable[str] = ()) -> None:
        self.name = name
        self.as_of_s = as_of_s
        self.counted = Counted(facilities)
        self.figures: dict[str, int] = {}
        self.bad: list[Bad] = []
        self.refused: set[str] = set()
        self.elsewhere: set[str] = set()

    def add(self, rows: Iterable[StockRow], settings: WarehouseAccount) -> None:
        """Add a page's rows. A SKU that cannot be kept, or stands twice where that is refused, is
        set aside: its figure stays what it was."""
        figures, units = self.figures, settings.units
        count = self.counted.add if self.counted.figures else None
        plain = settings.statuses is None and settings.facilities is None
        for row in rows:
            sku = row.sku
            if not plain and not adjusting.counts(row, settings):
                self.elsewhere.add(sku)
                continue
            quantity = row.quantity * units.get(sku, 1) if units else row.quantity
            if count is not None:
                count(row, quantity)
            if sku not in figures:
                figures[sku] = quantity
            elif settings.duplicates == "sum":
                figures[sku] += quantity
            else:
                self.refused.add(sku)
        if len(figures) > SKUS:
            raise ProtocolMismatch(f"{self.name} has more than {SKUS} SKUs")

    def kept(
        self, known: Mapping[str, int], newer: Mapping[str, int] = NOTHING
    ) -> tuple[dict[str, int], list[Bad]]:
        """The figures less what is set aside, and everything that was; changes nothing.

        What is set aside keeps the figure that is `known`. A known SKU in no row that counts (all of
        it is damaged, or elsewhere) has 0. What is `newer` than the snapshot comes on top of its figures.
        """
        told = with_newer(self.figures, newer)
        none_left = [sku for sku in self.elsewhere if sku in known and sku not in told]
        odd = [sku for sku in told if sku not in known and not documents.may_be_key(sku)]
        wild = [sku for sku, quantity in told.items() if not -MOST_UNITS <= quantity <= MOST_UNITS]
        if not odd and not self.refused and not none_left and not wild:
            return told, self.bad
        bad = list(self.bad)
        for sku in sorted(self.refused):
            bad.append(self._bad(sku, "it stands in more than one row"))
        for sku in odd:
            bad.append(self._bad(sku, f"no SKU: 1 to {MAX_PART_BYTES} bytes of text are"))
        for sku in wild:
            bad.append(self._bad(sku, "its figure is no count of units"))
        aside = self.refused.union(odd, wild)
        figures = {sku: quantity for sku, quantity in told.items() if sku not in aside}
        figures.update({sku: known[sku] for sku in self.refused.union(wild) if sku in known})
        figures.update({sku: newer.get(sku, 0) for sku in none_left})
        return figures, bad

    def located(self, known: stock.Located, kept: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """The figures by facility, of the SKUs of which the snapshot's own figure is `kept`."""
        if not self.counted.figures:
            return {}
        told = {sku for sku, units in self.figures.items() if kept.get(sku) == units}
        return self.counted.kept(known, told | (self.elsewhere & kept.keys()) - self.figures.keys())

    def _bad(self, sku: str, reason: str) -> Bad:
        return Bad(
            key=f"{self.name} {sku[:30]!r}", place=self.name, reason=f"{sku[:30]!r}: {reason}", raw=b""
        )


def with_newer(figures: dict[str, int], differences: Mapping[str, int]) -> dict[str, int]:
    """The figures with these newer differences; the figure of a SKU that has none is not made up."""
    if not differences:
        return figures
    return {**figures, **{sku: figures[sku] + units for sku, units in differences.items() if sku in figures}}

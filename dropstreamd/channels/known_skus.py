"""SKUs that a warehouse does not know: an order with one is held until it does, or is told by a listing."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import OutboundLine
from dropstreamd.store import stock
from dropstreamd.store.base import Reader
from dropstreamd.store.handover import Park
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Document, State
from dropstreamd.store.tables import Table

NEIGHBOURS = 20
"""SKUs before and after in order, among which the one that was meant may be."""

ZEROS = 6
"""Leading zeros that may be missing."""

_SHOWN = 3


def unknown(
    tx: Reader,
    scope: Scope,
    doc: Document,
    lines: Sequence[OutboundLine],
    handed: Sequence[OutboundLine],
) -> Park | None:
    """Why an order with these lines cannot go: the warehouse never reported a SKU of theirs.

    A warehouse that never told any figures knows, as far as anybody can say, every SKU; and one that took a
    line before knows its SKU (`handed`).
    """
    path = (scope.account.merchant, scope.account.name)
    if scope.connection.unknown_sku == "pass" or stock.latest(tx, path) is None:
        return None
    took = {line.sku for line in handed}
    for line in lines:
        if line.sku not in took and (not is_part(line.sku) or stock.reported(tx, path, line.sku) is None):
            cause = f"sku:{line.sku}"[:80] if is_part(line.sku) else "sku:"
            # Parked for it already: thousands may be, and each run looks at all of them again.
            again = doc.state is State.PARKED and doc.cause == cause
            return Park(cause=cause, reason=doc.reason if again else _reason(tx, scope, line))
    return None


def _reason(tx: Reader, scope: Scope, line: OutboundLine) -> str:
    made = f", of which bundle {line.kit} is made" if line.kit else ""
    said = f"the warehouse never reported SKU {line.sku!r}{made}: it wants a listing"
    near = list(dict.fromkeys(near_misses(tx, scope, line.sku)))[:_SHOWN]
    return f"{said}; is it {' or '.join(map(repr, near))}?" if near else said


def near_misses(tx: Reader, scope: Scope, sku: str) -> Iterator[str]:
    """SKUs that differ from it in case, spaces or leading zeros alone: the warehouse's, bundles, and the
    store's that have a listing.

    Found by looking up the likely spellings and the neighbours in order: a look at every SKU of a large
    warehouse would hold up all writing.
    """
    path, bare = (scope.account.merchant, scope.account.name), plain(sku)
    if not bare or not is_part(sku):
        return
    connection = scope.connection
    spelt = list(dict.fromkeys(_spellings(sku)))
    tables: tuple[Mapping[str, object], ...] = (connection.listings, connection.bundles)
    for other in spelt:
        known = any(other in table for table in tables) or stock.reported(tx, path, other) is not None
        if other != sku and known:
            yield other
    starts = [(*path, other) for other in dict.fromkeys([sku, spelt[-1]])]
    around = chain.from_iterable(
        tx.scan(Table.STOCK, path, after=start, limit=NEIGHBOURS, reverse=reverse)
        for start in starts
        for reverse in (False, True)
    )
    yield from (key[-1] for key, _ in around if key[-1] != sku and plain(key[-1]) == bare)


def plain(sku: str) -> str:
    """What is left of a SKU without what people get wrong."""
    return "".join(sku.split()).casefold().lstrip("0")


def _spellings(sku: str) -> Iterator[str]:
    bare = "".join(sku.split())
    for spaced in (sku, sku.strip(), bare):
        for cased in (spaced, spaced.upper(), spaced.lower(), spaced.title(), spaced.capitalize()):
            yield cased
            short = cased.lstrip("0")
            if short:
                yield from (f"{'0' * zeros}{short}" for zeros in range(ZEROS + 1))

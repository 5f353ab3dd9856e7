"""From the pages of a snapshot to figures that are believed, or held."""

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import partial

import msgspec
import trio

from dropstreamd.channels import adjusting, deriving, facilities, inventory, places, promises
from dropstreamd.channels.facilities import Counted
from dropstreamd.channels.intake import PAGES, Account, confirm, is_taken
from dropstreamd.config.schema import Breaker, WarehouseAccount
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.stock import AHEAD_S, MOST_UNITS, Adjustment, StockRow
from dropstreamd.platform.contract import Bad, StockPage, StockSource
from dropstreamd.store import adjustments, cursors, documents, levels, stock
from dropstreamd.store.base import Writer
from dropstreamd.store.keys import MAX_PART_BYTES
from dropstreamd.store.stock import Generation

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
        told = _with(self.figures, newer)
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


def _with(figures: dict[str, int], differences: Mapping[str, int]) -> dict[str, int]:
    """The figures with these differences; the figure of a SKU that has none is not made up."""
    if not differences:
        return figures
    return {**figures, **{sku: figures[sku] + units for sku, units in differences.items() if sku in figures}}


class Difference:
    """What a snapshot changes of the figures known: found in one pass, since there may be a million.

    `changed` are the new figures of SKUs that have another, or had none; `missing` those known that
    it lacks, `zeroed` how many had stock and have none. `gone` are known SKUs that the snapshot
    before lacked already: `present` are the others.
    """

    def __init__(
        self, known: Mapping[str, int], figures: Mapping[str, int], gone: Set[str] = frozenset()
    ) -> None:
        self.known = known
        self.present = {sku: known[sku] for sku in known if sku not in gone} if gone else known
        self.figures = figures
        changed: dict[str, int] = {}
        self.changed = changed
        self.zeroed = 0
        new = 0
        for sku, quantity in figures.items():
            before = known.get(sku)
            if before != quantity:
                changed[sku] = quantity
                if before is None:
                    new += 1
                elif before > 0 >= quantity:
                    self.zeroed += 1
        lost = len(known) - (len(figures) - new)
        self.missing = [sku for sku in known if sku not in figures] if lost else []


def judge(difference: Difference, breaker: Breaker, *, age_s: float) -> str:
    """Why a snapshot should not be believed; empty if it should. A first one is judged by its age
    and by being empty only."""
    if not difference.figures:
        return "it has no rows"
    if age_s < -AHEAD_S:
        return f"its time is {-age_s / 3600:.1f} hours ahead of now: is the warehouse's timezone right?"
    if age_s > breaker.stale_after_s:
        return f"it is {age_s / 3600:.1f} hours old, more than {breaker.stale_after_s / 3600:.1f}"
    return _lost(difference, breaker) or _zeroed(difference, breaker) or _raised(difference, breaker)


def _lost(difference: Difference, breaker: Breaker) -> str:
    known = len(difference.present)
    lost = sum(1 for sku in difference.missing if sku in difference.present)
    if lost <= breaker.lost_share * known:
        return ""
    return f"{lost} of {known} SKUs are missing, more than {breaker.lost_share:.0%}"


def _zeroed(difference: Difference, breaker: Breaker) -> str:
    if not difference.zeroed:
        return ""
    stocked = sum(1 for quantity in difference.present.values() if quantity > 0)
    if difference.zeroed <= breaker.zeroed_share * stocked:
        return ""
    share = f"{breaker.zeroed_share:.0%}"
    return f"{difference.zeroed} of {stocked} SKUs in stock became 0, more than {share}"


def _raised(difference: Difference, breaker: Breaker) -> str:
    before, after = sum(difference.present.values()), sum(difference.figures.values())
    if before <= 0 or after <= before * (1 + breaker.raised_share):
        return ""
    return f"its {after} units are more than {1 + breaker.raised_share:g} times the {before} before"


async def fetch_stock(
    account: Account, source: StockSource, *, generation: str, now_s: float
) -> list[Generation]:
    """Read every snapshot that is waiting; what was made of each. Confirmed once durable."""
    made: list[Generation] = []
    snapshot: Snapshot | None = None
    for _ in range(PAGES):
        page = await source.page(partial(is_taken, account))
        if page is None:
            break
        if snapshot is None or snapshot.name != page.snapshot:
            counts = account.state.read(account.counts)
            snapshot = Snapshot(page.snapshot, page.as_of.timestamp(), counts)
        snapshot.bad.extend(page.bad)
        snapshot.add(page.rows, account.settings)
        await trio.lowlevel.checkpoint()
        if page.last and not (page.mark and is_taken(account, page.mark)):
            made.append(await _conclude(account, snapshot, page, f"{generation}{len(made):04d}", now_s))
        if page.last:
            snapshot = None
        elif page.mark is not None:
            aside = partial(_set_aside, account=account, page=page, generation=f"{generation}{len(made):04d}")
            adjusted = await account.state.write(partial(aside, now_s=now_s))
            if adjusted is not None:
                made.append(adjusted)
            elif page.bad:
                made.append(_unreadable(snapshot, page, f"{generation}{len(made):04d}", now_s))
            snapshot = None
        if page.mark is not None:
            await confirm(account, source, page.mark)
        if not page.more:
            break
    return made


def _unreadable(snapshot: Snapshot, page: StockPage, generation: str, now_s: float) -> Generation:
    """Told to who asked, and kept nowhere: it is no snapshot."""
    return Generation(
        id=generation,
        snapshot=snapshot.name,
        as_of_s=snapshot.as_of_s,
        at_s=now_s,
        verdict="unreadable",
        why=page.bad[0].reason,
        bad_rows=len(snapshot.bad),
    )


def _set_aside(
    tx: Writer, *, account: Account, page: StockPage, generation: str, now_s: float
) -> Generation | None:
    """A file that ends without being a whole snapshot: none of its figures count, its adjustments do."""
    if page.mark is None:
        raise AssertionError("a page without a mark ends no file")
    documents.park_bad(tx, account.flow(inventory.CHANNEL), page.bad, now_s=now_s)
    cursors.take(tx, *account.path, page.mark)
    if not page.adjustments:
        return None
    return _adjust(tx, account, page.snapshot, page.adjustments, generation, now_s)


def _adjust(
    tx: Writer, account: Account, name: str, told: Sequence[Adjustment], generation: str, now_s: float
) -> Generation:
    return adjusting.take(tx, account=account, name=name, told=told, generation=generation, now_s=now_s)


async def _conclude(
    account: Account, snapshot: Snapshot, page: StockPage, generation: str, now_s: float
) -> Generation:
    return await account.state.write(
        partial(
            conclude,
            account=account,
            snapshot=snapshot,
            generation=generation,
            mark=page.mark,
            told=page.adjustments,
            now_s=now_s,
        )
    )


def conclude(
    tx: Writer,
    *,
    account: Account,
    snapshot: Snapshot,
    generation: str,
    mark: str | None,
    now_s: float,
    told: Sequence[Adjustment] = (),
) -> Generation:
    """The one transaction that a snapshot ends in: believe it, hold it, or leave it as too old. Adjustments
    that were `told` with it are taken after it."""
    path = account.path
    if mark is not None:
        cursors.take(tx, *path, mark)
    known = stock.figures(tx, path)
    figures, bad = snapshot.kept(known, adjustments.newer(tx, path, snapshot.as_of_s))
    flow = account.flow(inventory.CHANNEL)
    latest = stock.latest(tx, path)
    located: stock.Located = stock.NOWHERE
    made = Generation(
        id=generation,
        snapshot=snapshot.name,
        as_of_s=snapshot.as_of_s,
        at_s=now_s,
        verdict="applied",
        skus=len(figures),
        units=sum(figures.values()),
        bad_rows=len(bad),
    )
    if latest is not None and snapshot.as_of_s < latest.as_of_s:
        why = f"{latest.snapshot} is newer"
        made = msgspec.structs.replace(made, verdict="superseded", why=why)
    else:
        # What could not be read before does not matter any more: this is the newest word on every SKU.
        documents.forget_bad(tx, flow, keep={each.key for each in bad})
        gone = stock.gone(tx, path)
        difference = Difference(known, figures, gone)
        breaker = account.settings.breaker
        why = judge(difference, breaker, age_s=now_s - snapshot.as_of_s)
        before = facilities.known(tx, path, snapshot.counted.figures)
        located = snapshot.located(before, figures)
        why = why or facilities.judge(before, located, breaker)
        waiting = stock.held(tx, path)
        if why and waiting is not None and stock.knows_until_s(waiting) > made.as_of_s:
            why = f"{waiting.snapshot}, which is held, is newer"
            made = msgspec.structs.replace(made, verdict="superseded", why=why)
        elif why:
            made = msgspec.structs.replace(made, verdict="held", why=why)
        else:
            made = apply(tx, account, made, difference, located)
    documents.park_bad(tx, flow, bad, now_s=now_s)
    stock.remember(tx, path, made, figures, located)
    if told:
        _adjust(tx, account, f"{snapshot.name} adjustments", told, f"{generation}a", now_s)
    return made


def apply(
    tx: Writer, account: Account, made: Generation, difference: Difference, located: stock.Located
) -> Generation:
    """Believe the figures: write those that changed, and have every connection look at them."""
    changed = difference.changed
    if account.settings.missing == "zero":
        changed = {**changed, **{sku: 0 for sku in difference.missing if difference.known[sku] != 0}}
    stock.put_figures(tx, account.path, changed, made.id)
    stock.put_gone(tx, account.path, difference.missing)
    promises.forget_gone(tx, account.settings, stock.knows_until_s(made))
    adjustments.settle(tx, account.path, made.as_of_s)
    fresh = facilities.fresh(tx, account.path, located)
    gone = difference.missing if account.settings.missing == "zero" else ()
    before = facilities.known(tx, account.path, located)
    moved = facilities.believe(
        tx, account.path, before, located, missing=gone, mapped=account.counts(tx), generation=made.id
    )
    for scope in account.scopes.values():
        for place in places.now(tx, scope.connection, account.settings):
            flow = places.flow(scope.connection, place)
            skus = changed if place.facility is None else moved.get(place.facility, ())
            levels.mark(tx, flow, deriving.concerned(tx, scope.connection, skus, place))
            if place.facility in fresh:
                levels.mark(tx, flow, levels.in_store(tx, flow))
    missing = len(difference.missing)
    kept = sum(1 for sku in difference.missing if sku not in changed and difference.known[sku] > 0)
    return msgspec.structs.replace(made, changed=len(changed), missing=missing, kept=kept)


def approve(
    tx: Writer, *, account: Account, now_s: float, generation: str | None = None
) -> Generation | None:
    """Believe the held snapshot after all; None where there is none, or another one than `generation`."""
    made = stock.held(tx, account.path)
    if made is None or generation not in (None, made.id):
        return None
    since = adjustments.newer(tx, account.path, made.as_of_s, after=made.id)
    figures = _with(stock.held_figures(tx, account.path), since)
    located = stock.held_located(tx, account.path)
    # A time ahead of when it was read was wrong: kept, it would make every later snapshot too old.
    as_of_s = min(made.as_of_s, made.at_s)
    why = f"approved: {made.why}"
    approved = msgspec.structs.replace(made, verdict="applied", why=why, at_s=now_s, as_of_s=as_of_s)
    applied = apply(tx, account, approved, Difference(stock.figures(tx, account.path), figures), located)
    stock.remember(tx, account.path, applied, figures)
    return applied

"""Units promised to orders in progress: what a warehouse's figure does not know of yet.

Where stock is counted by facility, an order takes its units from the facility that it goes to. Of one of
which nobody has said where it goes, and of any at a warehouse that is not told, each facility may be the one:
its units are taken off all of them. So are those that a facility is to send and does not have.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import msgspec

from dropstreamd.channels import corrections, kits, parcels, references, rules
from dropstreamd.channels.references import Allocation, Told
from dropstreamd.channels.run import Scope
from dropstreamd.clock import Clock
from dropstreamd.config.schema import Connection, Recipe, WarehouseAccount
from dropstreamd.model.orders import OrderLine, OutboundLine, OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.store import stock
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Saved
from dropstreamd.store.keys import Key
from dropstreamd.store.records import Document, Promise, Standing, State
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_START, sent_back

_outbound = msgspec.msgpack.Decoder(OutboundOrder)
_promise = msgspec.msgpack.Decoder(Promise)


def keeper(scope: Scope, seller: Connection | None = None) -> Saved:
    """Keeps the promise of an order in step with its document, of another `seller` of the same account."""
    return partial(_keep, scope.account, seller or scope.connection, scope.clock)


def _keep(
    account: WarehouseAccount, connection: Connection, clock: Clock, tx: Writer, key: str, doc: Document
) -> None:
    path = (account.merchant, account.name, connection.id, key)
    raw = tx.get(Table.PROMISES, path)
    old = None if raw is None else _promise.decode(raw)
    promise = _promised(tx, account, connection, doc, old)
    if promise is not None and old is not None and promise.handed_s == old.handed_s:
        promise = _told_later(tx, account, promise, old, clock.now_s())
    _put(tx, path, None if promise is None else _listed_now(promise, connection))


def _told_later(
    tx: Reader, account: WarehouseAccount, promise: Promise, old: Promise, now_s: float
) -> Promise:
    """With what the warehouse was told of after the hand-over: the figures know of that later too."""
    later, later_s = old.later, old.later_s
    grown = Counter(promise.units) - Counter(old.units)
    if promise.handed_s and grown and (old.more or old.apart):
        before = later if _is_unknown(account, later_s, figures_of_s(tx, account)) else {}
        later, later_s = dict(grown + Counter(before)), now_s
    return msgspec.structs.replace(promise, later=later, later_s=later_s)


def _put(tx: Writer, path: Key, promise: Promise | None) -> None:
    if promise is not None and _any_units(promise):
        tx.put(Table.PROMISES, path, msgspec.msgpack.encode(promise))
    else:
        tx.delete(Table.PROMISES, path)


def _any_units(promise: Promise) -> bool:
    told = promise.units or promise.gone or promise.apart or promise.more
    return bool(told or promise.beyond)


def _listed_now(promise: Promise, connection: Connection) -> Promise:
    """With what its SKUs are listed as now."""
    skus = (promise.more if promise.handed_s else promise.units).keys() | promise.apart.keys()
    listed = {sku: connection.listings[sku] for sku in sorted(skus) if sku in connection.listings}
    return msgspec.structs.replace(promise, listed=listed)


def _promised(
    tx: Reader, account: WarehouseAccount, connection: Connection, doc: Document, old: Promise | None
) -> Promise | None:
    if doc.accepted and not sent_back(doc):
        sent = _outbound.decode(doc.sent) if doc.sent else None
        units = Counter[str]() if sent is None else left(tx, account, sent)
        facility = "" if sent is None else sent.facility
        promise = Promise(units=dict(units), handed_s=doc.handed_s, at=facility)
        if old is not None:
            # That a package left from elsewhere (`shipped`) holds until it is handed over anew.
            facility = old.at if not old.at and old.handed_s == doc.handed_s else facility
            promise = msgspec.structs.replace(
                promise,
                gone=old.gone,
                gone_s=old.gone_s,
                at=facility,
                beyond=old.beyond,
                beyond_s=old.beyond_s,
            )
        promise = _added(promise, connection, doc, sent)
        return _closed(promise, old, doc, on_hand=account.quantity == "on_hand")
    old_systems = doc.state is State.HELD and doc.cause == BEFORE_START
    if doc.state is State.VOID or doc.standing is Standing.OVER or old_systems:
        return None
    decision = rules.decide(connection.rules, corrections.wanted(doc), doc)
    if decision.never_goes:
        return None
    wanted, apart = _by_sku((line, line.open_quantity) for line in kits.to_ship(decision.order.lines))
    return Promise(units=wanted, apart=apart, at=decision.order.location)


def _by_sku(lines: Iterable[tuple[OrderLine, int]]) -> tuple[dict[str, int], dict[str, int]]:
    """Units by channel SKU: of lines that may be bundles, and of those taken out of one."""
    wanted: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    for line, units in lines:
        (apart if line.part_of else wanted)[line.sku] += units
    return dict(+wanted), dict(+apart)


def _added(promise: Promise, connection: Connection, doc: Document, sent: OutboundOrder | None) -> Promise:
    """With what the store has added since, until the warehouse is told, by us or by who resolves the task."""
    if sent is None or not doc.changed_since_accepted or doc.standing is Standing.OVER or doc.purged:
        return promise
    decision = rules.decide(connection.rules, corrections.wanted(doc), doc)
    if decision.never_goes:
        return promise
    handed = {part.order_line: part for part in sent.lines}
    more, apart = _by_sku(
        (line, _more_of(line, handed.get(line.key))) for line in kits.to_ship(decision.order.lines)
    )
    return msgspec.structs.replace(promise, more=more, apart=apart)


def _more_of(line: OrderLine, part: OutboundLine | None) -> int:
    """Units of a line that were not handed over with this part of it."""
    if part is None or part.store_sku not in ("", line.sku):
        return line.open_quantity
    return max(0, line.quantity - part.ordered) if part.ordered else 0


def _closed(promise: Promise, old: Promise | None, doc: Document, *, on_hand: bool) -> Promise:
    """Nothing more will leave of an order that is over in the store, or by a person's word, once nobody has
    to see to that, or that the warehouse closed short: what no package took counts as gone. Of one that the
    warehouse has not said it stops, what is `on_hand` is still to leave."""
    over = doc.standing is Standing.OVER and not doc.changed_since_accepted
    ended = doc.stay == "shipped" or (doc.stay == "withdrawn" and doc.stopped)
    unsure = doc.stopping == "refused" or (doc.stopping == "sent" and on_hand)
    unstopped = unsure and not (doc.short or doc.stay == "shipped")
    if unstopped or not (over or ended or doc.short):
        return promise
    still = Counter(promise.units if old is None else old.units)
    gone_s = max(promise.gone_s, doc.changed_s) if still else promise.gone_s
    if over or ended:
        promise = msgspec.structs.replace(promise, more={}, apart={})
    return msgspec.structs.replace(promise, units={}, gone=dict(Counter(promise.gone) + still), gone_s=gone_s)


def left(tx: Reader, account: WarehouseAccount, order: OutboundOrder) -> Counter[str]:
    """Units of the warehouse's SKUs that were handed over and that no package has taken. What left for one
    line, and was taken back afterwards, is not what another of the same SKU waits for."""
    by_line: Counter[tuple[str, str]] = Counter()
    for line in order.lines:
        by_line[line.order_line, line.sku] += line.quantity
    for taken in parcels.settled(order, references.taken(tx, account, order.reference)).units.values():
        for one in taken:
            by_line[one.order_line, one.sku] -= one.quantity
    units: Counter[str] = Counter()
    for (_, sku), count in (+by_line).items():
        units[sku] += count
    return units


def shipped(
    tx: Writer,
    account: WarehouseAccount,
    connection: str,
    key: str,
    order: OutboundOrder,
    package: Package,
    took: tuple[Allocation, ...],
    told: Told | None = None,
    *,
    spare: Mapping[str, int],
    now_s: float,
) -> None:
    """A package of the order left, as was told now: keep what it took and tells, and promise less, from the
    next snapshot on. Where it left from another facility than the order went to, either may be the one from
    now on. The `spare` units left with it and are on no line of the order; they count once."""
    again = references.is_told(tx, account, order.reference, package.key)
    references.allocate(tx, account, order.reference, package.key, took, told)
    path = (account.merchant, account.name, connection, key)
    raw = tx.get(Table.PROMISES, path)
    old = Promise(units={}, handed_s=now_s) if raw is None else _promise.decode(raw)
    figures_s = figures_of_s(tx, account)
    still = left(tx, account, order) & Counter(old.units)
    released = Counter(old.units) - still
    gone = Counter(old.gone if old.gone_s >= figures_s else {}) + released
    at = old.at if package.facility in ("", old.at) else ""
    promise = msgspec.structs.replace(old, units=dict(still), gone=dict(gone), gone_s=now_s, at=at)
    if spare and not again:
        beyond = Counter(old.beyond if old.beyond_s >= figures_s else {}) + Counter(spare)
        promise = msgspec.structs.replace(promise, beyond=dict(beyond), beyond_s=now_s)
    _put(tx, path, promise)


def unpromised(
    tx: Reader, account: WarehouseAccount, connection: str, key: str, units: Counter[str]
) -> Counter[str]:
    """Of the units of a package those that nothing is kept back for any more: its order was stopped, and a
    snapshot since has them as free."""
    raw = tx.get(Table.PROMISES, (account.merchant, account.name, connection, key))
    if raw is None:
        return units
    old = _promise.decode(raw)
    gone = old.gone if old.gone_s >= figures_of_s(tx, account) else {}
    return units - (Counter(old.units) + Counter(gone))


def forget_gone(tx: Writer, account: WarehouseAccount, as_of_s: float) -> None:
    """A snapshot of then is believed: what had left before is in no figure any more."""
    for path, raw in list(tx.scan(Table.PROMISES, (account.merchant, account.name))):
        old = promise = _promise.decode(raw)
        if promise.gone and promise.gone_s < as_of_s:
            promise = msgspec.structs.replace(promise, gone={})
        if promise.beyond and promise.beyond_s < as_of_s:
            promise = msgspec.structs.replace(promise, beyond={})
        if promise is not old:
            _put(tx, path, promise)


class Unsent(msgspec.Struct, frozen=True, kw_only=True):
    """Units by warehouse SKU: by the facility that they are taken from, and from whichever it may be."""

    at: Mapping[str, Counter[str]]
    anywhere: Counter[str]

    def of(self, facility: str | None) -> Mapping[str, int]:
        """What may be taken from this facility, None for all of them together."""
        if facility is None:
            return sum(self.at.values(), self.anywhere.copy())
        here = self.at.get(facility)
        return self.anywhere if here is None else self.anywhere + here


NOTHING = Unsent(at={}, anywhere=Counter())


def unsent(tx: Reader, account: WarehouseAccount, siblings: Iterable[Connection]) -> Unsent:
    """Units that the account's figures do not know of.

    Of orders not yet handed over, or (`deduct_handed`) not longer before the newest snapshot's own time
    than the warehouse needs to take them in, or after it: its figures do not know of them. Where the
    account reports `on_hand`, also of all those handed over and not yet shipped, and of those that left
    after that time. Of either, what left beyond its order after that time.
    """
    sellers = {connection.id: connection for connection in siblings}
    bundles = next((connection.bundles for connection in sellers.values()), {})
    as_of_s = figures_of_s(tx, account)
    by_facility: dict[str, Counter[str]] = {}
    for path, raw in tx.scan(Table.PROMISES, (account.merchant, account.name)):
        promise, seller = _promise.decode(raw), sellers.get(path[2])
        listings = listings_of(promise, seller)
        units = by_facility.setdefault(facility_of(promise, account, seller), Counter())
        for sku, quantity in taken_off(promise, account, listings, bundles, as_of_s):
            units[sku] += quantity
    anywhere = by_facility.pop("", Counter[str]())
    beyond = {each: _beyond(tx, account, each, units) for each, units in by_facility.items()}
    at = {each: units - beyond[each] for each, units in by_facility.items()}
    return Unsent(anywhere=sum(beyond.values(), anywhere), at=at)


def are_relisted(tx: Reader, account: WarehouseAccount, siblings: Iterable[Connection]) -> bool:
    """Whether SKUs of orders have another listing than is kept with them."""
    return any(True for _ in _relisted(tx, account, siblings))


def relist(tx: Writer, account: WarehouseAccount, siblings: Iterable[Connection]) -> None:
    """Keep with every order what its SKUs are listed as, for as long as its connection may be away."""
    for path, promise in list(_relisted(tx, account, siblings)):
        _put(tx, path, promise)


def _relisted(
    tx: Reader, account: WarehouseAccount, siblings: Iterable[Connection]
) -> Iterator[tuple[Key, Promise]]:
    sellers = {connection.id: connection for connection in siblings}
    for path, raw in tx.scan(Table.PROMISES, (account.merchant, account.name)):
        promise, seller = _promise.decode(raw), sellers.get(path[2])
        now = promise if seller is None else _listed_now(promise, seller)
        if now.listed != promise.listed:
            yield path, now


def deducted(tx: Reader, scope: Scope) -> Unsent:
    """What the levels of a connection are lessened by: what is unsent, unless it does not deduct it."""
    return unsent(tx, scope.account, scope.siblings) if scope.connection.deduct_unsent else NOTHING


def _beyond(tx: Reader, account: WarehouseAccount, facility: str, units: Counter[str]) -> Counter[str]:
    """Units that a facility of which the figures are known does not have."""
    path = (account.merchant, account.name)
    if facility not in stock.counted(tx, path):
        return Counter()
    beyond: Counter[str] = Counter()
    for sku, count in units.items():
        row = stock.reported(tx, path, sku, facility)
        beyond[sku] = count - (0 if row is None else max(0, stock.quantity_of(row)))
    return +beyond


def listings_of(promise: Promise, seller: Connection | None) -> Mapping[str, str]:
    """What the channel SKUs of an order are to the warehouse; of a connection that is away, as it was last
    known."""
    return promise.listed if seller is None else seller.listings


def facility_of(promise: Promise, account: WarehouseAccount, seller: Connection | None) -> str:
    """From which facility an order takes its units; "" where it may be any."""
    if promise.handed_s:
        return promise.at
    return seller.facility_of(promise.at) if seller is not None and account.takes_facility else ""


def taken_off(
    promise: Promise,
    account: WarehouseAccount,
    listings: Mapping[str, str],
    bundles: Mapping[str, Recipe],
    as_of_s: float,
) -> Iterator[tuple[str, int]]:
    """The units of one order, by warehouse SKU, that figures of that time still have. A bundle's are its
    components'."""
    if not promise.handed_s:
        yield from before_hand_over(promise.units, promise.apart, listings, bundles)
        return
    yield from before_hand_over(promise.more, promise.apart, listings, bundles)
    gone = promise.gone if promise.gone_s >= as_of_s else {}
    on_hand = account.quantity == "on_hand"
    if promise.beyond_s >= as_of_s and (on_hand or account.deduct_handed):
        yield from promise.beyond.items()
    if _is_unknown(account, promise.handed_s, as_of_s) or on_hand:
        yield from promise.units.items()
        yield from gone.items()
    elif _is_unknown(account, promise.later_s, as_of_s):
        yield from (Counter(promise.later) & (Counter(promise.units) + Counter(gone))).items()


def _is_unknown(account: WarehouseAccount, told_s: float, as_of_s: float) -> bool:
    """Whether figures of that time do not know of units that the warehouse was told of then."""
    return account.deduct_handed and told_s + account.takes_within_s >= as_of_s


def before_hand_over(
    units: Mapping[str, int],
    apart: Mapping[str, int],
    listings: Mapping[str, str],
    bundles: Mapping[str, Recipe],
) -> Iterator[tuple[str, int]]:
    """Units that were not handed over yet, by warehouse SKU, as they would go now."""
    for sku, quantity in units.items():
        for component, each in kits.sold_from(listings, bundles, sku).items():
            yield component, quantity * each
    for sku, quantity in apart.items():
        yield listings.get(sku, sku), quantity


def figures_of_s(tx: Reader, account: WarehouseAccount) -> float:
    """Until when the newest snapshot that is believed can know of hand-overs and packages."""
    latest = stock.latest(tx, (account.merchant, account.name))
    return 0.0 if latest is None else stock.knows_until_s(latest)

"""How a SKU's level comes about: every figure, where it is from, and what was made of it."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.channels import after_restore, deriving, inventory, orders, places, promises, same_warehouse
from dropstreamd.channels.places import WHOLE, Place
from dropstreamd.channels.promises import Unsent
from dropstreamd.channels.run import Scope
from dropstreamd.clock import utc
from dropstreamd.config.place import meant
from dropstreamd.control import level_steps
from dropstreamd.control.desk import Desk
from dropstreamd.control.goods import products_of
from dropstreamd.control.in_the_way import in_the_way
from dropstreamd.control.messages.look import PromiseShown, RefusalShown, SkuShown
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.store import documents, levels, stock
from dropstreamd.store.base import Reader
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Flow, LevelRecord, Promise
from dropstreamd.store.stock import Generation
from dropstreamd.store.tables import Table

PROMISES_LIMIT = 100
NAMED = 5
"""Of the names that a SKU is listed under, so many are shown."""
NEIGHBOURS = 50
"""SKUs before and after in order, among which the one that was meant may be."""

NOT_KNOWN = (
    "write it exactly as the store does; what the warehouse never reported is known after a run of"
    " products.update alone, and the store keeps the level that it has"
)

_promise = msgspec.msgpack.Decoder(Promise)


async def sku(desk: Desk, call: Call[Empty, Empty]) -> SkuShown:
    """Explain one of the store's SKUs."""
    connection = desk.connection(call.path["c"])
    named = call.path["sku"]
    if not named or not is_part(named):
        refuse("not found", "there is no SKU without a name")
    scope = desk.scope(connection)
    shown = await desk.scan(partial(_explain, scope=scope, sku=named))
    known = shown.former or shown.listed or shown.bundle or shown.refusal or shown.products
    if shown.reported is None and shown.accepted is None and not known:
        near = await desk.scan(partial(_near, scope=scope, sku=named))
        what = (
            f"neither the store nor the warehouse of {connection.name} was ever seen with SKU {named[:100]!r}"
        )
        refuse("not found", what, remedy=meant(named, near) or NOT_KNOWN)
    if not shown.pending:
        return shown
    waits = in_the_way(desk, connection, inventory.CHANNEL, said=shown.steps)
    return msgspec.structs.replace(shown, steps=(*shown.steps, *waits))


def _near(tx: Reader, scope: Scope, sku: str) -> list[str]:
    path = (scope.account.merchant, scope.account.name)
    around = chain.from_iterable(
        tx.scan(Table.STOCK, path, after=(*path, sku), limit=NEIGHBOURS, reverse=reverse)
        for reverse in (False, True)
    )
    own = (islice(table, 1_000) for table in (scope.connection.listings, scope.connection.bundles))
    return [*chain.from_iterable(own), *(key[-1] for key, _ in around)]


def _explain(tx: Reader, scope: Scope, sku: str) -> SkuShown:
    connection = scope.connection
    promised = promises.deducted(tx, scope)
    here = places.now(tx, connection, scope.account)
    if here == (WHOLE,):
        return _at_place(tx, scope, sku, WHOLE, promised)
    each = tuple(_at_place(tx, scope, sku, place, promised) for place in here)
    whole = _at_place(tx, scope, sku, WHOLE, promised)
    told = [place.accepted for place in each if place.accepted is not None]
    known = len(told) == len(each)
    return msgspec.structs.replace(
        whole,
        derived=sum(place.derived or 0 for place in each),
        accepted=sum(told) if known else None,
        accepted_at_s=max(place.accepted_at_s for place in each) if known else 0.0,
        accepted_run=max(each, key=lambda place: place.accepted_at_s).accepted_run if known else "",
        pending=any(place.pending for place in each),
        unsure_until_s=max(place.unsure_until_s for place in each),
        refusal=next((place.refusal for place in each if place.refusal is not None), None),
        waits_since_s=max(place.waits_since_s for place in each),
        allocation=(),
        steps=(f"the store has a level for each of {len(each)} locations, by its own facility's stock",),
        places=each,
    )


def _at_place(tx: Reader, scope: Scope, sku: str, place: Place, promised: Unsent) -> SkuShown:
    connection, account = scope.connection, scope.account
    path = (account.merchant, account.name)
    flow = places.flow(connection, place)
    sold = connection.listings.get(sku, sku)
    parts = deriving.recipe(connection, sku)
    unsent = promised.of(place.facility)
    rows = deriving.reported(tx, connection, account, sku, place)
    worked = deriving.worked(connection, sku, rows, unsent, place)
    derived = deriving.derive(connection, account, unsent, tx, sku, place)
    # Ids are in the order they were made: the figure that moved last.
    generation = max("" if row is None else stock.changed_by(row) for row in rows.values())
    made = next((each for each in stock.history(tx, path) if each.id == generation), None)
    record = levels.get(tx, flow, sku) or LevelRecord()
    bundle = sold in connection.bundles
    shown = SkuShown(
        connection=connection.name,
        sku=sku,
        warehouse_sku=sold,
        listed=sku in connection.listings,
        reported=None if bundle else worked.components[0].component.reported,
        quantity=account.quantity,
        generation=generation,
        snapshot="" if made is None else made.snapshot,
        reported_at_s=0.0 if made is None else made.at_s,
        as_of_s=0.0 if made is None else made.as_of_s,
        unsent=0 if bundle else unsent.get(sold, 0),
        promises=tuple(islice(_promises(tx, scope, parts, place), PROMISES_LIMIT)),
        derived=None if derived is None else derived.available,
        accepted=record.accepted,
        accepted_at_s=0.0 if record.accepted is None else record.at_s,
        accepted_run="" if record.accepted is None else record.run,
        pending=tx.get(Table.PENDING, (*flow, sku)) is not None,
        unsure_until_s=record.unsure_until_s,
        refusal=_refusal(record),
        steps=(),
        bundle=bundle,
        components=tuple(level_steps.components(worked)),
        built=worked.built,
        waits_since_s=levels.waits_since_s(tx, flow, sku),
        allocation=tuple(level_steps.allocation(sold, worked, connection.allocation, place)),
        products=products_of(tx, connection, sku) if place.location is None else (),
        location=place.location or "",
        facility=place.facility or "",
        former=_former(tx, scope),
    )
    own = sku in connection.listings
    named = () if own else [name for name, to in connection.listings.items() if to == sku]
    waits_s = after_restore.awaits_figures(tx, connection, account)
    return msgspec.structs.replace(
        shown, steps=tuple(_steps(shown, stock.held(tx, path), waits_s, connection.timezone, named))
    )


def _former(tx: Reader, scope: Scope) -> str:
    """Another name of the warehouse, under which all that it told is known; empty where there is none."""
    kept = same_warehouse.before(tx, scope)
    return "" if kept is None or kept.path == same_warehouse.home_of(scope).path else ".".join(kept.path)


def _refusal(record: LevelRecord) -> RefusalShown | None:
    if not record.cause:
        return None
    return RefusalShown(cause=record.cause, reason=record.reason, level=record.refused)


def _promises(tx: Reader, scope: Scope, skus: Collection[str], place: Place) -> Iterator[PromiseShown]:
    """The orders that are about to take units of these there, over all connections of the account."""
    siblings = {each.id: each for each in scope.siblings}
    as_of_s, bundles = promises.figures_of_s(tx, scope.account), scope.connection.bundles
    for path, raw in tx.scan(Table.PROMISES, (scope.account.merchant, scope.account.name)):
        promise = _promise.decode(raw)
        sibling = siblings.get(path[2])
        taken_from = promises.facility_of(promise, scope.account, sibling)
        if place.facility is not None and taken_from not in ("", place.facility):
            continue
        listings = promises.listings_of(promise, sibling)
        taken_off = promises.taken_off(promise, scope.account, listings, bundles, as_of_s)
        deducted = sum(units for sku, units in taken_off if sku in skus)
        known = (
            promise.units.items()
            if promise.handed_s
            else promises.before_hand_over(promise.units, promise.apart, listings, bundles)
        )
        units = deducted or sum(units for sku, units in known if sku in skus)
        if units:
            doc = documents.get(tx, Flow(path[2], orders.CHANNEL), path[3])
            yield PromiseShown(
                connection=path[2] if sibling is None else sibling.name,
                order=path[3],
                number="" if doc is None else doc.number,
                units=units,
                handed_s=promise.handed_s,
                deducted=scope.connection.deduct_unsent and deducted > 0,
            )


# ---- in sentences


def _steps(
    shown: SkuShown, held: Generation | None, waits_s: float, zone: ZoneInfo, named: Sequence[str]
) -> Iterator[str]:
    """`named`: what the store sells it as instead, where its own name has no listing."""
    if shown.listed:
        whose = "the bundle" if shown.bundle else "the warehouse's"
        yield f"{shown.sku} is listed as {whose} {shown.warehouse_sku}"
    if shown.former:
        yield (
            f"what the warehouse told is known under its former name, {shown.former}, and does not count:"
            f" see dropstreamctl same-warehouse {shown.connection}"
        )
    if shown.bundle:
        yield from level_steps.of_bundle(shown)
    elif shown.reported is None and not shown.former:
        where = f" at {shown.facility}" if shown.facility else ""
        then = "it has no level" if shown.derived is None else "none is there"
        yield f"the warehouse never reported {shown.warehouse_sku}{where}: {then}"
    elif shown.reported is not None:
        figure = "available" if shown.quantity == "available" else "on hand"
        since = f", since {_at(shown.as_of_s, zone)} ({shown.snapshot})" if shown.snapshot else ""
        where = f" at {shown.facility}" if shown.facility else ""
        yield f"the warehouse reports {shown.reported} {figure}{where}{since}"
    if held is not None:
        yield f"a newer snapshot, {held.snapshot}, is held: {held.why}"
    if shown.unsent:
        count = sum(1 for each in shown.promises if each.deducted)
        more = " or more" if len(shown.promises) == PROMISES_LIMIT else ""
        yield f"{shown.unsent} of them are promised to {count}{more} orders that it does not know of yet"
    yield from level_steps.of_allocation(shown)
    if shown.derived is not None:
        yield f"so the store is to show {shown.derived}"
    if waits_s:
        yield f"it {after_restore.in_words(waits_s)}"
    yield from _told(shown, zone)
    if named and shown.accepted is None and shown.refusal is None:
        others = ", ".join(named[:NAMED])
        yield (
            f"its stock is listed as {others}: where the store sells it under its own name too, that wants a"
            f' listing as well, "{shown.sku}" = "{shown.sku}"'
        )


def _told(shown: SkuShown, zone: ZoneInfo) -> Iterator[str]:
    """What the store was told."""
    if shown.refusal is not None:
        yield f"the store refused {shown.refusal.level}: {shown.refusal.reason}"
    if shown.accepted is not None:
        at = _at(shown.accepted_at_s, zone)
        yield f"the store took {shown.accepted} at {at}, in run {shown.accepted_run}"
    elif shown.unsure_until_s:
        yield "a push was never answered: what the store shows is unknown, and is pushed again"
    elif shown.refusal is None:
        yield "the store was never told a level"
    if shown.waits_since_s:
        yield "it rises when no other store shows too much of the same stock, or after two hours"
    elif shown.pending:
        yield "the next run looks at it"


def _at(seconds: float, zone: ZoneInfo) -> str:
    """As whoever shows the rest of it shows times."""
    return f"{utc(seconds).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/skus/{sku:path}",
        name="sku",
        summary="How a SKU's level comes about",
        handle=sku,
        query=Empty,
        body=Empty,
        answer=SkuShown,
    ),
)

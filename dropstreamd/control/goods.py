"""Looking at products and purchase orders: what a store lacks, and what is on its way."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from dropstreamd.channels import catalogs, products, purchases, stock_notices
from dropstreamd.channels.jobs import of_channel
from dropstreamd.channels.listings import Listings
from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.goods import (
    CatalogShown,
    LackingShown,
    ProductShown,
    Purchases,
    PurchaseShown,
    PurchasesQuery,
)
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.store import documents, shelf
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document, Flow
from dropstreamd.store.shelf import Shelved

SHOWN_LIMIT = 500
NEAR_LIMIT = 5


# ---- what the store lacks


async def catalog(desk: Desk, call: Call[Empty, Empty]) -> CatalogShown:
    """What the warehouse has and the store lacks."""
    connection = desk.connection(call.path["c"])
    _refuse_unsupported(desk, connection, catalogs.CHANNEL)
    return await desk.scan(partial(_catalog, scope=desk.scope(connection)))


def _refuse_unsupported(desk: Desk, connection: Connection, channel: str) -> None:
    reasons = [desk.unsupported(connection, job) for job in of_channel(channel)]
    if all(reasons):
        refuse("not supported", f"{connection.name} has no {channel}: {'; '.join(dict.fromkeys(reasons))}")


def _catalog(tx: Reader, *, scope: Scope) -> CatalogShown:
    connection = scope.connection
    found = list(islice(_lacking(tx, scope), SHOWN_LIMIT + 1))
    return CatalogShown(
        mode=connection.catalogs,
        store_known=next(shelf.rows(tx, products.kept_of(connection), limit=1), None) is not None,
        lacking=tuple(_lacking_shown(tx, connection, one) for one in found[:SHOWN_LIMIT]),
        more=len(found) > SHOWN_LIMIT,
    )


def _lacking(tx: Reader, scope: Scope) -> Iterator[catalogs.Lacking]:
    after: str | None = None
    listings = Listings(scope.connection)
    while True:
        found, after = catalogs.lacking(tx, scope.connection, scope.account, listings, after=after)
        yield from found
        if after is None:
            return


def _lacking_shown(tx: Reader, connection: Connection, one: catalogs.Lacking) -> LackingShown:
    doc = documents.get(tx, Flow(connection.id, catalogs.CHANNEL), one.item.sku)
    return LackingShown(
        item=one.item,
        channel_sku=one.channel_sku,
        near=tuple(catalogs.near_misses(tx, connection, one.channel_sku)[:NEAR_LIMIT]),
        state="" if doc is None else doc.state.value,
        reason="" if doc is None else doc.reason,
    )


def products_of(tx: Reader, connection: Connection, sku: str) -> tuple[ProductShown, ...]:
    """What our catalogue has under exactly that SKU."""
    found = products.of_sku(tx, products.kept_of(connection), sku)
    return tuple(ProductShown(product=product, at_s=row.at_s, gone=row.gone) for product, row in found)


# ---- what is on its way


async def list_purchases(desk: Desk, call: Call[PurchasesQuery, Empty]) -> Purchases:
    """The purchase orders of the connection's warehouse."""
    connection = desk.connection(call.path["c"])
    _refuse_unsupported(desk, connection, purchases.CHANNEL)
    look = partial(_list, scope=desk.scope(connection), ended=call.query.ended)
    return await desk.scan(look)


def _list(tx: Reader, *, scope: Scope, ended: bool) -> Purchases:
    told = (_shown(tx, scope, key, row) for key, row in shelf.rows(tx, purchases.kept_of(scope.account)))
    wanted = (shown for shown in told if ended or shown.purchase.status not in purchases.ENDED)
    found = list(islice(wanted, SHOWN_LIMIT + 1))
    return Purchases(purchases=tuple(found[:SHOWN_LIMIT]), more=len(found) > SHOWN_LIMIT)


def _shown(tx: Reader, scope: Scope, key: str, row: Shelved) -> PurchaseShown:
    doc: Document | None = documents.get(tx, Flow(scope.connection.id, purchases.CHANNEL), key)
    purchase = purchases.decode.decode(row.content)
    notice = stock_notices.document_of(tx, scope.account, key)
    return PurchaseShown(
        purchase=purchase,
        at_s=row.at_s,
        state="" if doc is None else doc.state.value,
        reason="" if doc is None else doc.reason,
        sent=None if doc is None or not doc.sent else purchases.decode.decode(doc.sent),
        notice="" if notice is None else notice.state.value,
        notice_reason="" if notice is None else notice.reason,
    )


async def one_purchase(desk: Desk, call: Call[Empty, Empty]) -> PurchaseShown:
    """One purchase order, by its number or its id."""
    connection = desk.connection(call.path["c"])
    _refuse_unsupported(desk, connection, purchases.CHANNEL)
    named = desk.key(call.path["purchase"])
    found = await desk.scan(partial(_find, scope=desk.scope(connection), named=named))
    if found is None:
        refuse("not found", f"the warehouse of {connection.name} told no purchase order {named[:100]!r}")
    return found


def _find(tx: Reader, *, scope: Scope, named: str) -> PurchaseShown | None:
    kept = purchases.kept_of(scope.account)
    row = shelf.get(tx, kept, named)
    if row is not None:
        return _shown(tx, scope, named, row)
    for key, each in shelf.rows(tx, kept):
        if purchases.decode.decode(each.content).number == named:
            return _shown(tx, scope, key, each)
    return None


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/catalog",
        name="catalog",
        summary="What the warehouse has and the store lacks",
        handle=catalog,
        query=Empty,
        body=Empty,
        answer=CatalogShown,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/purchase-orders",
        name="list_purchases",
        summary="The purchase orders of the warehouse",
        handle=list_purchases,
        query=PurchasesQuery,
        body=Empty,
        answer=Purchases,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/purchase-orders/{purchase:path}",
        name="one_purchase",
        summary="One purchase order, line by line",
        handle=one_purchase,
        query=Empty,
        body=Empty,
        answer=PurchaseShown,
    ),
)

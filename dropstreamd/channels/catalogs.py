"""Catalogs: what a warehouse's item master has and a store lacks becomes draft products, or a list."""

from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from dropstreamd.channels import products
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.intake import Account, fetch
from dropstreamd.channels.listings import Listings
from dropstreamd.channels.pull import Filling, digest_of
from dropstreamd.channels.run import Fetched, Run, Scope
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Part, Source
from dropstreamd.store import documents, shelf
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Nothing, Ready, Resolved
from dropstreamd.store.records import Document, Flow
from dropstreamd.store.shelf import Shelf
from dropstreamd.store.transitions import Incoming

CHANNEL = "catalogs"
SLICE = 200
"""Items looked at in one go."""

_encode = msgspec.msgpack.Encoder().encode


def kept_of(account: WarehouseAccount) -> Shelf:
    """Where the account's item master is kept."""
    return Shelf(f"{account.merchant}/{account.name}", CHANNEL)


def book(scope: Scope) -> Book:
    """The flow of a connection's draft products. A draft belongs to the store from its hand-over on:
    nothing is ever amended."""
    return Book(flow=Flow(scope.connection.id, CHANNEL), amends=False, describe=describe)


async def fetch_items(account: Account, source: Source[Product], *, now_s: float) -> Fetched:
    """Bring the item master up to date."""
    flow = account.flow(CHANNEL)
    filling = Filling(
        kept_of(account.settings),
        flow,
        products.decode,
        key=lambda item: item.key,
        sku=lambda item: item.sku,
        older=products.older,
        now_s=now_s,
    )
    return await fetch(account, source, flow, partial(_stage, filling), now_s=now_s)


def _stage(filling: Filling[Product], tx: Writer, page: Page[Product]) -> Fetched:
    staged = filling.stage(tx, msgspec.structs.replace(page, bad=()))
    return Fetched(new=staged.new, changed=staged.changed, bad=staged.bad)


async def sync(run: Run) -> None:
    """One run of `catalogs.sync`: bring both catalogues up to date, then make drafts of what the store
    lacks; by setting, only that can be listed."""
    scope = run.scope
    if Part.PRODUCTS in scope.store_offers:
        await products.update(run)
    fetched = await scope.feed.fetch_items()
    run.count("items", fetched.new + fetched.changed)
    run.count("undecodable", fetched.bad)
    if scope.connection.catalogs == "list":
        return
    listings = Listings(scope.connection)
    drafts, resolved = book(scope), partial(resolve, scope.connection, listings)
    await _stage_lacking(run, drafts, listings)
    if await anything_to_do(run, drafts, resolved):
        async with run.open_store() as store:
            if store.catalogue is None:
                raise ProtocolMismatch("the store's plugin takes no products")
            await deliver(run, drafts, store.catalogue, resolved)


async def _stage_lacking(run: Run, drafts: Book, listings: Listings) -> None:
    after: str | None = None
    while True:
        arrived, after = run.state.read(
            partial(_arrived, scope=run.scope, listings=listings, book=drafts, after=after)
        )
        if arrived:
            staged = await run.state.write(
                partial(documents.stage, book=drafts, incoming=arrived, now_s=run.now_s(), run=run.id)
            )
            run.count("staged", staged.new + staged.changed)
        await run.settled()
        if after is None:
            return


def _arrived(
    tx: Reader, *, scope: Scope, listings: Listings, book: Book, after: str | None
) -> tuple[list[Incoming], str | None]:
    found, after = lacking(tx, scope.connection, scope.account, listings, after=after)
    unknown = [one for one in found if documents.get(tx, book.flow, one.item.sku) is None]
    return [incoming(one.item) for one in unknown], after


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the warehouse that the store has not, and the SKU that it would have there."""

    item: Product
    channel_sku: str


def lacking(
    tx: Reader,
    connection: Connection,
    account: WarehouseAccount,
    listings: Listings,
    *,
    after: str | None,
    limit: int = SLICE,
) -> tuple[list[Lacking], str | None]:
    """Of `limit` items after the key `after`, those that the store lacks; and the last key looked at,
    None where it was the last of all."""
    kept = kept_of(account)
    found: list[Lacking] = []
    seen = list(shelf.rows(tx, kept, after=after, limit=limit))
    for _, row in seen:
        item = products.decode.decode(row.content)
        names = listings.channel_skus(item.sku)
        if item.sku and item.active and not row.gone and names and not has(tx, connection, names):
            found.append(Lacking(item=item, channel_sku=names[0]))
    return found, seen[-1][0] if len(seen) == limit else None


def has(tx: Reader, connection: Connection, names: Iterable[str]) -> bool:
    """Whether our catalogue of the store has one of these SKUs, sold or not."""
    kept = products.kept_of(connection)
    return any(not row.gone for sku in names for _, row in shelf.of_sku(tx, kept, sku))


def incoming(item: Product) -> Incoming:
    """An item as the ledger takes it. It has one revision: a draft is made once."""
    return Incoming(key=item.sku, number=item.sku, digest=digest_of(item.sku), content=_encode(item))


def resolve(connection: Connection, listings: Listings, tx: Reader, _key: str, doc: Document) -> Resolved:
    """The item as a product of the store, under its SKU there."""
    item = products.decode.decode(doc.content)
    names = listings.channel_skus(item.sku)
    if not names or has(tx, connection, names):
        return Nothing(why="the store has it")
    return Ready(document=msgspec.structs.replace(item, sku=names[0]), reference=names[0])


def describe(_doc: Document) -> str:
    """A draft does not change after its hand-over."""
    return "changed in the warehouse"


# ---- what may have been meant

NEIGHBOURS = 50
"""SKUs before and after in order, among which the one that was meant may be."""


def near_misses(tx: Reader, connection: Connection, sku: str) -> list[str]:
    """SKUs of the store that differ from this one by case, spaces, dashes or leading zeros only."""
    kept, plain = products.kept_of(connection), bare(sku)
    tried = dict.fromkeys((sku.strip(), sku.upper(), sku.lower(), plain, sku.lstrip("0"), f"0{sku}"))
    near = [name for name in tried if name != sku and documents.may_be_key(name) and _known(tx, kept, name)]
    return list(dict.fromkeys((*near, *(name for name in _around(tx, kept, sku, plain) if name != sku))))


def _known(tx: Reader, kept: Shelf, sku: str) -> bool:
    return any(not row.gone for _, row in shelf.of_sku(tx, kept, sku))


def _around(tx: Reader, kept: Shelf, sku: str, plain: str) -> Iterator[str]:
    for start in dict.fromkeys((sku, plain)):
        for reverse in (False, True):
            if not documents.may_be_key(start):
                continue
            for name, _ in shelf.skus(tx, kept, after=(start,), limit=NEIGHBOURS, reverse=reverse):
                if bare(name) == plain:
                    yield name


def bare(sku: str) -> str:
    """A SKU without what people get wrong: case, spaces, dashes and leading zeros."""
    return "".join(char for char in sku if char.isalnum()).upper().lstrip("0")

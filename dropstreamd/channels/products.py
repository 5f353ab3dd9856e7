"""Products: the store's become our catalogue, and our catalogue the warehouse's item master."""

from collections.abc import Iterable, Iterator
from functools import partial

import msgspec
import trio

from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.pull import Filling, digest_of, forget_missing, pull
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import Connection
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Part
from dropstreamd.store import documents, shelf
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.handover import Nothing, Ready, Resolved
from dropstreamd.store.records import Document, Flow, Standing
from dropstreamd.store.shelf import Shelf, Shelved
from dropstreamd.store.transitions import Incoming

CHANNEL = "products"
SLICE = 200
"""SKUs looked at in one go."""

decode = msgspec.msgpack.Decoder(Product)
_encode = msgspec.msgpack.Encoder().encode


def kept_of(connection: Connection) -> Shelf:
    """Our catalogue of a connection's store."""
    return Shelf(connection.id, CHANNEL)


def book(scope: Scope) -> Book:
    """The flow of a connection's products to its warehouse; a product's key is the warehouse's SKU."""
    amends = Part.PRODUCTS in scope.warehouse_amends
    return Book(flow=Flow(scope.connection.id, CHANNEL), amends=amends, describe=describe)


# ---- the store's products become our catalogue


async def update(run: Run) -> None:
    """Bring our catalogue up to date with the store."""
    kept = kept_of(run.scope.connection)
    flow = Flow(run.scope.connection.id, CHANNEL)
    filling = Filling(
        kept, flow, decode, key=_key, sku=lambda product: product.sku, older=older, now_s=run.now_s()
    )
    async with run.open_store() as store:
        if store.products is None:
            raise ProtocolMismatch("the store's plugin tells no products")
        await pull(run, store.products, flow, partial(_stage, filling), read=filling.read)
    seen = filling.missing()
    if seen is not None:
        run.count(
            "gone", await run.state.write(partial(forget_missing, kept=kept, seen=seen, now_s=run.now_s()))
        )


def _key(product: Product) -> str:
    return product.key


def _stage(filling: Filling[Product], tx: Writer, page: Page[Product]) -> Staged:
    return filling.stage(tx, page)


def older(one: Product, other: Product) -> bool:
    """Whether one is an older form than the other, as far as both tell when they changed."""
    return one.updated_at is not None and other.updated_at is not None and one.updated_at < other.updated_at


def of_sku(tx: Reader, kept: Shelf, sku: str) -> list[tuple[Product, Shelved]]:
    """What a shelf of products has under exactly that SKU, what can be sold or stocked first."""
    found = [(decode.decode(row.content), row) for _, row in shelf.of_sku(tx, kept, sku)]
    return sorted(found, key=lambda one: (one[1].gone, not one[0].active, one[0].key))


# ---- our catalogue becomes the item master


async def export(run: Run) -> None:
    """One run of `products.export`: hand over every product that the warehouse has not, or otherwise."""
    products = book(run.scope)
    await _stage_changed(run, products)
    if await anything_to_do(run, products, resolve):
        async with run.scope.feed.session() as warehouse:
            if warehouse.products is None:
                raise ProtocolMismatch("the warehouse's plugin takes no products")
            await deliver(run, products, warehouse.products, resolve)


async def _stage_changed(run: Run, products: Book) -> None:
    kept = kept_of(run.scope.connection)
    wanted = await _warehouse_skus(run, kept)
    for start in range(0, len(wanted), SLICE):
        some = wanted[start : start + SLICE]
        arrived = run.state.read(partial(_arrived, kept=kept, book=products, skus=some))
        if arrived:
            staged = await run.state.write(
                partial(documents.stage, book=products, incoming=arrived, now_s=run.now_s(), run=run.id)
            )
            run.count("staged", staged.new + staged.changed)
            run.count("tasks", staged.tasks)
        await run.settled()


async def _warehouse_skus(run: Run, kept: Shelf) -> list[tuple[str, tuple[str, ...]]]:
    """The warehouse's SKUs, each with the channel SKUs that are sold of it, in order. A bundle is none:
    the warehouse has its components."""
    listings, bundles = run.scope.connection.listings, run.scope.connection.bundles
    found: dict[str, list[str]] = {}
    after: tuple[str, ...] = ()
    while True:
        some = run.state.read(partial(_some_skus, kept=kept, after=after))
        for sku, _ in some:
            own = listings.get(sku, sku)
            if own in bundles or sku in found.get(own, ()):
                continue
            found.setdefault(own, []).append(sku)
        if len(some) < SLICE:
            return [(sku, tuple(channel_skus)) for sku, channel_skus in sorted(found.items())]
        after = some[-1]
        await trio.lowlevel.checkpoint()


def _some_skus(tx: Reader, *, kept: Shelf, after: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(shelf.skus(tx, kept, after=after, limit=SLICE))


def _arrived(
    tx: Reader,
    *,
    kept: Shelf,
    book: Book,
    skus: Iterable[tuple[str, tuple[str, ...]]],
) -> list[Incoming]:
    arrived: list[Incoming] = []
    for sku, channel_skus in skus:
        product = _best(tx, kept, sku, channel_skus)
        if product is None:
            continue
        doc = documents.get(tx, book.flow, sku)
        one = incoming(product, told=doc is not None and doc.accepted > 0)
        if doc is None or (doc.digest, doc.standing) != (one.digest, one.standing):
            arrived.append(one)
    return arrived


def _best(tx: Reader, kept: Shelf, sku: str, channel_skus: tuple[str, ...]) -> Product | None:
    """The one product that describes a warehouse's SKU: one that is sold, of the same SKU if there is."""
    ranked = [
        (row.gone or not product.active, product.sku != sku, product.key, product, row.gone)
        for channel_sku in channel_skus
        for product, row in of_sku(tx, kept, channel_sku)
    ]
    if not ranked:
        return None
    *_, product, gone = min(ranked, key=lambda one: one[:3])
    return msgspec.structs.replace(product, sku=sku, active=product.active and not gone)


def incoming(product: Product, *, told: bool) -> Incoming:
    """A product as the ledger takes it. One that is not sold any more is only news to a warehouse that
    has it (`told`)."""
    plain = msgspec.structs.replace(product, updated_at=None, key="")
    return Incoming(
        key=product.sku,
        number=product.sku,
        digest=digest_of(plain),
        content=_encode(product),
        standing=Standing.READY if product.active or told else Standing.OVER,
    )


def resolve(_tx: Reader, _key: str, doc: Document) -> Resolved:
    """The product as it is."""
    product = decode.decode(doc.content)
    if not product.active and not doc.accepted:
        return Nothing(why="it is not sold any more")
    return Ready(document=product, reference=product.sku)


def describe(doc: Document) -> str:
    """Which fields differ from what the warehouse was told."""
    if not doc.sent:
        return "changed in the store"
    return (
        ", ".join(_differing(decode.decode(doc.sent), decode.decode(doc.content))) or "changed in the store"
    )


def _differing(sent: Product, now: Product) -> Iterator[str]:
    for field in Product.__struct_fields__:
        if field not in ("key", "updated_at") and getattr(sent, field) != getattr(now, field):
            yield f"{field.replace('_', ' ')}: {getattr(sent, field)} became {getattr(now, field)}"

"""Documents as a sink freezes them (`Sink.prepare`): one by one, or products by the batch."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from dropstreamd.model.handover import Item, Preparation, Prepared, Rejected, Stamp
from dropstreamd.model.products import Product

T = TypeVar("T")

_products = msgspec.json.Decoder(tuple[Product, ...])


def each_alone(
    items: Sequence[Item[T]], stamp: Stamp, frozen: Callable[[Item[T]], msgspec.Struct | Rejected]
) -> Preparation:
    """One attempt for each document: what `frozen` makes of it, as JSON, or why it does not go."""
    prepared: list[Prepared] = []
    rejected: list[Rejected] = []
    for number, item in enumerate(items):
        wanted = frozen(item)
        if isinstance(wanted, Rejected):
            rejected.append(wanted)
        else:
            name, payload = f"{stamp.attempt}-{number}", msgspec.json.encode(wanted)
            prepared.append(Prepared(name=name, keys=(item.key,), payload=payload))
    return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))


def prepare_products(items: Sequence[Item[Product]], stamp: Stamp, *, most: int) -> Preparation:
    """One attempt for up to `most` products; of those with one SKU the first."""
    rejected: list[Rejected] = []
    good: dict[str, Item[Product]] = {}
    for item in items:
        sku = item.document.sku
        if not sku.strip() or sku in good:
            reason = f"another product has the SKU {sku} too" if sku.strip() else "it has no SKU"
            rejected.append(Rejected(key=item.key, cause="sku", reason=reason))
        else:
            good[sku] = item
    prepared = []
    for start in range(0, len(good), most):
        some = list(good.values())[start : start + most]
        payload = msgspec.json.encode([item.document for item in some])
        keys = tuple(item.key for item in some)
        prepared.append(Prepared(name=f"{stamp.attempt}-{start}", keys=keys, payload=payload))
    return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))


def read_products(prepared: Prepared) -> dict[str, Product]:
    """What `prepare_products` froze, by key."""
    return dict(zip(prepared.keys, _products.decode(prepared.payload), strict=True))

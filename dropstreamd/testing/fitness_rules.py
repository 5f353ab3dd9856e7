"""Rules for what a source's documents must have to be of use: keys, SKUs, units, instants with a zone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, get_args

from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder
from dropstreamd.model.returns import Receipt, Return
from dropstreamd.platform.contract import Part
from dropstreamd.testing.daemon import MOST_KEY_BYTES, Kept
from dropstreamd.testing.source_rules import FEW, read
from dropstreamd.testing.stand import Stand, require


async def returns_are_fit_to_expect(stand: Stand, part: Part) -> None:
    """They are open, name their order, and each line has a key of its own, an order line, a SKU and a
    quantity."""
    kept: Kept[Return] = await _some(stand, part)
    for ret in kept.documents.values():
        require(ret.number, "a return has no number")
        require(ret.status == "open", f"the rig's return is told as {ret.status}")
        require(ret.order_key, "a return does not name its order")
        _aware(ret.requested_at, ret.updated_at)
        _own_keys(line.key for line in ret.lines)
        for line in ret.lines:
            require(line.order_line, "a line of a return does not name the order's")
            _sku(line.sku)
            require(line.quantity > 0, "a line of a return has no units")


async def products_are_fit_to_keep(stand: Stand, part: Part) -> None:
    """They have a SKU, their weight is no less than nothing, and instants have a zone."""
    kept: Kept[Product] = await _some(stand, part)
    for product in kept.documents.values():
        _sku(product.sku)
        require(product.active, "the rig's product is told as not active")
        require(product.weight_g is None or product.weight_g >= 0, "a product weighs less than nothing")
        _aware(product.updated_at)


async def receipts_are_fit_to_tell(stand: Stand, part: Part) -> None:
    """They can be known by something, and each line has a SKU and units."""
    kept: Kept[Receipt] = await _some(stand, part)
    for receipt in kept.documents.values():
        known = receipt.reference or receipt.order_reference or receipt.tracking_numbers
        require(known, "a receipt names no return, no order and no parcel")
        require(receipt.lines, "a receipt has no lines")
        _aware(receipt.received_at)
        for line in receipt.lines:
            _sku(line.sku)
            require(line.quantity > 0, "a line of a receipt has no units")


async def purchase_orders_are_fit_to_tell(stand: Stand, part: Part) -> None:
    """They have a number, each line has a key of its own, a SKU and a unit, and no figure is negative."""
    kept: Kept[PurchaseOrder] = await _some(stand, part)
    for purchase in kept.documents.values():
        require(purchase.number, "a purchase order has no number")
        _aware(purchase.ordered_at, purchase.expected_at, purchase.updated_at)
        require(purchase.lines, "a purchase order has no lines")
        _own_keys(line.key for line in purchase.lines)
        for line in purchase.lines:
            _sku(line.sku)
            require(min(line.expected, line.received, line.damaged) >= 0, "a figure is negative")
            require(line.pack >= 1 and line.unit, "a line has no unit, or a pack of nothing")


async def acknowledgements_are_fit_to_use(stand: Stand, part: Part) -> None:
    """They name an order, or what was answered, and say one of the words that there are."""
    kept: Kept[Acknowledgement] = await _some(stand, part)
    for each in kept.documents.values():
        require(each.reference or each.name, "an acknowledgement names no order and no file")
        require(each.verdict in get_args(Verdict), f"an acknowledgement says {each.verdict!r}")
        _aware(each.at)


async def _some(stand: Stand, part: Part) -> Kept[Any]:
    await stand.bench(part).add(FEW)
    kept = await read(stand, part)
    require(kept.documents, "the rig's documents do not come")
    return kept


def _own_keys(keys: Iterable[str]) -> None:
    found = list(keys)
    require(found, "it has no lines")
    require(all(found) and len(set(found)) == len(found), "two lines have one key, or none")


def _sku(sku: str) -> None:
    require(0 < len(sku.encode()) <= MOST_KEY_BYTES, "a SKU is empty, or too long")


def _aware(*instants: datetime | None) -> None:
    require(all(at is None or at.tzinfo is not None for at in instants), "an instant has no zone")

"""What entering purchase orders again would change of those that are here, in words for a person."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from dropstreamd.channels.stock_notices import FLOW, incoming
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder
from dropstreamd.store import documents
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Flow

_decode = msgspec.msgpack.Decoder(PurchaseOrder)
_NOTHING = "none"


def changes(tx: Reader, connection: str, orders: Sequence[PurchaseOrder]) -> dict[str, str]:
    """By number, how each differs from what was entered before. New and unchanged ones are not in it."""
    found = {}
    for order in orders:
        doc = documents.get(tx, Flow(connection, FLOW), order.number)
        if doc is not None and doc.digest != incoming(order).digest:
            before = _decode.decode(doc.content) if doc.content else None
            found[order.number] = "entered anew" if before is None else difference(before, order)
    return found


def difference(before: PurchaseOrder, after: PurchaseOrder) -> str:
    """`TEE: 24 case of 12 → 12 each; supplier: Mill → none`: line by line, then what is of the whole."""
    old, new = _by_sku(before.lines), _by_sku(after.lines)
    skus = list(dict.fromkeys((*old, *new)))
    pairs = [(sku, old.get(sku, _NOTHING), new.get(sku, _NOTHING)) for sku in skus]
    pairs += [(name, _head(before)[name], text) for name, text in _head(after).items()]
    return "; ".join(f"{name}: {was} → {now}" for name, was, now in pairs if was != now) or (
        "the order of its lines"
    )


def _by_sku(lines: Sequence[PurchaseLine]) -> Mapping[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        unit = line.unit if line.pack == 1 else f"{line.unit} of {line.pack}"
        found[line.sku].append(f"{line.expected} {unit}")
    return {sku: " + ".join(texts) for sku, texts in found.items()}


def _head(order: PurchaseOrder) -> Mapping[str, str]:
    expected = order.expected_at
    return {
        "status": order.status,
        "reference": order.key,
        "supplier": order.supplier or _NOTHING,
        "expected": _NOTHING if expected is None else f"{expected:%Y-%m-%d}",
        "carrier": order.carrier or _NOTHING,
        "tracking": " ".join(order.tracking_numbers) or _NOTHING,
        "note": order.note or _NOTHING,
    }

"""From and to the daemon's documents."""

from hashlib import sha256

import msgspec

from dropstream_acme_wms.wire import Row, Shipment
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Bad


def order_body(order: OutboundOrder) -> bytes:
    """What Acme is told. It has no time and no chance in it: the same order is the same bytes."""
    return msgspec.json.encode(
        {
            "method": order.ship_method,
            "ship_to": order.ship_to,
            "email": order.email,
            "note": order.note,
            "lines": [{"line": line.number, "sku": line.sku, "units": line.quantity} for line in order.lines],
        }
    )


def package(raw: msgspec.Raw) -> Package:
    """Raises msgspec.DecodeError where it is no shipment."""
    shipment = msgspec.json.decode(raw, type=Shipment)
    return Package(
        key=shipment.id,
        reference=shipment.reference,
        carrier=shipment.carrier,
        tracking_numbers=shipment.tracking,
        shipped_at=shipment.shipped_at,
        lines=tuple(
            PackageLine(sku=line.sku, quantity=line.units, order_line=line.line) for line in shipment.lines
        ),
    )


def stock_row(raw: msgspec.Raw) -> StockRow:
    """Raises msgspec.DecodeError where it is none."""
    row = msgspec.json.decode(raw, type=Row)
    return StockRow(sku=row.sku, quantity=row.units)


def bad(raw: msgspec.Raw, place: str, error: msgspec.DecodeError) -> Bad:
    """Kept for a person to see; the same bytes have the same key whenever they come."""
    return Bad(key=sha256(raw).hexdigest(), place=place, reason=str(error), raw=bytes(raw))

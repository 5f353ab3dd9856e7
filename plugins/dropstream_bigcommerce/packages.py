"""A package beside its order as BigCommerce tells it: what stands for it there, what is open."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.carriers import COURIER, carrier
from dropstream_bigcommerce.parts import NEVER
from dropstreamd.model.handover import Item, Rejected
from dropstreamd.model.shipments import Fulfillment

MOST_NUMBER = 50
MOST_LINK = 500
"""Letters of a tracking number and of an address to follow it ("Create Order Shipment")."""

_ODD = re.compile(r"""[^ -~]|[<>&"'\\]""")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one shipment: units by the id of the order's line. `replaces` is the shipment whose
    tracking is to be changed; None for a package that BigCommerce was not told of."""

    package: str
    order: int
    lines: dict[int, int]
    number: str
    more_numbers: tuple[str, ...]
    provider: str
    courier: str
    method: str
    link: str
    replaces: int | None = None

    @property
    def mark(self) -> str:
        """The first line of the shipment's comments: by it the shipment is known again. What a comment may
        not keep as it is, such as a blank at the end, a digest stands for."""
        plain = " ".join(_ODD.sub(" ", self.package).split())
        if plain == self.package:
            return f"Package {plain}"
        digest = hashlib.blake2b(self.package.encode("utf-8", "replace"), digest_size=8).hexdigest()
        return f"Package {plain} {digest}".replace("  ", " ")

    def tracking(self) -> dict[str, object]:
        """What a shipment says of the package, all of it: what was told before is to be overwritten."""
        also = f"\nAlso: {', '.join(self.more_numbers)}" if self.more_numbers else ""
        return {
            "tracking_number": self.number,
            "shipping_provider": self.provider,
            "tracking_carrier": self.courier,
            "tracking_link": self.link,
            "shipping_method": self.method,
            "comments": f"{self.mark}{also}",
        }


def frozen(item: Item[Fulfillment]) -> Wanted | Rejected:
    """The document as it will be sent."""
    document = item.document
    order, _, address = document.order_key.partition("-")
    lines: Counter[int] = Counter()
    for line in document.lines:
        if not line.order_line.isdecimal() or line.quantity < 1:
            return Rejected(key=item.key, cause="lines", reason="a line of it is none of BigCommerce's")
        lines[int(line.order_line)] += line.quantity
    if not lines or not order.isdecimal() or not (address.isdecimal() or not address):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or no order of BigCommerce's")
    numbers = tuple(dict.fromkeys(each.strip() for each in document.tracking_numbers if each.strip()))
    if numbers and len(numbers[0]) > MOST_NUMBER:
        reason = f"BigCommerce takes a tracking number of {MOST_NUMBER} letters: {numbers[0][:60]} is longer"
        return Rejected(key=item.key, cause="tracking", reason=reason)
    if item.remote is not None and not item.remote.isdecimal():
        return Rejected(key=item.key, cause="amend", reason="what was told before is no shipment")
    known = carrier(document.carrier)
    link = document.tracking_url.strip()
    name = document.carrier.strip()
    return Wanted(
        package=document.package_key,
        order=int(order),
        lines=dict(lines),
        number=numbers[0] if numbers else "",
        more_numbers=numbers[1:],
        provider=known.provider,
        courier=known.courier,
        method=document.service.strip() or ("" if name.casefold().startswith(COURIER) else name),
        link="" if known.provider or known.courier or len(link) > MOST_LINK else link,
        replaces=None if item.remote is None else int(item.remote),
    )


def ours(shipments: Iterable[wire.Shipment], wanted: Wanted) -> list[wire.Shipment]:
    """Shipments that bear the package's mark."""
    return [each for each in shipments if _mark(each) == wanted.mark]


def alike(shipments: Iterable[wire.Shipment], wanted: Wanted) -> list[wire.Shipment]:
    """Shipments without any package's mark, of the same units under the same tracking number: somebody
    entered them by hand, or changed the comments of ours."""
    return [
        each
        for each in shipments
        if wanted.number
        and (each.tracking_number or "") == wanted.number
        and units_of(each) == wanted.lines
        and not _mark(each).startswith("Package ")
    ]


def units_of(shipment: wire.Shipment) -> dict[int, int]:
    units: Counter[int] = Counter()
    for item in shipment.items:
        units[item.order_product_id] += item.quantity
    return {line: count for line, count in units.items() if count}


def shows(shipment: wire.Shipment, wanted: Wanted) -> bool:
    """Whether it has the wanted tracking."""
    shown = {
        "tracking_number": shipment.tracking_number,
        "shipping_provider": shipment.shipping_provider,
        "tracking_carrier": shipment.tracking_carrier,
        "tracking_link": shipment.tracking_link,
        "shipping_method": shipment.shipping_method,
        "comments": shipment.comments,
    }
    return all((shown[name] or "") == value for name, value in wanted.tracking().items())


def no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="BigCommerce has no such order")


def lines_of(order: wire.Order) -> dict[int, wire.OrderProduct]:
    return {line.id: line for each in order.consignments.shipping for line in each.line_items}


def address_of(order: wire.Order, wanted: Wanted) -> int:
    """The id of the address that the package went to."""
    return _parts(order, wanted)[0].address


def _parts(order: wire.Order, wanted: Wanted) -> list[wire.ShippingConsignment]:
    return [
        each
        for each in order.consignments.shipping
        if any(line.id in wanted.lines for line in each.line_items)
    ]


def refusal(key: str, order: wire.Order, wanted: Wanted) -> Rejected | None:
    """Why these units cannot be told as shipped."""
    there = lines_of(order)
    unknown = sorted(wanted.lines.keys() - there.keys())
    if unknown:
        told = ", ".join(map(str, unknown))
        return Rejected(key=key, cause="no-line", reason=f"the order has no line {told} (any more)")
    if len(_parts(order, wanted)) > 1:
        reason = "its lines go to several addresses of the order: BigCommerce wants a shipment for each"
        return Rejected(key=key, cause="addresses", reason=reason)
    if order.is_deleted or order.status_id in NEVER:
        return Rejected(key=key, cause="cancelled", reason="it is cancelled or archived in BigCommerce")
    left = {line: there[line].quantity - int(there[line].quantity_shipped) for line in wanted.lines}
    short = [line for line, units in wanted.lines.items() if units > left[line]]
    if short:
        told = "; ".join(
            f"line {line}: {wanted.lines[line]} left the warehouse, {left[line]} are open" for line in short
        )
        return Rejected(key=key, cause="already-shipped", reason=f"{told} in BigCommerce")
    return None


def _mark(shipment: wire.Shipment) -> str:
    lines = (shipment.comments or "").splitlines()
    return lines[0].strip() if lines else ""

"""Shipments that left become packages: one for each outermost package, or one for the shipment."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from dropstream_tryton import wire
from dropstream_tryton.changes import Changes, Followed
from dropstream_tryton.client import Api
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import ChangeSource, reference, sku, units
from dropstreamd.model.shipments import Package, PackageLine

MODEL = "stock.shipment.out"
LEFT = ("shipped", "done")
MOST_NESTED = 20

_FOLLOWED = (
    "number",
    "reference",
    "state",
    "effective_date",
    "warehouse",
    "outgoing_moves.state",
    "outgoing_moves.internal_quantity",
    "outgoing_moves.product.code",
)
_OPTIONAL = (
    ("carrier", ("carrier.party.name", "carrier.carrier_product.name")),
    ("packages", ("outgoing_moves.package", "packages.number", "packages.parent")),
    (
        "shipping_reference",
        ("shipping_reference", "packages.shipping_reference", "packages.shipping_tracking_url"),
    ),
)


def open_shipments(api: Api, places: Places) -> ChangeSource[wire.Shipment, Package]:
    """A `Source[Package]`, asking for what the server's modules have."""
    followed = Followed(
        model=MODEL, fields=_FOLLOWED, optional=_OPTIONAL, domain=_domain, related=("packages",)
    )
    return ChangeSource(Changes(api, places, followed), places, wire.Shipment, "shipment", packages)


def _domain(house: House) -> list[object]:
    return [
        ["state", "in", LEFT],
        ["customer", "=", house.customer],
        ["warehouse", "in", house.ids],
    ]


def packages(shipment: wire.Shipment, house: House) -> Iterable[Package]:
    """None for a shipment that nothing left with: all of it was given up."""
    number = f"{shipment.number or ''}.{shipment.id}"
    order = reference(shipment.reference)
    roots = _roots(shipment.packages)
    lines: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for move in shipment.outgoing_moves:
        if move.state != "cancelled" and move.internal_quantity:
            root = roots.get(move.package or 0, 0)
            lines[root][sku(move.product.code)] += units(move.internal_quantity)
    boxes = {box.id: box for box in shipment.packages}
    for root, by_sku in sorted(lines.items()):
        box = boxes.get(root)
        inner = [each for each in shipment.packages if roots[each.id] == root]
        yield Package(
            key=number if box is None else f"{number}.{box.id}",
            reference=order,
            lines=tuple(PackageLine(sku=code, quantity=count) for code, count in sorted(by_sku.items())),
            carrier=(shipment.carrier.party.name or "") if shipment.carrier else "",
            service=(shipment.carrier.carrier_product.name or "") if shipment.carrier else "",
            tracking_numbers=_tracking(shipment, box, inner),
            tracking_url=(box.shipping_tracking_url or "") if box else "",
            shipped_at=wire.on_day(shipment.effective_date, shipment.last_modified_at),
            facility=house.facility_of(shipment.warehouse),
        )


def _tracking(shipment: wire.Shipment, box: wire.Box | None, inner: Iterable[wire.Box]) -> tuple[str, ...]:
    """The package's own, else those of packages in it, else the shipment's."""
    own = [box.shipping_reference] if box else []
    of_inner = [each.shipping_reference for each in inner]
    for choice in (own, of_inner, [shipment.shipping_reference]):
        told = [text for text in choice if text]
        if told:
            return tuple(dict.fromkeys(told))
    return ()


def _roots(boxes: Iterable[wire.Box]) -> Mapping[int, int]:
    """By package the outermost one that it lies in."""
    parents = {box.id: box.parent for box in boxes}
    roots: dict[int, int] = {}
    for each in parents:
        root = each
        for _ in range(MOST_NESTED):
            parent = parents.get(root)
            if parent is None:
                break
            root = parent
        roots[each] = root
    return roots

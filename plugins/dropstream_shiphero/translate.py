"""From our orders to ShipHero's inputs: lines, addresses, notes, amounts; and what is too long for them."""

from collections.abc import Iterator, Mapping

import msgspec

from dropstream_shiphero.settings import Settings
from dropstream_shiphero.values import iso
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder

MOST = {
    "first_name": 100,
    "last_name": 100,
    "company": 100,
    "address1": 100,
    "address2": 100,
    "city": 100,
    "state": 100,
    "zip": 20,
    "country": 2,
    "email": 200,
    "phone": 50,
}
"""Characters of an address's fields. ShipHero publishes no limits; no carrier's label has more."""

MOST_NOTE = 2000
NO_PRICE = "0.00"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of `order_create`."""

    sku: str
    partner_line_item_id: str
    quantity: int
    price: str
    quantity_pending_fulfillment: int = 0
    product_name: str = ""
    customs_value: str = ""
    barcode: str = ""
    warehouse_id: str = ""


class Ways(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it is sent: `shipping_lines`."""

    title: str
    price: str
    carrier: str = ""
    method: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An address. All its fields are told, so that a change empties what has become empty."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""
    country_code: str = ""
    email: str = ""
    phone: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An order as ShipHero is told of it. `more` are the fields that are told when it is made alone."""

    reference: str
    lines: tuple[Line, ...]
    ways: Ways | None
    ship_to: Place
    gift_note: str
    packing_note: str
    required_ship_date: str
    more: dict[str, str]
    bill_to: Place | None = None


def wanted(order: OutboundOrder, settings: Settings) -> Wanted:
    """What is frozen of an order."""
    scheme, _, tax_id = next(iter(order.tax_ids), "").rpartition(":")
    more = {
        "order_date": iso(order.placed_at),
        "currency": order.currency,
        "incoterms": order.incoterm,
        "tax_id": tax_id,
        "tax_type": scheme,
        "email": order.email.strip(),
    }
    return Wanted(
        reference=order.reference,
        lines=tuple(line(each, order.reference, settings) for each in order.lines),
        ways=ways(order.ship_method),
        ship_to=place(order.ship_to, order.email),
        bill_to=None if order.bill_to is None else place(order.bill_to, order.email),
        gift_note=order.gift_message.strip(),
        packing_note="\n".join(note for note in (order.note.strip(), order.delivery_note.strip()) if note),
        required_ship_date="" if order.ship_by is None else iso(order.ship_by),
        more={name: text for name, text in more.items() if text},
    )


def line(of: OutboundLine, reference: str, settings: Settings) -> Line:
    """The line's number stands in its partner id, by which a shipment's lines are known again."""
    declared = of.declared_value or of.unit_price
    return Line(
        sku=of.sku,
        partner_line_item_id=f"{reference}-{of.number}",
        quantity=of.quantity,
        quantity_pending_fulfillment=of.quantity,
        price=amount(of.unit_price) or NO_PRICE,
        product_name=of.name or of.sku,
        customs_value=amount(declared),
        barcode=of.gtin,
        warehouse_id=settings.warehouse if settings.lock_to_warehouse else "",
    )


def line_number(partner_line_item_id: str | None, reference: str) -> int:
    """The number that `line` gave, 0 where it is none of ours."""
    own = (partner_line_item_id or "").removeprefix(f"{reference}-").partition(".")[0]
    return (
        int(own) if own.isascii() and own.isdecimal() and len(own) < 7 and own != partner_line_item_id else 0
    )


def ways(method: str) -> Ways | None:
    """`carrier/method` names both, as ShipHero spells them; anything else is a title, for its own mapping."""
    if not method:
        return None
    carrier, slash, name = method.partition("/")
    if slash and carrier.strip() and name.strip():
        return Ways(title=method, price=NO_PRICE, carrier=carrier.strip(), method=name.strip())
    return Ways(title=method, price=NO_PRICE)


def place(address: Address, email: str) -> Place:
    """The last word of a name is its last name."""
    first, _, last = address.name.strip().rpartition(" ")
    return Place(
        first_name=first or last,
        last_name=last if first else "",
        company=address.company.strip(),
        address1=address.line1.strip(),
        address2=address.line2.strip(),
        city=address.city.strip(),
        state=address.region.strip(),
        zip=address.postal_code.strip(),
        country=address.country.strip(),
        country_code=address.country.strip(),
        email=email.strip(),
        phone=address.phone.strip(),
    )


def amount(money: Money | None) -> str:
    """An amount in text, as ShipHero takes it; nothing for none."""
    return "" if money is None else f"{money.amount:f}"


def too_long(order: Wanted) -> Iterator[str]:
    """Fields that are longer than they may be, in words."""
    for whose, told in (("the address to send to", order.ship_to), ("the bill-to address", order.bill_to)):
        for name, most in MOST.items():
            text = "" if told is None else str(getattr(told, name))
            if len(text) > most:
                yield f"{name} of {whose} has {len(text)} characters, more than {most}"
    for name in ("gift_note", "packing_note"):
        if len(getattr(order, name)) > MOST_NOTE:
            yield f"{name} has {len(getattr(order, name))} characters, more than {MOST_NOTE}"


def creation(order: Wanted, settings: Settings) -> dict[str, object]:
    """`CreateOrderInput`."""
    return {
        **settings.of_customer,
        "order_number": order.reference,
        "partner_order_id": order.reference,
        "shop_name": settings.shop_name,
        "fulfillment_status": "pending",
        **order.more,
        **changeable(order),
        **({} if order.bill_to is None else {"billing_address": order.bill_to}),
        **({"profile": settings.profile} if settings.profile else {}),
        **({} if settings.check_addresses else {"skip_address_validation": True}),
        **({"holds": {f"{each}_hold": True for each in settings.holds}} if settings.holds else {}),
        "line_items": order.lines,
    }


def changeable(order: Wanted) -> Mapping[str, object]:
    """The fields that `order_update` takes too. What is empty is told only if it is a note."""
    told: dict[str, object] = {
        "shipping_address": order.ship_to,
        "gift_note": order.gift_note,
        "packing_note": order.packing_note,
    }
    if order.ways is not None:
        told["shipping_lines"] = order.ways
    if order.required_ship_date:
        told["required_ship_date"] = order.required_ship_date
    return told

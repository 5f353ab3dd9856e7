"""The records of Tryton, as they are asked for by the parts.

A field with a dot at its end is a related record, or a list of them, with the fields asked of it.
"""

from datetime import UTC, datetime

import msgspec


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One object of an answer."""


class Instant(Wire, frozen=True, kw_only=True):
    """A date, or a date and time: UTC."""

    year: int
    month: int
    day: int
    hour: int = 12
    minute: int = 0
    second: int = 0
    microsecond: int = 0

    @property
    def at(self) -> datetime:
        """The instant; of a date, which has no time, its noon."""
        return datetime(
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond, tzinfo=UTC
        )


def instant(at: datetime) -> dict[str, object]:
    """As it is sent."""
    utc = at.astimezone(UTC)
    fields = {name: getattr(utc, name) for name in Instant.__struct_fields__}
    return {"__class__": "datetime", **fields}


def date(at: datetime) -> dict[str, object]:
    """Its date, as it is sent."""
    utc = at.astimezone(UTC)
    return {"__class__": "date", "year": utc.year, "month": utc.month, "day": utc.day}


def decimal(text: str) -> dict[str, object]:
    return {"__class__": "Decimal", "decimal": text}


# ---- the house


class Id(Wire, frozen=True, kw_only=True):
    id: int


class Named(Wire, frozen=True, kw_only=True):
    id: int
    name: str | None = None
    code: str | None = None


class Warehouse(Named, frozen=True, kw_only=True):
    storage_location: int
    input_location: int
    output_location: int
    picking_location: int | None = None
    waste_locations: tuple[int, ...] = ()


class Location(Named, frozen=True, kw_only=True):
    type: str
    storage_location: int | None = None
    input_location: int | None = None
    output_location: int | None = None
    picking_location: int | None = None
    waste_locations: tuple[int, ...] = ()


class Company(Wire, frozen=True, kw_only=True):
    currency: Named = msgspec.field(name="currency.")


class Carrier(Wire, frozen=True, kw_only=True):
    id: int
    party: Named = msgspec.field(name="party.")
    carrier_product: Named = msgspec.field(name="carrier_product.")

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called, the clearest first."""
        party, service = self.party.name or "", self.carrier_product.name or ""
        return tuple(
            name for name in (f"{party} {service}", service, self.carrier_product.code, party) if name
        )


class Goods(Wire, frozen=True, kw_only=True):
    id: int
    code: str
    default_uom: int


# ---- shipments


class Coded(Wire, frozen=True, kw_only=True):
    id: int
    code: str | None = None


class Place(Wire, frozen=True, kw_only=True):
    id: int
    type: str


class Move(Wire, frozen=True, kw_only=True):
    id: int
    state: str
    internal_quantity: float
    product: Coded = msgspec.field(name="product.")


class OutMove(Move, frozen=True, kw_only=True):
    package: int | None = None


class BackMove(Move, frozen=True, kw_only=True):
    to_location: Place = msgspec.field(name="to_location.")


class Standing(Wire, frozen=True, kw_only=True):
    """A shipment or a return, as it is looked up by its reference."""

    id: int
    state: str
    number: str | None = None
    timestamp: str | None = msgspec.field(name="_timestamp", default=None)
    outgoing_moves: tuple[Move, ...] = msgspec.field(name="outgoing_moves.", default=())
    incoming_moves: tuple[Move, ...] = msgspec.field(name="incoming_moves.", default=())

    @property
    def moves(self) -> tuple[Move, ...]:
        return self.outgoing_moves or self.incoming_moves


class Changed(Wire, frozen=True, kw_only=True):
    """What every record says that is followed."""

    id: int
    last_modified_at: Instant


def on_day(day: Instant | None, changed: Instant) -> datetime | None:
    """The instant for a day that Tryton keeps without a time: its noon, or when the record was last
    changed, if that was before."""
    return None if day is None else min(day.at, changed.at)


class Box(Wire, frozen=True, kw_only=True):
    """A package: it may lie in another, its parent."""

    id: int
    parent: int | None = None
    number: str = ""
    shipping_reference: str | None = None
    shipping_tracking_url: str | None = None


class Shipment(Changed, frozen=True, kw_only=True):
    state: str
    outgoing_moves: tuple[OutMove, ...] = msgspec.field(name="outgoing_moves.")
    number: str | None = None
    reference: str | None = None
    effective_date: Instant | None = None
    shipping_reference: str | None = None
    warehouse: int | None = None
    carrier: Carrier | None = msgspec.field(name="carrier.", default=None)
    packages: tuple[Box, ...] = msgspec.field(name="packages.", default=())


class ShipmentState(Changed, frozen=True, kw_only=True):
    state: str
    number: str | None = None
    reference: str | None = None


class Back(Changed, frozen=True, kw_only=True):
    """A customer's return."""

    incoming_moves: tuple[BackMove, ...] = msgspec.field(name="incoming_moves.")
    inventory_moves: tuple[BackMove, ...] = msgspec.field(name="inventory_moves.")
    warehouse_input: int
    warehouse_storage: int
    number: str | None = None
    reference: str | None = None
    effective_date: Instant | None = None


# ---- purchases


class Unit(Wire, frozen=True, kw_only=True):
    id: int
    factor: float
    name: str = ""


class Bought(Wire, frozen=True, kw_only=True):
    id: int
    default_uom: Unit = msgspec.field(name="default_uom.")
    code: str | None = None


class LineMove(Wire, frozen=True, kw_only=True):
    id: int
    state: str
    internal_quantity: float


class PurchaseLine(Wire, frozen=True, kw_only=True):
    id: int
    type: str
    quantity: float | None = None
    unit: Unit | None = msgspec.field(name="unit.", default=None)
    product: Bought | None = msgspec.field(name="product.", default=None)
    moves: tuple[LineMove, ...] = msgspec.field(name="moves.", default=())


class Purchase(Changed, frozen=True, kw_only=True):
    state: str
    lines: tuple[PurchaseLine, ...] = msgspec.field(name="lines.")
    party: Named = msgspec.field(name="party.")
    number: str | None = None
    reference: str | None = None
    purchase_date: Instant | None = None
    delivery_date: Instant | None = None


# ---- products


class Identifier(Wire, frozen=True, kw_only=True):
    id: int
    code: str = ""
    type: str | None = None


class Template(Wire, frozen=True, kw_only=True):
    id: int
    name: str | None = None
    products: tuple[int, ...] = ()


class Symbol(Wire, frozen=True, kw_only=True):
    id: int
    factor: float


class Item(Changed, frozen=True, kw_only=True):
    """A product of the item master."""

    active: bool | int
    template: Template = msgspec.field(name="template.")
    code: str | None = None
    identifiers: tuple[Identifier, ...] = msgspec.field(name="identifiers.", default=())
    weight: float | None = None
    weight_uom: Symbol | None = msgspec.field(name="weight_uom.", default=None)


class Stocked(Wire, frozen=True, kw_only=True):
    """A product with its units in the locations that were asked about."""

    id: int
    quantity: float


class Leaving(Wire, frozen=True, kw_only=True):
    """A move that has yet to be done."""

    id: int
    product: int
    internal_quantity: float

"""Acme's documents as they come. What the plugin does not need is not declared, and is ignored."""

from datetime import datetime

import msgspec


class Account(msgspec.Struct, frozen=True):
    """GET account: whose token this is."""

    account: str


class Taken(msgspec.Struct, frozen=True):
    """An order that Acme took, under its own id."""

    id: str


class Refusal(msgspec.Struct, frozen=True):
    """Why Acme does not take an order; `code` is one word."""

    code: str
    message: str


class Line(msgspec.Struct, frozen=True):
    """Units of one SKU; `line` is the number that we gave the order's line."""

    sku: str
    units: int
    line: int


class Shipment(msgspec.Struct, frozen=True):
    """One package."""

    id: str
    reference: str
    shipped_at: datetime
    carrier: str
    tracking: tuple[str, ...]
    lines: tuple[Line, ...]


class Change(msgspec.Struct, frozen=True):
    """A shipment as it is now; `seq` grows with every change. Raw, so that a bad one sinks no page."""

    seq: int
    shipment: msgspec.Raw


class Changes(msgspec.Struct, frozen=True):
    """GET shipments: changes after a `seq`, in their order."""

    changes: tuple[Change, ...]
    more: bool


class Row(msgspec.Struct, frozen=True):
    """What Acme has of one SKU."""

    sku: str
    units: int


class Stock(msgspec.Struct, frozen=True):
    """GET inventory: everything, as it was at one instant."""

    as_of: datetime
    rows: tuple[msgspec.Raw, ...]

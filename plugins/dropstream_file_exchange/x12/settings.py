"""The table `[warehouses.NAME.x12]`. Each setting is explained in the README of the plugin."""

from typing import Literal

import msgspec

from dropstream_file_exchange.x12 import syntax, writer


class Delimiters(syntax.Delimiters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we write between elements, components and segments."""


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party that every order names beside its customer: an N1 segment."""

    name: str = ""
    qualifier: str = ""
    id: str = ""


class Carrier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a ship method of ours is written in W66."""

    routing: str = ""
    scac: str = ""
    method: str = "U"


OrderValue = Literal["number", "po_number", "channel_code", "reference", "email"]


class Orders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How shipping orders (940) are written, one in a file: an acknowledgement names no order, only the
    file."""

    purchase_order: OrderValue | Literal["none"] = "po_number"
    references: dict[str, OrderValue] = msgspec.field(default_factory=lambda: {"CO": "number"})
    parties: dict[str, Party] = msgspec.field(default_factory=dict)
    facility: str = ""
    facility_qualifier: str = "92"
    bill_to: bool = True
    contacts: bool = True
    descriptions: bool = True
    note_code: str = "WHI"
    delivery_code: str = "DEL"
    gift_code: str = "OTH"
    most_notes: int = 10
    placed_date: str = "04"
    ship_by_date: str = "38"
    deliver_by_date: str = "02"
    line_reference: str = "LI"
    payment: str = "PP"
    carriers: dict[str, Carrier] = msgspec.field(default_factory=dict)
    change_supported: bool = False
    cancelled_by: Literal["945", "997"] = "945"


class Shipments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How shipping advices (945) are read."""

    tracking_marks: tuple[str, ...] = ("CP",)
    package_marks: tuple[str, ...] = ("GM", "AA", "UC", "CA", "SM")
    tracking_references: tuple[str, ...] = ("2I",)
    closed: tuple[str, ...] = ("CP", "CU", "IC", "CK", "DE", "DI")
    backordered: tuple[str, ...] = ("BP", "BO", "BK", "BM")
    refused: tuple[str, ...] = ("K", "X")
    ship_date: str = "11"
    facility: tuple[str, ...] = ("WH", "SF")


class Inventory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How inventory advices (846) are read."""

    figure: Literal["available", "on_hand"] = "available"
    available: tuple[str, ...] = ("33",)
    on_hand: tuple[str, ...] = ("17",)
    facility: tuple[str, ...] = ("WH", "SF", "ST")
    as_of: Literal["mtime", "interchange", "document"] = "mtime"

    @property
    def qualifiers(self) -> tuple[str, ...]:
        """The quantities that count."""
        return self.available if self.figure == "available" else self.on_hand


class Adjustments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How adjustment advices (947) are read. `apply` says that the partner sends no 846 which tells the same:
    only then do they change a figure. Quantities of the codes in `minus` are told without a sign and take
    units away; lines with one in `ignored` change nothing that is sold."""

    apply: bool = False
    minus: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


class Receipts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How receipt advices (944) are read."""

    damaged_included: bool = True
    ignored: tuple[str, ...] = ()
    return_references: tuple[str, ...] = ("RZ",)
    order_references: tuple[str, ...] = ("CO", "PO")


class Notices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How stock notices (943) of purchase orders are written; a date without a qualifier is left out."""

    reporting: str = "F"
    ordered_date: str = "04"
    expected_date: str = "17"


class X12(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How files are exchanged with one EDI partner."""

    sender: str = ""
    sender_qualifier: str = "ZZ"
    receiver: str = ""
    receiver_qualifier: str = "ZZ"
    group_sender: str = ""
    group_receiver: str = ""
    usage: Literal["P", "T"] = "P"
    delimiters: Delimiters = Delimiters()
    encoding: Literal["ascii", "latin-1", "cp1252", "utf-8"] = "ascii"
    newline: Literal["none", "lf", "crlf"] = "none"
    substitute: str = ""
    accents: Literal["keep", "drop"] = "keep"
    pattern: str = "*.edi"
    name: str = "{kind}_{number}.edi"
    sku_qualifiers: tuple[str, ...] = ("VN", "SK")
    unit: str = "EA"
    units: tuple[str, ...] = ("EA", "PC", "UN")
    acknowledge: bool = True
    acknowledged_within_hours: float = 24.0
    orders: Orders = Orders()
    shipments: Shipments = Shipments()
    inventory: Inventory = Inventory()
    adjustments: Adjustments = Adjustments()
    receipts: Receipts = Receipts()
    notices: Notices = Notices()

    @property
    def series(self) -> str:
        """What control numbers are counted for: the pair of sender and receiver, and test apart."""
        ours, theirs = (self.sender_qualifier, self.sender), (self.receiver_qualifier, self.receiver)
        return f"x12 {':'.join(ours)} {':'.join(theirs)} {self.usage}"

    @property
    def parties(self) -> writer.Parties:
        return writer.Parties(
            sender_qualifier=self.sender_qualifier,
            sender=self.sender,
            receiver_qualifier=self.receiver_qualifier,
            receiver=self.receiver,
            group_sender=self.group_sender or self.sender,
            group_receiver=self.group_receiver or self.receiver,
            usage=self.usage,
            delimiters=self.delimiters,
            encoding=self.encoding,
            newline={"none": "", "lf": "\n", "crlf": "\r\n"}[self.newline],
            substitute=self.substitute,
            plain=self.accents == "drop",
        )

    def file_name(self, kind: str, control: int) -> str:
        """The name of a file of ours. It follows from the control number alone, so that the partner's
        acknowledgement, which gives no more than that, leads to it."""
        return self.name.format(kind=kind, number=f"{writer.control_number(control):09d}")

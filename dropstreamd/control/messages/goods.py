"""Products and purchase orders: what is known of them, and what was made of that."""

from datetime import date
from typing import Literal

import msgspec

from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder


class ProductShown(msgspec.Struct, frozen=True, kw_only=True):
    """A product of the store as our catalogue has it since `at_s`; `gone`: the store has it no more."""

    product: Product
    at_s: float
    gone: bool


class LackingShown(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the warehouse that the store lacks, and the SKU that it would have there. `near` are the
    store's SKUs that may be meant: they differ by case, spaces, dashes or leading zeros. `state` is that
    of its draft, empty where none was asked for."""

    item: Product
    channel_sku: str
    near: tuple[str, ...] = ()
    state: str = ""
    reason: str = ""


class CatalogShown(msgspec.Struct, frozen=True, kw_only=True):
    """What the warehouse's item master has and the store lacks, 500 at most (`more`). `mode` is drafts or
    list. `store_known`: our catalogue of the store has been read; else everything seems to be lacking."""

    mode: str
    store_known: bool
    lacking: tuple[LackingShown, ...]
    more: bool = False


class PurchaseShown(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase order as the warehouse tells it or as it was entered here, and how far the store knows of
    it: `state` is that of its document (empty: the store was not told), `sent` what the store took or is to
    take. `notice` is how far the warehouse was told of one that was entered here, empty for any other."""

    purchase: PurchaseOrder
    at_s: float
    state: str = ""
    reason: str = ""
    sent: PurchaseOrder | None = None
    notice: str = ""
    notice_reason: str = ""


class Purchases(msgspec.Struct, frozen=True, kw_only=True):
    """500 at most (`more`), in the order of the platform's ids."""

    purchases: tuple[PurchaseShown, ...]
    more: bool = False


class PurchasesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ended`: also those of which nothing more is expected."""

    ended: bool = False


ENTERED_LIMIT = 500
"""Purchase orders that are entered at once."""


class EnteredLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`quantity` units of a SKU of the warehouse, which come packed: `pack` of them in one `unit`."""

    sku: str
    quantity: int
    unit: str = "each"
    pack: int = 1


class EnteredPurchase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase order that the warehouse is to expect. Entered again under its number it is changed, or
    ended: `cancelled` or `closed`, nothing more is expected of it."""

    number: str
    lines: tuple[EnteredLine, ...]
    supplier: str = ""
    ordered_on: date | None = None
    expected_on: date | None = None
    carrier: str = ""
    tracking_numbers: tuple[str, ...] = ()
    note: str = ""
    status: Literal["open", "cancelled", "closed"] = "open"


class EnterPurchases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them are taken, or none. Where some are here already and would change, that is refused
    (`unconfirmed`, with what changes of each) until that is agreed to by its name, as `shown` (and still is
    what changes), or `confirmed` whatever changes."""

    purchases: tuple[EnteredPurchase, ...]
    confirmed: bool = False
    shown: str = ""


class PurchasesEntered(msgspec.Struct, frozen=True, kw_only=True):
    """How many were new, changed, and the same as before. `run`: what takes them to the warehouse, empty
    where a switch is off. `held` wait for a person: they may have been sent before a restore."""

    new: int
    changed: int
    same: int
    run: str = ""
    held: int = 0

"""Products and purchase orders: what is known of them, and what was made of that."""

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
    """A purchase order as the warehouse tells it, and how far the store knows of it: `state` is that of
    its document (empty: the store was not told), `sent` what the store took or is to take."""

    purchase: PurchaseOrder
    at_s: float
    state: str = ""
    reason: str = ""
    sent: PurchaseOrder | None = None


class Purchases(msgspec.Struct, frozen=True, kw_only=True):
    """500 at most (`more`), in the order of the platform's ids."""

    purchases: tuple[PurchaseShown, ...]
    more: bool = False


class PurchasesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ended`: also those of which nothing more is expected."""

    ended: bool = False

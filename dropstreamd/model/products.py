"""Products: what a store sells, and what a warehouse has in its item master."""

from datetime import datetime

import msgspec

from dropstreamd.model.money import Money


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be bought or stocked under a SKU: a variant, where a platform has variants.

    `key` is the platform's id, the same for ever. `sku`, `gtin` (UPC, EAN) and `vendor_code` are three
    identifiers: none stands for another. `weight_g` is grams, `hs_code` the customs tariff number,
    `origin` a country (ISO 3166-1 alpha-2). `title` is the product's, `option` what tells the variant
    ("Red / M"). What a platform does not tell is empty or None. `active`: it can be sold or stocked.
    """

    key: str
    sku: str
    title: str = ""
    option: str = ""
    gtin: str = ""
    vendor_code: str = ""
    vendor: str = ""
    weight_g: int | None = None
    hs_code: str = ""
    origin: str = ""
    price: Money | None = None
    active: bool = True
    updated_at: datetime | None = None

"""Products of ShipHero's become items of the catalogue, followed by their time of change."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from dropstream_shiphero import documents_goods, values
from dropstream_shiphero.client import Api
from dropstream_shiphero.settings import Settings, WeightUnit
from dropstream_shiphero.source import Followed, FollowedSource, Told
from dropstreamd.clock import Clock
from dropstreamd.model.products import Product

OVERLAP = timedelta(minutes=30)

GRAMS: dict[WeightUnit, Decimal] = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "oz": Decimal("28.349523125"),
    "lb": Decimal("453.59237"),
}
MOST_GRAMS = 10**9


class Dimensions(msgspec.Struct, frozen=True, kw_only=True):
    weight: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str | None
    name: str | None
    barcode: str | None
    country_of_manufacture: str | None
    tariff_code: str | None
    active: bool | None
    created_at: str | None
    updated_at: str | None
    dimensions: Dimensions | None


def open_catalogue(api: Api, settings: Settings, clock: Clock) -> FollowedSource[Item, Product]:
    """A `Source[Product]`."""
    followed = Followed(
        document=documents_goods.PRODUCTS,
        root="products",
        at_once=documents_goods.PRODUCTS_AT_ONCE,
        since="updated_from",
        until="updated_to",
        stamp="updated_at",
        overlap=OVERLAP,
        variables=settings.of_customer,
    )

    async def translate(item: Item, before: datetime | None) -> Told[Product]:  # noqa: ARG001
        return Told(documents=(product(item, settings.weight_unit),))

    return FollowedSource(api, clock, followed, Item, "product", translate)


def product(item: Item, unit: WeightUnit) -> Product:
    """Prices are left out: they have no currency, and a warehouse each."""
    origin = (item.country_of_manufacture or "").strip()
    return Product(
        key=item.id,
        sku=values.sku(item.sku),
        title=item.name or "",
        gtin=(item.barcode or "").strip(),
        weight_g=grams(item.dimensions, unit),
        hs_code=(item.tariff_code or "").strip(),
        origin=origin if len(origin) == 2 else "",
        active=item.active is not False,
        updated_at=values.instant(item.updated_at or item.created_at),
    )


def grams(dimensions: Dimensions | None, unit: WeightUnit) -> int | None:
    """The weight, where the account's unit is set; None where there is none, or no number."""
    if not unit or dimensions is None or not dimensions.weight:
        return None
    try:
        weight = Decimal(dimensions.weight) * GRAMS[unit]
    except InvalidOperation:
        return None
    return round(weight) if weight.is_finite() and 0 < weight < MOST_GRAMS else None


def weight(grams: int | None, unit: WeightUnit) -> str:
    """A weight in the account's unit; nothing where that is not known."""
    if grams is None or not unit:
        return ""
    return f"{Decimal(grams) / GRAMS[unit]:.3f}"

"""The item master: Tryton's products of the category, or all goods."""

from collections.abc import Iterable

from dropstream_tryton import wire
from dropstream_tryton.changes import Changes, Followed
from dropstream_tryton.client import Api
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import ChangeSource, Unusable, sku
from dropstreamd.model.products import Product

MODEL = "product.product"
GTIN_TYPES = ("ean", "upc", "gtin", "ean8", "ean13", "isbn")
GRAMS = 1000.0  # in a kilogram, Tryton's unit of weight whose factor is 1

_FIELDS = ("active", "code", "template.name", "identifiers.code", "identifiers.type")
_WEIGHT = ("weight", "weight_uom.factor")


def open_catalogue(api: Api, places: Places) -> ChangeSource[wire.Item, Product]:
    """A `Source[Product]`."""
    followed = Followed(
        model=MODEL,
        fields=_FIELDS,
        optional=(("weight", _WEIGHT),),
        domain=_domain,
        related=("template",),
        inactive=True,
    )
    return ChangeSource(Changes(api, places, followed), places, wire.Item, "product", products)


def _domain(house: House) -> list[object]:
    return [*house.goods, ["code", "!=", None]]


def products(item: wire.Item, house: House) -> Iterable[Product]:  # noqa: ARG001
    gtins = [each.code for each in item.identifiers if each.type in GTIN_TYPES]
    weight_g = None
    if item.weight is not None and item.weight_uom is not None:
        weight_g = round(item.weight * item.weight_uom.factor * GRAMS)
        if weight_g < 0:
            raise Unusable("it weighs less than nothing")
    yield Product(
        key=str(item.id),
        sku=sku(item.code),
        title=item.template.name or "",
        gtin=gtins[0] if gtins else "",
        weight_g=weight_g,
        active=bool(item.active),
        updated_at=item.last_modified_at.at,
    )

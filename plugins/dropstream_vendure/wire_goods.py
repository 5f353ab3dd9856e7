"""The answers about what the shop sells, as they are asked for in `documents`."""

from dropstream_vendure.wire import Identified, RawItems, Wire


class Products(Wire, frozen=True, kw_only=True):
    product_variants: RawItems


class Titled(Wire, frozen=True, kw_only=True):
    """A variant's product."""

    name: str
    enabled: bool


class Variant(Wire, frozen=True, kw_only=True):
    """`price` is without tax."""

    id: str
    sku: str
    name: str
    enabled: bool
    price: int
    currency_code: str
    product: Titled


class Sku(Wire, frozen=True, kw_only=True):
    id: str
    sku: str


class SkuItems(Wire, frozen=True, kw_only=True):
    total_items: int
    items: tuple[Sku, ...]


class Skus(Wire, frozen=True, kw_only=True):
    product_variants: SkuItems


# ---- drafts


class Product(Wire, frozen=True, kw_only=True):
    id: str
    slug: str
    variants: tuple[Identified, ...]


class ProductItems(Wire, frozen=True, kw_only=True):
    total_items: int
    items: tuple[Product, ...]


class Drafted(Wire, frozen=True, kw_only=True):
    product_variants: SkuItems
    products: ProductItems


class CreateProduct(Wire, frozen=True, kw_only=True):
    create_product: Identified


class CreateVariants(Wire, frozen=True, kw_only=True):
    create_product_variants: tuple[Sku | None, ...]

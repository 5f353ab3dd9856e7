"""What the rigs share: names, and of the benches what is not the platform's own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.orders import Address, Order, OutboundLine, OutboundOrder
from dropstreamd.model.products import Product
from dropstreamd.model.returns import OutboundReturn, OutboundReturnLine
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.testing import Effect

S = TypeVar("S")
G = TypeVar("G", bound="Sold[Any]")

NOW_S = 1_795_300_000.0
"""Where the clock of a double's rig starts."""
YESTERDAY = datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=1)
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
"""When a buyer ordered, or asked to send something back."""
BUYER = Address(name="Ada Long", line1="1 Main St", city="Springfield", country="US")
LONG_SKU = "X" * 150
"""Longer than a SKU may be."""
CHANGED = "The merchant's own words"
"""A product's title, once it is changed."""
REFUSED = Product(key="REFUSED", sku="REFUSED", title="No")


class Names:
    """Names that nothing has yet: `form`, and a number."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._made = 0

    def new(self, count: int) -> list[str]:
        self._made += count
        return [self._form.format(number) for number in range(self._made - count, self._made)]


class Sold(ABC, Generic[S]):
    """What a shop sells; the one `sku` is in all of its orders."""

    def __init__(self, shop: S) -> None:
        self.shop = shop
        self.names = Names("SKU-{}")
        self.sku = self.new(1)[0]

    def new(self, count: int) -> list[str]:
        """SKUs that are on sale from now on, with more on hand than is ever bought."""
        skus = self.names.new(count)
        self.sell(skus)
        return skus

    @abstractmethod
    def sell(self, skus: Sequence[str]) -> None: ...


class OrdersByNumber:
    """Of an `OrderBench[Order]`: names are numbers, and a change takes one of three units off a line."""

    def name(self, document: Order) -> str:
        return document.number

    def changed(self, document: Order) -> bool:
        return document.lines[0].quantity == 2


class ProductsBySku:
    """Of a `SourceBench[Product]`: names are SKUs, and a change is to the title `CHANGED`."""

    def name(self, document: Product) -> str:
        return document.sku

    def changed(self, document: Product) -> bool:
        return document.title == CHANGED


class SoldProducts(ProductsBySku, Generic[G]):
    """Of a `SourceBench[Product]`: what is sold is what there is."""

    def __init__(self, goods: G) -> None:
        self.goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self.goods.new(count)


class Parcels(Generic[S]):
    """Of a `SinkBench[Fulfillment]`: each package is two units of one line of an order."""

    def __init__(self, goods: S) -> None:
        self.goods = goods
        self._names = Names("{}")

    def package(self, order: str, line: str, *, number: str = "") -> Item[Fulfillment]:
        """The next one; `number` is the order's where that is not its key."""
        (name,) = self._names.new(1)
        fulfillment = Fulfillment(
            order_key=order,
            order_number=number or order,
            package_key=f"PKG-{name}",
            lines=(FulfillmentLine(order_line=line, quantity=2),),
            carrier="UPS",
            tracking_numbers=(f"1Z{name}",),
        )
        return Item(key=fulfillment.package_key, document=fulfillment)


class AmendedParcels(Parcels[S]):
    """Of an `AmendBench[Fulfillment]`: another tracking number is told."""

    def amended(self, item: Item[Fulfillment], remote: str) -> Item[Fulfillment]:
        tracking = tuple(f"{number}-new" for number in item.document.tracking_numbers)
        document = msgspec.structs.replace(item.document, tracking_numbers=tracking)
        return Item(key=item.key, document=document, remote=remote)


class Levels:
    """A `SinkBench[Level]`. `new` makes so many SKUs that are sold, `shown` looks up how many units of one
    are; None where there is no such SKU."""

    def __init__(self, new: Callable[[int], Sequence[str]], shown: Callable[[str], int | None]) -> None:
        self._new = new
        self._shown = shown

    async def items(self, count: int) -> Sequence[Item[Level]]:
        return [Item(key=sku, document=Level(sku=sku, available=7)) for sku in self._new(count)]

    async def refused(self) -> Item[Level]:
        return Item(key="NOT-SOLD", document=Level(sku="NOT-SOLD", available=7))

    async def effects(self, item: Item[Level]) -> Sequence[Effect]:
        return ["whole"] if self._shown(item.document.sku) == item.document.available else []


class Drafts:
    """A `SinkBench[Product]`. `new` makes so many SKUs up, `title` may have a place for one; `found` looks up
    what has come of a product: of each, whether it is a draft, and all of it is there."""

    def __init__(
        self,
        new: Callable[[int], Sequence[str]],
        found: Callable[[Product], Iterable[bool]],
        *,
        refused: Product = REFUSED,
        title: str = "A new {}",
        weight_g: int | None = None,
    ) -> None:
        self._new = new
        self._found = found
        self._refused = refused
        self._title = title
        self._weight_g = weight_g

    async def items(self, count: int) -> Sequence[Item[Product]]:
        return [self._item(sku) for sku in self._new(count)]

    async def refused(self) -> Item[Product]:
        return Item(key=self._refused.key, document=self._refused)

    async def effects(self, item: Item[Product]) -> Sequence[Effect]:
        return ["whole" if draft else "half" for draft in self._found(item.document)]

    def _item(self, sku: str) -> Item[Product]:
        title = self._title.format(sku)
        return Item(key=sku, document=Product(key=sku, sku=sku, title=title, weight_g=self._weight_g))


def outbound(reference: str, units: Mapping[str, int], *, ship_method: str) -> Item[OutboundOrder]:
    """An order for a warehouse."""
    lines = enumerate(units.items(), start=1)
    order = OutboundOrder(
        reference=reference,
        number=reference,
        placed_at=AT,
        ship_to=BUYER,
        ship_method=ship_method,
        email="ada@example.com",
        lines=tuple(
            OutboundLine(number=number, order_line=str(number), sku=sku, quantity=quantity)
            for number, (sku, quantity) in lines
        ),
    )
    return Item(key=reference, document=order)


def outbound_return(
    reference: str, order: str, sku: str, quantity: int, *, sender: Address | None = None
) -> Item[OutboundReturn]:
    """A return that a warehouse is to expect."""
    line = OutboundReturnLine(number=1, return_line="1", order_line="1", sku=sku, quantity=quantity)
    returned = OutboundReturn(
        reference=reference,
        number=reference,
        order_reference=order,
        requested_at=AT,
        lines=(line,),
        sender=sender,
    )
    return Item(key=reference, document=returned)

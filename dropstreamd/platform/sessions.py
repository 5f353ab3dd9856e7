"""What a plugin opens: a session with one side, which offers the parts that the plugin `provides`."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder, StockNotice
from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.model.stock import Level, StockRow
from dropstreamd.platform.parts import (
    HandedReader,
    LevelReader,
    LocatedLevelReader,
    Rereader,
    Sink,
    Source,
    StockSource,
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a test or survey found: `ok`, or what is wrong and what to do. One that is ok and has
    a `remedy` is a note: nothing is wrong, and it could be better."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What a side can tell before the first order. None: it cannot tell."""

    findings: tuple[Finding, ...] = ()
    skus: frozenset[str] | None = None
    duplicate_skus: frozenset[str] = frozenset()
    ship_methods: frozenset[str] | None = None
    carriers: frozenset[str] | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a warehouse's plugin makes of a sample file: its kind, what was read, what was not."""

    kind: str
    packages: tuple[Package, ...] = ()
    stock: tuple[StockRow, ...] = ()
    bad: tuple[Bad, ...] = ()
    findings: tuple[Finding, ...] = ()


class Session(Protocol):
    """What both sides offer besides their parts."""

    async def test(self, *, write: bool) -> Sequence[Finding]:
        """One authenticated read-only request; with `write`, also proof that a file can be put,
        renamed and removed. Raises the error that tells what is wrong."""
        ...

    async def survey(self) -> Survey:
        """What preflight shows; reads only."""
        ...


class Store(Session, Protocol):
    """A store account, open for one run. A part that is not provided is None.

    What `catalogue` takes becomes a draft that no buyer sees. Where the store has the SKU already, that
    product is left as it is, and the item is accepted with its id. `receipts` adds nothing to the store's
    stock and pays nothing back unless the receipt says so.
    """

    @property
    def orders(self) -> Source[Order] | None: ...
    @property
    def orders_again(self) -> Rereader[Order] | None:
        """Single ones of `orders`, by their keys; None where that cannot be done."""
        ...

    @property
    def shipments(self) -> Sink[Fulfillment] | None: ...
    @property
    def inventory(self) -> Sink[Level] | None: ...
    @property
    def products(self) -> Source[Product] | None: ...
    @property
    def catalogue(self) -> Sink[Product] | None: ...
    @property
    def returns(self) -> Source[Return] | None: ...
    @property
    def receipts(self) -> Sink[ReturnReceipt] | None: ...
    @property
    def purchase_orders(self) -> Sink[PurchaseOrder] | None: ...
    @property
    def levels(self) -> LevelReader | None:
        """What `inventory` was told, as the store has it now; None where that cannot be read."""
        ...

    @property
    def located_levels(self) -> LocatedLevelReader | None:
        """The same for levels that name a location."""
        ...


class StoreParts:
    """What a plugin's store may begin with: it provides nothing yet. Set what it provides when it is
    made."""

    orders: Source[Order] | None = None
    orders_again: Rereader[Order] | None = None
    shipments: Sink[Fulfillment] | None = None
    inventory: Sink[Level] | None = None
    products: Source[Product] | None = None
    catalogue: Sink[Product] | None = None
    returns: Source[Return] | None = None
    receipts: Sink[ReturnReceipt] | None = None
    purchase_orders: Sink[PurchaseOrder] | None = None
    levels: LevelReader | None = None
    located_levels: LocatedLevelReader | None = None


class Warehouse(Session, Protocol):
    """A warehouse account, open for one run. A part that is not provided is None."""

    @property
    def orders(self) -> Sink[OutboundOrder] | None: ...
    @property
    def shipments(self) -> Source[Package] | None: ...
    @property
    def inventory(self) -> StockSource | None: ...
    @property
    def products(self) -> Sink[Product] | None: ...
    @property
    def catalogue(self) -> Source[Product] | None: ...
    @property
    def returns(self) -> Sink[OutboundReturn] | None: ...
    @property
    def receipts(self) -> Source[Receipt] | None: ...
    @property
    def purchase_orders(self) -> Source[PurchaseOrder] | None: ...
    @property
    def stock_notices(self) -> Sink[StockNotice] | None:
        """What comes of a notice is told by `receipts`, under the notice's reference."""
        ...

    @property
    def acknowledgements(self) -> Source[Acknowledgement] | None: ...
    @property
    def handed(self) -> HandedReader | None:
        """Where what `orders` accepted is now; None where that cannot be looked up."""
        ...

    def sample(self, name: str, content: bytes) -> Sample:
        """Read a sample file as the settings say; no I/O."""
        ...


class WarehouseParts:
    """As `StoreParts`."""

    orders: Sink[OutboundOrder] | None = None
    shipments: Source[Package] | None = None
    inventory: StockSource | None = None
    products: Sink[Product] | None = None
    catalogue: Source[Product] | None = None
    returns: Sink[OutboundReturn] | None = None
    receipts: Source[Receipt] | None = None
    purchase_orders: Source[PurchaseOrder] | None = None
    stock_notices: Sink[StockNotice] | None = None
    acknowledgements: Source[Acknowledgement] | None = None
    handed: HandedReader | None = None

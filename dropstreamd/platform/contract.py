"""What a plugin is: the interfaces between the daemon and one platform.

Life of a plugin: found by its entry point, declared by one `Plugin` value, its settings decoded
strictly into its `settings` Struct and looked at by `check`, then opened once for every run
(`open`), used, and closed. What it opens is a session that offers the parts it `provides`.

A plugin knows documents and its own platform. It never sees the state, schedules, retries or other
channels. It raises only the errors of `dropstreamd.errors`; a document that the platform refuses
is a value. Every method may be cancelled at any await; then the daemon assumes nothing about what
was applied, and asks `recover` later. What a session's parts promise is in `parts`; its names are here too.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import msgspec

from dropstreamd.clock import Clock
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import (
    Accepted,
    Bad,
    Handed,
    InDoubt,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Repeat,
    Stamp,
    Untouched,
    Whereabouts,
    Withdrawn,
    Writes,
)
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder, StockNotice
from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.model.stock import Level, StockRow
from dropstreamd.platform.access import Consent, Fetch, Grant
from dropstreamd.platform.claims import Claim
from dropstreamd.platform.http import Http
from dropstreamd.platform.limiter import Limiter, Pace
from dropstreamd.platform.parts import (
    LEVELS_READ,
    HandedReader,
    LevelReader,
    LocatedLevelReader,
    Page,
    Record,
    Sink,
    Source,
    StockPage,
    StockSource,
    Taken,
)
from dropstreamd.platform.secrets import Secret, SecretRef

__all__ = [
    "LEVELS_READ",
    "Accepted",
    "Bad",
    "Claim",
    "Consent",
    "Fetch",
    "Finding",
    "Grant",
    "Handed",
    "HandedReader",
    "Host",
    "InDoubt",
    "Item",
    "LevelReader",
    "LocatedLevelReader",
    "Locations",
    "Outcome",
    "Page",
    "Part",
    "Plugin",
    "Preparation",
    "Prepared",
    "Record",
    "Rejected",
    "Repeat",
    "Role",
    "Sample",
    "Session",
    "SettingProblem",
    "Sink",
    "Source",
    "Stamp",
    "StockPage",
    "StockSource",
    "Store",
    "StoreParts",
    "Survey",
    "Taken",
    "Untouched",
    "Warehouse",
    "WarehouseParts",
    "Whereabouts",
    "Withdrawn",
    "Writes",
]

S = TypeVar("S", bound=msgspec.Struct)


class Role(StrEnum):
    """Which side of a connection a plugin serves."""

    STORE = "store"
    WAREHOUSE = "warehouse"


class Part(StrEnum):
    """What a side offers. A channel's job exists where both sides offer the parts it needs."""

    ORDERS = "orders"  # store: tells orders; warehouse: takes orders
    SHIPMENTS = "shipments"  # store: takes fulfillments; warehouse: tells packages
    INVENTORY = "inventory"  # store: takes levels; warehouse: tells stock
    PRODUCTS = "products"  # store: tells its products; warehouse: takes them into its item master
    CATALOGUE = "catalogue"  # warehouse: tells its item master; store: takes products as drafts
    RETURNS = "returns"  # store: tells returns asked for; warehouse: takes them, to expect the goods
    RECEIPTS = "receipts"  # warehouse: tells what came back; store: is told
    PURCHASE_ORDERS = "purchase orders"  # warehouse: tells what is on its way; store: is told
    STOCK_NOTICES = "stock notices"  # warehouse: is told what is on its way to it, to expect the goods
    ACKNOWLEDGEMENTS = "acknowledgements"  # warehouse: tells what became of orders before they ship

    @property
    def attribute(self) -> str:
        """Under which a session offers it."""
        return self.value.replace(" ", "_")


# ---- seen by people


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


class Host(Protocol):
    """What the daemon lends a plugin for one session."""

    @property
    def clock(self) -> Clock: ...

    @property
    def limiter(self) -> Limiter:
        """The account's one budget of calls; `http` spends from it by itself."""
        ...

    @property
    def http(self) -> Http:
        """The account's way to the web: `host.http.client(address)`."""
        ...

    def secret(self, ref: SecretRef) -> Secret:
        """Its present value. Raises Misconfigured where it cannot be read."""
        ...

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        """The account's access token, good for a while (`platform.access`). `fetch` is called where there is
        none, by one at a time for the whole account; `secrets` are those that it uses. `refused` is a
        token that the platform has just refused. Raises what `fetch` raises; Misconfigured where a secret
        cannot be read."""
        ...

    async def number(self, series: str, purpose: str) -> int:
        """A control number of a series (`Writes.series`), durable before it is returned: the same again
        for the same purpose (what is answered, in at most 100 bytes), for no other purpose, and for no
        attempt. From 1."""
        ...


class SettingProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that decodes but cannot be right. `key` is dotted, below the plugin's table."""

    key: str
    found: str
    allowed: str


class Locations(msgspec.Struct, frozen=True, kw_only=True):
    """What a store that keeps stock at several locations says of them, as its plugin is set.

    It takes levels that name a location (all of one call of `prepare` name the same), and raises NoLocation
    for one that it does not have. `home` is the location of what names none, as `[locations]` would write it;
    "" where the settings do not say it. `owned` are those whose orders are taken, in the store's own
    writing: two connections of one account take each order once if theirs have none in common. Empty: it
    takes all orders of the account.
    """

    home: str = ""
    owned: frozenset[str] = frozenset()


class Plugin(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """A platform. The only name that a plugin's package must offer is `PLUGIN`, one of these.

    `settings` decodes the table `[store]` or `[warehouses.NAME]` less the daemon's own keys;
    secrets in it are `SecretRef`s. `account_key` names the account, whatever its secrets are called:
    connections and warehouses of equal key share one budget of calls. Where a token alone tells accounts
    apart, ask for the account's name too. A store's that ends with a slash has all orders of those whose
    keys begin with it, as a server of which no channel is named. `provides` is all that it can offer,
    `offers` what of that it does as it is set (None: all). `amends` tells the parts whose sink, as it is
    set, takes an item with a `remote`: a document that changed after its hand-over; elsewhere that is a
    task for a person.
    `cancels` are those whose sink takes an item that is to `cancel` what was handed over, likewise.
    `pace` is how fast the platform lets one account be called. `lacks` names the fields of an order that
    a warehouse cannot be told of as it is set (`OutboundOrder`'s and its lines'); `routes` says whether it is
    told which `facility` is to send an order, and ships it from there. `adjusts` says whether it tells
    differences of stock that count (`StockPage.adjustments`). `needs` names the fields of a `Fulfillment`
    without which a store takes none, `untold` those of a `Package` that a warehouse never tells as it is set,
    and what a person can do about each. `locations` is None for a store that keeps one
    stock: such a connection has no `[locations]`. That table (the store's locations, and the warehouse's
    facility of each) is given to a `settings` Struct that has a field `mapped`. `claims` are what no other
    account of the platform may use at the same time. `consent` is set where a person has to let the daemon
    into the account.
    """

    name: str
    title: str
    role: Role
    provides: frozenset[Part]
    settings: type[S]
    account_key: Callable[[S], str]
    open: Callable[[S, Host], AbstractAsyncContextManager[Store | Warehouse]]
    amends: Callable[[S], frozenset[Part]] = lambda _settings: frozenset()
    cancels: Callable[[S], frozenset[Part]] = lambda _settings: frozenset()
    pace: Callable[[S], Pace] = lambda _settings: Pace()
    check: Callable[[S], Sequence[SettingProblem]] = lambda _settings: ()
    offers: Callable[[S], frozenset[Part]] | None = None
    lacks: Callable[[S], tuple[str, ...]] = lambda _settings: ()
    consent: Consent[S] | None = None
    routes: Callable[[S], bool] = lambda _settings: False
    adjusts: Callable[[S], bool] = lambda _settings: False
    locations: Callable[[S], Locations | None] = lambda _settings: None
    claims: Callable[[S], Sequence[Claim]] = lambda _settings: ()
    needs: Callable[[S], frozenset[str]] = lambda _settings: frozenset()
    untold: Callable[[S], Mapping[str, str]] = lambda _settings: {}

    def parts(self, settings: S) -> frozenset[Part]:
        """What it offers, set like this."""
        return self.provides if self.offers is None else self.provides & self.offers(settings)

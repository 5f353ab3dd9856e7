"""What a plugin is: the interfaces between the daemon and one platform.

Life of a plugin: found by its entry point, declared by one `Plugin` value, its settings decoded
strictly into its `settings` Struct and looked at by `check`, then opened once for every run
(`open`), used, and closed. What it opens is a session that offers the parts it `provides`.

A plugin knows documents and its own platform. It never sees the state, schedules, retries or other
channels. It raises only the errors of `dropstreamd.errors`; a document that the platform refuses
is a value. Every method may be cancelled at any await; then the daemon assumes nothing about what
was applied, and asks `recover` later. What a session offers is in `sessions`, what its
parts promise in `parts`, what it is lent in `host`; their names are here too.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

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
from dropstreamd.platform.claims import Claim
from dropstreamd.platform.consent import Consent
from dropstreamd.platform.grants import Fetch, Grant
from dropstreamd.platform.host import Host
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.parts import (
    LEVELS_READ,
    READ_AGAIN,
    HandedReader,
    LevelReader,
    LocatedLevelReader,
    Page,
    Record,
    Reread,
    Rereader,
    Sink,
    Source,
    StockPage,
    StockSource,
    Taken,
)
from dropstreamd.platform.sessions import (
    Finding,
    Sample,
    Session,
    Store,
    StoreParts,
    Survey,
    Warehouse,
    WarehouseParts,
)

__all__ = [
    "LEVELS_READ",
    "READ_AGAIN",
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
    "Reread",
    "Rereader",
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
    apart, ask for the account's name too. `formerly` are keys that it gave the same account before: what is
    known of one by such a key is known of it. A store's that ends with a slash has all orders of those whose
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
    account of the platform may use at the same time. `takes_within_s` is how long what a warehouse was sent
    may lie there until its stock figures know of it, where an operator says nothing else. `consent` is set
    where a person has to let the daemon into the account.
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
    formerly: Callable[[S], Sequence[str]] = lambda _settings: ()
    takes_within_s: float = 0.0

    def parts(self, settings: S) -> frozenset[Part]:
        """What it offers, set like this."""
        return self.provides if self.offers is None else self.provides & self.offers(settings)

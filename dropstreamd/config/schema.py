"""The configuration as the daemon uses it: checked, frozen, with every default filled in.

Files are read by `load`. What is here never holds a secret, only where one is (`SecretRef`). Durations
are seconds, sizes are bytes, shares are fractions (0.2 is 20%).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.errors import Problem
from dropstreamd.model.order_rules import Rule as OrderRule
from dropstreamd.model.schedule_rules import Rule
from dropstreamd.platform.claims import Claim

JobKey = tuple[str, str]
"""A channel and one of its jobs, as in `("inventory", "smart")`."""

DEFAULT_RULES: Mapping[JobKey, tuple[str, ...]] = {
    ("sales_orders", "import"): ("every 15 minutes",),
    ("shipments", "export"): ("every 4 hours",),
    ("inventory", "smart"): ("every 60 minutes",),
    ("inventory", "full"): (),
    ("products", "update"): ("every 24 hours",),
    ("products", "export"): (),
    ("returns", "sync"): ("every 60 minutes",),
    ("catalogs", "sync"): ("every 24 hours",),
    ("purchase_orders", "import"): ("every 15 minutes",),
    ("purchase_orders", "status"): ("every 4 hours",),
}
"""Every job there is, and the rules it follows where a connection's file names none; () is manual."""


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """An address to listen on."""

    host: str
    port: int


class DaemonSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`dropstreamd.toml`. All of it is read at start; a reload reports what would need a restart.

    `socket_group` None leaves the socket to the daemon's own group, `metrics` None serves none.
    `grace_s` is how long runs may take to settle after SIGTERM. `keep_personal_data_s` is how long names and
    addresses are kept after their order closed.
    """

    state_dir: Path = Path("/var/lib/dropstreamd")
    state_limit_bytes: int = 64 * 1024**3
    socket: Path = Path("/run/dropstreamd/control.sock")
    socket_mode: int = 0o660
    socket_group: str | None = None
    metrics: Listen | None = Listen(host="127.0.0.1", port=9465)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    max_runs: int = 8
    grace_s: float = 60.0
    plugin_path: tuple[Path, ...] = ()
    keep_personal_data_s: float = 30 * 86400.0


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """When a snapshot of stock is held for a person instead of being believed.

    Held if it is older than `stale_after_s`; if more than `lost_share` of the SKUs known before are
    missing from it; if more than `zeroed_share` of those that had stock have none; if the total of
    units rose by more than `raised_share` (1.0: more than doubled).
    """

    stale_after_s: float = 36 * 3600.0
    lost_share: float = 0.2
    zeroed_share: float = 0.3
    raised_share: float = 1.0


class WarehouseAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one WMS: a `[warehouses.NAME]` table of a merchant's file.

    `settings` is an instance of the plugin's settings Struct, `account_key` names the budget of calls
    (`platform` and the plugin's own key). `timezone` is that of every date without a zone in what the
    warehouse sends. `statuses` and `facilities` are the ones whose rows count, None for all. `units`
    says how many units one of the warehouse's is (a case of 12), by warehouse SKU; absent is 1.
    `deduct_handed`: an `available` figure lacks what was handed over after the snapshot's own time, or up to
    `takes_within_s` before it: so long may an order lie with the warehouse until it is counted there.
    `reference_max_length` is the longest order reference that it takes. `takes_facility`: as its plugin is
    set, an order says which facility is to send it; `adjusts`: likewise, differences of stock count; `claims`
    are what no other account of the platform may have. `former_keys` named the same account before.
    """

    merchant: str
    name: str
    platform: str
    settings: msgspec.Struct
    account_key: str
    timezone: ZoneInfo
    quantity: Literal["available", "on_hand"]
    statuses: frozenset[str] | None = None
    facilities: frozenset[str] | None = None
    duplicates: Literal["sum", "refuse"] = "sum"
    missing: Literal["keep", "zero"] = "keep"
    units: Mapping[str, int] = {}
    deduct_handed: bool = True
    takes_within_s: float = 0.0
    breaker: Breaker = Breaker()
    reference_max_length: int = 30
    allow_private_address: bool = False
    takes_facility: bool = False
    adjusts: bool = False
    claims: tuple[Claim, ...] = ()
    former_keys: frozenset[str] = frozenset()


WHOLE_PPM = 1_000_000
"""All of it, where shares are parts per million, so that they are counted exactly."""


class StockRule(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a SKU's stock is shown.

    Of its stock `safety_units` and `safety_ppm` parts per million of what is reported are shown to
    nobody. Of what can be sold, at most `fixed` is offered to all stores together; of its share of that
    a store shows at most `maximum`, and 0 where it is less than `minimum`.
    """

    safety_units: int = 0
    safety_ppm: int = 0
    fixed: int | None = None
    maximum: int | None = None
    minimum: int = 0


NO_RULE = StockRule()


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of every SKU: an override by warehouse SKU, where a bundle's holds back bundles, or the
    default. `share_ppm` is how much of it one store may show."""

    default: StockRule = NO_RULE
    overrides: Mapping[str, StockRule] = {}
    share_ppm: int = WHOLE_PPM

    def rule(self, sku: str) -> StockRule:
        return self.overrides.get(sku, self.default)


NO_ALLOCATION = Allocation()
Recipe = Mapping[str, int]
"""What one unit is made of: warehouse SKUs and how many of each."""


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `merchants.d`; `name` is the file's, less `.toml`.

    `bundles` are by the SKU that a listing leads to. `shares` are parts per million by connection name;
    empty: every store may show all there is.
    """

    name: str
    warehouses: Mapping[str, WarehouseAccount]
    bundles: Mapping[str, Recipe] = {}
    allocation: Allocation = NO_ALLOCATION
    shares: Mapping[str, int] = {}


class StoreAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The `[store]` table of a connection; `settings` and `account_key` as in `WarehouseAccount`."""

    platform: str
    settings: msgspec.Struct
    account_key: str
    allow_private_address: bool = False
    former_keys: frozenset[str] = frozenset()


class ReturnSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[returns]` table of a connection. `reference` is the template of the return reference, with
    `{number}` (the return's number) in it once. `restock` and `refund` say whether the store is to add
    what came back to its own stock, and to pay back: the warehouse's next figures count those units
    anyway.
    """

    reference: str
    restock: bool = False
    refund: bool = False


class PurchaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[purchase_orders]` table of a connection. `reference` is the template of the reference that a
    warehouse is told of a purchase order by, with `{number}` (the purchase order's number) in it once."""

    reference: str


CatalogMode = Literal["drafts", "list"]
"""What becomes of items that the warehouse has and the store lacks: draft products, or a list."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `connections.d`: a store joined to one of its merchant's warehouses.

    `id` never changes and keys all state; `name` is the file's, less `.toml`, and may. `timezone` is
    that of its schedules. `reference` is the template of the order reference, with `{number}` in it
    once. `schedules` has every job of `DEFAULT_RULES`; () is manual. `methods` maps the store's ship
    method to the warehouse's, `carriers` the warehouse's carrier to the store's (one that is not there
    goes as it is). `rules` are about its orders, as the file has them one after the other. `listings`
    maps channel SKUs to warehouse SKUs; one that is not there is the same in both. `bundles` and
    `allocation` are its merchant's, with this connection's share. `unknown_sku`: what becomes of an order
    with a SKU that its warehouse never reported. `ship_within_s`: how long after its hand-over an order
    without a ship-by may take to leave. `locations` maps the store's locations to facilities of the
    warehouse, each to one of its own; empty: the store shows what all have together. `home` is the location
    of what names none, where the plugin can say it; `taken` are locations that other connections of the
    same store account stand for, `shares_store` whether there are such connections, or some of another
    channel of its server.
    """

    id: str
    name: str
    merchant: str
    warehouse: str
    timezone: ZoneInfo
    reference: str
    store: StoreAccount
    schedules: Mapping[JobKey, tuple[Rule, ...]]
    methods: Mapping[str, str] = {}
    carriers: Mapping[str, str] = {}
    unmapped_method: Literal["hold", "pass"] = "hold"
    listings: Mapping[str, str] = {}
    deduct_unsent: bool = True
    rules: tuple[OrderRule, ...] = ()
    bundles: Mapping[str, Recipe] = {}
    allocation: Allocation = NO_ALLOCATION
    unknown_sku: Literal["hold", "pass"] = "hold"
    ship_within_s: float = 7 * 86400.0
    returns: ReturnSettings = ReturnSettings(reference="R{number}")
    catalogs: CatalogMode = "drafts"
    purchases: PurchaseSettings = PurchaseSettings(reference="P{number}")
    locations: Mapping[str, str] = {}
    home: str = ""
    taken: frozenset[str] = frozenset()
    shares_store: bool = False

    def facility_of(self, location: str) -> str:
        """The facility that one of the store's locations stands for; "" where none is mapped to it."""
        return self.locations.get(location, "")

    def location_of(self, facility: str) -> str:
        """The store's location that shows this facility's stock; "" where none does."""
        return next((each for each, mapped in self.locations.items() if mapped == facility), "")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything sound: `merchants` by name, `connections` by id. Each connection's account is in it."""

    daemon: DaemonSettings
    merchants: Mapping[str, Merchant]
    connections: Mapping[str, Connection]

    def account(self, connection: Connection) -> WarehouseAccount:
        """The warehouse account that a connection of this configuration uses."""
        return self.merchants[connection.merchant].warehouses[connection.warehouse]

    def named(self, name: str) -> Connection | None:
        """The connection of that name."""
        return next((each for each in self.connections.values() if each.name == name), None)


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot run, and why. A warehouse is named `merchant.warehouse`; `id` is a connection's, where
    that much could be read."""

    kind: Literal["merchant", "warehouse", "connection"]
    name: str
    problems: tuple[Problem, ...]
    id: str | None = None


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What the files say: the sound part, the broken parts, and every problem there is."""

    config: Config
    broken: tuple[Broken, ...]
    problems: tuple[Problem, ...]

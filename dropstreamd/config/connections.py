"""Reads the files of `connections.d`."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.config.accounts import Account, Plugins, read_account
from dropstreamd.config.files import ConfFolder, name_of
from dropstreamd.config.locations import check_locations, read_locations
from dropstreamd.config.merchants import MERCHANTS, ReadMerchant
from dropstreamd.config.place import Place, Table, mapping, meant, shown
from dropstreamd.config.rules import read_rules
from dropstreamd.config.schema import (
    DEFAULT_RULES,
    CatalogMode,
    Connection,
    JobKey,
    Merchant,
    PurchaseSettings,
    ReturnSettings,
    StoreAccount,
    WarehouseAccount,
)
from dropstreamd.config.selling import INLINE_LIMIT, check_skus
from dropstreamd.config.values import choice, duration, entries, file_below, flag, many, text, zone
from dropstreamd.errors import Problem
from dropstreamd.model.schedule_parser import MAX_RULES, RuleProblem, parse_rule
from dropstreamd.model.schedule_rules import Rule
from dropstreamd.platform.contract import Role

CONNECTIONS = "connections.d"
CSV_ROWS_LIMIT = 2_000_000

_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{0,20}\{number\}[A-Za-z0-9_-]{0,20}")
_REFERENCE_ALLOWED = 'letters, digits, - and _ around one {number}, such as "SH{number}"'
_UNMAPPED: Mapping[str, Literal["hold", "pass"]] = {"hold": "hold", "pass": "pass"}
_CATALOGS: Mapping[str, CatalogMode] = {"drafts": "drafts", "list": "list"}
_SHIP_WITHIN_S = timedelta(days=7).total_seconds()
_STORE_OWN = ("platform", "allow_private_address")
MAPPED = "mapped"
"""Under which a plugin's settings are given `[locations]`."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of its place among the others; None where it could not be read. `owned` are the
    locations of the store account whose orders it takes; empty: all orders."""

    id: str | None = None
    timezone: ZoneInfo | None = None
    merchant: str | None = None
    warehouse: str | None = None
    reference: str | None = None
    returns: str | None = None
    store_key: str | None = None
    owned: frozenset[str] = frozenset()


class ReadConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One file: the connection where it is sound, what of it is compared with the others, its problems."""

    name: str
    file: str
    identity: Identity
    connection: Connection | None
    problems: tuple[Problem, ...]


class _Shipping(msgspec.Struct, frozen=True, kw_only=True):
    methods: Mapping[str, str]
    carriers: Mapping[str, str]
    unmapped: Literal["hold", "pass"]


def read_connection(
    stem: str, folder: ConfFolder, merchants: Mapping[str, ReadMerchant], plugins: Plugins
) -> ReadConnection:
    """One file, with every problem of it."""
    path, problems = f"{CONNECTIONS}/{stem}.toml", list[Problem]()
    place = Place(folder.shown_path(path), problems)
    name_of(stem, place)
    data = folder.toml(path, place)
    identity, connection = Identity(), None
    if data is not None:
        identity, connection = _read(stem, Table(data, place), folder, merchants, plugins)
    return ReadConnection(
        name=stem,
        file=place.file,
        identity=identity,
        connection=None if problems else connection,
        problems=tuple(problems),
    )


def _read(
    name: str, table: Table, folder: ConfFolder, merchants: Mapping[str, ReadMerchant], plugins: Plugins
) -> tuple[Identity, Connection | None]:
    key = table.need("id", _id, "an id that never changes, which `dropstreamctl add` makes")
    timezone = table.need("timezone", zone, "an IANA timezone, of its schedules")
    reference = table.need("reference", _reference, _REFERENCE_ALLOWED)
    merchant = table.need("merchant", text("the name of a merchant"), "the name of a merchant")
    warehouse = table.need("warehouse", text("the name of a warehouse"), "the name of a warehouse")
    returns = _returns(table.table("returns"), reference)
    place = table.place
    purchases = _purchases(table.table("purchase_orders"), reference)
    templates = (
        (place.at("reference"), reference),
        (place.at("returns").at("reference"), returns.reference),
        (place.at("purchase_orders").at("reference"), purchases.reference),
    )
    _check_account(merchant, warehouse, templates, merchants, place)
    facilities = read_locations(table)
    store = _store(table, timezone, facilities, plugins)
    home = check_locations(facilities, store, _account(merchant, warehouse, merchants), place)
    schedules = _schedules(table.table("channels"))
    shipping = _shipping(table.table("shipping"), folder)
    listings = _map(table, folder, "listings", ("channel_sku", "warehouse_sku"))
    check_skus({*listings, *listings.values()}, table.place.at("listings"))
    deduct_unsent = table.get("deduct_unsent", flag, True)
    order_rules = table.maybe("rules", read_rules) or ()
    unknown_sku: Literal["hold", "pass"] = table.get("unknown_sku", choice(_UNMAPPED), "hold")
    ship_within_s = table.get(
        "ship_within", duration(timedelta(hours=1), timedelta(days=365)), _SHIP_WITHIN_S
    )
    catalogs = _catalogs(table.table("catalogs"))
    keeps_one_stock = store is not None and store.locations is None
    table.close(unoffered=("locations",) if keeps_one_stock else ())
    seller = _seller(name, merchant, merchants, table.place)
    identity = Identity(
        id=key,
        timezone=timezone,
        merchant=merchant,
        warehouse=warehouse,
        reference=reference,
        returns=returns.reference,
        store_key=None if store is None else store.account_key,
        owned=frozenset() if store is None or store.locations is None else store.locations.owned,
    )
    if key is None or timezone is None or reference is None:
        return identity, None
    if merchant is None or warehouse is None or store is None:
        return identity, None
    return identity, Connection(
        id=key,
        name=name,
        merchant=merchant,
        warehouse=warehouse,
        timezone=timezone,
        reference=reference,
        store=StoreAccount(
            platform=store.platform,
            settings=store.settings,
            account_key=store.account_key,
            allow_private_address=_allows_private(table),
            former_keys=store.former_keys,
        ),
        schedules=schedules,
        methods=shipping.methods,
        carriers=shipping.carriers,
        unmapped_method=shipping.unmapped,
        listings=listings,
        deduct_unsent=deduct_unsent,
        rules=order_rules,
        bundles=seller.bundles,
        allocation=seller.allocation,
        unknown_sku=unknown_sku,
        ship_within_s=ship_within_s,
        returns=returns,
        catalogs=catalogs,
        purchases=purchases,
        locations=facilities,
        home=home,
    )


def _seller(name: str, merchant: str | None, merchants: Mapping[str, ReadMerchant], place: Place) -> Merchant:
    """The merchant as this connection sees it: its allocation has the connection's share."""
    read = merchants.get(merchant or "")
    if read is None:
        return Merchant(name="", warehouses={})
    seller = read.merchant
    if not seller.shares:
        return seller
    share_ppm = seller.shares.get(name)
    if share_ppm is None:
        place.wrong(
            found=f"no share for {name} in [allocation.share] of {MERCHANTS}/{merchant}.toml",
            allowed="a share for every connection of the merchant, once one has a share",
            hint=f'add {name} = "0%" or more there',
        )
        return seller
    return msgspec.structs.replace(
        seller, allocation=msgspec.structs.replace(seller.allocation, share_ppm=share_ppm)
    )


def _returns(table: Table, orders: str | None) -> ReturnSettings:
    """Unless it says otherwise, a return's reference is an order's with an R before it: where the orders
    of two stores have different ones, their returns do too."""
    returns = ReturnSettings(
        reference=table.get("reference", _reference, f"R{orders}"),
        restock=table.get("restock", flag, False),
        refund=table.get("refund", flag, False),
    )
    table.close()
    return returns


def _purchases(table: Table, orders: str | None) -> PurchaseSettings:
    """Likewise, with a P before it."""
    purchases = PurchaseSettings(reference=table.get("reference", _reference, f"P{orders}"))
    table.close()
    return purchases


def _catalogs(table: Table) -> CatalogMode:
    mode: CatalogMode = table.get("mode", choice(_CATALOGS), "drafts")
    table.close()
    return mode


def _check_account(
    merchant: str | None,
    warehouse: str | None,
    templates: Sequence[tuple[Place, str | None]],
    merchants: Mapping[str, ReadMerchant],
    place: Place,
) -> None:
    """Whether the merchant and its warehouse are there, sound, and take references of that length."""
    if merchant is None:
        return
    if merchant not in merchants:
        allowed = f"a merchant, one of {', '.join(merchants) or 'none (add a file to merchants.d)'}"
        place.at("merchant").wrong(found=shown(merchant), allowed=allowed, hint=meant(merchant, merchants))
        return
    read = merchants[merchant]
    if not read.sound:
        found = f"{shown(merchant)}, which has problems of its own"
        place.at("merchant").wrong(found=found, allowed="a sound merchant", hint=_see(merchant))
        return
    if warehouse is None:
        return
    account = read.merchant.warehouses.get(warehouse)
    if account is None:
        names = sorted(read.warehouse_names)
        broken = warehouse in names
        place.at("warehouse").wrong(
            found=f"{shown(warehouse)}, which has problems of its own" if broken else shown(warehouse),
            allowed=f"a warehouse of {merchant}: {', '.join(names) or 'it has none'}",
            hint=_see(merchant) if broken else meant(warehouse, names),
        )
        return
    longest = account.reference_max_length
    for its_place, template in templates:
        # a number of at least four digits must fit
        if template is not None and len(template.replace("{number}", "0000")) > longest:
            its_place.wrong(found=shown(template), allowed=f"a template for at most {longest} characters")
            return  # a return's is, unless it is set, one character longer than an order's


def _see(merchant: str) -> str:
    return f"see {MERCHANTS}/{merchant}.toml"


def _account(
    merchant: str | None, warehouse: str | None, merchants: Mapping[str, ReadMerchant]
) -> WarehouseAccount | None:
    read = merchants.get(merchant or "")
    return None if read is None else read.merchant.warehouses.get(warehouse or "")


def _store(
    table: Table, timezone: ZoneInfo | None, facilities: Mapping[str, str], plugins: Plugins
) -> Account | None:
    data = table.need("store", mapping, "a table [store]")
    if data is None:
        return None
    place = table.place.at("store")
    lent: dict[str, object] = {} if timezone is None else {"timezone": timezone.key}
    lent[MAPPED] = dict(facilities)
    _allows_private(table)
    elsewhere = {MAPPED: "a table [locations] of the file"}
    return read_account(
        data, Role.STORE, plugins, own=_STORE_OWN, lent=lent, place=place, elsewhere=elsewhere
    )


def _allows_private(table: Table) -> bool:
    data = table.maybe("store", mapping) or {}
    return Table(data, table.place.at("store")).get("allow_private_address", flag, False)


def _schedules(channels: Table) -> dict[JobKey, tuple[Rule, ...]]:
    """The rules of every job; a table may name a channel's job that no plugin supports."""
    rules: dict[JobKey, tuple[Rule, ...]] = {}
    tables: dict[str, Table] = {}
    for channel, job in DEFAULT_RULES:
        table = tables.setdefault(channel, channels.table(channel))
        default = tuple(parse_rule(text) for text in DEFAULT_RULES[channel, job])
        rules[channel, job] = table.get(job, many(_rule, most=MAX_RULES), default)
    for table in tables.values():
        table.close()
    channels.close()
    return rules


def _rule(value: object, place: Place) -> Rule | None:
    if not isinstance(value, str):
        place.wrong(found=shown(value), allowed='a rule in quotes, such as "every 15 minutes"')
        return None
    try:
        return parse_rule(value)
    except RuleProblem as problem:
        place.wrong(found=problem.found, allowed=problem.allowed, hint=problem.hint)
        return None


def _shipping(table: Table, folder: ConfFolder) -> _Shipping:
    shipping = _Shipping(
        methods=_map(table, folder, "methods", ("store_method", "warehouse_method")),
        carriers=_map(table, folder, "carriers", ("warehouse_carrier", "store_carrier")),
        unmapped=table.get("unmapped", choice(_UNMAPPED), "hold"),
    )
    table.close()
    return shipping


def _map(table: Table, folder: ConfFolder, name: str, columns: tuple[str, str]) -> Mapping[str, str]:
    """A map from text to text: the table `name`, or the CSV file that `name_file` names."""
    in_file = f"{name}_file"
    instead = f"put them in a CSV file with a header {','.join(columns)} and name it in {in_file}"
    inline = table.maybe(name, entries(text(), most=INLINE_LIMIT, instead=instead)) or {}
    path = table.maybe(in_file, file_below)
    if path is None:
        return inline
    if table.holds(name):
        table.place.at(in_file).wrong(found=f"{name} and {in_file}", allowed="one of the two")
        return {}
    place = Place(folder.shown_path(path), table.place.problems)
    return folder.pairs(path, columns, CSV_ROWS_LIMIT, place) or {}


def _id(value: object, place: Place) -> str | None:
    return text("lower-case letters, digits and -, 3 to 40", pattern=_ID)(value, place)


def _reference(value: object, place: Place) -> str | None:
    return text(_REFERENCE_ALLOWED, pattern=_REFERENCE)(value, place)

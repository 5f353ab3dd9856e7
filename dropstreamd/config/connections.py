"""Reads the files of `connections.d`."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.config.accounts import Account, Plugins, read_account
from dropstreamd.config.files import ConfFolder, name_of
from dropstreamd.config.locations import check_locations, read_locations
from dropstreamd.config.maps import UNMAPPED, read_map, read_shipping
from dropstreamd.config.merchants import ReadMerchant
from dropstreamd.config.place import Place, Table, mapping
from dropstreamd.config.rules import read_rules
from dropstreamd.config.schedules import read_schedules
from dropstreamd.config.schema import (
    CatalogMode,
    Connection,
    PurchaseSettings,
    ReturnSettings,
    StoreAccount,
)
from dropstreamd.config.seller import account_of, check_account, seller_for
from dropstreamd.config.selling import check_skus
from dropstreamd.config.values import choice, duration, flag, text, zone
from dropstreamd.errors import Problem
from dropstreamd.platform.contract import Role

CONNECTIONS = "connections.d"

_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{0,20}\{number\}[A-Za-z0-9_-]{0,20}")
_REFERENCE_ALLOWED = 'letters, digits, - and _ around one {number}, such as "SH{number}"'
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
    check_account(merchant, warehouse, templates, merchants, place)
    facilities = read_locations(table)
    store = _store(table, timezone, facilities, plugins)
    home = check_locations(facilities, store, account_of(merchant, warehouse, merchants), place)
    schedules = read_schedules(table.table("channels"))
    shipping = read_shipping(table.table("shipping"), folder)
    listings = read_map(table, folder, "listings", ("channel_sku", "warehouse_sku"))
    check_skus({*listings, *listings.values()}, table.place.at("listings"))
    deduct_unsent = table.get("deduct_unsent", flag, True)
    order_rules = table.maybe("rules", read_rules) or ()
    unknown_sku: Literal["hold", "pass"] = table.get("unknown_sku", choice(UNMAPPED), "hold")
    ship_within_s = table.get(
        "ship_within", duration(timedelta(hours=1), timedelta(days=365)), _SHIP_WITHIN_S
    )
    catalogs = _catalogs(table.table("catalogs"))
    keeps_one_stock = store is not None and store.locations is None
    table.close(unoffered=("locations",) if keeps_one_stock else ())
    seller = seller_for(name, merchant, merchants, table.place)
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


def _id(value: object, place: Place) -> str | None:
    return text("lower-case letters, digits and -, 3 to 40", pattern=_ID)(value, place)


def _reference(value: object, place: Place) -> str | None:
    return text(_REFERENCE_ALLOWED, pattern=_REFERENCE)(value, place)

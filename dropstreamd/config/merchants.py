"""Reads the files of `merchants.d`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import msgspec

from dropstreamd.config.accounts import Plugins, read_account
from dropstreamd.config.files import ConfFolder, name_of
from dropstreamd.config.place import Parser, Place, Table, mapping
from dropstreamd.config.schema import Breaker, Broken, Merchant, Recipe, WarehouseAccount
from dropstreamd.config.selling import ReadAllocation, read_allocation, read_bundles
from dropstreamd.config.values import (
    NAME,
    NAME_ALLOWED,
    choice,
    duration,
    entries,
    flag,
    many,
    share,
    text,
    whole,
    zone,
)
from dropstreamd.errors import Problem
from dropstreamd.platform.contract import Role

MERCHANTS = "merchants.d"

_OWN = (
    "platform",
    "timezone",
    "quantity",
    "statuses",
    "facilities",
    "duplicates",
    "missing",
    "units",
    "deduct_handed",
    "takes_orders_within",
    "breaker",
    "reference_max_length",
    "allow_private_address",
)
Quantity = Literal["available", "on_hand"]
Duplicates = Literal["sum", "refuse"]
Missing = Literal["keep", "zero"]

_QUANTITY: Parser[Quantity] = choice({"available": "available", "on_hand": "on_hand"})
_DUPLICATES: Parser[Duplicates] = choice({"sum": "sum", "refuse": "refuse"})
_MISSING: Parser[Missing] = choice({"keep": "keep", "zero": "zero"})
_WAREHOUSES_LIMIT = 100
_CODES_LIMIT = 200


class ReadMerchant(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's sound warehouses, the names of all it has, and what is broken: the whole of it if it
    is not `sound`, or some of its warehouses."""

    merchant: Merchant
    sound: bool
    warehouse_names: frozenset[str]
    broken: tuple[Broken, ...]


def read_merchant(stem: str, folder: ConfFolder, plugins: Plugins) -> ReadMerchant:
    """One file. A wrong warehouse leaves its neighbours sound; anything else wrong breaks the file."""
    path, problems = f"{MERCHANTS}/{stem}.toml", list[Problem]()
    place = Place(folder.shown_path(path), problems)
    name_of(stem, place)
    data = folder.toml(path, place)
    tables: Mapping[str, object] = {}
    bundles: Mapping[str, Recipe] = {}
    rules = ReadAllocation()
    if data is not None:
        top = Table(data, place)
        bundles = read_bundles(top, folder)
        rules = read_allocation(top, folder, bundles)
        tables = top.need("warehouses", mapping, "a table [warehouses.NAME]") or {}
        if len(tables) > _WAREHOUSES_LIMIT:
            place.at("warehouses").wrong(found=f"{len(tables)}", allowed=f"at most {_WAREHOUSES_LIMIT}")
            tables = {}
        top.close()
    sound: dict[str, WarehouseAccount] = {}
    broken: list[Broken] = []
    for name, value in tables.items():
        wrong: list[Problem] = []
        account = _warehouse(stem, name, value, plugins, Place(place.file, wrong, "warehouses").at(name))
        if account is None or wrong:
            broken.append(Broken(kind="warehouse", name=f"{stem}.{name}", problems=tuple(wrong)))
        else:
            sound[name] = account
    if problems:
        broken.insert(0, Broken(kind="merchant", name=stem, problems=tuple(problems)))
    return ReadMerchant(
        sound=not problems,
        merchant=Merchant(
            name=stem,
            warehouses=sound,
            bundles=bundles,
            allocation=rules.allocation,
            shares=rules.shares,
        ),
        warehouse_names=frozenset(tables),
        broken=tuple(broken),
    )


def _warehouse(
    merchant: str, name: str, value: object, plugins: Plugins, place: Place
) -> WarehouseAccount | None:
    data = mapping(value, place)
    if data is None:
        return None
    if not NAME.fullmatch(name):
        place.wrong(found="this name", allowed=NAME_ALLOWED)
    table = Table(data, place)
    codes = many(text("text"), most=_CODES_LIMIT)
    timezone = table.need("timezone", zone, "an IANA timezone, of the dates without a zone in its files")
    quantity: Quantity | None = table.need(
        "quantity", _QUANTITY, "what its stock figures are: available or on_hand"
    )
    statuses, facilities = table.maybe("statuses", codes), table.maybe("facilities", codes)
    duplicates: Duplicates = table.get("duplicates", _DUPLICATES, "sum")
    missing: Missing = table.get("missing", _MISSING, "keep")
    units = table.maybe("units", entries(whole(1, 1_000_000), most=10_000)) or {}
    deduct_handed = table.get("deduct_handed", flag, True)
    takes_within_s = table.maybe("takes_orders_within", duration(timedelta(0), timedelta(days=2)))
    breaker = _breaker(table.table("breaker"))
    reference_max_length = table.get("reference_max_length", whole(4, 200), 30)
    allow_private_address = table.get("allow_private_address", flag, False)
    lent = {} if timezone is None else {"timezone": timezone.key}
    account = read_account(data, Role.WAREHOUSE, plugins, own=_OWN, lent=lent, place=place)
    if account is None or timezone is None or quantity is None:
        return None
    return WarehouseAccount(
        merchant=merchant,
        name=name,
        platform=account.platform,
        settings=account.settings,
        account_key=account.account_key,
        timezone=timezone,
        quantity=quantity,
        statuses=None if statuses is None else frozenset(statuses),
        facilities=None if facilities is None else frozenset(facilities),
        duplicates=duplicates,
        missing=missing,
        units=units,
        deduct_handed=deduct_handed,
        takes_within_s=account.takes_within_s if takes_within_s is None else takes_within_s,
        breaker=breaker,
        reference_max_length=reference_max_length,
        allow_private_address=allow_private_address,
        takes_facility=account.takes_facility,
        adjusts=account.adjusts,
        claims=account.claims,
        former_keys=account.former_keys,
    )


def _breaker(table: Table) -> Breaker:
    default = Breaker()
    breaker = Breaker(
        stale_after_s=table.get(
            "stale_after", duration(timedelta(minutes=1), timedelta(days=366)), default.stale_after_s
        ),
        lost_share=table.get("lost_share", share(), default.lost_share),
        zeroed_share=table.get("zeroed_share", share(), default.zeroed_share),
        raised_share=table.get("raised_share", share(most=1000.0), default.raised_share),
    )
    table.close()
    return breaker

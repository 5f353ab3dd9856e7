"""Settings that decode but cannot be right."""

import codecs
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.check_login import login_problems
from dropstream_file_exchange.settings import CancelFile, CsvForm, Settings
from dropstream_file_exchange.x12 import check as x12
from dropstream_file_exchange.x12.settings import X12
from dropstreamd.platform.contract import SettingProblem

LAST_FIXED_COLUMN = 25
MOST_COLUMNS = 200
EXTRA_COLUMNS = {1: (), 2: ("email", "notes"), 3: ("email", "notes", "facility")}


def check(settings: Settings) -> list[SettingProblem]:
    """Every problem, each with its key."""
    return [
        *login_problems(settings),
        *_timezone(settings),
        *_files(settings),
        *_orders(settings),
        *_csv("shipments", settings.shipments),
        *_csv("inventory", settings.inventory),
        *_as_of(settings),
        *_x12(settings),
    ]


def _timezone(settings: Settings) -> Iterator[SettingProblem]:
    try:
        ZoneInfo(settings.timezone)
    except (ValueError, OSError, KeyError):
        yield _problem("timezone", repr(settings.timezone), "a name such as America/Chicago")


def _files(settings: Settings) -> Iterator[SettingProblem]:
    part = settings.part.of("ord_1.csv")
    if part.startswith("ord_") or part.endswith(".csv") or "/" in part:
        yield _problem(
            "part", repr(part), "a name that neither begins with ord_ nor ends in .csv, without a slash"
        )
    for key in ("marker", "archive", "quarantine"):
        name: str = getattr(settings, key)
        if not name or "/" in name or name.startswith("ord_"):
            yield _problem(key, repr(name), "a plain name that does not begin with ord_")
    if settings.archive == settings.quarantine:
        yield _problem("quarantine", repr(settings.quarantine), "another folder than archive")
    if settings.done_marker is not None:
        try:
            made = settings.done_marker.format(name="a.csv", stem="a")
        except (LookupError, ValueError):
            made = "a.csv"
        if made == "a.csv" or "a" not in made:
            yield _problem(
                "done_marker", repr(settings.done_marker), 'a pattern such as "{name}.done" or "{stem}.ok"'
            )
    if not 0 <= settings.settle_s <= 3600:
        yield _problem("settle_s", str(settings.settle_s), "seconds from 0 to 3600")
    if not 1 <= settings.limit_mib <= 4096:
        yield _problem("limit_mib", str(settings.limit_mib), "mebibytes from 1 to 4096")


def _cancel(cancel: CancelFile) -> Iterator[SettingProblem]:
    prefix = cancel.prefix
    if not prefix or "/" in prefix or prefix.startswith(("ord_", ".")) or len(prefix) > 40:
        yield _problem(
            "orders.cancel.prefix",
            repr(prefix),
            "1 to 40 characters without a slash, not beginning with ord_",
        )
    if not any("{reference}" in field for field in cancel.row):
        yield _problem("orders.cancel.row", "no {reference} in it", "a row that names the order")


def _orders(settings: Settings) -> Iterator[SettingProblem]:
    orders = settings.orders
    needed = EXTRA_COLUMNS[orders.version]
    for name in needed:
        if name not in orders.positions:
            yield _problem(
                "orders.positions", f"no position of {name}", f"one, for Pick Header version {orders.version}"
            )
    if not 0 <= orders.address_max <= 1000:
        yield _problem("orders.address_max", str(orders.address_max), "0 (any length) to 1000 characters")
    if orders.cancel is not None:
        yield from _cancel(orders.cancel)
    for name, position in orders.positions.items():
        if name not in needed:
            yield _problem(
                f"orders.positions.{name}", "a position", f"none in Pick Header version {orders.version}"
            )
        elif not LAST_FIXED_COLUMN <= position <= MOST_COLUMNS:
            yield _problem(
                f"orders.positions.{name}", str(position), f"{LAST_FIXED_COLUMN} to {MOST_COLUMNS}"
            )
    if len(set(orders.positions.values())) < len(orders.positions):
        yield _problem("orders.positions", "one position twice", "a position of its own for each")
    if "facility" in needed and not orders.facility:
        yield _problem("orders.facility", "nothing", "the warehouse's id of the facility, for version 3")
    if not 1 <= orders.per_file <= 1000:
        yield _problem("orders.per_file", str(orders.per_file), "1 to 1000 orders")
    yield from _encoding("orders", orders.encoding)


def _csv(table: str, form: CsvForm) -> Iterator[SettingProblem]:
    yield from _encoding(table, form.encoding)
    if len(form.delimiter) != 1 or form.delimiter in "\r\n":
        yield _problem(f"{table}.delimiter", repr(form.delimiter), "one character")
    if len(form.quote) > 1 or (form.quote and form.quote in f"\r\n{form.delimiter}"):
        yield _problem(f"{table}.quote", repr(form.quote), 'one character, or "" for a file without quotes')
    if form.thousands == form.decimal:
        yield _problem(f"{table}.thousands", repr(form.thousands), "another character than decimal")
    if not form.dates:
        yield _problem(f"{table}.dates", "no format", '"iso", or formats such as "%d.%m.%Y"')
    columns = getattr(form, "columns", None)
    if columns is None:
        if not form.header:
            yield _problem(f"{table}.columns", "nothing", "positions, for a file without a header")
        return
    for name, column in msgspec.structs.asdict(columns).items():
        if isinstance(column, int) and not 1 <= column <= MOST_COLUMNS:
            yield _problem(f"{table}.columns.{name}", str(column), f"a position from 1 to {MOST_COLUMNS}")
        if isinstance(column, str) and not form.header:
            yield _problem(f"{table}.columns.{name}", repr(column), "a position, for a file without a header")


def _as_of(settings: Settings) -> Iterator[SettingProblem]:
    inventory = settings.inventory
    if inventory.as_of == "column" and (inventory.columns is None or inventory.columns.as_of is None):
        yield _problem("inventory.columns.as_of", "nothing", "the column that holds the snapshot's time")
    if inventory.as_of == "name" and "%" not in inventory.as_of_name:
        yield _problem(
            "inventory.as_of_name", repr(inventory.as_of_name), 'a pattern such as "inv_%Y%m%d%H%M%S.csv"'
        )


def _x12(settings: Settings) -> list[SettingProblem]:
    if settings.format == "x12":
        return x12.check(settings.x12)
    if settings.x12 != X12():
        return [_problem("x12", f"settings beside the format {settings.format!r}", 'format = "x12"')]
    return []


def _encoding(table: str, name: str) -> Iterator[SettingProblem]:
    try:
        codecs.lookup(name)
        known = isinstance("".encode(name), bytes)
    except (LookupError, TypeError):
        known = False
    if not known:
        yield _problem(f"{table}.encoding", repr(name), "an encoding such as utf-8, latin-1 or cp1252")


def _problem(key: str, found: str, allowed: str) -> SettingProblem:
    return SettingProblem(key=key, found=found, allowed=allowed)

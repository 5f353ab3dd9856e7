"""What the table has a cell for: every job on every pair of a store and a warehouse that can run here."""

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.channels.jobs import JOBS
from dropstreamd.config.schema import Connection, StoreAccount, WarehouseAccount
from dropstreamd.platform.loader import PluginStatus, load_plugins
from dropstreamd.supervisor.host import Accounts
from dropstreamd.supervisor.support import unsupported

FOLDER = Path(__file__).parents[2] / "plugins"
UTC = ZoneInfo("UTC")


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A store or a warehouse as the tests reach it. `name` is what the marker `cell` calls it; it is in
    the table where the `platform`'s plugin is there. `settings` are what it offers more or less by."""

    name: str
    title: str
    platform: str
    settings: Mapping[str, str] = {}

    def here(self, plugins: Mapping[str, PluginStatus]) -> bool:
        found = plugins.get(self.platform)
        return found is not None and found.plugin is not None


STORES = (
    Side(name="vendure", title="Vendure", platform="vendure"),
    Side(name="medusa", title="Medusa", platform="medusa"),
)
FILES = "file-exchange"
SFTP = "sftp://acme@wms.example.com/acme"
WAREHOUSES = (
    Side(name="csv-sftp", title="CSV over SFTP", platform=FILES, settings={"url": SFTP}),
    Side(
        name="csv-ftps",
        title="CSV over FTPS",
        platform=FILES,
        settings={"url": "ftpes://wms.example.com/acme"},
    ),
    Side(name="x12", title="X12", platform=FILES, settings={"url": SFTP, "format": "x12"}),
    Side(name="tryton", title="Tryton", platform="tryton"),
)

NO_TEST_YET: tuple[str, ...] = ()
"""Cells that may be empty until their tests exist: store, warehouse and job, with `*` for any."""


class Cell(NamedTuple):
    """One cell; `job` is written `channel.job`."""

    store: str
    warehouse: str
    job: str

    def matches(self, pattern: str) -> bool:
        """Whether a pattern as in `NO_TEST_YET` names it."""
        return fnmatch(" ".join(self), pattern)


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """The table without its tests: `cells` tells why a job does not exist there, "" where it does."""

    stores: tuple[Side, ...]
    warehouses: tuple[Side, ...]
    jobs: tuple[str, ...]
    cells: Mapping[Cell, str]


class Declared(Accounts):
    """The plugins alone, of all that accounts are to the daemon: nothing of it is opened."""

    def __init__(self, plugins: Mapping[str, PluginStatus]) -> None:
        self.plugins = plugins


def grid() -> Grid:
    """What the plugins of this checkout declare, job by job and pair by pair."""
    plugins = load_plugins([FOLDER])
    stores = tuple(side for side in STORES if side.here(plugins))
    warehouses = tuple(side for side in WAREHOUSES if side.here(plugins))
    accounts = Declared(plugins)
    cells = {
        Cell(store.name, warehouse.name, ".".join(job.key)): unsupported(
            job, _connection(store, accounts), _account(warehouse, accounts), accounts
        )
        for store in stores
        for warehouse in warehouses
        for job in JOBS
    }
    return Grid(
        stores=stores, warehouses=warehouses, jobs=tuple(".".join(job.key) for job in JOBS), cells=cells
    )


class NoSettings(msgspec.Struct, frozen=True):
    """Of a plugin whose parts do not depend on how it is set."""


def _settings(side: Side, accounts: Accounts) -> msgspec.Struct:
    plugin = accounts.plugin(side.platform)
    return NoSettings() if plugin.offers is None else msgspec.convert(side.settings, plugin.settings)


def _connection(store: Side, accounts: Accounts) -> Connection:
    return Connection(
        id="c-cell",
        name="cell",
        merchant="acme",
        warehouse="main",
        timezone=UTC,
        reference="{number}",
        store=StoreAccount(platform=store.platform, settings=_settings(store, accounts), account_key="store"),
        schedules={},
    )


def _account(warehouse: Side, accounts: Accounts) -> WarehouseAccount:
    return WarehouseAccount(
        merchant="acme",
        name="main",
        platform=warehouse.platform,
        settings=_settings(warehouse, accounts),
        account_key="warehouse",
        timezone=UTC,
        quantity="available",
    )

"""What the table has a cell for: every job on every pair of a store and a warehouse that can run here."""

from collections.abc import Mapping
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.channels.jobs import JOBS
from dropstreamd.config.schema import Connection, StoreAccount, WarehouseAccount
from dropstreamd.platform.contract import Plugin
from dropstreamd.platform.loader import PluginStatus, load_plugins
from dropstreamd.supervisor.host import Accounts
from dropstreamd.supervisor.support import unsupported

FOLDER = Path(__file__).parents[2] / "plugins"
UTC = ZoneInfo("UTC")


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A store or a warehouse as the tests reach it. `name` is what the marker `cell` calls it; it is in
    the table where the `platform`'s plugin and its `module` are there."""

    name: str
    title: str
    platform: str
    module: str

    def here(self, plugins: Mapping[str, PluginStatus]) -> bool:
        found = plugins.get(self.platform)
        # A parent that is missing is imported by find_spec, and would raise.
        return found is not None and found.plugin is not None and find_spec(self.module) is not None


STORES = (
    Side(name="vendure", title="Vendure", platform="vendure", module="dropstream_vendure"),
    Side(name="medusa", title="Medusa", platform="medusa", module="dropstream_medusa"),
)
FILES = "dropstream_file_exchange"
WAREHOUSES = (
    Side(name="csv-sftp", title="CSV over SFTP", platform="file-exchange", module=FILES),
    Side(name="csv-ftps", title="CSV over FTPS", platform="file-exchange", module=FILES),
    Side(name="x12", title="X12", platform="file-exchange", module=f"{FILES}.x12"),
    Side(name="tryton", title="Tryton", platform="tryton", module="dropstream_tryton"),
)

NO_TEST_YET = (
    "vendure x12 *",
    "vendure tryton *",
    "medusa * *",
)
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


class Offers:
    """The plugins, and nothing else of what `Accounts` is to the daemon."""

    def __init__(self, plugins: Mapping[str, PluginStatus]) -> None:
        self._plugins = plugins

    def plugin(self, platform: str) -> Plugin[Any]:
        found = self._plugins[platform].plugin
        assert found is not None
        return found


def grid() -> Grid:
    """What the plugins of this checkout declare, job by job and pair by pair."""
    plugins = load_plugins([FOLDER])
    stores = tuple(side for side in STORES if side.here(plugins))
    warehouses = tuple(side for side in WAREHOUSES if side.here(plugins))
    accounts = cast("Accounts", Offers(plugins))
    cells = {
        Cell(store.name, warehouse.name, ".".join(job.key)): unsupported(
            job, _connection(store), _account(warehouse), accounts
        )
        for store in stores
        for warehouse in warehouses
        for job in JOBS
    }
    return Grid(
        stores=stores, warehouses=warehouses, jobs=tuple(".".join(job.key) for job in JOBS), cells=cells
    )


class NoSettings(msgspec.Struct, frozen=True):
    """Whether a job exists depends on what the plugins declare, not on how they are set."""


def _connection(store: Side) -> Connection:
    return Connection(
        id="c-cell",
        name="cell",
        merchant="acme",
        warehouse="main",
        timezone=UTC,
        reference="{number}",
        store=StoreAccount(platform=store.platform, settings=NoSettings(), account_key="store"),
        schedules={},
    )


def _account(warehouse: Side) -> WarehouseAccount:
    return WarehouseAccount(
        merchant="acme",
        name="main",
        platform=warehouse.platform,
        settings=NoSettings(),
        account_key="warehouse",
        timezone=UTC,
        quantity="available",
    )

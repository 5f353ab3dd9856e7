"""The settings of a Tryton warehouse. Each is explained in this folder's README."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.http_address import server_formerly, server_of
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

_DATABASE = re.compile(r"[A-Za-z0-9_.-]{1,63}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[warehouses.NAME]`. Parties, locations and categories are told by code or name."""

    url: str
    database: str
    username: str
    password: SecretRef
    customer: str
    warehouse: str = ""
    more_warehouses: tuple[str, ...] = ()
    category: str = ""
    quarantine: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def address(self) -> str:
        """Where remote procedures are called."""
        return f"{self.url.rstrip('/')}/{self.database}/rpc/"


def account_key(settings: Settings) -> str:
    """Host, port and database: what is called."""
    return f"{server_of(settings.url)}/{settings.database}"


def formerly(settings: Settings) -> tuple[str, ...]:
    """Keys that told a port that goes without saying."""
    return tuple(f"{server}/{settings.database}" for server in server_formerly(settings.url))


def pace(_settings: Settings) -> Pace:
    """Tryton itself sets no limit; each call is a transaction of its own."""
    return Pace(rate_per_s=50.0, burst=50.0, at_once=2)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return list(_problems(settings))


def _problems(settings: Settings) -> Iterator[SettingProblem]:
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield SettingProblem(key="url", found="no https:// address", allowed="as https://wms.example.com")
    if not _DATABASE.fullmatch(settings.database):
        found = "nothing" if not settings.database else "characters that no database's name has"
        yield SettingProblem(key="database", found=found, allowed="the database's name, as in Tryton's login")
    for key in ("username", "customer"):
        if not getattr(settings, key).strip():
            yield SettingProblem(key=key, found="nothing", allowed="see the plugin's README")
    if settings.more_warehouses and not settings.warehouse:
        yield SettingProblem(key="warehouse", found="nothing", allowed="the first of the warehouses")
    named = [settings.warehouse, *settings.more_warehouses]
    if len(set(named)) < len(named):
        yield SettingProblem(key="more_warehouses", found="one warehouse twice", allowed="each once")
    both = sorted(set(settings.quarantine) & set(settings.damaged))
    if both:
        yield SettingProblem(
            key="quarantine",
            found=f"{', '.join(both)}, which is in `damaged` too",
            allowed="a location in one of the two",
        )

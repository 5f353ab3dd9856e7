"""Plugins that only have settings, and a folder to write configurations into."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from dropstreamd.config.load import load
from dropstreamd.config.schema import Loaded
from dropstreamd.errors import ConfigError
from dropstreamd.platform.contract import Claim, Host, Plugin, Role, SettingProblem, Store, Warehouse
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.secrets import SecretRef


class ShopSettings(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    username: str
    password: SecretRef
    timezone: str = "none"
    page: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


def _check_shop(settings: ShopSettings) -> Sequence[SettingProblem]:
    if settings.url.startswith("https://"):
        return ()
    return (SettingProblem(key="url", found=settings.url, allowed="an https:// address"),)


class Key(msgspec.Struct, frozen=True, kw_only=True, tag_field="by", tag="key"):
    key: SecretRef


class Password(msgspec.Struct, frozen=True, kw_only=True, tag_field="by", tag="password"):
    password: SecretRef


class Ending(Enum):
    LF = "lf"
    CRLF = "crlf"


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    position: int | None = None


class FileSettings(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    host_key: str
    format: Literal["dsfx", "x12"]
    timezone: str
    key: SecretRef | None = None
    login: Key | Password | None = None
    ending: Ending = Ending.LF
    columns: tuple[Column, ...] = ()
    extra_secrets: dict[str, SecretRef] = {}
    spare_keys: list[SecretRef] = []
    folders: dict[str, str] = {}
    pair: tuple[int, str] = (0, "")
    ratio: Annotated[float, msgspec.Meta(gt=0.0)] = 1.0
    names: Annotated[list[str], msgspec.Meta(max_length=2)] = []
    days: dict[int, str] = {}

    def __post_init__(self) -> None:
        if self.format == "x12" and self.ending is Ending.CRLF:
            raise ValueError("x12 with another ending than crlf")


def _open(_settings: Any, _host: Host) -> AbstractAsyncContextManager[Store | Warehouse]:
    raise NotImplementedError


SHOP = Plugin(
    name="vendure",
    title="Shop",
    role=Role.STORE,
    provides=frozenset(),
    settings=ShopSettings,
    account_key=lambda settings: settings.url,
    open=_open,
    check=_check_shop,
)
FILES = Plugin(
    name="file-exchange",
    title="Files",
    role=Role.WAREHOUSE,
    provides=frozenset(),
    settings=FileSettings,
    account_key=lambda settings: settings.url,
    open=_open,
    claims=lambda settings: [
        Claim(key=f"folders.{name}", what=f"folder {what}", hint="name another")
        for name, what in settings.folders.items()
    ],
)
PLUGINS = {
    "vendure": PluginStatus(name="vendure", origin="here", plugin=SHOP),
    "file-exchange": PluginStatus(name="file-exchange", origin="here", plugin=FILES),
    "torn": PluginStatus(name="torn", origin="here", problem="no module named torn", remedy="install it"),
}

MERCHANT = """\
[warehouses.main]
platform = "file-exchange"
url = "sftp://acme@wms.example.com/acme"
key = { secret = "wms-key" }
host_key = "ssh-ed25519 AAAA"
format = "dsfx"
timezone = "America/Chicago"
quantity = "available"
"""


def connection(number: int = 1, *, top: str = "", store: str = "", rest: str = "") -> str:
    """A sound connection's file, with further lines; each number is another store."""
    return f"""\
id = "c-00{number}"
merchant = "acme"
warehouse = "main"
timezone = "America/New_York"
reference = "S{number}-{{number}}"
{top}
[store]
platform = "vendure"
url = "https://shop{number}.example"
username = "admin"
password = {{ secret = "shop{number}" }}
{store}
{rest}"""


class Folder:
    """A configuration in a temporary folder: one merchant, and the connections `a` and `b`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for sub in ("merchants.d", "connections.d"):
            (path / sub).mkdir(parents=True)
        self.write("dropstreamd.toml", "")
        self.write("merchants.d/acme.toml", MERCHANT)
        self.write("connections.d/a.toml", connection(1))
        self.write("connections.d/b.toml", connection(2))

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def text(self, name: str) -> str:
        return (self.path / name).read_bytes().decode()


def loaded(folder: Folder) -> Loaded:
    return load(folder.path, PLUGINS)


def problems(folder: Folder) -> list[str]:
    """Every problem, its file relative to the folder."""
    try:
        found = list(loaded(folder).problems)
    except ConfigError as error:
        found = error.problems
    return [str(problem).replace(f"{folder.path}/", "") for problem in found]


def only(folder: Folder) -> str:
    (problem,) = problems(folder)
    return problem

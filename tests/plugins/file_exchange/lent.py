"""What the daemon lends a plugin, for tests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.warehouse import FileWarehouse, open_warehouse
from dropstreamd.clock import SystemClock
from dropstreamd.platform.grants import Fetch
from dropstreamd.platform.http import Http
from dropstreamd.platform.limiter import Limiter, Pace
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.sandbox.sftp_server import SftpAccount

PASSWORD = Secret("correct horse")


class Unlimited:
    """A limiter that admits everything, and counts."""

    def __init__(self) -> None:
        self.admitted = 0

    @asynccontextmanager
    async def admit(self, cost: float = 1.0) -> AsyncIterator[None]:
        self.admitted += 1
        yield

    def slow_down(self, retry_after_s: float) -> None:
        raise AssertionError

    def learn(self, *, available: float | None, burst: float, rate_per_s: float) -> None:
        raise AssertionError("files tell of no budget")

    def operation(self, name: str, pace: Pace) -> Limiter:
        raise AssertionError("files have no operations")

    def ahead(self) -> Limiter:
        return self

    def ready_in_s(self, cost: float = 1.0) -> float:
        return 0.0


class LentHost:
    """A `Host` with one secret."""

    def __init__(self, secret: Secret = PASSWORD) -> None:
        self.clock = SystemClock()
        self.limiter = Unlimited()
        self._secret = secret

    @property
    def http(self) -> Http:
        raise AssertionError("files do not go over HTTP")

    def secret(self, ref: SecretRef) -> Secret:
        return self._secret

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        raise AssertionError("nothing here has access tokens")

    async def number(self, series: str, purpose: str) -> int:
        raise AssertionError("nothing here is counted")


def settings_for(account: SftpAccount, **changes: object) -> Settings:
    fields: dict[str, object] = {
        "url": account.url,
        "host_key": account.host_key,
        "password": {"secret": "acme"},
        "settle_s": 0,
        **changes,
    }
    return msgspec.convert(fields, Settings)


@asynccontextmanager
async def opened(account: SftpAccount, **changes: object) -> AsyncIterator[FileWarehouse]:
    async with open_warehouse(settings_for(account, **changes), LentHost()) as warehouse:
        yield warehouse

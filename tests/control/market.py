"""A platform that a person has to let the daemon into, for the office."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import msgspec

from dropstreamd.errors import AuthFailed, Misconfigured
from dropstreamd.platform.contract import Consent, Finding, Grant, Host, Part, Plugin, Role, Store
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.oauth import ask_for_token, basic, unconsented
from dropstreamd.platform.secrets import Secret, SecretRef
from tests.control.office import Office
from tests.fakes.authority import CLIENT, Authority
from tests.fakes.sessions import FakeStore, StoreSession

CONNECTION = """
id        = "c-market"
merchant  = "acme"
warehouse = "main"
timezone  = "America/New_York"
reference = "MK{number}"

[store]
platform      = "market"
url           = "URL"
refresh_token = { secret = "market-token" }

[channels.sales_orders]
import = []
[channels.shipments]
export = []
[channels.inventory]
smart = []
"""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    refresh_token: SecretRef

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(allow_private=True)


def address(settings: Settings, state: str) -> str:
    return f"{settings.url}/authorize?{urlencode({'state': state, 'client_id': CLIENT[0]})}"


async def _asked(settings: Settings, host: Host, form: dict[str, str]) -> Grant:
    async with host.http.client(settings.url, settings=settings.http) as http:
        return await ask_for_token(
            http, "/token", form, app=CLIENT[0], headers=basic(CLIENT[0], Secret(CLIENT[1]))
        )


async def exchange(settings: Settings, host: Host, code: str) -> Grant:
    return await _asked(settings, host, {"grant_type": "authorization_code", "code": code})


class MarketStore(StoreSession):
    """Reads the resource where a session of the office's shop would test, or list its orders."""

    def __init__(self, store: FakeStore, settings: Settings, host: Host) -> None:
        super().__init__(store)
        self._settings = settings
        self._host = host

    async def test(self, *, write: bool) -> Sequence[Finding]:
        refused = ""
        async with self._host.http.client(self._settings.url, settings=self._settings.http) as http:
            for _ in range(2):
                token = await self._token(refused)
                try:
                    await http.request(
                        "GET", "/orders", applied="safe", headers={"authorization": f"Bearer {token}"}
                    )
                except AuthFailed:
                    refused = token
                else:
                    return [Finding(name="orders", ok=True, detail="readable")]
        raise AuthFailed("the market refused a fresh token")

    async def _token(self, refused: str = "") -> str:
        ref = self._settings.refresh_token
        return await self._host.access_token(self._fetch, secrets=[ref], refused=refused)

    async def _fetch(self) -> Grant:
        token = self._host.secret(self._settings.refresh_token).reveal()
        return await _asked(
            self._settings, self._host, {"grant_type": "refresh_token", "refresh_token": token}
        )


def plugin(store: FakeStore, *, rotates: bool) -> Plugin[Settings]:
    @asynccontextmanager
    async def opened(settings: Settings, host: Host) -> AsyncIterator[Store]:
        try:
            host.secret(settings.refresh_token)
        except Misconfigured as error:
            raise unconsented(settings.refresh_token, error) from error
        session = MarketStore(store, settings, host)
        await session.test(write=False)
        yield session

    return Plugin(
        name="market",
        title="Market",
        role=Role.STORE,
        provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY}),
        settings=Settings,
        account_key=lambda settings: "acme",
        open=opened,
        consent=Consent(
            address=address,
            exchange=exchange,
            keeps=lambda settings: settings.refresh_token,
            rotates=rotates,
        ),
    )


def set_up(office: Office, server: Authority) -> None:
    """A third connection, `market`, whose store is at the server."""
    made = plugin(office.stores["shop"], rotates=server.rotates)
    office.plugins["market"] = PluginStatus(name="market", origin="a test", plugin=made)
    office.write("market", CONNECTION.replace("URL", server.url))

"""A real daemon with fake platforms, its control API on a real socket, and a client of it."""

import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio

from dropstreamd.clock import SystemClock, utc
from dropstreamd.config.changes import Changes
from dropstreamd.config.load import load
from dropstreamd.config.secrets import SecretStore
from dropstreamd.control.consents import Consents
from dropstreamd.control.desk import Desk
from dropstreamd.control.events import Events
from dropstreamd.control.server import ControlServer
from dropstreamd.errors import ConfigError
from dropstreamd.model.ids import Ids
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import (
    Bad,
    Finding,
    Host,
    Locations,
    Part,
    Plugin,
    Role,
    Sample,
    Sink,
    StockPage,
    Store,
    Survey,
    Warehouse,
)
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.secrets import SecretRef
from dropstreamd.store.lmdb_store import LmdbStore, open_store
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.host import Accounts
from dropstreamd.telemetry import Metrics
from tests.fakes.points import Points
from tests.fakes.sessions import FakeStore, FakeWarehouse, StoreSession, WarehouseSession

START_S = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()

DAEMON = 'state_dir = "{state}"\n'
MERCHANT = """
[warehouses.main]
platform = "wms"
account  = "acme"
timezone = "America/Chicago"
quantity = "available"
token    = { secret = "wms-token" }
"""
CONNECTION = """
id        = "c-{name}"
merchant  = "acme"
warehouse = "main"
timezone  = "America/New_York"
reference = "{letter}{{number}}"

[store]
platform = "shop"
account  = "{name}"

[channels.sales_orders]
import = []  # by hand
[channels.shipments]
export = []
[channels.inventory]
smart = []

[shipping]
methods = {{ "Standard" = "GND" }}
"""

PARTS = frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY})


class SinceStart:
    """The machine's clock as if the test had begun at `START_S`; it can be read in any thread."""

    def __init__(self) -> None:
        self._machine = SystemClock()
        self._offset_s = START_S - self._machine.now_s()

    def now_s(self) -> float:
        return self._machine.now_s() + self._offset_s

    def step(self, seconds: float) -> None:
        """Set the clock, as a person would."""
        self._offset_s += seconds


class ShopSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account: str
    password: SecretRef | None = None


class WmsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account: str
    token: SecretRef | None = None


class Answers:
    """What one side answers to a test, a survey and a sample."""

    def __init__(self) -> None:
        self.test: Exception | Sequence[Finding] = (Finding(name="login", ok=True, detail="works"),)
        self.survey: Exception | Survey = Survey()
        self.sample: Exception | Sample = Sample(kind="nothing")
        self.hangs = False
        self.writes: list[bool] = []

    async def tested(self, *, write: bool) -> Sequence[Finding]:
        self.writes.append(write)
        if self.hangs:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        if isinstance(self.test, Exception):
            raise self.test
        return self.test

    async def surveyed(self) -> Survey:
        await trio.lowlevel.checkpoint()
        if isinstance(self.survey, Exception):
            raise self.survey
        return self.survey


class AskedStore(StoreSession):
    def __init__(self, store: FakeStore, answers: Answers) -> None:
        super().__init__(store)
        self._answers = answers

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return await self._answers.tested(write=write)

    async def survey(self) -> Survey:
        return await self._answers.surveyed()


class AskedWarehouse(WarehouseSession):
    def __init__(self, warehouse: FakeWarehouse, answers: Answers, gate: trio.Event) -> None:
        super().__init__(warehouse)
        self._answers = answers
        taken: Sink[OutboundOrder] = warehouse.taken
        self.orders = Gated(taken, gate)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return await self._answers.tested(write=write)

    async def survey(self) -> Survey:
        return await self._answers.surveyed()

    def sample(self, name: str, content: bytes) -> Sample:
        if isinstance(self._answers.sample, Exception):
            raise self._answers.sample
        return self._answers.sample


class Gated:
    """A sink of orders that waits before each push, so that a run can be seen running."""

    def __init__(self, inner: Sink[OutboundOrder], gate: trio.Event) -> None:
        self._inner = inner
        self._gate = gate
        self.writes = inner.writes
        self.prepare = inner.prepare
        self.recover = inner.recover

    async def push(self, *args: Any) -> Any:
        await self._gate.wait()
        return await self._inner.push(*args)


class Office:
    """Everything, with two connections of one warehouse account: `shop` and `ebay`."""

    def __init__(self, folder: Path, parts: frozenset[Part] = PARTS) -> None:
        self.folder = folder
        self.parts = parts
        self.conf = folder / "conf"
        self.socket = folder / "control.sock"
        self.clock = SinceStart()
        points = Points()
        self.warehouse = FakeWarehouse(self.clock, points)
        self.stores = {name: FakeStore(self.clock, points) for name in ("shop", "ebay")}
        self.store_answers = Answers()
        self.warehouse_answers = Answers()
        self.gate = trio.Event()
        self.gate.set()
        self.metrics = Metrics(now_s=self.clock.now_s, version="test")
        self.events = Events()
        self.reloads = 0
        self.offers = parts
        self.amends: frozenset[Part] = frozenset()
        self.cancels: frozenset[Part] = frozenset()
        self.states = [f"state-{number}" for number in range(99, 0, -1)]
        self.locations: Locations | None = None
        self._files = count(1)
        for name in ("connections.d", "merchants.d"):
            (self.conf / name).mkdir(parents=True)
        (self.conf / "dropstreamd.toml").write_text(DAEMON.format(state=folder / "state"))
        (self.conf / "merchants.d" / "acme.toml").write_text(MERCHANT)
        for name, letter in (("shop", "SH"), ("ebay", "EB")):
            self.write(name, CONNECTION.format(name=name, letter=letter))
        self.plugins: dict[str, PluginStatus] = {}
        self.install()
        self.plugins["torn"] = PluginStatus(
            name="torn", origin="a folder", problem="it cannot be imported", remedy="install it"
        )

    def install(self) -> None:
        """Have the platforms as they are now: of a warehouse, with what it `offers`, `amends`, `cancels`.
        A reload, and a restart of the connections, make the daemon see it."""
        for each in (self._shop(), self._wms()):
            self.plugins[each.name] = PluginStatus(name=each.name, origin="a test", plugin=each)

    def report(self, stock: Mapping[str, int]) -> None:
        """The warehouse writes a snapshot of now."""
        rows = tuple(StockRow(sku=sku, quantity=quantity) for sku, quantity in stock.items())
        name = f"stock-{next(self._files):04d}"
        as_of = utc(self.clock.now_s())
        self.warehouse.stock.put(name, StockPage(snapshot=name, as_of=as_of, rows=rows, last=True))

    def ship(self, *packages: Package | Bad) -> None:
        """The warehouse writes a file of packages."""
        self.warehouse.packages.put(f"shp-{next(self._files):04d}", *packages)

    def write(self, name: str, text: str) -> Path:
        path = self.conf / "connections.d" / f"{name}.toml"
        path.write_text(text)
        return path

    def _shop(self) -> Plugin[ShopSettings]:
        @asynccontextmanager
        async def opened(settings: ShopSettings, host: Host) -> AsyncIterator[Store]:
            yield AskedStore(self.stores[settings.account], self.store_answers)

        return Plugin(
            name="shop",
            title="Shop",
            role=Role.STORE,
            provides=self.parts,
            settings=ShopSettings,
            account_key=lambda settings: settings.account,
            open=opened,
            locations=lambda _settings: self.locations,
        )

    def _wms(self) -> Plugin[WmsSettings]:
        @asynccontextmanager
        async def opened(settings: WmsSettings, host: Host) -> AsyncIterator[Warehouse]:
            yield AskedWarehouse(self.warehouse, self.warehouse_answers, self.gate)

        return Plugin(
            name="wms",
            title="Wms",
            role=Role.WAREHOUSE,
            provides=self.offers,
            amends=lambda _settings: self.amends,
            cancels=lambda _settings: self.cancels,
            routes=lambda _settings: True,
            settings=WmsSettings,
            account_key=lambda settings: settings.account,
            open=opened,
        )

    def begin(self, state: LmdbStore) -> Desk:
        """A daemon on this state, and the desk before it."""
        rng = random.Random(7)
        self.state = state
        self.secrets = SecretStore(self.folder / "state", None)
        self.daemon = Daemon(
            loaded=load(self.conf, self.plugins),
            state=state,
            clock=self.clock,
            ids=Ids(self.clock, rng),
            rng=rng,
            accounts=Accounts(
                plugins=self.plugins,
                clock=self.clock,
                read_secret=self.secrets.read,
                write_secret=self.secrets.put,
                observer=self.metrics,
                rng=rng,
                state=state,
            ),
            listener=self.events,
        )
        return Desk(
            daemon=self.daemon,
            environment=state.environment,
            conf_dir=self.conf,
            secrets=self.secrets,
            events=self.events,
            reload=self.reload,
            consents=Consents(self.states.pop),
            version="1.2.3",
        )

    async def reload(self) -> Changes:
        self.install()
        loaded = load(self.conf, self.plugins)
        if loaded.problems:
            raise ConfigError(list(loaded.problems))
        self.reloads += 1
        return await self.daemon.take_over(loaded, 5.0)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path fits a socket's address."""
    with tempfile.TemporaryDirectory(prefix="ds-") as name:
        yield Path(name)


@asynccontextmanager
async def at_work(office: Office) -> AsyncIterator[Office]:
    """Its daemon runs and its socket is open; leaving is as sudden as a crash."""
    with open_store(office.folder / "state", limit_bytes=1 << 28) as state:
        desk = office.begin(state)
        async with trio.open_nursery() as outer:
            await outer.start(state.run)
            async with trio.open_nursery() as nursery:
                await nursery.start(office.daemon.run)
                server = ControlServer(desk, office.socket, 0o660, None)
                await nursery.start(server.run)
                yield office
                nursery.cancel_scope.cancel()
            outer.cancel_scope.cancel()


@asynccontextmanager
async def open_office(parts: frozenset[Part] = PARTS) -> AsyncIterator[Office]:
    """An office at work, whose two platforms offer these parts."""
    with short_folder() as folder:
        async with at_work(Office(folder, parts)) as office:
            yield office


class Client:
    """An operator's client."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        return await self.http.request(method, f"/v1{path}", content=content)

    async def get(self, path: str) -> Any:
        return await self.ask("GET", path)

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """What was answered; anything but success fails."""
        answer = await self.call(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int, str, Any]:
        """Status, kind and the whole of a refusal."""
        answer = await self.call(method, path, body)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        told = answer.json()
        assert told["status"] == answer.status_code
        return answer.status_code, told["kind"], told

    async def run(self, job: str, connection: str = "shop", **given: object) -> Any:
        """Run a job to its end."""
        channel, _, name = job.partition(".")
        path = f"/connections/{connection}/channels/{channel}/jobs/{name}/run"
        asked = await self.ask("POST", path, given)
        async with self.http.stream("GET", f"/v1/events?run={asked['run']}", timeout=20) as stream:
            events = [line async for line in stream.aiter_lines() if line.startswith("data: ")]
        ended = msgspec.json.decode(events[-1].removeprefix("data: "))
        assert ended["type"] == "ended", ended
        return ended["run"]

    async def enable(self, connection: str = "shop", *channels: str) -> None:
        await self.ask("POST", f"/connections/{connection}/enable", {})
        for channel in channels or ("sales_orders", "shipments", "inventory"):
            await self.ask("POST", f"/connections/{connection}/enable", {"channel": channel})


@asynccontextmanager
async def open_client(office: Office) -> AsyncIterator[Client]:
    transport = httpx.AsyncHTTPTransport(uds=str(office.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://daemon", timeout=20) as http:
        yield Client(http)


class Ear:
    """A raw client that listens to a stream of events, and may go away at any time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._heard = b""

    async def until(self, words: str) -> str:
        """All that was heard up to now, once these words were."""
        while words.encode() not in self._heard:
            more = await self._stream.receive_some()
            assert more, f"the stream ended without {words!r}: {self._heard!r}"
            self._heard += more
        return self._heard.decode()


@asynccontextmanager
async def listening_to(office: Office, path: str) -> AsyncIterator[Ear]:
    async with await trio.open_unix_socket(str(office.socket)) as stream:
        await stream.send_all(f"GET /v1{path} HTTP/1.1\r\nHost: daemon\r\n\r\n".encode())
        yield Ear(stream)


def bad(key: str, reason: str = "it is torn") -> Bad:
    return Bad(key=key, place=f"order {key}", reason=reason, raw=b"{")

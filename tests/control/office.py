"""A real daemon with fake platforms, its control API on a real socket, and a client of it."""

import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
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
from dropstreamd.model.shipments import Package
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Bad, Locations, Part, StockPage
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.store.lmdb_store import LmdbStore, open_store
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.host import Accounts
from dropstreamd.telemetry import Metrics
from tests.control.conf_files import CONNECTION, DAEMON, MERCHANT
from tests.control.platforms import Answers, shop, wms
from tests.counterparts.plain import no_tls
from tests.fakes.points import Points
from tests.fakes.sessions import FakeStore, FakeWarehouse

START_S = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()

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
        self.needs: frozenset[str] = frozenset()
        self.untold: dict[str, str] = {}
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
        for each in (shop(self), wms(self)):
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
    transport = httpx.AsyncHTTPTransport(uds=str(office.socket), verify=no_tls())
    async with httpx.AsyncClient(transport=transport, base_url="http://daemon", timeout=20) as http:
        yield Client(http)


def bad(key: str, reason: str = "it is torn") -> Bad:
    return Bad(key=key, place=f"order {key}", reason=reason, raw=b"{")

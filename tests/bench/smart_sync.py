"""A Smart Sync beside its floor: `python -m tests.bench.smart_sync [SKUS [CHANGED]]`.

One CSV snapshot on an SFTP server in a process of its own; the real plugin, feed, ledger and LMDB; a
store that takes every level at once. Prints CPU as a ratio to the floor, peak memory, and the longest
time that one task held the event loop. Everything is measured several times in one run, the two sides
in turn, and the least of each counts: other work on the machine only ever adds.
"""

import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import trio

from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.settings import Inventory, InventoryColumns, Settings
from dropstreamd.channels import inventory
from dropstreamd.channels.run import Run, Scope
from dropstreamd.clock import SystemClock
from dropstreamd.config.schema import Connection, StoreAccount, WarehouseAccount
from dropstreamd.model.handover import Accepted, Item, Outcome, Preparation, Prepared, Stamp, Writes
from dropstreamd.model.ids import Ids
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Record, Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.store.lmdb_store import open_store
from dropstreamd.supervisor.feed import WarehouseFeed
from dropstreamd.supervisor.host import Accounts
from dropstreamd.telemetry import Metrics
from tests.bench import floor
from tests.sim.plugins import QuietSettings, QuietStore

ROUNDS = 5


class Steps(trio.abc.Instrument):
    """The longest time between two moments at which the loop could turn to another task."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._began_s: float | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began_s = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self._began_s is not None:
            self.longest_s = max(self.longest_s, time.perf_counter() - self._began_s)


class TakesEverything:
    """A store's inventory in memory."""

    writes = Writes(repeat="key", batch=100)

    def __init__(self) -> None:
        self.pushed = 0

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        payload = b"\n".join(b"%s %d" % (item.key.encode(), item.document.available) for item in items)
        keys = tuple(item.key for item in items)
        return Preparation(prepared=(Prepared(name=stamp.attempt, keys=keys, payload=payload),))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        await trio.lowlevel.checkpoint()
        self.pushed += len(prepared.keys)
        return [Accepted(key=key) for key in prepared.keys]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        raise AssertionError("levels are not recovered")


class BenchStore(QuietStore):
    def __init__(self, sink: TakesEverything) -> None:
        self.inventory = sink


def write_snapshot(path: Path, skus: int, changed: int, version: int) -> None:
    step = max(1, skus // changed)
    with path.open("w", newline="") as file:
        for number in range(skus):
            quantity = (number * 7919) % 1000 + (version if number % step == 0 else 0)
            file.write(f'"SKU-{number:07d}","{quantity}"\n')


async def measure(folder: Path, skus: int, changed: int) -> None:
    """Measure in this process; the SFTP server and the floor have processes of their own."""
    password = Secret("bench")
    root = folder / "sftp"
    for name in ("in", "out"):
        (root / name).mkdir(parents=True, exist_ok=True)
    server = await trio.lowlevel.open_process(
        [sys.executable, "-m", "tests.bench.server", str(root)], stdout=subprocess.PIPE
    )
    if server.stdout is None:
        raise AssertionError("the server was started with a pipe")
    told = (await server.stdout.receive_some(1000)).decode().split(" ", 1)
    url, host_key = told[0], told[1].strip()
    clock, sink = SystemClock(), TakesEverything()
    rng = random.Random(1)
    metrics = Metrics(now_s=clock.now_s, version="bench")
    settings = Settings(
        url=url,
        host_key=host_key,
        password=SecretRef(secret="bench"),
        settle_s=0.05,
        inventory=Inventory(header=False, columns=InventoryColumns(sku=1, quantity=2)),
    )
    account = WarehouseAccount(
        merchant="acme",
        name="main",
        platform="file-exchange",
        settings=settings,
        account_key="bench",
        timezone=ZoneInfo("UTC"),
        quantity="available",
    )
    connection = Connection(
        id="c-bench",
        name="bench",
        merchant="acme",
        warehouse="main",
        timezone=ZoneInfo("UTC"),
        reference="{number}",
        store=StoreAccount(platform="bench", settings=QuietSettings(name="s"), account_key="s"),
        schedules={},
    )

    @asynccontextmanager
    async def open_bench(_priority: Priority) -> AsyncIterator[Store]:
        yield BenchStore(sink)

    for version in range(ROUNDS + 1):
        write_snapshot(folder / f"snapshot-{version}.csv", skus, changed, version)

    async def publish(version: int) -> Path:
        path = folder / f"snapshot-{version}.csv"
        target = root / "out" / f"inv_{version}.csv"
        await trio.to_thread.run_sync(shutil.copyfile, path, target)
        return path

    with open_store(folder / "state") as state:
        accounts = Accounts(
            plugins={"file-exchange": PluginStatus(name="file-exchange", origin="here", plugin=PLUGIN)},
            clock=clock,
            read_secret=lambda _ref: password,
            write_secret=lambda _name, _value: None,
            observer=metrics,
            rng=rng,
            state=state,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(state.run)
            scopes: dict[str, Scope] = {}
            feed = WarehouseFeed(
                settings=account,
                scopes=scopes,
                open_session=lambda: accounts.open_warehouse(account, Priority.ORDERS),
                state=state,
                clock=clock,
                ids=Ids(clock, rng),
            )
            scopes[connection.id] = Scope(
                connection=connection,
                account=account,
                siblings=(connection,),
                open_store=open_bench,
                feed=feed,
                pulling=trio.Lock(),
                store_offers=frozenset(),
                warehouse_offers=frozenset(),
                store_amends=frozenset(),
                warehouse_amends=frozenset(),
                warehouse_cancels=frozenset(),
                state=state,
                clock=clock,
                ids=Ids(clock, rng),
            )

            async def sync(number: int) -> tuple[float, dict[str, int]]:
                run = Run(scopes[connection.id], run_id=f"bench-{number}")
                began_s = time.process_time()
                await inventory.smart(run)
                return time.process_time() - began_s, dict(run.counts)

            before = await publish(0)
            await sync(0)
            ours, floors, held_s = [], [], 0.0
            for number in range(1, ROUNDS + 1):
                floor_state = folder / f"floor-{number}"
                await trio.to_thread.run_sync(floor.prepare, before, floor_state)
                before = await publish(number)
                floors.append(await floor_of(before, floor_state))
                steps = Steps()
                trio.lowlevel.add_instrument(steps)
                cpu_s, counts = await sync(number)
                trio.lowlevel.remove_instrument(steps)
                held_s = max(held_s, steps.longest_s)
                if counts.get("pushed") != min(changed, skus):
                    raise AssertionError(f"{counts} instead of {changed} pushed")
                ours.append(cpu_s)
            nursery.cancel_scope.cancel()
    server.terminate()
    await server.wait()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{skus} SKUs, {changed} changed, {ROUNDS} rounds\n"
        f"CPU of the floor        {min(floors):8.3f} s\n"
        f"CPU of a Smart Sync     {min(ours):8.3f} s\n"
        f"ratio                   {min(ours) / min(floors):8.2f}   (at most 5)\n"
        f"peak memory             {peak_mb:8.0f} MB (at most 200)\n"
        f"loop held at most       {held_s * 1000:8.1f} ms (at most 50)\n"
    )


async def floor_of(snapshot: Path, state: Path) -> float:
    done = await trio.run_process(
        [sys.executable, "-m", "tests.bench.floor", str(snapshot), str(state)], capture_stdout=True
    )
    return float(done.stdout)


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as name:
        skus, changed, *_ = [*numbers, *[100_000, 1_000][len(numbers) :]]
        trio.run(measure, Path(name), skus, changed)

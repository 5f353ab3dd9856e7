"""`dropstreamd demo`: the daemon between a sandbox shop and a sandbox warehouse, on this machine alone.

The daemon is the ordinary one, in a process of its own, with the ordinary plugins; it is driven by
`dropstreamctl`, whose commands and answers are shown. Everything is in a temporary folder, which goes
at the end.
"""

import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

import trio

from dropstreamd.clock import SystemClock
from dropstreamd.errors import DropstreamError, Misconfigured
from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.sftp_server import SftpAccount, serve_sftp
from dropstreamd.sandbox.shop import SandboxShop
from dropstreamd.sandbox.store import USER, SandboxStore, serve_store
from dropstreamd.sandbox.warehouse import SandboxWarehouse

PRODUCTS = 60
OLDER, NEW = 3, 12
READY_S = 30.0
END_S = 60.0
"""How long the daemon may take to end, in seconds."""
CONNECTION = "demo-shop"
WHOLE_SECOND_S = 1.1
"""SFTP tells a file's time in whole seconds, and a snapshot counts only what left before its time."""

CTL = "import sys; from dropstreamd.control.client import main; sys.exit(main())"
"""What the console script `dropstreamctl` does."""


def run(out: TextIO, *, stay: bool = False) -> int:
    """Show it; 0 if every order, shipment and level ended where it should, else 1. With `stay` all of it runs
    on afterwards, until Ctrl-C."""
    status = 0
    with tempfile.TemporaryDirectory(prefix="dropstreamd-demo-") as folder:
        try:
            trio.run(_demo, Path(folder), out, stay)
        except* DropstreamError as failed:
            status = 1
            for error in _single(failed):
                out.write(f"\nThe demo failed: {error}\n")
    return status


def _single(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _single(error)
        else:
            yield error


async def _demo(folder: Path, out: TextIO, stay: bool) -> None:
    password = Secret(secrets.token_urlsafe(16))
    clock = SystemClock()
    stock = {f"TEE-{number:02d}": 20 + number for number in range(1, PRODUCTS + 1)}
    shop = SandboxShop(clock, dict.fromkeys(stock, 1000))
    warehouse = SandboxWarehouse(folder / "warehouse", clock, stock)
    async with (
        serve_store(SandboxStore(shop, password)) as store_url,
        serve_sftp(folder / "warehouse", user=USER, password=password) as sftp,
    ):
        _configure(folder, store_url, sftp, password)
        out.write(
            f"A shop with {PRODUCTS} products at {store_url}\n"
            f"A warehouse behind SFTP at {sftp.url}\n"
            f"Its configuration, state and secrets are in {folder} until the end.\n"
        )
        async with _daemon(folder):
            await Demo(folder, out, shop, warehouse).play()
            out.write("\nEvery order, package and level is where it belongs.\n")
            if stay:
                await keep(folder / "control.sock", next(iter(shop.orders.values())).code, out)
    out.write("The daemon has stopped, and nothing of this is left.\n")


async def keep(socket: Path, order: str, out: TextIO) -> None:
    """Say what may be tried, and wait for Ctrl-C. `order` is the code of one that is held as too old."""
    ctl = f"{Path(sys.executable).with_name('dropstreamctl')} --socket {socket}"
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        out.write(
            f"\nShop, warehouse and daemon run on until Ctrl-C; the daemon's socket is {socket}\n"
            "To try, in another terminal:\n"
            f"  {ctl} status\n"
            f"  {ctl} run {CONNECTION} sales_orders --since 2020-01-01 --wait  # sends older orders\n"
            f"  {ctl} order {CONNECTION} {order}  # one of them, step by step\n"
        )
        out.flush()
        async for _ in signals:
            return


def _configure(folder: Path, store_url: str, sftp: SftpAccount, password: Secret) -> None:
    """Write what a person would."""
    conf, state = folder / "conf", folder / "state"
    for name in ("merchants.d", "connections.d"):
        (conf / name).mkdir(parents=True)
    state.mkdir(mode=0o700)
    (state / "secrets").mkdir(mode=0o700)
    for name in ("demo-shop", "demo-warehouse"):
        secret = state / "secrets" / name
        secret.touch(mode=0o600)
        secret.write_text(password.reveal())
    (conf / "dropstreamd.toml").write_text(
        f'state_dir = "{state}"\nstate_limit = "1GiB"\nsocket = "{folder}/control.sock"\nmetrics = false\n'
    )
    (conf / "merchants.d" / "demo.toml").write_text(f"""\
[warehouses.main]
platform = "file-exchange"
url      = "{sftp.url}"
password = {{ secret = "demo-warehouse" }}
host_key = "{sftp.host_key}"
timezone = "UTC"
quantity = "available"
settle_s = 0.1
""")
    (conf / "connections.d" / f"{CONNECTION}.toml").write_text(f"""\
id        = "c-demo"
merchant  = "demo"
warehouse = "main"
timezone  = "UTC"
reference = "D{{number}}"

[store]
platform = "vendure"
url      = "{store_url}"
username = "{USER}"
password = {{ secret = "demo-shop" }}
allow_private_address = true

[channels.sales_orders]
import = []
[channels.shipments]
export = []
[channels.inventory]
smart = []

[shipping]
methods = {{ "standard" = "UPS_GND" }}
""")


@asynccontextmanager
async def _daemon(folder: Path) -> AsyncIterator[None]:
    """The daemon, ready; told to stop at the end."""
    address = folder / "notify.sock"
    with (
        trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_DGRAM) as told,
        (folder / "log").open("wb") as log,
    ):
        await told.bind(str(address))
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "dropstreamd", "run", "--conf", str(folder / "conf")],
            stderr=log,
            env={"NOTIFY_SOCKET": str(address)},
        )
        try:
            with trio.move_on_after(READY_S) as waiting:
                while b"READY=1" not in await told.recv(4096):
                    pass
            if waiting.cancelled_caught:
                raise Misconfigured(f"the daemon did not get ready: {(folder / 'log').read_text()[-2000:]}")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_listen, told)
                yield
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                process.terminate()
                with trio.move_on_after(END_S):
                    await process.wait()
                process.kill()
                await process.wait()


async def _listen(told: trio.socket.SocketType) -> None:
    """Hear what the daemon tells of itself, as a service manager does: its messages would pile up."""
    while True:
        await told.recv(4096)


class Demo:
    """What happens, step by step."""

    def __init__(self, folder: Path, out: TextIO, shop: SandboxShop, warehouse: SandboxWarehouse) -> None:
        self._socket = folder / "control.sock"
        self._out = out
        self._shop = shop
        self._warehouse = warehouse

    async def play(self) -> None:
        await self._orders()
        await self._shipments()
        await self._inventory()

    async def _orders(self) -> None:
        self._say("Orders that are older than the connection are left to whoever had them before")
        for number in range(1, OLDER + 1):
            self._shop.buy({f"TEE-{number:02d}": 1})
        await trio.sleep(0.01)  # the next millisecond
        await self._ctl("enable", CONNECTION)
        for channel in ("sales_orders", "shipments", "inventory"):
            await self._ctl("enable", CONNECTION, channel)
        await self._ctl("run", CONNECTION, "sales_orders", "--wait")
        self._expect(self._warehouse.take_orders() == [], "an older order was sent")
        await self._ctl("backlog", CONNECTION)

        self._say(f"{NEW} new orders go to the warehouse, each once")
        placed = [self._shop.buy({f"TEE-{n:02d}": 2, f"TEE-{n + 20:02d}": 1}) for n in range(1, NEW + 1)]
        for _ in range(2):
            await self._ctl("run", CONNECTION, "sales_orders", "--wait")
        taken = self._warehouse.take_orders()
        arrived = sorted(order.reference for order in taken)
        self._expect(arrived == sorted(f"D{order.code}" for order in placed), f"orders arrived: {arrived}")
        self._out.write(f"The warehouse has {len(taken)} order files, as {taken[0].reference}, …\n")

    async def _shipments(self) -> None:
        self._say("It ships them; the shop learns of every package")
        self._warehouse.ship(self._warehouse.orders)
        await self._ctl("run", CONNECTION, "shipments", "--wait")
        sent = [order for order in self._shop.orders.values() if order.fulfillments]
        self._expect(
            len(sent) == NEW and all(order.state == "Shipped" for order in sent), "a package is missing"
        )
        await self._ctl("order", CONNECTION, sent[0].code)

    async def _inventory(self) -> None:
        self._say("A Full Sync: every level, whatever the shop showed before")
        await trio.sleep(WHOLE_SECOND_S)
        self._warehouse.report_stock()
        await self._ctl("run", CONNECTION, "inventory.full", "--wait")
        self._expect(self._shop.writes == PRODUCTS, f"{self._shop.writes} levels were pushed")
        self._compare()
        self._say("A Smart Sync, after 3 of them changed: the others are skipped")
        for sku in ("TEE-05", "TEE-30", "TEE-60"):
            self._warehouse.stock[sku] += 7
        self._warehouse.report_stock()
        await self._ctl("run", CONNECTION, "inventory.smart", "--wait")
        skipped = PRODUCTS - (self._shop.writes - PRODUCTS)
        self._expect(skipped == PRODUCTS - 3, f"{skipped} levels were skipped")
        self._out.write(f"3 levels were pushed, {skipped} were skipped.\n")
        self._compare()
        await self._ctl("sku", CONNECTION, "TEE-05")
        await self._ctl("status", CONNECTION)

    def _compare(self) -> None:
        self._expect(self._shop.buyable() == self._warehouse.stock, "the shop sells other levels")

    # ----

    def _say(self, text: str) -> None:
        self._out.write(f"\n\n== {text}\n")

    def _expect(self, held: bool, otherwise: str) -> None:
        if not held:
            raise Misconfigured(f"not what was expected: {otherwise}")

    async def _ctl(self, *command: str) -> None:
        """Run `dropstreamctl`, and show it."""
        self._out.write(f"\n$ dropstreamctl {' '.join(command)}\n")
        self._out.flush()
        done = await trio.run_process(
            [sys.executable, "-c", CTL, "--socket", str(self._socket), *command],
            stdin=subprocess.DEVNULL,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self._out.write(done.stdout.decode())
        self._out.flush()
        self._expect(done.returncode == 0, f"exit status {done.returncode}")

"""The sandbox shop and the sandbox warehouse, served on loopback beside the daemon: they need only Python.

They are the demo's own, here with faults: a shop that answers HTML, that hangs, or that has an order
which nobody can read.
"""

import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from dropstreamd import cli
from dropstreamd.clock import SystemClock
from dropstreamd.control import client
from dropstreamd.control.cli.terminal import Terminal
from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.demo import CTL
from dropstreamd.sandbox.sftp_server import SftpAccount, serve_sftp
from dropstreamd.sandbox.shop import Order, SandboxShop
from dropstreamd.sandbox.store import ADDRESS, USER, SandboxStore, serve_store
from dropstreamd.sandbox.warehouse import SandboxWarehouse
from tests.e2e.daemon import Daemon

STORE_PASSWORD = "store-pa55word-of-the-tests"
WAREHOUSE_PASSWORD = "warehouse-pa55word-of-the-tests"
PRIVATE = (
    STORE_PASSWORD,
    WAREHOUSE_PASSWORD,
    "buyer@example.com",
    "Demo Buyer",
    ADDRESS["streetLine1"],
    ADDRESS["city"],
    ADDRESS["postalCode"],
)
"""What must never stand in a log, an error or a metric."""

MAINTENANCE = "<!DOCTYPE html><html><body><h1>We'll be back soon!</h1></body></html>"
CTL_S = 120.0


class FaultyStore(SandboxStore):
    """The sandbox store's API with faults that a test turns on."""

    def __init__(self, shop: SandboxShop) -> None:
        super().__init__(shop, Secret(STORE_PASSWORD))
        self.html = False
        self.down = False
        self.spoiled = ""
        """The code of an order that is answered with a quantity that is none."""
        self.open = threading.Event()
        """While it is not set, every call hangs."""
        self.open.set()
        self.hanging = threading.Event()
        """Set once a call hangs."""

    async def answer(self, request: Request) -> Response:
        while not self.open.is_set():
            self.hanging.set()
            await trio.sleep(0.02)  # a process of its own waits for it: there is no virtual time between us
        if self.down:
            return JSONResponse({"message": "upstream is away"}, 503)
        if self.html:
            return HTMLResponse(MAINTENANCE)
        answered = await super().answer(request)
        code = self.spoiled.encode()
        if not code or code not in bytes(answered.body):
            return answered
        content = msgspec.json.decode(bytes(answered.body))
        for order in content["data"].get("orders", {}).get("items", ()):
            if order["code"] == self.spoiled:
                order["lines"][0]["quantity"] = "two"
        return JSONResponse(content, answered.status_code)


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All of it, in one line: what a person reads, however wide their terminal is."""
        return " ".join(f"{self.out} {self.err}".split())


class Sandbox:
    """A shop, a warehouse and how to reach them. `new_connection` writes what a person would."""

    def __init__(self, root: Path, store: FaultyStore, store_url: str, sftp: SftpAccount) -> None:
        self.store = store
        self.shop = store.shop
        self.store_url = store_url
        self.sftp = sftp
        self.out = root / "out"
        self.inbox = root / "in"
        self.warehouse = SandboxWarehouse(root, SystemClock(), {})

    def add_warehouse(self, daemon: Daemon, name: str = "acme", more: str = "", **other: str) -> None:
        """The merchant of that name; `other` are settings to have otherwise, as TOML."""
        daemon.secret("wms", WAREHOUSE_PASSWORD)
        settings = {
            "platform": '"file-exchange"',
            "url": f'"{self.sftp.url}"',
            "password": '{ secret = "wms" }',
            "host_key": f'"{self.sftp.host_key}"',
            "timezone": '"UTC"',
            "quantity": '"available"',
            "settle_s": "0.05",
            **other,
        }
        daemon.write(f"merchants.d/{name}.toml", f"[warehouses.main]\n{_toml(settings)}{more}")

    def add_store(
        self, daemon: Daemon, name: str = "shop", merchant: str = "acme", more: str = "", **other: str
    ) -> None:
        """A connection of that name between the shop and the merchant's warehouse."""
        daemon.secret("shop", STORE_PASSWORD)
        settings = {
            "platform": '"vendure"',
            "url": f'"{self.store_url}"',
            "username": f'"{USER}"',
            "password": '{ secret = "shop" }',
            "channel": f'"{name}"',
            "allow_private_address": "true",
            **other,
        }
        daemon.write(
            f"connections.d/{name}.toml",
            f"""\
# The connection {name}, by hand.
id        = "c-{name}"
merchant  = "{merchant}"
warehouse = "main"
timezone  = "UTC"
reference = "{name.upper()[:1]}{{number}}"

[store]
{_toml(settings)}
[channels.sales_orders]
import = []   # only when asked
[channels.shipments]
export = []
[channels.inventory]
smart = []

[shipping]
methods  = {{ "standard" = "UPS_GND" }}
carriers = {{ "UPS" = "UPS" }}
{more}""",
        )

    # ---- what happens there

    def buy(self, *many: dict[str, int]) -> list[Order]:
        return [self.shop.buy(units) for units in many or ({"TEE": 1},)]

    def arrived(self) -> Counter[str]:
        """How often each order number stands in a file that the warehouse was left, taken or not."""
        self.warehouse.take_orders()
        return Counter(order.reference for order in self.warehouse.orders)

    def leave(self, name: str, content: str) -> None:
        """A file of the warehouse, whole at once."""
        part = self.out / f".{name}.part"
        part.write_bytes(content.encode())
        part.rename(self.out / name)

    def tracking(self, order: Order) -> list[str]:
        """What the shop knows as shipped of an order."""
        return sorted(each.tracking for each in order.fulfillments if each.state == "Shipped")


SHIPMENT_HEADER = (
    "order_number,shipment_id,package_id,line_number,sku,quantity,carrier,service,tracking_number,ship_date\n"
)


def shipment(reference: str, tracking: str, sku: str = "TEE", quantity: object = 1) -> str:
    """A row of a shipment file."""
    return f"{reference},S-{tracking},1,,{sku},{quantity},UPS,Ground,{tracking},2026-11-20\n"


def _toml(settings: dict[str, str]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in settings.items())


# ---- the two commands that a person uses, in this process, as each costs a second in one of its own


def ctl(daemon: Daemon, *command: str, stdin: str = "") -> Ran:
    """`dropstreamctl`, with pipes in place of a terminal."""
    argv = ["--socket", str(daemon.socket), *command]

    def run() -> int:
        terminal = Terminal(io.TextIOWrapper(io.BytesIO(stdin.encode())), sys.stdout, sys.stderr, os.environ)
        return client.run(argv, terminal, os.environ)

    return _ran(["dropstreamctl", *command], run)


def check(daemon: Daemon) -> Ran:
    """`dropstreamd check`."""
    command = ["check", "--conf", str(daemon.conf)]
    return _ran(["dropstreamd", *command], partial(cli.main, command))


def program(daemon: Daemon, *command: str) -> Ran:
    """`dropstreamctl` as a process of its own."""
    return _process([sys.executable, "-c", CTL, "--socket", str(daemon.socket), *command])


def run_daemon(conf: Path) -> Ran:
    """`dropstreamd run` with a configuration of its own, where it must end by itself."""
    return _process([sys.executable, "-m", "dropstreamd", "run", "--conf", str(conf)])


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until it holds, which it must within a minute: other processes do the work."""
    deadline_s = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def _ran(command: list[str], run: Callable[[], int]) -> Ran:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            status = run()
        except SystemExit as refused:  # the parser has said why
            status = int(refused.code or 0)
    return _shown(command, Ran(status=status, out=out.getvalue(), err=err.getvalue()))


def _process(command: list[str]) -> Ran:
    done = subprocess.run(command, input=b"", capture_output=True, timeout=CTL_S, check=False)
    return _shown(command, Ran(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode()))


def _shown(command: list[str], ran: Ran) -> Ran:
    """Where the test failed."""
    print(f"$ {' '.join(command)}\n{ran.out}{ran.err}[{ran.status}]")
    return ran


def log_lines(daemon: Daemon) -> list[dict[str, Any]]:
    """Every line of the log: each is JSON."""
    return [json.loads(line) for line in daemon.log.read_text().splitlines()]


# ---- serving


@contextmanager
def serve_sandbox(root: Path, products: dict[str, int]) -> Iterator[Sandbox]:
    """A shop that sells so many units by SKU, and an empty warehouse, until the block ends."""
    store = FaultyStore(SandboxShop(SystemClock(), products))
    ready: queue.Queue[tuple[str, SftpAccount] | BaseException] = queue.Queue()
    ended = threading.Event()

    async def serve() -> None:
        for folder in ("in", "out"):
            (root / folder).mkdir(parents=True)
        async with (
            serve_store(store) as url,
            serve_sftp(root, user="wms", password=Secret(WAREHOUSE_PASSWORD)) as sftp,
        ):
            ready.put((url, sftp))
            await trio.to_thread.run_sync(ended.wait)

    def work() -> None:
        try:
            trio.run(serve)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            ready.put(error)

    thread = threading.Thread(target=work, name="sandbox")
    thread.start()
    try:
        told = ready.get(timeout=30)
        if isinstance(told, BaseException):
            raise told
        yield Sandbox(root, store, *told)
    finally:
        store.open.set()
        ended.set()
        thread.join()

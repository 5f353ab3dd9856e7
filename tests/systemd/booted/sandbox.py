"""A shop and a warehouse on loopback: a file `buy*` in the folder places an order; what arrives is noted."""

import sys
from pathlib import Path

import trio

from dropstreamd.clock import SystemClock
from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.sftp_server import serve_sftp
from dropstreamd.sandbox.shop import SandboxShop
from dropstreamd.sandbox.store import USER, SandboxStore, serve_store
from dropstreamd.sandbox.warehouse import SandboxWarehouse


async def main(folder: Path, password: Secret) -> None:
    clock = SystemClock()
    shop = SandboxShop(clock, {"TEE": 1_000})
    warehouse = SandboxWarehouse(folder / "warehouse", clock, {"TEE": 1_000})
    async with (
        serve_store(SandboxStore(shop, password)) as store,
        serve_sftp(folder / "warehouse", user=USER, password=password) as sftp,
    ):
        (folder / "account").write_text(f"{store}\n{sftp.url}\n{sftp.host_key}\n{USER}\n")
        while True:
            step(folder, shop, warehouse)
            await trio.sleep(0.05)


def step(folder: Path, shop: SandboxShop, warehouse: SandboxWarehouse) -> None:
    for path in folder.glob("buy*"):
        path.unlink()
        shop.buy({"TEE": 1})
    warehouse.take_orders()
    part = folder / "arrived.new"
    part.write_text("".join(f"{order.reference}\n" for order in warehouse.orders))
    part.rename(folder / "arrived")


trio.run(main, Path(sys.argv[1]), Secret(sys.argv[2]))

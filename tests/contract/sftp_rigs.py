"""Rigs for warehouses that exchange files: over the sandbox's SFTP server, and over OpenSSH's."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from dropstreamd.clock import utc
from dropstreamd.model.handover import Item
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.sftp_server import serve_sftp
from dropstreamd.testing import Effect, Rig
from tests.contract.benches import Names
from tests.counterparts.sshd import Account

BATCH = 2_000  # rows of one page
FIRST_MTIME_S = 1_795_000_000


class Folders:
    """The warehouse's own look at its folders."""

    def __init__(self, root: Path, owner: str | None) -> None:
        self.root = root
        self._owner = owner
        self._left = 0

    def leave(self, name: str, content: str) -> None:
        """Put a file into `out`, a second later than the one before."""
        self._left += 1
        path = self.root / "out" / name
        path.write_text(content)
        if self._owner is not None:
            shutil.chown(path, self._owner)
        at_s = FIRST_MTIME_S + self._left
        os.utime(path, (at_s, at_s))

    def next(self) -> int:
        return self._left + 1

    async def trace(self) -> dict[str, bytes]:
        """Every file, by its path."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }


class Packages:
    """Shipment files: a `SourceBench[Package]`."""

    many = BATCH + 1

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._names = Names("R{}")

    async def add(self, count: int) -> Sequence[str]:
        names = self._names.new(count)
        self._leave([f"S-{name},{name},A,2,T-{name}" for name in names])
        return names

    async def change(self, name: str) -> None:
        self._leave([f"S-{name},{name},A,2,CHANGED"])

    async def spoil(self) -> None:
        self._leave(["S-bad,R-bad,A,two,T-bad"])

    def name(self, document: Package) -> str:
        return document.reference

    def changed(self, document: Package) -> bool:
        return document.tracking_numbers == ("CHANGED",)

    def _leave(self, rows: Sequence[str]) -> None:
        header = "shipment_id,order_number,sku,quantity,tracking_number"
        text = "".join(f"{row}\n" for row in (header, *rows))
        self._folders.leave(f"shp_{self._folders.next():05}.csv", text)


class Stock:
    """Inventory files: a `StockBench`."""

    many = BATCH + 1

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    async def snapshot(self, units: Mapping[str, int]) -> None:
        self._leave([f"{sku},{count}" for sku, count in units.items()])

    async def spoiled(self, units: Mapping[str, int]) -> None:
        self._leave([*(f"{sku},{count}" for sku, count in units.items()), "BAD,many"])

    def _leave(self, rows: Sequence[str]) -> None:
        text = "".join(f"{row}\n" for row in ("sku,quantity", *rows))
        self._folders.leave(f"inv_{self._folders.next():05}.csv", text)


class OrderFiles:
    """The folder `in`: a `SinkBench[OutboundOrder]`."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._names = Names("SH{}")

    async def items(self, count: int) -> Sequence[Item[OutboundOrder]]:
        return [self._item(name) for name in self._names.new(count)]

    async def refused(self) -> Item[OutboundOrder]:
        return self._item("not a number")

    async def effects(self, item: Item[OutboundOrder]) -> Sequence[Effect]:
        found = [
            path.read_text() for path in (self._folders.root / "in").glob(f"ord_{item.document.reference}_*")
        ]
        rows = 1 + len(item.document.lines)
        return ["whole" if text.count("\n") == rows and text.endswith("\n") else "half" for text in found]

    def _item(self, reference: str) -> Item[OutboundOrder]:
        order = OutboundOrder(
            reference=reference,
            number=reference,
            placed_at=utc(1_795_000_000),
            ship_to=Address(name="Ada Example", line1="1 Test Street", city="Springfield", country="US"),
            ship_method="GROUND",
            lines=(
                OutboundLine(number=1, order_line="1", sku="A", quantity=2),
                OutboundLine(number=2, order_line="2", sku="B", quantity=1),
            ),
        )
        return Item(key=f"key-{reference}", document=order)


@asynccontextmanager
async def sandbox_sftp(tmp_path: Path) -> AsyncIterator[Rig[Any]]:
    """The sandbox's server, entered by password."""
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    password = "correct horse battery"
    async with serve_sftp(tmp_path, user="acme", password=Secret(password)) as served:

        def table(port: int) -> dict[str, object]:
            return {
                "url": f"sftp://acme@127.0.0.1:{port}/",
                "host_key": served.host_key,
                "password": {"secret": "acme"},
                "settle_s": 0,
            }

        folders = Folders(tmp_path, None)
        yield file_rig(folders, served.port, table, {"acme": password}, {"acme": "another password"})


@asynccontextmanager
async def openssh(account: Account) -> AsyncIterator[Rig[Any]]:
    """A real OpenSSH, entered by key."""

    def table(port: int) -> dict[str, object]:
        return {
            "url": f"sftp://{account.user}@127.0.0.1:{port}{account.folder}",
            "host_key": account.host_key,
            "key": {"secret": "acme-key"},
            "settle_s": 0,
        }

    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    folders = Folders(account.root, account.user)
    key = account.key.read_text()
    yield file_rig(folders, account.port, table, {"acme-key": key}, {"acme-key": other})


def file_rig(
    folders: Folders, port: int, table: Any, secrets: Mapping[str, str], wrong: Mapping[str, str]
) -> Rig[Any]:
    """The rig for a server on `port` whose account is `folders`."""
    benches = {
        Part.ORDERS: OrderFiles(folders),
        Part.SHIPMENTS: Packages(folders),
        Part.INVENTORY: Stock(folders),
    }
    return Rig(
        port=port,
        table=table,
        secrets=secrets,
        wrong_secrets=wrong,
        trace=folders.trace,
        benches=benches,
        now_s=FIRST_MTIME_S + 3600,
    )

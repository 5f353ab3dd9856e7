"""Rigs for warehouses that exchange X12 files: over the sandbox's SFTP server, and over OpenSSH's."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.purchases import NoticeLine, StockNotice
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.contract.benches import Names
from tests.contract.sftp_rigs import BATCH, Folders, OrderFiles, openssh, sandbox_sftp
from tests.counterparts.sshd import Account

FUNCTIONS = {"945": "SW", "846": "IB"}


def interchange(kind: str, number: int, sets: Sequence[Sequence[str]]) -> str:
    """A partner's file: one group of sets, each without its ST and SE."""
    rows = [f"GS*{FUNCTIONS[kind]}*WMS3PL*ACME*20261121*0930*{number}*X*004010"]
    for at, body in enumerate(sets, start=1):
        rows += [f"ST*{kind}*{at:04}", *body, f"SE*{len(body) + 2}*{at:04}"]
    rows += [f"GE*{len(sets)}*{number}", f"IEA*1*{number:09}"]
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'WMS3PL':15}*ZZ*{'ACME':15}*261121*0930*U*00401*{number:09}*0*P*>"
    return "~\n".join([isa, *rows, ""])


class Advices:
    """945: a `SourceBench[Package]`."""

    many = BATCH // 5

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._names = Names("R{}")

    async def add(self, count: int) -> Sequence[str]:
        names = self._names.new(count)
        self._leave([_advice(name, "2", f"T-{name}") for name in names])
        return names

    async def change(self, name: str) -> None:
        self._leave([_advice(name, "2", "CHANGED")])

    async def spoil(self) -> None:
        self._leave([_advice("R-bad", "two", "T-bad")])

    def name(self, document: Package) -> str:
        return document.reference

    def changed(self, document: Package) -> bool:
        return document.tracking_numbers == ("CHANGED",)

    def _leave(self, sets: Sequence[Sequence[str]]) -> None:
        number = self._folders.next()
        self._folders.leave(f"945_{number:05}.edi", interchange("945", number, sets))


def _advice(name: str, units: str, tracking: str) -> list[str]:
    head = [f"W06*F*{name}*20261121*S-{name}", "N1*WH*W"]
    return [*head, "LX*1", f"MAN*GM*BOX-{name}**CP*{tracking}", f"W12*CC*2*{units}**EA**VN*A", "W03*2"]


class Advised:
    """846: a `StockBench`."""

    many = BATCH + 1

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    async def snapshot(self, units: Mapping[str, int]) -> None:
        self._leave({sku: str(count) for sku, count in units.items()})

    async def spoiled(self, units: Mapping[str, int]) -> None:
        self._leave({**{sku: str(count) for sku, count in units.items()}, "BAD": "many"})

    def _leave(self, units: Mapping[str, str]) -> None:
        rows = [row for sku, count in units.items() for row in (f"LIN**VN*{sku}", f"QTY*33*{count}*EA")]
        number = self._folders.next()
        body = ["BIA*00*SI*1*20261121", *rows]
        self._folders.leave(f"846_{number:05}.edi", interchange("846", number, [body]))


class ShippingOrders(OrderFiles):
    """940 in the folder `in`: a `SinkBench[OutboundOrder]`."""

    async def refused(self) -> Item[OutboundOrder]:
        item = self._item("R" * 23)
        return msgspec.structs.replace(item, key="key-refused")

    async def effects(self, item: Item[OutboundOrder]) -> Sequence[Effect]:
        found = [path.read_text() for path in (self._folders.root / "in").glob("940_*.edi")]
        mine = [text for text in found if f"W05*N*{item.document.reference}~" in text]
        return ["whole" if text.count("IEA*1*") == 1 and text.endswith("~") else "half" for text in mine]


class Announcements:
    """943 of purchase orders in the folder `in`: a `SinkBench[StockNotice]`."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._names = Names("P{}")

    async def items(self, count: int) -> Sequence[Item[StockNotice]]:
        return [self._item(name) for name in self._names.new(count)]

    async def refused(self) -> Item[StockNotice]:
        return self._item("P" * 23)

    async def effects(self, item: Item[StockNotice]) -> Sequence[Effect]:
        found = [path.read_text() for path in (self._folders.root / "in").glob("943_*.edi")]
        mine = [text for text in found if f"W06*F*{item.document.reference}*" in text]
        return ["whole" if text.count("IEA*1*") == 1 and text.endswith("~") else "half" for text in mine]

    def _item(self, reference: str) -> Item[StockNotice]:
        notice = StockNotice(
            reference=reference, number=reference, lines=(NoticeLine(number=1, sku="A", quantity=2),)
        )
        return Item(key=f"key-{reference}"[:100], document=notice)


@asynccontextmanager
async def sandbox_x12(tmp_path: Path) -> AsyncIterator[Rig[Any]]:
    """The sandbox's server, and a partner's files in it."""
    async with sandbox_sftp(tmp_path) as plain:
        yield _of(plain, Folders(tmp_path, None))


@asynccontextmanager
async def openssh_x12(account: Account) -> AsyncIterator[Rig[Any]]:
    """A real OpenSSH, and a partner's files in it."""
    async with openssh(account) as plain:
        yield _of(plain, Folders(account.root, account.user))


def _of(plain: Rig[Any], folders: Folders) -> Rig[Any]:
    def table(port: int) -> dict[str, object]:
        return {**plain.table(port), "format": "x12", "x12": {"sender": "ACME", "receiver": "WMS3PL"}}

    benches = {
        Part.ORDERS: ShippingOrders(folders),
        Part.SHIPMENTS: Advices(folders),
        Part.INVENTORY: Advised(folders),
        Part.STOCK_NOTICES: Announcements(folders),
    }
    return msgspec.structs.replace(plain, table=table, benches=benches)

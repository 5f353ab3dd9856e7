"""A warehouse's account, open for one run: one connection, made when it is first needed."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

import trio
from msgspec.structs import replace

from dropstream_file_exchange.inventory import read_stock
from dropstream_file_exchange.link import Link
from dropstream_file_exchange.orders import cancels, prepare
from dropstream_file_exchange.sample import sample
from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.sources import InventorySource, ShipmentSource
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import (
    Accepted,
    Finding,
    Handed,
    Host,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Record,
    Sample,
    Stamp,
    Survey,
    WarehouseParts,
    Whereabouts,
    Writes,
)
from dropstreamd.platform.files import FileServer
from dropstreamd.platform.inbox import MOST_FILES, Inbox, InboxRules
from dropstreamd.platform.outbox import Outbox

# A server may still carry out what was on its way when the connection broke.
VISIBLE_AFTER_S = 60.0


def nothing_waits(name: str, detail: str) -> Finding:
    """A note for the survey: between two snapshots it is so at every warehouse."""
    return Finding(
        name=name,
        ok=True,
        detail=detail,
        remedy="SKUs are compared with the stock that was read last, if any was; ask the warehouse for a "
        "file to compare them with what it has now",
    )


@asynccontextmanager
async def open_warehouse(settings: Settings, host: Host) -> AsyncIterator["FileWarehouse"]:
    """A session; its connection is closed at its end."""
    async with AsyncExitStack() as stack:
        warehouse = FileWarehouse(settings, host, stack)
        stack.callback(warehouse.close)
        yield warehouse


class FileWarehouse(WarehouseParts):
    """`Warehouse` over files."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._clock = host.clock
        self.link = Link(settings, host, stack)
        zone = ZoneInfo(settings.timezone)
        self.orders: OrderSink = OrderSink(settings, host, self.link)
        self.handed: SentFiles = SentFiles(settings, host, self.link)
        self.shipments: ShipmentSource = ShipmentSource(self._shipments_inbox, settings.shipments, zone)
        self.inventory: InventorySource = InventorySource(
            self._inventory_inbox, lambda fetched: read_stock(fetched, settings.inventory, zone)
        )

    def close(self) -> None:
        """Let go of files that were not read to their end."""
        self.shipments.close()
        self.inventory.close()

    def sample(self, name: str, content: bytes) -> Sample:
        return sample(self._settings, name, content, self._clock.now_s())

    async def test(self, *, write: bool) -> list[Finding]:
        """Lists both folders; with `write`, puts, renames and removes a file of ours in `in`, and
        makes the folders in `out` that files are moved to."""
        server, folders = await self.link.server(), self._settings.folders
        findings: list[Finding] = []
        own = (self._settings.marker, self._settings.archive, self._settings.quarantine)
        for folder, content in ((folders.inward, "orders"), (folders.out, "shipments and inventory")):
            # Only their number matters: some servers would be asked about each of them.
            found = await server.listdir(folder, limit=MOST_FILES, exact=lambda _name: False)
            count = sum(1 for entry in found if entry.name not in own)
            files = f"{count or 'no'} file{'' if count == 1 else 's'}"
            findings.append(Finding(name=folder, ok=True, detail=f"{files} in the folder of {content}"))
        findings += await self.link.findings()
        if write:
            findings += await self._test_writing(server)
        return findings

    async def survey(self) -> Survey:
        """The SKUs of the newest inventory file, and what waits. That none does is no fault: in a folder that
        is in use they are read as they come."""
        server, settings = await self.link.server(), self._settings
        inbox = Inbox(server, self.rules(settings.inventory.pattern, settle_s=0))
        waiting = await inbox.waiting()
        if not waiting:
            detail = f"no file like {settings.inventory.pattern} is waiting: none came yet, or all were read"
            return Survey(findings=(nothing_waits("inventory", detail),))
        detail = f"{len(waiting)} inventory files are waiting"
        fetched = None if inbox.too_large(waiting[-1]) else await inbox.fetch(waiting[-1])
        if fetched is None:
            return Survey(findings=(Finding(name="inventory", ok=True, detail=detail),))
        skus: Counter[str] = Counter()
        try:
            with fetched.content:
                for page in read_stock(fetched, settings.inventory, ZoneInfo(settings.timezone)):
                    skus.update(row.sku for row in page.rows)
                    await trio.lowlevel.checkpoint()
        except ProtocolMismatch as error:
            detail = f"{fetched.entry.name} cannot be read: {error}"
            return Survey(findings=(Finding(name="inventory", ok=False, detail=detail),))
        finding = Finding(name="inventory", ok=True, detail=f"{detail}; the newest has {len(skus)} SKUs")
        return Survey(
            findings=(finding,),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
        )

    async def _test_writing(self, server: FileServer) -> list[Finding]:
        settings = self._settings
        folder = settings.folders.inward
        part = f"{folder}/{settings.part.of('dropstreamd-test')}"
        renamed = f"{folder}/{settings.part.of('dropstreamd-test-renamed')}"
        await server.remove(renamed)
        await server.write(part, b"dropstreamd: a test, which removes this file itself\n")
        await server.rename(part, renamed)
        await server.remove(renamed)
        findings = [
            Finding(name="write", ok=True, detail=f"a file was put into {folder}, renamed and removed")
        ]
        archive = [settings.archive] if settings.after_reading == "archive" else []
        for name in (*archive, settings.quarantine):
            await server.mkdir(f"{settings.folders.out}/{name}")
            findings.append(Finding(name=name, ok=True, detail=f"the folder is in {settings.folders.out}"))
        return findings

    async def _shipments_inbox(self) -> Inbox:
        return Inbox(await self.link.server(), self.rules(self._settings.shipments.pattern))

    async def _inventory_inbox(self) -> Inbox:
        return Inbox(await self.link.server(), self.rules(self._settings.inventory.pattern))

    def rules(self, pattern: str, *, settle_s: float | None = None) -> InboxRules:
        """Of the files in `out` that are called so."""
        settings = self._settings
        return InboxRules(
            folder=settings.folders.out,
            pattern=pattern,
            done=settings.done_marker,
            settle_s=settings.settle_s if settle_s is None else settle_s,
            archive=settings.archive if settings.after_reading == "archive" else None,
            quarantine=settings.quarantine,
            limit_bytes=settings.limit_mib << 20,
        )


class OrderSink:
    """Order files into the folder `in`."""

    def __init__(self, settings: Settings, host: Host, link: Link) -> None:
        self._settings = settings
        self._host = host
        self._link = link

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=self._settings.orders.per_file, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[Item[OutboundOrder]], stamp: Stamp) -> Preparation:
        return prepare(items, stamp, self._settings.orders)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        return self._told(prepared, await (await self._outbox()).publish(prepared, record))

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        return self._told(prepared, await (await self._outbox()).recover(prepared, step, record))

    def _told(self, prepared: Prepared, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """A file that stops an order has only been put there: nobody says what comes of it."""
        if not cancels(prepared, self._settings.orders):
            return outcomes
        return [replace(one, final=False) if isinstance(one, Accepted) else one for one in outcomes]

    async def _outbox(self) -> Outbox:
        return await open_outbox(self._settings, self._host, self._link)


class SentFiles:
    """A `HandedReader`: an order's `remote` is the name of its file."""

    def __init__(self, settings: Settings, host: Host, link: Link) -> None:
        self._settings = settings
        self._host = host
        self._link = link

    async def look(self, handed: Sequence[Handed]) -> list[Whereabouts]:
        outbox = await open_outbox(self._settings, self._host, self._link)
        return [await outbox.look(one.remote) for one in handed]


async def open_outbox(settings: Settings, host: Host, link: Link) -> Outbox:
    """The folder of our files."""
    return Outbox(
        await link.server(),
        settings.folders.inward,
        host.clock,
        part=settings.part,
        marker=settings.marker,
    )

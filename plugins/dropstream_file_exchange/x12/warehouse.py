"""A partner's account, open for one run: the same folders and files, in another format."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.link import Link
from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.sources import InventorySource
from dropstream_file_exchange.warehouse import (
    VISIBLE_AFTER_S,
    FileWarehouse,
    SentFiles,
    nothing_waits,
    open_outbox,
)
from dropstream_file_exchange.x12 import orders, returns, stock_notices
from dropstream_file_exchange.x12.mailbox import Mailbox, Owner, Replies, Surveyed
from dropstream_file_exchange.x12.reading import DocumentReader
from dropstream_file_exchange.x12.sample import sample
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.snapshot import SnapshotReader
from dropstream_file_exchange.x12.sources import (
    DocumentSource,
    acknowledgement_reader,
    of_surveyed,
    receipt_reader,
    shipment_reader,
)
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.purchases import StockNotice
from dropstreamd.model.returns import OutboundReturn, Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import (
    Accepted,
    Finding,
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
    Writes,
)
from dropstreamd.platform.outbox import Outbox

T = TypeVar("T")


@asynccontextmanager
async def open_partner(settings: Settings, host: Host) -> AsyncIterator["PartnerWarehouse"]:
    """A session; its connection is closed at its end."""
    async with AsyncExitStack() as stack:
        warehouse = PartnerWarehouse(settings, host, stack)
        stack.callback(warehouse.close)
        yield warehouse


class PartnerWarehouse(WarehouseParts):
    """`Warehouse` over X12 files."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._files = FileWarehouse(settings, host, stack)
        link = self._files.link
        self._mailboxes: dict[Owner, Mailbox] = {}
        rules, zone = settings.x12, ZoneInfo(settings.timezone)
        self._snapshots = SnapshotReader(rules, zone)
        self.handed: SentFiles = self._files.handed
        self.orders: PartnerSink[OutboundOrder] = PartnerSink(settings, host, link, orders.prepare)
        self.returns: PartnerSink[OutboundReturn] = PartnerSink(settings, host, link, returns.prepare)
        self.stock_notices: PartnerSink[StockNotice] = PartnerSink(
            settings, host, link, stock_notices.prepare
        )
        self.shipments: DocumentSource[Package] = self._source("shipments", shipment_reader(rules, zone))
        self.receipts: DocumentSource[Receipt] = self._source("receipts", receipt_reader(rules, zone))
        self.acknowledgements: DocumentSource[Acknowledgement] = self._source(
            "acknowledgements", acknowledgement_reader(rules, zone)
        )
        self.inventory: InventorySource = InventorySource(
            self._opener("inventory", self._snapshots.read), of_surveyed(self._snapshots.read)
        )

    def close(self) -> None:
        """Let go of files that were not read to their end."""
        for source in (self.shipments, self.receipts, self.acknowledgements, self.inventory):
            source.close()

    def sample(self, name: str, content: bytes) -> Sample:
        return sample(self._settings, name, content, self._host.clock.now_s())

    async def test(self, *, write: bool) -> list[Finding]:
        """As of files in other formats."""
        return await self._files.test(write=write)

    async def survey(self) -> Survey:
        """The SKUs of the newest inventory advice (846), and what waits."""
        mailbox = await self._opener("inventory", self._snapshots.read)()
        waiting = await mailbox.waiting()
        detail = f"{len(waiting)} files like {self._settings.x12.pattern} are waiting"
        for entry in reversed(waiting):
            fetched = None if mailbox.too_large(entry) else await mailbox.fetch(entry)
            if fetched is None:
                continue
            with fetched.content:
                fetched.content.seek(0)
                return _survey_of(sample(self._settings, entry.name, fetched.content.read(), 0), detail)
        return Survey(findings=(nothing_waits("files", f"{detail}, without inventory"),))

    def _source(self, owner: Owner, reader: DocumentReader[T]) -> DocumentSource[T]:
        return DocumentSource(self._opener(owner, reader.read), reader)

    def _opener(
        self, owner: Owner, read: Callable[[Surveyed], Iterator[object]]
    ) -> Callable[[], Awaitable[Mailbox]]:
        async def open_mailbox() -> Mailbox:
            server = await self._files.link.server()
            if owner not in self._mailboxes:
                rules, settings = self._settings.x12, self._settings
                replies = Replies(server, settings.folders.inward, settings.part, self._host, rules)
                self._mailboxes[owner] = Mailbox(
                    server,
                    self._files.rules(rules.pattern),
                    owner=owner,
                    settings=rules,
                    replies=replies,
                    read=read,
                )
            return self._mailboxes[owner]

        return open_mailbox


class PartnerSink(Generic[T]):
    """Files of one document each into the folder `in`."""

    def __init__(
        self,
        settings: Settings,
        host: Host,
        link: Link,
        prepare: Callable[[Sequence[Item[T]], Stamp, X12, ZoneInfo], Preparation],
    ) -> None:
        self._settings = settings
        self._host = host
        self._link = link
        self._prepare = prepare
        self._zone = ZoneInfo(settings.timezone)

    @property
    def writes(self) -> Writes:
        rules = self._settings.x12
        return Writes(
            repeat="lookup",
            batch=1,
            visible_after_s=VISIBLE_AFTER_S,
            series=rules.series,
            acknowledged_within_s=rules.acknowledged_within_hours * 3600.0,
            receipt_stops=rules.orders.cancelled_by == "997",
        )

    def prepare(self, items: Sequence[Item[T]], stamp: Stamp) -> Preparation:
        return self._prepare(items, stamp, self._settings.x12, self._zone)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        return _told(prepared, await (await self._outbox()).publish(prepared, record))

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        return _told(prepared, await (await self._outbox()).recover(prepared, step, record))

    async def _outbox(self) -> Outbox:
        return await open_outbox(self._settings, self._host, self._link)


def _told(prepared: Prepared, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What came of a file. One that cancels has only been put there: the partner's answer is to come."""
    if not orders.cancels(prepared.payload):
        return list(outcomes)
    return [
        msgspec.structs.replace(each, final=False) if isinstance(each, Accepted) else each
        for each in outcomes
    ]


def _survey_of(found: Sample, detail: str) -> Survey:
    skus = Counter(row.sku for row in found.stock)
    refused = next((finding for finding in found.findings if not finding.ok), None)
    if refused is not None:
        return Survey(findings=(Finding(name="inventory", ok=False, detail=refused.detail),))
    finding = Finding(name="inventory", ok=True, detail=f"{detail}; the newest has {len(skus)} SKUs")
    return Survey(
        findings=(finding,),
        skus=frozenset(skus),
        duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
    )

"""What a partner sends as sources."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from dropstream_file_exchange.shipments import package_key
from dropstream_file_exchange.sources import Finished, Queue
from dropstream_file_exchange.x12.envelope import Interchange
from dropstream_file_exchange.x12.functional import (
    read_acknowledgement,
    read_interchange_acknowledgement,
)
from dropstream_file_exchange.x12.mailbox import Mailbox, Surveyed
from dropstream_file_exchange.x12.reading import DocumentReader, Place, Portion
from dropstream_file_exchange.x12.receipt_advice import read_receipt
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.shipping_advice import FUNCTION as SHIPPED
from dropstream_file_exchange.x12.shipping_advice import ShippingAdvice, read_advice
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import instant
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.returns import Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.inbox import Fetched

T = TypeVar("T")

OpenMailbox = Callable[[], Awaitable[Mailbox]]


def shipment_reader(settings: X12, zone: ZoneInfo) -> DocumentReader[Package]:
    """Packages of shipping advices (945)."""

    def decode(segments: Iterable[Segment], _place: Place) -> Iterator[Package]:
        yield from read_advice(segments, settings, zone).packages

    return DocumentReader(settings, decode)


def receipt_reader(settings: X12, zone: ZoneInfo) -> DocumentReader[Receipt]:
    """Receipts of receipt advices (944)."""

    def decode(segments: Iterable[Segment], _place: Place) -> Iterator[Receipt]:
        receipt = read_receipt(segments, settings, zone).receipt
        if receipt is not None:
            yield receipt

    return DocumentReader(settings, decode)


def acknowledgement_reader(settings: X12, zone: ZoneInfo) -> DocumentReader[Acknowledgement]:
    """What 997 and TA1 say of our files, and what 945 says of orders that will not be shipped in full."""

    def decode(segments: Iterable[Segment], place: Place) -> Iterator[Acknowledgement]:
        if place.group.function == SHIPPED:
            yield from closed(read_advice(segments, settings, zone))
            return
        header = place.interchange.header
        isa = Segment(place.interchange.first, ["ISA"])
        at = instant(isa, f"20{header.date}", header.time, zone)
        yield from read_acknowledgement(segments, settings, place.name, at)

    def decode_interchange(interchange: Interchange) -> Iterator[Acknowledgement]:
        for segment in interchange.acknowledged:
            told = read_interchange_acknowledgement(segment, interchange, settings)
            if told is not None:
                yield told

    return DocumentReader(settings, decode, decode_interchange)


def closed(advice: ShippingAdvice) -> Iterator[Acknowledgement]:
    """The end of an order of which the warehouse will not ship the rest. Nothing while any of it is
    still to come, or is not said to be closed."""
    rest = advice.remainders
    if not rest or any(each.outcome != "closed" for each in rest):
        return
    lines = ", ".join(f"{each.shipped} of {each.ordered} of {each.sku}" for each in rest[:10])
    yield Acknowledgement(
        key=package_key("short", advice.reference, advice.shipment),
        reference=advice.reference,
        verdict="closed-short",
        reason=f"shipped short, and no backorder: {lines}",
        at=advice.shipped_at,
    )


class DocumentSource(Generic[T]):
    """Documents, file by file, oldest first."""

    def __init__(self, open_mailbox: OpenMailbox, reader: DocumentReader[T]) -> None:
        self._open_mailbox = open_mailbox
        self._queue: Queue[Portion[T]] = Queue(open_mailbox, of_surveyed(reader.read))

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:
        """About 2,000 segments of one file. There is no cursor: what was taken is known by its mark."""
        while True:
            found = await self._queue.next(taken)
            if found is None:
                return Page(cursor=cursor)
            if isinstance(found, Finished):
                return Page(
                    bad=found.bad, mark=found.mark, cursor=cursor, more=self._queue.more, read=found.read
                )
            if found.documents or found.bad:
                return Page(documents=found.documents, bad=found.bad, cursor=cursor, more=True)

    async def confirm(self, marks: Sequence[str]) -> None:
        """Acknowledge and archive the files, as `Mailbox.confirm` says."""
        await (await self._open_mailbox()).confirm(marks)

    def close(self) -> None:
        self._queue.close()


def of_surveyed(read: Callable[[Surveyed], T]) -> Callable[[Fetched], T]:
    """A mailbox fetches nothing else."""

    def of(fetched: Fetched) -> T:
        if not isinstance(fetched, Surveyed):
            raise AssertionError("the file was not surveyed")
        return read(fetched)

    return of

"""What we make of a sample file, without any connection: every kind that is in it."""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.x12.envelope import Survey
from dropstream_file_exchange.x12.mailbox import Owner, Surveyed, surveyed_as
from dropstream_file_exchange.x12.reading import DocumentReader
from dropstream_file_exchange.x12.snapshot import SnapshotReader
from dropstream_file_exchange.x12.sources import acknowledgement_reader, receipt_reader, shipment_reader
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.returns import Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.model.stock import Adjustment, StockRow
from dropstreamd.platform.contract import Bad, Finding, Sample
from dropstreamd.platform.files import Entry
from dropstreamd.platform.inbox import Fetched

T = TypeVar("T")

KINDS: dict[Owner, str] = {
    "shipments": "shipments",
    "inventory": "inventory",
    "receipts": "receipts",
    "acknowledgements": "acknowledgements",
}
REMEDY = "correct the settings of x12, or ask the partner"


def sample(settings: Settings, name: str, content: bytes, now_s: float) -> Sample:
    """The sample as a file of that name, changed last at `now_s`; its kinds are told by its content."""
    entry = Entry(name=name, size=len(content), mtime_s=int(now_s), is_file=True)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    fetched = Fetched(entry=entry, digest=digest, content=io.BytesIO(content))
    survey = Survey(fetched.content)
    try:
        while survey.step():
            pass
    except ProtocolMismatch as error:
        return Sample(kind="unknown", findings=(_refused(error),))
    return _Reader(settings, fetched, survey).read()


class _Reader:
    def __init__(self, settings: Settings, fetched: Fetched, survey: Survey) -> None:
        self._settings = settings
        self._fetched = fetched
        self._survey = survey
        self._bad: list[Bad] = []
        self._findings: list[Finding] = []
        self._packages: list[Package] = []
        self._stock: list[StockRow] = []

    def read(self) -> Sample:
        rules, zone = self._settings.x12, ZoneInfo(self._settings.timezone)
        owners = self._as("shipments").owners
        if "shipments" in owners:
            self._packages += self._documents("shipments", shipment_reader(rules, zone))
        if "inventory" in owners:
            self._stock += self._snapshot(SnapshotReader(rules, zone))
        if "receipts" in owners:
            self._receipts(list(self._documents("receipts", receipt_reader(rules, zone))))
        if "acknowledgements" in owners:
            self._told(list(self._documents("acknowledgements", acknowledgement_reader(rules, zone))))
        if not any(not finding.ok for finding in self._findings):
            self._findings.insert(0, Finding(name="file", ok=True, detail="the whole file was read"))
        kinds = [KINDS[owner] for owner in owners if owner != "acknowledgements" or len(owners) == 1]
        return Sample(
            kind=", ".join(kinds),
            packages=tuple(self._packages),
            stock=tuple(self._stock),
            bad=tuple(self._bad),
            findings=tuple(self._findings),
        )

    def _as(self, owner: Owner) -> Surveyed:
        return surveyed_as(self._fetched, owner, tuple(self._survey.interchanges))

    def _documents(self, owner: Owner, reader: DocumentReader[T]) -> Iterator[T]:
        for portion in reader.read(self._as(owner)):
            self._bad += portion.bad
            yield from portion.documents

    def _snapshot(self, reader: SnapshotReader) -> Iterator[StockRow]:
        try:
            for page in reader.read(self._as("inventory")):
                self._bad += page.bad
                yield from page.rows
                self._findings += [_adjusted(each) for each in page.adjustments[:100]]
                if page.last:
                    detail = f"its figures are of {page.as_of:%Y-%m-%d %H:%M:%S} UTC"
                    self._findings.append(Finding(name="time", ok=True, detail=detail))
        except ProtocolMismatch as error:
            self._findings.append(_refused(error))

    def _receipts(self, receipts: list[Receipt]) -> None:
        for receipt in receipts[:100]:
            units: Counter[str] = Counter()
            for line in receipt.lines:
                units[line.condition] += line.quantity
            told = ", ".join(f"{count} {condition}" for condition, count in sorted(units.items()))
            detail = f"receipt of {receipt.reference or 'no reference'}: {told}"
            self._findings.append(Finding(name="receipt", ok=True, detail=detail))

    def _told(self, acknowledgements: list[Acknowledgement]) -> None:
        for told in acknowledgements[:100]:
            detail = f"{told.name or told.reference} is {told.verdict}"
            if told.reason:
                detail = f"{detail}: {told.reason}"
            self._findings.append(Finding(name="acknowledgement", ok=True, detail=detail))


def _adjusted(adjustment: Adjustment) -> Finding:
    units = ", ".join(f"{row.quantity:+d} × {row.sku}" for row in adjustment.rows[:10])
    return Finding(
        name="adjustment", ok=True, detail=f"{adjustment.number}: {units or 'nothing that counts'}"
    )


def _refused(error: ProtocolMismatch) -> Finding:
    detail = f"the whole file is refused: {error.message}"
    return Finding(name="file", ok=False, detail=detail, remedy=REMEDY)

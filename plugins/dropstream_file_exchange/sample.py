"""What we make of a sample file, without any connection."""

import fnmatch
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from dropstream_file_exchange.inventory import read_stock
from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.shipments import Gathered, read_packages
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.contract import Bad, Finding, Sample, StockPage
from dropstreamd.platform.files import Entry
from dropstreamd.platform.inbox import Fetched

T = TypeVar("T")


def sample(settings: Settings, name: str, content: bytes, now_s: float) -> Sample:
    """The sample as a file of that name, changed last at `now_s`; its kind is told by its name."""
    zone = ZoneInfo(settings.timezone)
    fetched = Fetched(
        entry=Entry(name=name, size=len(content), mtime_s=int(now_s), is_file=True),
        digest=hashlib.blake2b(content, digest_size=16).hexdigest(),
        content=io.BytesIO(content),
    )
    if fnmatch.fnmatchcase(name, settings.shipments.pattern):
        return _shipments(read_packages(fetched, settings.shipments, zone))
    if fnmatch.fnmatchcase(name, settings.inventory.pattern):
        return _inventory(read_stock(fetched, settings.inventory, zone))
    patterns = f"{settings.shipments.pattern} (shipments) or {settings.inventory.pattern} (inventory)"
    return Sample(
        kind="unknown",
        findings=(
            Finding(
                name="name",
                ok=False,
                detail=f"{name} would not be read: its name is not like {patterns}",
                remedy="rename the sample, or set `pattern` of shipments or inventory",
            ),
        ),
    )


def _shipments(portions: Iterator[Gathered]) -> Sample:
    found: list[Gathered] = []
    findings = _read(portions, found.append)
    return Sample(
        kind="shipments",
        packages=tuple(package for portion in found for package in portion.packages),
        bad=_bad(found),
        findings=findings,
    )


def _inventory(pages: Iterator[StockPage]) -> Sample:
    found: list[StockPage] = []
    findings = _read(pages, found.append)
    if found:
        at = Finding(
            name="time", ok=True, detail=f"its figures are of {found[0].as_of:%Y-%m-%d %H:%M:%S} UTC"
        )
        findings = (*findings, at)
    return Sample(
        kind="inventory",
        stock=tuple(row for page in found for row in page.rows),
        bad=_bad(found),
        findings=findings,
    )


def _read(portions: Iterator[T], keep: Callable[[T], None]) -> tuple[Finding, ...]:
    try:
        for portion in portions:
            keep(portion)
    except ProtocolMismatch as error:
        remedy = "correct the layout in the settings, or the file"
        return (Finding(name="file", ok=False, detail=f"the whole file is refused: {error}", remedy=remedy),)
    return (Finding(name="file", ok=True, detail="the whole file was read"),)


def _bad(found: "list[Gathered] | list[StockPage]") -> tuple[Bad, ...]:
    return tuple(bad for portion in found for bad in portion.bad)

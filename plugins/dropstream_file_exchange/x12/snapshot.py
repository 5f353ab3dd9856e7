"""A file's inventory advices (846) as one snapshot: a large stock comes in several sets.

A snapshot is whole or it is none: one set of the file that cannot be read refuses all of them.
Adjustments (947) are read, so that they are acknowledged; they are told only where the settings say that
they count.
"""

import hashlib
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dropstream_file_exchange.x12.acknowledgement import Refusal
from dropstream_file_exchange.x12.adjustment_advice import read_adjustment
from dropstream_file_exchange.x12.envelope import Group, Interchange, Set, read_set
from dropstream_file_exchange.x12.inventory_advice import FUNCTION, BadRow, InventoryAdvice
from dropstream_file_exchange.x12.mailbox import Reply, Surveyed, owners_of
from dropstream_file_exchange.x12.reading import (
    bad_set,
    group_faults,
    interchange_faults,
    misaddressed,
    sound,
)
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import Unreadable, instant
from dropstreamd.clock import utc
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.stock import Adjustment, StockRow
from dropstreamd.platform.contract import Bad, StockPage

PAGE_ROWS = 1_000
MOST_BAD = 1_000


class SnapshotReader:
    """Reads one file."""

    def __init__(self, settings: X12, zone: ZoneInfo) -> None:
        self._settings = settings
        self._zone = zone

    def read(self, fetched: Surveyed) -> Generator[StockPage, None, None]:
        """Its pages; for a file of adjustments alone one of them, or none where they do not count. Raises
        ProtocolMismatch for a file that is no whole snapshot: pages before are then worth nothing."""
        try:
            yield from self._snapshot(fetched)
        except ProtocolMismatch:
            fetched.answers.complete = True
            raise
        fetched.answers.complete = True

    def _snapshot(self, fetched: Surveyed) -> Generator[StockPage, None, None]:
        if fetched.problem:
            raise ProtocolMismatch(fetched.problem)
        groups = list(self._groups(fetched))
        replies = [
            Reply(interchange=interchange, group=group, place=place, refusals={})
            for interchange, group, place in groups
        ]
        fetched.answers.replies.extend(replies)
        bad: list[Bad] = []
        adjustments = tuple(self._adjustments(fetched, replies, bad))
        stock = [reply for reply in replies if reply.group.function == FUNCTION]
        if not stock:
            if adjustments:
                yield _of_adjustments(fetched, adjustments, bad)
            elif bad:
                raise ProtocolMismatch(f"{bad[0].place}: {bad[0].reason}")
            return
        try:
            self._check(stock)
            yield from self._pages(fetched, stock, bad, adjustments)
        except ProtocolMismatch:
            for reply in stock:
                reply.refusals.update({number: Refusal() for number in range(len(reply.group.sets))})
            raise

    def _groups(self, fetched: Surveyed) -> Iterator[tuple[Interchange, Group, int]]:
        place = 0
        wrong = ""
        found = False
        for interchange in fetched.interchanges:
            wrong = misaddressed(interchange.header, self._settings) or wrong
            for group in interchange.groups:
                place += 1
                if "inventory" in owners_of(group) and not misaddressed(interchange.header, self._settings):
                    found = True
                    yield interchange, group, place
        if not found and wrong:
            raise ProtocolMismatch(f"no interchange of it is for us: {wrong}")

    def _check(self, stock: list[Reply]) -> None:
        for reply in stock:
            inside = [fault for found in reply.group.sets for fault in found.faults]
            for fault in (*inside, *reply.group.faults, *reply.interchange.faults):
                raise ProtocolMismatch(str(fault))

    def _pages(
        self,
        fetched: Surveyed,
        stock: list[Reply],
        bad: list[Bad],
        adjustments: tuple[Adjustment, ...],
    ) -> Generator[StockPage, None, None]:
        snapshot = f"{fetched.entry.name} {fetched.digest[:12]}"
        as_of: datetime | None = None
        rows: list[StockRow] = []
        told = 0
        for advice, found in self._rows(fetched, stock):
            if as_of is None:
                as_of = self._as_of(fetched, stock[0].interchange, advice)
            if isinstance(found, BadRow):
                told += 1
                bad.append(_bad_row(fetched, found))
                if told > MOST_BAD:
                    raise ProtocolMismatch(
                        f"more than {MOST_BAD} products cannot be read, the last: {found.reason}"
                    )
                continue
            if len(rows) >= PAGE_ROWS:
                yield StockPage(snapshot=snapshot, as_of=as_of, rows=tuple(rows), bad=tuple(bad))
                rows, bad = [], []
            rows.append(found)
        # The last page is confirmed before anybody asks for what comes after it.
        fetched.answers.complete = True
        yield StockPage(
            snapshot=snapshot,
            as_of=as_of or self._as_of(fetched, stock[0].interchange, None),
            rows=tuple(rows),
            bad=tuple(bad),
            last=True,
            mark=fetched.mark(readable=True),
            adjustments=adjustments,
        )

    def _rows(
        self, fetched: Surveyed, stock: list[Reply]
    ) -> Iterator[tuple[InventoryAdvice, StockRow | BadRow]]:
        for reply in stock:
            header = reply.interchange.header
            for found in reply.group.sets:
                segments = read_set(fetched.content, found, header, self._settings.encoding)
                advice = InventoryAdvice(segments, self._settings, self._zone, header.delimiters.component)
                try:
                    for row in advice.rows():
                        yield advice, row
                except ValueError as error:
                    raise ProtocolMismatch(str(error)) from error

    def _as_of(self, fetched: Surveyed, interchange: Interchange, advice: InventoryAdvice | None) -> datetime:
        source = self._settings.inventory.as_of
        told = advice.as_of if source == "document" and advice is not None else None
        try:
            if told is not None and advice is not None:
                # Its first instant is before adjustments of the day that are in its figures.
                by_day = advice.day_only and self._settings.adjustments.apply
                return self._within(told, interchange) if by_day else told
            if source == "interchange":
                return self._sent(interchange)
        except Unreadable as error:
            raise ProtocolMismatch(f"the snapshot's time: {error}") from error
        return utc(fetched.entry.mtime_s)

    def _within(self, day: datetime, interchange: Interchange) -> datetime:
        """When a document that tells a day alone was sent, and not after that day: it does not know of what
        came then. Raises Unreadable."""
        next_day = day.astimezone(self._zone).date() + timedelta(days=1)
        end = datetime.combine(next_day, time(), self._zone) - timedelta(seconds=1)
        return min(self._sent(interchange), end.astimezone(UTC))

    def _sent(self, interchange: Interchange) -> datetime:
        """The interchange's own time. Raises Unreadable."""
        header = interchange.header
        return instant(Segment(interchange.first, ["ISA"]), f"20{header.date}", header.time, self._zone)

    def _adjustments(self, fetched: Surveyed, replies: list[Reply], bad: list[Bad]) -> Iterator[Adjustment]:
        """The adjustments of the file that count; what is wrong with any is added to `bad`."""
        for reply in replies:
            if reply.group.function == FUNCTION:
                continue
            bad += interchange_faults(fetched, reply.interchange, "")
            bad += group_faults(fetched, reply.group)
            for number, found in enumerate(reply.group.sets):
                if not sound(reply.group, found):
                    continue
                try:
                    adjustment = self._adjustment(fetched, reply.interchange, found)
                except ValueError as error:
                    reply.refusals[number] = Refusal()
                    bad.append(bad_set(fetched, found, str(error)))
                    continue
                if self._settings.adjustments.apply:
                    yield adjustment

    def _adjustment(self, fetched: Surveyed, interchange: Interchange, found: Set) -> Adjustment:
        """Raises Unreadable. The day in it has no time, so that it is told by the clock of the snapshots."""
        rules = self._settings
        segments = read_set(fetched.content, found, interchange.header, rules.encoding)
        advice = read_adjustment(segments, rules, self._zone)
        told_at = utc(fetched.entry.mtime_s)
        if rules.adjustments.apply and rules.inventory.as_of == "interchange":
            told_at = self._sent(interchange)
        elif rules.adjustments.apply and rules.inventory.as_of == "document":
            told_at = self._within(advice.at, interchange)
        return Adjustment(
            key=advice.key,
            number=advice.number,
            at=told_at,
            rows=tuple(
                StockRow(sku=line.sku, quantity=line.quantity, facility=line.facility)
                for line in advice.lines
                if line.reason not in rules.adjustments.ignored
            ),
        )


def _of_adjustments(fetched: Surveyed, adjustments: tuple[Adjustment, ...], bad: list[Bad]) -> StockPage:
    # It is confirmed before anybody asks for what comes after it.
    fetched.answers.complete = True
    return StockPage(
        snapshot=f"{fetched.entry.name} {fetched.digest[:12]}",
        as_of=utc(fetched.entry.mtime_s),
        rows=(),
        bad=tuple(bad),
        mark=fetched.mark(readable=True),
        adjustments=adjustments,
    )


def _bad_row(fetched: Surveyed, found: BadRow) -> Bad:
    place = f"{fetched.entry.name} segment {found.segment}"
    raw = f"{found.sku} {found.reason}".encode()
    seen = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return Bad(key=found.sku or f"x12 {seen}", place=place, reason=found.reason, raw=b"")

"""WooCommerce's orders: what changed since the last run, each looked at as it is now.

Orders in the trash are in a list of their own, and deleted ones in none: what was told as open and stands in
neither list is asked for by its number.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import trio

from dropstream_woocommerce import translate, wire
from dropstream_woocommerce.by_id import ById
from dropstream_woocommerce.client import Api, Params, Refusal, Rows
from dropstream_woocommerce.listing import bad_order, bad_row, is_id, row_key, too_long
from dropstream_woocommerce.reading import OrderReader, decoded
from dropstream_woocommerce.settings import MOST_AT_ONCE, Settings
from dropstream_woocommerce.walk import Walk, changed_at
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.one_by_one import OF_ONE, Failing, by_tens
from dropstreamd.platform.rows import UNREADABLE, OddRow

OVERLAP = timedelta(minutes=10)
"""How much further back a run reads: a change may be dated when it began and be there when it ended."""

MOST_ODD = 2_000
"""Orders that could never be read and are followed: the newest. A hundred of them cost a call in each run."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is the time of change that the next run begins at; `told` are the orders that were told as open
    or waiting, by the difference to the one before, `named` the numbers of those whose number is no id.
    `which` are the settings that say which may be shipped, as of when those were listed. `again` are the ids
    of orders that could never be read: once one was read by its id, all that becomes of it must be told, so
    that they are among those told too."""

    since: datetime | None = None
    told: tuple[int, ...] = ()
    named: dict[str, str] = {}
    which: str = ""
    again: tuple[int, ...] = ()


_cursor = msgspec.json.Decoder(Cursor)


class _Run:
    """What one run has read so far."""

    def __init__(self, kept: Cursor, started: datetime, which: str) -> None:
        self.since = kept.since
        self.which = kept.which
        self._asked = which
        self.started = started
        self.told: dict[int, str] = {}
        number = 0
        for step in kept.told:
            number += step
            self.told[number] = kept.named.get(str(number), str(number))
        for number in kept.again:
            self.told.setdefault(number, str(number))
        self.odd = set(kept.again)
        self.newest: datetime | None = None
        self.seen: dict[str, bytes] = {}
        """Digests of rows, by their ids."""
        self.looked: set[int] = set()
        listed = kept.since is not None and kept.which == which
        self.lists: Iterator[str] = iter(("changed", "trash") if listed else ("shipped", "changed", "trash"))
        self.done = False

    def is_new(self, row: bytes) -> bool:
        """Whether it was not seen as it is now."""
        key, digest = row_key(row), hashlib.blake2b(row, digest_size=16).digest()
        if self.seen.get(key) == digest:
            return False
        self.seen[key] = digest
        at = changed_at(row)
        if at is not None and (self.newest is None or at > self.newest):
            self.newest = at
        return True

    def follow(self, row: bytes) -> None:
        """One that cannot be read: from whenever it can be, all that becomes of it is told."""
        key = row_key(row)
        if is_id(key) and int(key) not in self.told:
            self.told[int(key)] = _number(row) or key
            self.odd.add(int(key))

    def written(self) -> str:
        """After its end, the next run begins at the newest change that was seen, not after this one did."""
        since, which = self.since, self._asked if self.done else self.which
        if self.done and self.newest is not None:
            begun = min(self.started, self.newest)
            since = begun if since is None else max(since, begun)
        odd = sorted(self.odd & self.told.keys())
        ids = sorted(self.told.keys() - set(odd[:-MOST_ODD]))
        steps = tuple(one - before for one, before in zip(ids, [0, *ids], strict=False))
        named = {str(each): self.told[each] for each in ids if self.told[each] != str(each)}
        kept = Cursor(since=since, told=steps, named=named, which=which, again=tuple(odd[-MOST_ODD:]))
        return msgspec.json.encode(kept).decode()


class Orders:
    """A `Source[Order]`. The first run, and one after the settings changed, lists what may be shipped."""

    def __init__(self, api: Api, reader: OrderReader, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._by_id = ById(api)
        self._reader = reader
        self._settings = settings
        self._clock = clock
        self._run: _Run | None = None
        self._walk: Walk | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next page of what changed; then of what was put into the trash; then what was deleted."""
        if self._run is None:
            self._run = _Run(_read(cursor), utc(self._clock.now_s()), self._which)
        run = self._run
        rows = await self._rows(run)
        if rows is None:
            documents, bad = await self._missing(run)
            run.done = True
            self._run = None
            return Page(documents=documents, bad=bad, cursor=run.written())
        documents, bad = await self._told(run, rows, self._walk.failed if self._walk else {})
        return Page(documents=documents, bad=bad, cursor=run.written(), more=True)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    # ---- reading

    async def _rows(self, run: _Run) -> list[bytes] | None:
        """Rows that were not seen as they are now; None where there are no more."""
        if self._walk is None or self._walk.done:
            following = next(run.lists, None)
            if following is None:
                self._walk = None
                return None
            self._walk = self._begun(run, following)
            if self._walk is None:
                return []
        return [row for row in await self._walk.next() if run.is_new(row)]

    def _begun(self, run: _Run, following: str) -> Walk | None:
        if following == "shipped":
            return Walk(self._api, ",".join(self._settings.ship_statuses), None)
        if run.since is None or (following == "trash" and not run.told):
            return None
        status = translate.TRASH if following == "trash" else "any"
        return Walk(self._api, status, run.since - OVERLAP)

    @property
    def _which(self) -> str:
        return f"{sorted(self._settings.ship_statuses)} {sorted(self._settings.skip_methods)}"

    async def _told(
        self, run: _Run, rows: Sequence[bytes], failed: Mapping[bytes, str]
    ) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        """What is told of these rows; `failed` says what is wrong with some."""
        bad: list[Bad] = []
        concerned: list[tuple[wire.Order, bytes]] = []
        for row in rows:
            order = failed.get(row) or decoded(row)
            if isinstance(order, str):
                if self._matters(run, row):
                    bad.append(bad_row(row, "order", order))
                    run.follow(row)
                continue
            run.looked.add(order.id)
            if order.id in run.told or self._ships(order):
                concerned.append((order, row))
        await self._reader.learn(order for order, _ in concerned)
        documents: list[Order] = []
        failing = Failing()
        read = 0
        for order, row in concerned:
            try:
                document = await self._reader.whole(order)
            except OF_ONE as error:
                why = error.message if isinstance(error, OddRow) else failing.over(error)
                bad.append(bad_row(row, "order", why))
                run.follow(row)
                continue
            read += 1
            if self._keep(run, document):
                documents.append(document)
        if failing.any and not read:
            await self._by_id.others()  # raises where the shop is down
        return tuple(documents), tuple(bad)

    def _ships(self, order: wire.Order) -> bool:
        return order.status in self._settings.ship_statuses and translate.ours(order, self._settings)

    def _matters(self, run: _Run, row: bytes) -> bool:
        """Whether a row that cannot be read is anybody's: what is over and was never told is not."""
        try:
            status = msgspec.json.decode(row, type=_Status)
        except UNREADABLE:
            return True
        return status.status in self._settings.ship_statuses or status.id in run.told

    def _keep(self, run: _Run, order: Order) -> bool:
        """Whether it is to be told; what is told as open or waiting is followed from then on."""
        number = int(order.key)
        known = number in run.told
        run.odd.discard(number)
        if order.status in ("open", "waiting"):
            run.told[number] = order.number
            return True
        run.told.pop(number, None)
        return known

    async def _missing(self, run: _Run) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        """Orders that were told as open, and stand in no list any more. One whose status nobody knows, since
        its plugin was switched off, is there for all that."""
        asked = sorted(run.told.keys() - run.looked)
        rows: list[bytes] = []
        gone: list[Order] = []
        bad: list[Bad] = []
        failing = Failing()
        for start in range(0, len(asked), MOST_AT_ONCE):
            absent = [str(each) for each in await self._absent(asked[start : start + MOST_AT_ONCE])]
            found, failed = await by_tens(absent, self._by_id.read, self._by_id.others)
            rows += found.values()
            bad += [bad_order(key, why) for key, why in failed.items()]
            for key in absent:
                if key in found or key in failed:
                    continue
                answer = await self._alone(key, failing)
                if isinstance(answer, Bad):
                    bad.append(answer)
                elif not isinstance(answer, Refusal):
                    rows.append(answer)
                elif answer.missing and not await self._is_counted(key):
                    at = utc(self._clock.now_s())
                    gone.append(translate.gone(key, run.told.pop(int(key)), at))
        documents, unread = await self._told(run, rows, {})
        return (*gone, *documents), (*bad, *unread)

    async def _alone(self, key: str, failing: Failing) -> bytes | Refusal | Bad:
        try:
            return await self._by_id.alone(key)
        except OF_ONE as error:
            why = failing.over(error)
            await self._by_id.others()  # raises where the shop is down
            return bad_order(key, why)

    async def _absent(self, ids: Sequence[int]) -> list[int]:
        there = {row.id for row in (await self._listed(ids)).rows}
        return [each for each in ids if each not in there]

    async def _is_counted(self, key: str) -> bool:
        """Whether it is there, though WooCommerce fails to load it."""
        return bool((await self._listed([int(key)])).total)

    async def _listed(self, ids: Sequence[int]) -> Rows[wire.Row]:
        params: Params = {
            "include": ",".join(map(str, ids)),
            "status": "any",
            "per_page": MOST_AT_ONCE,
            "_fields": "id",
        }
        return await self._api.rows("orders", params, wire.Row)


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    status: str


class _Numbered(msgspec.Struct, frozen=True, kw_only=True):
    number: str


def _number(row: bytes) -> str:
    """As people see it; empty where that cannot be read."""
    try:
        number = msgspec.json.decode(row, type=_Numbered).number
    except UNREADABLE:
        return ""
    return "" if too_long(number) else number


def _read(cursor: str | None) -> Cursor:
    if cursor is None:
        return Cursor()
    try:
        return _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error

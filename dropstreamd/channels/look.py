"""Looking at a store's orders: at what has changed, and once more right before they are handed over."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec
import trio

from dropstreamd.channels import seen_waiting, told_orders
from dropstreamd.channels.attempts import OF_ONE_ALONE
from dropstreamd.channels.run import Run
from dropstreamd.errors import Hold, ProtocolMismatch, Unfinished, Unreachable
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import READ_AGAIN, Page, Rereader, Store
from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Reader
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.records import Flow

PAGES = 10_000
"""Pages of one run; a store that says `more` for longer is not making progress."""

LOOK_AGAIN_S = 60.0
"""How old a look at the store may be when something is handed over, in seconds."""

READING = 0.25
"""The share of that which reading orders ahead of their turn may take."""

LOOK_DEADLINE_S = 300.0
"""How long a look may take right before a hand-over, in seconds: others wait for the warehouse's account."""

UNREAD_ALONE = 10
"""Orders that could not be read which a run looks at once more, where each takes a request of its own."""

_order = msgspec.msgpack.Decoder(Order)

Coming = Callable[[int], Sequence[str]]
"""The keys whose turn it is next, at most so many."""


class Look:
    """What one run has seen of its store's orders, and when.

    One look at a time: a page that another run was given earlier and stages later would bring back what was
    cancelled in between.
    """

    def __init__(self, run: Run, book: Book, start_s: float) -> None:
        """Orders placed before `start_s` are held, see `told_orders.stage`."""
        self._run = run
        self._book = book
        self._start_s = start_s
        self._looked_s = 0.0
        self._by_key: bool | None = None
        self._seen_s: dict[str, float] = {}
        self._told: set[str] = set()
        self._ahead = READ_AGAIN

    async def at_changes(self) -> Unfinished | None:
        """Stage what the store tells since the last time; hand nothing over. Why it did not tell all of that,
        if so; that is raised where it told nothing at all."""
        async with self._run.scope.pulling, self._run.open_store() as store:
            looked_s = trio.current_time()
            unfinished = await self._stage_changes(store)
            self._looked_s = looked_s
            if self._by_key is None:
                again = store.orders_again
                self._by_key = again is not None and again.in_bulk
            return unfinished

    async def before(self, coming: Coming, count: int) -> None:
        """The next `count` orders of `coming` are handed over now: none on a look older than `LOOK_AGAIN_S`.

        They are read once more by their keys, those behind them too, in one request for many where the
        platform can. Where it cannot or may not, or fails over one of them, the look at what has changed
        counts, and is taken once more when it has grown old.
        """
        if self._by_key:
            try:
                with trio.move_on_after(LOOK_DEADLINE_S) as patience:
                    await self._at_those(coming, count)
            except (*OF_ONE_ALONE, Hold):
                self._by_key = False
            if patience.cancelled_caught:
                self._by_key = False
            if not self._by_key:
                self._run.count("not_read_again")
        if not self._by_key and trio.current_time() - self._looked_s >= LOOK_AGAIN_S:
            with trio.move_on_after(LOOK_DEADLINE_S) as patience:
                await self._at_changes_if_told()
            if patience.cancelled_caught:
                raise Unreachable(
                    f"the store did not tell within {LOOK_DEADLINE_S:g} s what became of the orders"
                    " that are to be handed over; they go with the next run"
                )

    def has_seen(self, key: str) -> bool:
        """Whether the order was told in this run, or is read by its key before it goes."""
        return bool(self._by_key) or key in self._told

    async def _at_changes_if_told(self) -> None:
        """Look at what has changed since this run's first look; that one counts on where the store tells
        nothing for now."""
        try:
            await self.at_changes()
        except Unfinished:
            self._looked_s = trio.current_time()
            self._run.count("not_read_again")

    async def at_what_could_not_be_read(self) -> None:
        """Read orders again of which the newest form could not be read: it may have been the plugin, or its
        settings, and the store tells what nobody changes only once. So are those that are `seen_waiting`."""
        flow = self._book.flow
        waiting = self._run.state.read(partial(seen_waiting.still, flow=flow))
        unread = self._run.state.read(partial(_unread, flow=flow))
        if not waiting and not unread:
            return
        async with self._run.scope.pulling, self._run.open_store() as store:
            again = store.orders_again
            if again is None:
                return
            # Together: where the platform fails over the only one that it is asked for, it fails.
            some = self._some(waiting, READ_AGAIN // 2) if again.in_bulk else []
            some += self._some(unread, READ_AGAIN - len(some) if again.in_bulk else UNREAD_ALONE)
            if some:
                await self._read(again, list(dict.fromkeys(some)))

    async def _at_those(self, coming: Coming, count: int) -> None:
        if not self._stale(coming(count)):
            return
        async with self._run.scope.pulling, self._run.open_store() as store:
            again = store.orders_again
            if again is None:
                raise ProtocolMismatch("the store's plugin offers its orders by their keys no more")
            read: set[str] = set()
            # Where some of them do not go after all, others come in their place.
            while any(key not in read for key in self._stale(coming(count))):
                stale = [key for key in self._stale(coming(max(count, self._ahead))) if key not in read]
                for start in range(0, len(stale), READ_AGAIN):
                    await self._run.settled()
                    some = stale[start : start + READ_AGAIN]
                    await self._read_ahead(again, some)
                    read.update(some)

    async def _read_ahead(self, again: Rereader[Order], some: Sequence[str]) -> None:
        """Read those, and from now on only so many at once as leave time to hand them over. What was read
        with too many others is too old when its turn comes, and would be read once more for each before it.
        """
        begun_s = trio.current_time()
        await self._read(again, some)
        self._seen_s.update((key, begun_s) for key in some)
        took_s = trio.current_time() - begun_s
        if took_s > LOOK_AGAIN_S * READING:
            self._ahead = max(1, int(len(some) * LOOK_AGAIN_S * READING / took_s))

    def _stale(self, keys: Iterable[str]) -> list[str]:
        since_s = trio.current_time() - LOOK_AGAIN_S
        self._seen_s = {key: seen_s for key, seen_s in self._seen_s.items() if seen_s > since_s}
        return [key for key in keys if key not in self._seen_s]

    def _some(self, keys: Sequence[str], most: int) -> list[str]:
        """Others each time, where there are more."""
        return sorted(keys, key=lambda key: zlib.crc32(f"{self._run.id} {key}".encode()))[:most]

    async def _stage_changes(self, store: Store) -> Unfinished | None:
        if store.orders is None:
            raise ProtocolMismatch("the store's plugin offers no orders")
        for read in range(PAGES):
            cursor = self._run.state.read(partial(cursors.get, flow=self._book.flow))
            try:
                page = await store.orders.page(cursor, lambda _mark: False)
            except Unfinished as error:
                if not read:
                    raise
                return error
            await self._stage(page)
            await self._run.settled()
            if not page.more:
                return None
        raise ProtocolMismatch(f"the store still had more after {PAGES} pages")

    async def _read(self, again: Rereader[Order], keys: Sequence[str]) -> None:
        told = await again.read(keys)
        flow = self._book.flow
        newest = self._run.state.read(partial(_not_older, flow=flow, told=told.documents))
        waiting = [order.key for order in newest if order.status == "waiting" or order.cancel_requested]
        if waiting:
            await self._run.state.write(partial(seen_waiting.remember, flow=flow, keys=waiting))
        await self._stage(Page(documents=newest, bad=told.bad))

    async def _stage(self, page: Page[Order]) -> None:
        self._told.update(order.key for order in page.documents)
        staged: Staged = await self._run.state.write(
            partial(
                told_orders.stage,
                scope=self._run.scope,
                book=self._book,
                page=page,
                start_s=self._start_s,
                now_s=self._run.now_s(),
                run=self._run.id,
            )
        )
        self._run.count("staged", staged.new + staged.changed)
        self._run.count("undecodable", staged.bad)
        self._run.count("tasks", staged.tasks)


def _unread(tx: Reader, flow: Flow) -> list[str]:
    return [key for key, _ in documents.bad_records(tx, flow)]


def _not_older(tx: Reader, flow: Flow, told: Sequence[Order]) -> tuple[Order, ...]:
    """Those that are as new as what is known: a copy that the platform reads from may lag behind its list.
    What stops an order counts whenever it changed, as not every platform dates all changes."""
    return tuple(order for order in told if order.status != "open" or not _is_older(tx, flow, order))


def _is_older(tx: Reader, flow: Flow, order: Order) -> bool:
    doc = documents.get(tx, flow, order.key) if documents.may_be_key(order.key) else None
    return doc is not None and order.updated_at < _order.decode(doc.content).updated_at

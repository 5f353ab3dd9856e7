"""One execution of a job: what it may use, and what it tells about itself."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import msgspec
import trio

from dropstreamd.channels.older import Agreed
from dropstreamd.channels.same_store import hold_to_one_store
from dropstreamd.clock import Clock, utc
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.model.handover import Stamp
from dropstreamd.model.ids import Ids
from dropstreamd.platform.contract import Part, Store, Warehouse
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.base import Store as State
from dropstreamd.store.stock import Generation


class RunStopped(BaseException):
    """The run was asked to end and has reached a settled point. Not an error: it passes every
    handler on its way to the actor."""


class Progress(Protocol):
    """Told what a run counts, as it counts."""

    def counted(self, run: str, what: str, total: int) -> None: ...


class Fetched(msgspec.Struct, kw_only=True):
    """What a fetch came to, for all connections of the account."""

    new: int = 0
    changed: int = 0
    bad: int = 0
    unmatched: int = 0


class Feed(Protocol):
    """A warehouse account as its connections use it: the one reader and writer of its folders."""

    def session(self) -> AbstractAsyncContextManager[Warehouse]:
        """The account, opened for this user alone."""
        ...

    async def fetch_packages(self) -> Fetched:
        """Bring in every package that is waiting, for whichever connection it is. One fetch serves
        all who ask before it starts."""
        ...

    async def fetch_acknowledgements(self) -> Fetched:
        """Bring in every word of the warehouse on orders before they ship, likewise."""
        ...

    async def fetch_stock(self) -> Sequence[Generation]:
        """Bring in every snapshot that is waiting, likewise; what was made of each."""
        ...

    async def fetch_receipts(self) -> Fetched:
        """Bring in what came back, for whichever connection it is, likewise."""
        ...

    async def fetch_items(self) -> Fetched:
        """Bring the account's item master up to date, likewise."""
        ...

    async def fetch_purchases(self) -> Fetched:
        """Bring the account's purchase orders up to date, likewise."""
        ...


class Scope:
    """A connection as its runs see it; replaced whole when the configuration changes.

    `siblings` are all connections of its warehouse account, itself among them. `open_store` opens
    its store for one run. `pulling` is held by whoever reads the store's orders, the same for every
    configuration of the connection. What the plugins of its two sides declare: the parts that they
    provide (`store_offers`, `warehouse_offers`) and amend.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        account: WarehouseAccount,
        siblings: tuple[Connection, ...],
        open_store: Callable[[Priority], AbstractAsyncContextManager[Store]],
        feed: Feed,
        pulling: trio.Lock,
        store_offers: frozenset[Part],
        warehouse_offers: frozenset[Part],
        store_amends: frozenset[Part],
        warehouse_amends: frozenset[Part],
        warehouse_cancels: frozenset[Part],
        state: State,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.connection = connection
        self.account = account
        self.siblings = siblings
        self.open_store = open_store
        self.feed = feed
        self.pulling = pulling
        self.store_offers = store_offers
        self.warehouse_offers = warehouse_offers
        self.store_amends = store_amends
        self.warehouse_amends = warehouse_amends
        self.warehouse_cancels = warehouse_cancels
        self.state = state
        self.clock = clock
        self.ids = ids


class Run:
    """One execution. `agreed` are older documents that a person lets go with it, besides everything new."""

    def __init__(
        self,
        scope: Scope,
        *,
        run_id: str,
        priority: Priority = Priority.ORDERS,
        agreed: Agreed | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.scope = scope
        self.id = run_id
        self.priority = priority
        self.agreed = agreed
        self.counts: Counter[str] = Counter()
        self._progress = progress
        self._stopping = False

    @property
    def state(self) -> State:
        return self.scope.state

    @asynccontextmanager
    async def open_store(self) -> AsyncIterator[Store]:
        """The connection's store, opened for this run, its calls at the run's priority. Raises
        Misconfigured where it is another store than before."""
        await hold_to_one_store(self.state, self.scope.connection)
        async with self.scope.open_store(self.priority) as store:
            yield store

    def now_s(self) -> float:
        return self.scope.clock.now_s()

    def stamp(self) -> Stamp:
        """A new attempt's."""
        return Stamp(attempt=self.scope.ids.new(), at=utc(self.now_s()))

    def count(self, what: str, number: int = 1) -> None:
        """Add to what the run reports; 0 is not reported."""
        if number:
            self.counts[what] += number
            if self._progress is not None:
                self._progress.counted(self.id, what, self.counts[what])

    def stop(self) -> None:
        """Ask it to end at its next settled point."""
        self._stopping = True

    async def settled(self) -> None:
        """A point where nothing is half done. Raises RunStopped if the run was asked to end."""
        if self._stopping:
            raise RunStopped
        await trio.lowlevel.checkpoint()

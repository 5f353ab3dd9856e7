"""One warehouse account: the only reader and writer of its folders, for all who share it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, TypeVar

import trio

from dropstreamd.channels import acknowledged, catalogs, intake, purchases, receiving, stock_pages
from dropstreamd.channels.intake import Account
from dropstreamd.channels.run import Fetched, Scope
from dropstreamd.clock import Clock
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import DropstreamError, ProtocolMismatch, Unreachable
from dropstreamd.model.ids import Ids
from dropstreamd.platform.contract import Warehouse
from dropstreamd.store.base import Store
from dropstreamd.store.stock import Generation

T = TypeVar("T")

FETCH_DEADLINE_S = 3600.0
"""How long one fetch may take, in seconds: all who share the account wait for it meanwhile."""


class Shared(Generic[T]):
    """Work that is done once for all who ask before it begins; its failure is theirs too."""

    def __init__(self, lock: trio.Lock) -> None:
        self._lock = lock
        self._begun = 0
        self._ended = 0
        self._result: T | None = None
        self._error: DropstreamError | None = None

    async def do(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of a round that began after this call. Cancelled, it leaves the next one that
        asks to begin again."""
        wanted = self._begun + 1
        async with self._lock:
            if self._ended >= wanted:
                if self._error is not None:
                    raise self._error
                return self._result  # type: ignore[return-value]
            self._begun += 1
            mine = self._begun
            self._error = None
            try:
                self._result = await work()
            except DropstreamError as error:
                self._error = error
                self._ended = mine
                raise
            self._ended = mine
            return self._result


class WarehouseFeed:
    """See `channels.run.Feed`. `scopes` are the connections of the account, kept by the daemon."""

    def __init__(
        self,
        *,
        settings: WarehouseAccount,
        scopes: Mapping[str, Scope],
        open_session: Callable[[], AbstractAsyncContextManager[Warehouse]],
        state: Store,
        clock: Clock,
        ids: Ids,
        some_broken: Callable[[], bool] = lambda: False,
    ) -> None:
        self.account = Account(settings, scopes, state, some_broken=some_broken)
        self._open_session = open_session
        self._clock = clock
        self._ids = ids
        self._lock = trio.Lock()
        self._packages: Shared[Fetched] = Shared(self._lock)
        self._stock: Shared[Sequence[Generation]] = Shared(self._lock)
        self._receipts: Shared[Fetched] = Shared(self._lock)
        self._items: Shared[Fetched] = Shared(self._lock)
        self._purchases: Shared[Fetched] = Shared(self._lock)
        self._acknowledged: Shared[Fetched] = Shared(self._lock)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Warehouse]:
        async with self._lock, self._open_session() as warehouse:
            yield warehouse

    async def fetch_packages(self) -> Fetched:
        return await self._packages.do(self._fetch_packages)

    async def fetch_stock(self) -> Sequence[Generation]:
        return await self._stock.do(self._fetch_stock)

    async def fetch_receipts(self) -> Fetched:
        return await self._receipts.do(self._fetch_receipts)

    async def fetch_items(self) -> Fetched:
        return await self._items.do(self._fetch_items)

    async def fetch_purchases(self) -> Fetched:
        return await self._purchases.do(self._fetch_purchases)

    async def fetch_acknowledgements(self) -> Fetched:
        return await self._acknowledged.do(self._fetch_acknowledgements)

    @asynccontextmanager
    async def _open_to_fetch(self) -> AsyncIterator[Warehouse]:
        """A session for one fetch. A server that keeps its connection alive and answers nothing would
        hold the account, and the runs that wait for it, for ever."""
        with trio.move_on_after(FETCH_DEADLINE_S) as patience:
            async with self._open_session() as warehouse:
                yield warehouse
        if patience.cancelled_caught:
            path = "/".join(self.account.path)
            raise Unreachable(f"warehouse {path}: not everything was fetched within {FETCH_DEADLINE_S:g} s")

    async def _fetch_packages(self) -> Fetched:
        async with self._open_to_fetch() as warehouse:
            if warehouse.shipments is None:
                raise ProtocolMismatch("the warehouse's plugin tells no shipments")
            return await intake.fetch_packages(
                self.account, warehouse.shipments, run=self._ids.new(), now_s=self._clock.now_s()
            )

    async def _fetch_stock(self) -> Sequence[Generation]:
        async with self._open_to_fetch() as warehouse:
            if warehouse.inventory is None:
                raise ProtocolMismatch("the warehouse's plugin tells no inventory")
            return await stock_pages.fetch_stock(
                self.account, warehouse.inventory, generation=self._ids.new(), now_s=self._clock.now_s()
            )

    async def _fetch_receipts(self) -> Fetched:
        async with self._open_to_fetch() as warehouse:
            if warehouse.receipts is None:
                raise ProtocolMismatch("the warehouse's plugin tells no receipts")
            return await receiving.fetch_receipts(
                self.account, warehouse.receipts, run=self._ids.new(), now_s=self._clock.now_s()
            )

    async def _fetch_items(self) -> Fetched:
        async with self._open_to_fetch() as warehouse:
            if warehouse.catalogue is None:
                raise ProtocolMismatch("the warehouse's plugin tells no item master")
            return await catalogs.fetch_items(self.account, warehouse.catalogue, now_s=self._clock.now_s())

    async def _fetch_purchases(self) -> Fetched:
        async with self._open_to_fetch() as warehouse:
            if warehouse.purchase_orders is None:
                raise ProtocolMismatch("the warehouse's plugin tells no purchase orders")
            return await purchases.fetch_purchases(
                self.account, warehouse.purchase_orders, now_s=self._clock.now_s()
            )

    async def _fetch_acknowledgements(self) -> Fetched:
        async with self._open_to_fetch() as warehouse:
            if warehouse.acknowledgements is None:
                raise ProtocolMismatch("the warehouse's plugin tells no acknowledgements")
            return await acknowledged.fetch(
                self.account,
                warehouse.acknowledgements,
                writes=None if warehouse.orders is None else warehouse.orders.writes,
                run=self._ids.new(),
                now_s=self._clock.now_s(),
            )

"""What the tests of the plugins lend a plugin in the daemon's stead, and sessions on it."""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, Protocol, Self, TypeVar

import msgspec

from dropstreamd.clock import Clock
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import Withdrawn
from dropstreamd.model.orders import Order
from dropstreamd.platform.access import AccountTokens, digest
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.contract import Host, Source
from dropstreamd.platform.grants import Fetch
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult
from tests.plugins.runs import Listing, Run, read

NOW_S = 1_795_300_000.0
"""When most of the tests' wall clocks begin."""


class Calls(msgspec.Struct):
    """An `Observer` that counts how often the platform said that it was too much."""

    throttles: int = 0

    def call_finished(self, account: str, result: CallResult) -> None:
        assert account

    def throttled(self, account: str) -> None:
        self.throttles += 1


class TestHost:
    """A `Host` with secrets by name. Hosts of one budget are of one account; each has an access token of its
    own, which outlives sessions, and a circuit that opens after `threshold` failures."""

    __test__ = False

    def __init__(
        self,
        account: str,
        clock: Clock,
        secrets: Mapping[str, str],
        budget: Budget,
        priority: Priority = Priority.ORDERS,
        *,
        threshold: int = 5,
    ) -> None:
        self.clock = clock
        self._budget = budget
        self.limiter = budget.for_priority(priority)
        self.calls = Calls()
        self.secrets = dict(secrets)
        self._tokens = AccountTokens()
        self._threshold = threshold
        self.http = Http(
            account=account,
            limiter=self.limiter,
            circuit=Circuit(account, threshold=threshold),
            observer=self.calls,
            trust=Trust(),
            random=random.Random(7),
            clock=clock,
        )

    def secret(self, ref: SecretRef) -> Secret:
        if (ref.secret or "") not in self.secrets:
            raise Misconfigured(f"the {ref} cannot be read", remedy="give it to the test's host")
        return Secret(self.secrets[ref.secret or ""])

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        def made_with() -> bytes:
            return digest(self.secret(ref) for ref in secrets)

        return await self._tokens.token(fetch, made_with=made_with, keep=None, refused=refused)

    async def number(self, series: str, purpose: str) -> int:
        raise AssertionError("nothing here is counted")

    def at(self, priority: Priority) -> "TestHost":
        """Another caller of the same account."""
        account, threshold = self.http.account, self._threshold
        return TestHost(account, self.clock, self.secrets, self._budget, priority, threshold=threshold)


class Steps(msgspec.Struct):
    """A `Record` that keeps what it is told."""

    taken: list[str] = []
    wanted: bool = True

    async def __call__(self, step: str, *, if_wanted: bool = False) -> None:
        if if_wanted and not self.wanted:
            raise Withdrawn
        self.taken.append(step)


class Lists(Protocol):
    """A store that tells orders."""

    @property
    def orders(self) -> Source[Order]: ...


S = TypeVar("S", bound=msgspec.Struct)
P = TypeVar("P")
L = TypeVar("L", bound=Lists)


class Account(msgspec.Struct, Generic[S, P], frozen=True):
    """An account that sessions can be opened on, by the plugin's own `opens`."""

    host: TestHost
    settings: S
    opens: Callable[[S, Host], AbstractAsyncContextManager[P]]

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[P]:
        """A session, with some settings changed."""
        async with self.opens(msgspec.structs.replace(self.settings, **changes), self.host) as session:
            yield session

    def at(self, priority: Priority) -> Self:
        """Another caller's sight of the same account."""
        return msgspec.structs.replace(self, host=self.host.at(priority))

    async def read(self, part: str, cursor: str | None = None, **changes: object) -> Run[Any]:
        """One run of a source."""
        async with self.open(**changes) as session:
            return await read(getattr(session, part), cursor)


class StoreAccount(Account[S, L], frozen=True):
    """A store's. `once`: its plugin tells no order twice in one run."""

    once: bool = False

    async def listing(self, cursor: str | None = None, **changes: object) -> Listing:
        """All pages of one run."""
        async with self.open(**changes) as store:
            return await Listing(cursor=cursor).read(store.orders, once=self.once)

    async def one(self, **changes: object) -> Order:
        """The only order."""
        (order,) = (await self.listing(None, **changes)).told
        return order

"""One budget of calls for each account, shared by everybody who calls it."""

import bisect
import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import IntEnum
from typing import Protocol

import msgspec
import trio

REPEATED_S = 60.0
"""Demands for fewer calls that are no further apart than this are no accident."""

CUT = 0.5
REGAINED_S = 120.0
LEAST_SHARE = 0.05
"""How the rate is cut by a repeated demand, the time in which all of it would come back, and what always
stays."""


class Priority(IntEnum):
    """Who goes first when calls wait; lower first."""

    ORDERS = 0
    SMART = 1
    FULL = 2


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform allows one account: `rate_per_s` for good, `burst` at once after a rest (both
    in its own units of cost), and `at_once` calls in flight. All above zero. `kept` is the share of the
    burst that is kept for orders, from 0 to below 1: with it they need not wait for the bucket."""

    rate_per_s: float = 5.0
    burst: float = 10.0
    at_once: int = 4
    kept: float = 0.0


class Limiter(Protocol):
    """Admits calls at the rate that the platform allows."""

    def admit(self, cost: float = 1.0) -> AbstractAsyncContextManager[None]:
        """Wait for leave to make one call; `cost` is in the platform's own units.

        The call is made inside. Cancelled while waiting, nothing was spent.
        """
        ...

    def slow_down(self, retry_after_s: float) -> None:
        """The platform asked for fewer calls: admit none for so many seconds."""
        ...

    def learn(self, *, available: float | None, burst: float, rate_per_s: float) -> None:
        """What the platform itself says of the account, in an answer that came just now: how much it may
        spend at once (None: it does not tell), how much after a rest, and how fast that comes back. Figures
        that are not above zero are not believed."""
        ...

    def operation(self, name: str, pace: Pace) -> "Limiter":
        """The budget of one operation, where the platform counts each apart: a call spends from it, and
        nothing from the account's. Made at this pace when it is first asked for."""
        ...

    def ahead(self) -> "Limiter":
        """The same budget, for a call that the account's others wait for, such as for its token: it goes as
        orders do, whoever makes it."""
        ...

    def ready_in_s(self, cost: float = 1.0) -> float:
        """Seconds until a call could be made if nobody else waited; 0 for at once."""
        ...


class Budget:
    """An account's budget: a token bucket and a bound on calls in flight.

    Callers ask through `for_priority`. Of those waiting, the lowest priority number goes first, and
    the first come first among equals; but a step of priority is worth `step_s` of waiting, so that
    nobody starves: a FULL call that has waited for 2 × `step_s` goes before a new ORDERS call. A
    call of more than the whole burst waits for a full bucket and leaves it in debt. What the pace keeps
    for orders is left by the others, until they have waited as long as that.

    Where a platform tells no figures, refusals alone show that somebody else spends from the same pool: a
    demand for fewer calls that comes within `REPEATED_S` of the last one's end cuts the rate, as often as it
    comes, and the rate grows again steadily (`REGAINED_S` from nothing to what the pace says).
    """

    def __init__(self, pace: Pace, *, step_s: float = 30.0) -> None:
        self._configured = pace
        self._pace = pace
        self._step_s = step_s
        self._tokens = pace.burst
        self._counted_s = trio.current_time()
        self._share = 1.0
        self._rested_s = -math.inf
        self._in_flight = 0
        self._spending = 0.0
        self._waiting: list[_Waiter] = []
        self._arrivals = 0
        self._operations: dict[str, Budget] = {}

    @property
    def waiting(self) -> int:
        """Calls that wait for leave, for metrics; those of operations among them."""
        return len(self._waiting) + sum(each.waiting for each in self._operations.values())

    def for_priority(self, priority: Priority) -> Limiter:
        """The same budget, as a caller of this priority sees it."""
        return _Share(self, priority)

    def change(self, pace: Pace) -> None:
        """A configuration: a new one holds from now on, and what was spent stays spent. Of the one that
        held before nothing changes, nor of what was learned since."""
        if pace == self._configured:
            return
        self._count()
        self._configured = self._pace = pace
        self._tokens = min(self._tokens, pace.burst)
        self._share = 1.0
        self._wake_first()

    def operation(self, name: str, pace: Pace) -> "Budget":
        """The budget of one operation (`Limiter.operation`)."""
        budget = self._operations.get(name)
        if budget is None:
            budget = self._operations[name] = Budget(pace, step_s=self._step_s)
        else:
            budget.change(pace)
        return budget

    def ready_in_s(self, cost: float) -> float:
        """As `Limiter.ready_in_s`."""
        self._count()
        rest_s = max(0.0, self._counted_s - trio.current_time())
        return rest_s + max(0.0, min(cost, self._pace.burst) - self._tokens) / self._rate_per_s

    def slow_down(self, retry_after_s: float) -> None:
        """Admit nothing for so many seconds, then one call at once and the next ones at the rate.

        A shorter demand never shortens a longer one.
        """
        self._count()
        now_s = trio.current_time()
        # A demand during a rest is the answer to a call that was under way by then.
        if self._counted_s <= now_s < self._rested_s + REPEATED_S:
            self._share = max(LEAST_SHARE, self._share * CUT)
        until_s = now_s + retry_after_s
        if until_s >= self._counted_s:
            self._counted_s = self._rested_s = until_s
            self._tokens = min(self._tokens, 1.0)

    def learn(self, *, available: float | None, burst: float, rate_per_s: float) -> None:
        """As `Limiter.learn`. Calls that are under way may not have been counted there yet: what they
        cost is kept back. A rest that was asked for stays. Of one that tells what is left nothing has to be
        guessed: its rate is not cut."""
        self._count()
        if burst > 0 and rate_per_s > 0:
            self._pace = msgspec.structs.replace(self._pace, burst=burst, rate_per_s=rate_per_s)
        if available is not None:
            self._share = 1.0
        if available is not None and trio.current_time() >= self._counted_s:
            self._tokens = min(self._pace.burst, max(0.0, available)) - self._spending
        self._wake_first()

    @asynccontextmanager
    async def admit(self, priority: Priority, cost: float) -> AsyncIterator[None]:
        """As `Limiter.admit`."""
        await self._enter(priority, cost)
        self._spending += cost
        try:
            yield
        finally:
            self._in_flight -= 1
            self._spending -= cost
            self._wake_first()

    async def _enter(self, priority: Priority, cost: float) -> None:
        self._arrivals += 1
        due_s = trio.current_time() + self._step_s * priority
        waiter = _Waiter(order=(due_s, self._arrivals), patient=priority > Priority.ORDERS)
        bisect.insort(self._waiting, waiter, key=lambda one: one.order)
        try:
            await trio.lowlevel.checkpoint()
            # Between the last look at the bucket and the taking there is no checkpoint.
            while (delay_s := self._delay_s(waiter, cost)) > 0:
                with trio.move_on_after(delay_s):
                    await waiter.wake.wait()
                waiter.wake = trio.Event()
            self._tokens -= cost
            self._in_flight += 1
        finally:
            self._waiting.remove(waiter)
            self._wake_first()

    def _delay_s(self, waiter: "_Waiter", cost: float) -> float:
        """Seconds until this one may go; infinite where only an event can let it."""
        if self._waiting[0] is not waiter or self._in_flight >= self._pace.at_once:
            return math.inf
        self._count()
        rest_s = max(0.0, self._counted_s - trio.current_time())
        missing = min(cost, self._pace.burst) - self._tokens
        delay_s = rest_s + max(0.0, missing) / self._rate_per_s
        due_in_s = waiter.order[0] - trio.current_time()
        if waiter.patient and due_in_s > 0:
            missing = min(cost + self._pace.kept * self._pace.burst, self._pace.burst) - self._tokens
            patient_s = rest_s + max(0.0, missing) / self._rate_per_s
            delay_s = max(delay_s, min(patient_s, due_in_s))
        return delay_s if delay_s > _ROUNDING_S else 0.0

    @property
    def _rate_per_s(self) -> float:
        """What the pace says, less what was cut."""
        return self._pace.rate_per_s * self._share

    def _count(self) -> None:
        """Bring the bucket up to now. `_counted_s` lies in the future while the account rests."""
        now_s = trio.current_time()
        if now_s > self._counted_s:
            passed_s = now_s - self._counted_s
            before, self._share = self._share, min(1.0, self._share + passed_s / REGAINED_S)
            gained = passed_s * self._pace.rate_per_s * (before + self._share) / 2
            self._tokens = min(self._pace.burst, self._tokens + gained)
            self._counted_s = now_s

    def _wake_first(self) -> None:
        if self._waiting:
            self._waiting[0].wake.set()


class Limiters:
    """The budgets of all accounts, by account key; they outlive connections."""

    def __init__(self) -> None:
        self._budgets: dict[str, Budget] = {}

    def budget(self, account: str, pace: Pace) -> Budget:
        """The account's one budget, at this pace from now on."""
        budget = self._budgets.get(account)
        if budget is None:
            budget = self._budgets[account] = Budget(pace)
        else:
            budget.change(pace)
        return budget


# Less than this is the rounding of a float, and no clock can be waited for so briefly.
_ROUNDING_S = 1e-6


class _Waiter:
    """`patient`: it leaves what is kept for orders, until it is due itself."""

    def __init__(self, *, order: tuple[float, int], patient: bool) -> None:
        self.order = order
        self.patient = patient
        self.wake = trio.Event()


class _Share:
    """A `Limiter`: a budget seen at one priority."""

    def __init__(self, budget: Budget, priority: Priority) -> None:
        self._budget = budget
        self._priority = priority

    def admit(self, cost: float = 1.0) -> AbstractAsyncContextManager[None]:
        return self._budget.admit(self._priority, cost)

    def slow_down(self, retry_after_s: float) -> None:
        self._budget.slow_down(retry_after_s)

    def learn(self, *, available: float | None, burst: float, rate_per_s: float) -> None:
        self._budget.learn(available=available, burst=burst, rate_per_s=rate_per_s)

    def operation(self, name: str, pace: Pace) -> Limiter:
        return _Share(self._budget.operation(name, pace), self._priority)

    def ahead(self) -> Limiter:
        return _Share(self._budget, Priority.ORDERS)

    def ready_in_s(self, cost: float = 1.0) -> float:
        return self._budget.ready_in_s(cost)

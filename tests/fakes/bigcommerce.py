"""A strict BigCommerce: an HTTP server that validates every request against BigCommerce's own descriptions.

It keeps a quota of calls for each window as BigCommerce does, pages by number, carries adjustments out a
little later, refuses a call with one wrong entry whole, and can be told to misbehave: faults are queued by
the operation that they hit.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import trio

from .bigcommerce_api import REFUSED, Api, Refused
from .bigcommerce_schema import Descriptions, Operation, require_descriptions
from .bigcommerce_shop import STORE, BigCommerceShop, stamp
from .web import JSON, Asked, Double, Reply, misbehaved, serving

PROBLEM = "application/problem+json"
SCOPES = ("Orders", "Products", "Store Inventory")
SCOPE_OF = {"v2/orders": "Orders", "v3/catalog": "Products", "v3/inventory": "Store Inventory"}

Fault = Literal[
    "401", "423", "429", "500", "503", "html", "before", "after", "lost", "truncated", "slow", "no"
]
"""`before`, `after`: the connection ends before or after it was applied, with no answer; `truncated`: within
the answer. `lost`: applied, and never answered. `slow`: in small bits. `no`: nothing is wrong this time."""


class Quota:
    """Calls that the store's apps may make in a window; all of them come back at its end."""

    def __init__(self, calls: int, window_s: float = 30.0) -> None:
        self.calls = calls
        self.window_s = window_s
        self.left = calls
        self.used: list[int] = []
        """Calls in each window that is over."""
        self._ends_s = trio.current_time() + window_s

    def count(self) -> float:
        """Seconds until the window's end."""
        now_s = trio.current_time()
        while now_s >= self._ends_s:
            self._ends_s += self.window_s * max(1, (now_s - self._ends_s) // self.window_s)
            self.used.append(self.calls - self.left)
            self.left = self.calls
        return self._ends_s - now_s

    def take(self) -> bool:
        self.count()
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def headers(self) -> dict[str, str]:
        return {
            "x-rate-limit-time-window-ms": str(int(self.window_s * 1000)),
            "x-rate-limit-time-reset-ms": str(int(self.count() * 1000) + 1),
            "x-rate-limit-requests-quota": str(self.calls),
            "x-rate-limit-requests-left": str(self.left),
        }


class FakeBigCommerce(Double[Fault]):
    """The server's half. `shop` has the state; `asked` are the operations that came, in order."""

    def __init__(self, descriptions: Descriptions, *, now: datetime) -> None:
        super().__init__()
        self.descriptions = descriptions
        self.shop = BigCommerceShop(now)
        self.token = "3kq8v0t7token"
        self.scopes = set(SCOPES)
        self.read_only: set[str] = set()
        self.quota = Quota(1_000_000_000)
        self.throttled = 0
        self.api = Api(self.shop)
        self._looked_at: set[tuple[str, int]] = set()

    # ---- HTTP

    async def answer(self, asked: Asked) -> Reply | None:
        reply = await self._reply(asked)
        date = {"date": stamp(self.shop.now).replace("+0000", "GMT")}
        return None if reply is None else msgspec.structs.replace(reply, headers=date | dict(reply.headers))

    async def _reply(self, asked: Asked) -> Reply | None:
        closed = self._closed(asked.path, asked.headers)
        if closed is not None:
            return closed
        path = asked.path.removeprefix(f"/stores/{STORE}/")
        found = self.descriptions.find(asked.method, path)
        assert found is not None, f"no description has {asked.method} {path}"
        operation, ids = found
        fault = self.called(operation.id)
        canned = self._turned_away(asked.method, path) or (None if fault is None else self._canned(fault))
        if canned is not None or fault == "before":
            return canned
        return await misbehaved(self._run(operation, ids, asked), fault)

    def _closed(self, path: str, headers: Mapping[str, str]) -> Reply | None:
        """What who has no business here is told."""
        if not path.startswith("/stores/"):
            return _error(404, "not found")
        if headers.get("x-auth-token") != self.token:
            return _error(401, "X-Auth-Token is not valid")
        if not path.startswith(f"/stores/{STORE}/"):
            return _error(403, "not a store of this account")
        return None

    def _turned_away(self, method: str, path: str) -> Reply | None:
        """Where the quota is used up, or a scope is missing."""
        if not self.quota.take():
            self.throttled += 1
            return msgspec.structs.replace(_error(429, "Too Many Requests"), headers=self.quota.headers())
        scope = next(name for begin, name in SCOPE_OF.items() if path.startswith(begin))
        if scope not in self.scopes or (method != "GET" and scope in self.read_only):
            return _error(403, "You don't have a required scope to access the endpoint")
        return None

    def _canned(self, fault: Fault) -> Reply | None:
        """What some faults are answered with, without a look at the request."""
        if fault == "429":
            told = {**self.quota.headers(), "x-rate-limit-time-reset-ms": "12000"}
            return msgspec.structs.replace(_error(429, "Too Many Requests"), headers=told)
        if fault == "html":
            return Reply(kind="text/html", body=b"<html><title>Down for Maintenance</title></html>")
        return _error(int(fault), "it is so") if fault.isdecimal() else None

    def _run(self, operation: Operation, ids: dict[str, int], asked: Asked) -> Reply:
        assert asked.headers.get("accept") == JSON, "Accept is required"
        query = self.descriptions.check_query(operation, asked.question)
        sent: Any = None
        if asked.body or operation.body:
            assert asked.headers.get("content-type") == JSON, "Content-Type is required"
            sent = msgspec.json.decode(asked.body)
            self.descriptions.check_body(operation, sent)
        try:
            status, told = self.api.run(operation.id, ids, query, sent)
        except Refused as refusal:
            status, told = refusal.status, refusal.told
        if (operation.id, status) not in self._looked_at:
            self._looked_at.add((operation.id, status))
            self.descriptions.check_answer(operation, status, told)
        kind = PROBLEM if status in REFUSED and isinstance(told, dict) else ""
        return Reply(
            status=status,
            body=b"" if status == 204 else self.spoil.spoilt(operation.id, msgspec.json.encode(told)),
            headers=self.quota.headers(),
            kind=kind,
        )


def _error(status: int, title: str) -> Reply:
    told = {"status": status, "title": title, "type": "about:blank", "errors": {}}
    return Reply(status=status, body=msgspec.json.encode(told), kind=PROBLEM)


@asynccontextmanager
async def fake_bigcommerce(*, now: datetime | None = None) -> AsyncIterator[FakeBigCommerce]:
    """A server, up and listening; skips the test where BigCommerce's descriptions are not here."""
    fake = FakeBigCommerce(require_descriptions(), now=now or datetime(2026, 11, 21, tzinfo=UTC))
    async with serving(fake):
        yield fake

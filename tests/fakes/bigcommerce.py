"""A strict BigCommerce: an HTTP server that validates every request against BigCommerce's own descriptions.

It keeps a quota of calls for each window as BigCommerce does, pages by number, carries adjustments out a
little later, refuses a call with one wrong entry whole, and can be told to misbehave: faults are queued by
the operation that they hit.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import h11
import msgspec
import trio

from .bigcommerce_api import REFUSED, Api, Refused
from .bigcommerce_schema import Descriptions, Operation, require_descriptions
from .bigcommerce_shop import STORE, BigCommerceShop, stamp

SCOPES = ("Orders", "Products", "Store Inventory")
SCOPE_OF = {"v2/orders": "Orders", "v3/catalog": "Products", "v3/inventory": "Store Inventory"}

Fault = Literal[
    "401", "423", "429", "500", "503", "html", "before", "after", "lost", "truncated", "slow", "no"
]
"""`before`, `after`: the connection ends before or after it was applied, with no answer; `truncated`: within
the answer. `lost`: applied, and never answered. `slow`: in small bits. `no`: nothing is wrong this time."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; one that is not `whole` says that it is longer than it is."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = {}
    kind: str = "application/json"
    whole: bool = True
    slow: bool = False


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


class FakeBigCommerce:
    """The server's half. `shop` has the state; `asked` are the operations that came, in order."""

    def __init__(self, descriptions: Descriptions, *, now: datetime) -> None:
        self.descriptions = descriptions
        self.shop = BigCommerceShop(now)
        self.token = "3kq8v0t7token"
        self.scopes = set(SCOPES)
        self.read_only: set[str] = set()
        self.quota = Quota(1_000_000_000)
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.throttled = 0
        self.before: dict[str, Callable[[], object]] = {}
        self.port = 0
        self.api = Api(self.shop)
        self._looked_at: set[tuple[str, int]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, operation: str, *faults: Fault) -> None:
        self.faults.setdefault(operation, []).extend(faults)

    # ---- HTTP

    async def serve(self, stream: trio.SocketStream) -> None:
        peer = h11.Connection(h11.SERVER)
        while True:
            request, body = await _request(peer, stream)
            if request is None:
                return
            reply = await self._answer(request, body)
            if reply is None:
                return
            length = len(reply.body) if reply.whole else len(reply.body) + 7
            fields = {"date": stamp(self.shop.now).replace("+0000", "GMT"), **reply.headers}
            if reply.status != 204:
                fields |= {"content-type": reply.kind, "content-length": str(length)}
            head = h11.Response(status_code=reply.status, headers=list(fields.items()))
            await stream.send_all(peer.send(head) or b"")
            for part in _parts(reply) if reply.status != 204 else ():
                await stream.send_all(peer.send(h11.Data(data=part)) or b"")
            if not reply.whole:
                return
            await stream.send_all(peer.send(h11.EndOfMessage()) or b"")
            peer.start_next_cycle()

    async def _answer(self, request: h11.Request, body: bytes) -> Reply | None:
        """None: the connection ends without one."""
        path, _, query = request.target.decode().partition("?")
        method = request.method.decode()
        headers = {name.decode(): value.decode() for name, value in request.headers}
        closed = self._closed(path, headers)
        if closed is not None:
            return closed
        path = path.removeprefix(f"/stores/{STORE}/")
        found = self.descriptions.find(method, path)
        assert found is not None, f"no description has {method} {path}"
        operation, ids = found
        self.asked.append(operation.id)
        queue = self.faults.get(operation.id, [])
        fault = queue.pop(0) if queue else None
        if operation.id in self.before:
            self.before.pop(operation.id)()
        canned = self._turned_away(method, path) or (None if fault is None else self._canned(fault))
        if canned is not None or fault == "before":
            return canned
        reply = self._run(operation, ids, query, headers, body)
        if fault == "lost":
            await trio.sleep_forever()
        if fault == "after":
            return None
        return msgspec.structs.replace(reply, whole=fault != "truncated", slow=fault == "slow")

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

    def _run(
        self, operation: Operation, ids: dict[str, int], query: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        assert headers.get("accept") == "application/json", "Accept is required"
        asked = self.descriptions.check_query(operation, query)
        sent: Any = None
        if body or operation.body:
            assert headers.get("content-type") == "application/json", "Content-Type is required"
            sent = msgspec.json.decode(body)
            self.descriptions.check_body(operation, sent)
        try:
            status, told = self.api.run(operation.id, ids, asked, sent)
        except Refused as refusal:
            status, told = refusal.status, refusal.told
        if (operation.id, status) not in self._looked_at:
            self._looked_at.add((operation.id, status))
            self.descriptions.check_answer(operation, status, told)
        kind = (
            "application/problem+json" if status in REFUSED and isinstance(told, dict) else "application/json"
        )
        return Reply(
            status=status,
            body=b"" if status == 204 else msgspec.json.encode(told),
            headers=self.quota.headers(),
            kind=kind,
        )


def _error(status: int, title: str) -> Reply:
    told = {"status": status, "title": title, "type": "about:blank", "errors": {}}
    return Reply(status=status, body=msgspec.json.encode(told), kind="application/problem+json")


def _parts(reply: Reply) -> list[bytes]:
    if not reply.slow:
        return [reply.body]
    head = [reply.body[place : place + 1] for place in range(min(200, len(reply.body)))]
    return [*head, reply.body[200:]] if reply.body[200:] else head


async def _request(peer: h11.Connection, stream: trio.SocketStream) -> tuple[h11.Request | None, bytes]:
    request, body = None, b""
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await stream.receive_some(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return request, body
        else:
            return None, b""


@asynccontextmanager
async def fake_bigcommerce(*, now: datetime | None = None) -> AsyncIterator[FakeBigCommerce]:
    """A server, up and listening; skips the test where BigCommerce's descriptions are not here."""
    fake = FakeBigCommerce(require_descriptions(), now=now or datetime(2026, 11, 21, tzinfo=UTC))

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await fake.serve(stream)
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                return  # the client went away, within a request perhaps

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        fake.port = listeners[0].socket.getsockname()[1]
        yield fake
        nursery.cancel_scope.cancel()

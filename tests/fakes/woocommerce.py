"""A strict WooCommerce: an HTTP server that refuses every request which WooCommerce's own descriptions do not
allow (`woocommerce_routes` says which and whence), keeps a shop's state, and can be told to misbehave.

Faults are queued by the route that they hit, as "POST wc/v3/orders/*/notes".
"""

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode

import h11
import msgspec
import trio

from .pool import Pool
from .woocommerce_routes import asked
from .woocommerce_rows import Refused
from .woocommerce_shop import WooShop

KEY = "ck_0123456789abcdef0123456789abcdef01234567"
SECRET = "cs_0123456789abcdef0123456789abcdef01234567"

Fault = Literal[
    "429", "500", "503", "401", "html", "before", "after", "late-400", "lost", "truncated", "slow"
]
"""`before`, `after`: the connection ends before or after it was applied, with no answer; `truncated`: within
the answer. `late-400`: applied, and yet refused. `lost`: applied, and never answered. `slow`: in small
bits."""

PAGE = b"<!DOCTYPE html><html><title>Page not found</title></html>"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; one that is not `whole` says that it is longer than it is."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}
    kind: str = "application/json; charset=UTF-8"
    whole: bool = True
    slow: bool = False


class FakeWooCommerce:
    """The server's half. `shop` has the state; `asked` are the routes that were called, in order."""

    def __init__(self, *, now: datetime) -> None:
        self.shop = WooShop(now)
        self.permissions = "read_write"
        self.plain_permalinks = False
        self.active = True
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.queries: list[dict[str, Any]] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.pool: Pool | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, route: str, *faults: Fault) -> None:
        self.faults.setdefault(route, []).extend(faults)

    def limit(self, *, burst: float, rate_per_s: float) -> Pool:
        """As a host limits its shops: so many calls at once, so many a second for good."""
        self.pool = Pool(rate_per_s, burst)
        return self.pool

    @property
    def throttled(self) -> int:
        """Calls that were turned away for their number."""
        return 0 if self.pool is None else self.pool.refused

    def calls(self, route: str) -> int:
        return self.asked.count(route)

    # ---- HTTP

    async def serve(self, stream: trio.SocketStream) -> None:
        peer = h11.Connection(h11.SERVER)
        while True:
            request, body = await _request(peer, stream)
            if request is None:
                return
            reply = await self._reply(request, body)
            if reply is None:
                return
            length = len(reply.body) if reply.whole else len(reply.body) + 7
            fields = {**reply.headers, "content-type": reply.kind, "content-length": str(length)}
            head = h11.Response(status_code=reply.status, headers=list(fields.items()))
            await stream.send_all(peer.send(head) or b"")
            for part in _parts(reply):
                await stream.send_all(peer.send(h11.Data(data=part)) or b"")
            if not reply.whole:
                return
            await stream.send_all(peer.send(h11.EndOfMessage()) or b"")
            peer.start_next_cycle()

    async def _reply(self, request: h11.Request, body: bytes) -> Reply | None:
        """None: the connection ends without one."""
        path, _, query = request.target.decode().partition("?")
        if self.plain_permalinks:
            pairs = parse_qsl(query, keep_blank_values=True)
            route = dict(pairs).get("rest_route", "").strip("/") if path == "/" else ""
            query = urlencode([(name, text) for name, text in pairs if name != "rest_route"])
        else:
            route = unquote(path).removeprefix("/wp-json/").strip("/") if path.startswith("/wp-json/") else ""
        if not route:
            return Reply(status=404, body=PAGE, kind="text/html; charset=UTF-8")
        if not self.active:
            return _error("rest_no_route", 404)
        read = asked(request.method.decode(), route, query, body)
        name = read.route.name
        self.asked.append(name)
        self.queries.append(dict(read.query))
        queue = self.faults.get(name, [])
        fault = queue.pop(0) if queue else None
        if name in self.before:
            self.before.pop(name)()
        headers = {key.decode().lower(): value.decode() for key, value in request.headers}
        refused = self._canned(fault) or self._limited() or self._denied(headers, read.route.method, route)
        if fault == "before":
            return None
        if refused is not None:
            return refused
        try:
            status, answer, told = self.shop.answer(read)
            reply = Reply(status=status, headers=told, body=msgspec.json.encode(answer))
        except Refused as refusal:
            reply = _error(refusal.code, refusal.status)
        if fault == "late-400":
            reply = _error(0, 400)
        if fault == "lost":
            await trio.sleep_forever()
        if fault == "after":
            return None
        return msgspec.structs.replace(reply, whole=fault != "truncated", slow=fault == "slow")

    def _canned(self, fault: Fault | None) -> Reply | None:
        if fault == "html":
            return Reply(body=PAGE, kind="text/html; charset=UTF-8")
        if fault in ("429", "503"):
            return msgspec.structs.replace(_error("busy", int(fault)), headers={"retry-after": "3"})
        if fault == "500":
            return _error("internal_server_error", 500)
        return _error("woocommerce_rest_cannot_view", 401) if fault == "401" else None

    def _limited(self) -> Reply | None:
        if self.pool is None or self.pool.take():
            return None
        return msgspec.structs.replace(_error("too_many", 429), headers={"retry-after": "1"})

    def _denied(self, headers: Mapping[str, str], method: str, route: str) -> Reply | None:
        """As WC_REST_Authentication: an unknown key is nobody, a wrong secret an error."""
        given = headers.get("authorization", "").removeprefix("Basic ")
        key, _, secret = base64.b64decode(given).decode().partition(":")
        if key == KEY and secret != SECRET:
            return _error("woocommerce_rest_authentication_error", 401)
        if key != KEY:
            anyone = route in ("wc/v3", "wc-shipment-tracking/v3")
            return None if anyone else _error("woocommerce_rest_cannot_view", 401)
        reads = method == "GET"
        if self.permissions not in ("read_write", "read" if reads else "write"):
            return _error("woocommerce_rest_authentication_error", 401)
        return None


def _error(code: str | int, status: int) -> Reply:
    told = {"code": code, "message": "Sorry.", "data": {"status": status}}
    return Reply(status=status, body=msgspec.json.encode(told))


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
async def fake_woocommerce(*, now: datetime | None = None) -> AsyncIterator[FakeWooCommerce]:
    """A server, up and listening."""
    fake = FakeWooCommerce(now=now or datetime(2026, 11, 21, tzinfo=UTC))

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

"""A strict WooCommerce: an HTTP server that refuses every request which WooCommerce's own descriptions do not
allow (`woocommerce_routes` says which and whence), keeps a shop's state, and can be told to misbehave.

Faults are queued by the route that they hit, as "POST wc/v3/orders/*/notes".
"""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec

from .pool import Pool
from .web import Asked, Double, Reply, json, misbehaved, serving
from .woocommerce_routes import described
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


class FakeWooCommerce(Double[Fault]):
    """The server's half. `shop` has the state; `asked` are the routes that were called, in order."""

    kind = "application/json; charset=UTF-8"

    def __init__(self, *, now: datetime) -> None:
        super().__init__()
        self.shop = WooShop(now)
        self.permissions = "read_write"
        self.plain_permalinks = False
        self.active = True
        self.queries: list[dict[str, Any]] = []
        self.pool: Pool | None = None

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

    async def answer(self, asked: Asked) -> Reply | None:
        path, query = asked.path, asked.question
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
        read = described(asked.method, route, query, asked.body)
        self.queries.append(dict(read.query))
        fault = self.called(read.route.name)
        refused = (
            self._canned(fault) or self._limited() or self._denied(asked.headers, read.route.method, route)
        )
        if fault == "before":
            return None
        if refused is not None:
            return refused
        try:
            status, answer, told = self.shop.answer(read)
            body = self.spoil.spoilt(read.route.name, msgspec.json.encode(answer))
            reply = Reply(status=status, headers=told, body=body)
        except Refused as refusal:
            reply = _error(refusal.code, refusal.status)
        if fault == "late-400":
            reply = _error(0, 400)
        return await misbehaved(reply, fault)

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
    return json({"code": code, "message": "Sorry.", "data": {"status": status}}, status)


@asynccontextmanager
async def fake_woocommerce(*, now: datetime | None = None) -> AsyncIterator[FakeWooCommerce]:
    """A server, up and listening."""
    fake = FakeWooCommerce(now=now or datetime(2026, 11, 21, tzinfo=UTC))
    async with serving(fake):
        yield fake

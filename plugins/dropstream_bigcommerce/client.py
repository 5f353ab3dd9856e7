"""One session on a store's APIs: keeps to the quota, and tells what a refusal means.

Every call is one unit of a quota that all apps of the store share and that is filled up again at the end
of a window ("API rate limits"). Each answer tells what is left of it and how long the window still lasts:
the budget learns that, and rests before the last units are spent, so that nobody is turned away.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar
from urllib.parse import quote

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.settings import AT_ONCE, Settings
from dropstreamd.errors import AuthFailed, Misconfigured, ProtocolMismatch, RateLimited
from dropstreamd.platform.contract import Host
from dropstreamd.platform.http import HttpClient, HttpLimits, Response, decode

T = TypeVar("T")

Query = Mapping[str, str | int | Sequence[str | int]]
"""Parameters; one with several values has them separated by commas."""

LIMITS = HttpLimits(read_s=120.0, response_bytes=64 * 1024 * 1024)
"""A page of orders with their lines is much to gather, and one of products with many variants long."""

TRIES = 4
"""Of a write, where another app has used up the quota."""

MOST_WAIT_S = 60.0

SCOPES = {
    "v2/orders": "Orders",
    "v3/catalog": "Products",
    "v3/inventory": "Store Inventory",
}
"""What an API account must be given, as its form names it, by the beginning of a path."""


class Api:
    """Makes calls. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None

    async def get(self, path: str, query: Query | None = None) -> Response:
        """An answer of 2xx, or 404: a reading of something that is not there."""
        response = await self._send("GET", f"{path}{_written(query or {})}", write=False)
        if response.status == 403:
            raise self._no_scope(path, write=False)
        return self._read(response, path)

    async def probe(self, path: str) -> Response | None:
        """The beginning of a collection; None where the account may not read it."""
        response = await self._send("GET", f"{path}?limit=1", write=False)
        return None if response.status == 403 else self._read(response, path)

    async def rows(self, path: str, query: Query) -> wire.Rows:
        """A page of a collection of V3."""
        response = await self.get(path, query)
        if not response.ok:
            raise ProtocolMismatch(f"{response.call}: answered {response.status}, which it should not")
        return decode(response, wire.Rows)

    async def list(self, path: str, query: Query) -> tuple[bytes, ...] | None:
        """A page of a collection of V2, where nothing is told by 204; None where it is not there at all."""
        response = await self.get(path, query)
        if response.status == 404:
            return None
        return self.rows_of(response)

    @staticmethod
    def rows_of(response: Response) -> tuple[bytes, ...]:
        """The rows of an answer of V2."""
        if response.status == 204:
            return ()
        return tuple(bytes(row) for row in decode(response, tuple[msgspec.Raw, ...]))

    async def write(self, method: str, path: str, body: object) -> Response:
        """An answer to a write: 2xx, or a 4xx by which it was refused. What was turned away by 429 was not
        carried out: it is made again, after the time that was told."""
        for left in reversed(range(TRIES)):
            try:
                response = await self._send(method, path, write=True, body=body)
                break
            except RateLimited as error:
                if not left or error.retry_after_s > MOST_WAIT_S:
                    raise
        if response.status == 403:
            raise self._no_scope(path, write=True)
        return response

    def _read(self, response: Response, path: str) -> Response:
        if response.status == 404 and path in SCOPES:
            raise Misconfigured(
                f"BigCommerce has no store {self._settings.store_hash}",
                remedy="is `store_hash` the part behind stores/ in the API account's path?",
            )
        if not response.ok and response.status != 404:
            raise ProtocolMismatch(f"{response.call}: answered {response.status}, which it should not")
        return response

    async def _send(self, method: str, path: str, *, write: bool, body: object = None) -> Response:
        """An answer that is not 401."""
        http = await self._opened()
        response = await http.request(
            method, path, applied="write" if write else "safe", json=body, own=(401, 403)
        )
        self._learn(response.headers)
        if response.status == 401:
            raise AuthFailed(
                f"BigCommerce refused the access token for store {self._settings.store_hash}",
                remedy="is it the access token (not the client secret) of an API account of this store, and "
                "is the account still there?",
            )
        return response

    async def _opened(self) -> HttpClient:
        if self._http is None:
            token = self._host.secret(self._settings.access_token).reveal()
            client = self._host.http.client(
                self._settings.address,
                headers={"x-auth-token": token},
                settings=self._settings.http,
                limits=LIMITS,
            )
            self._http = await self._stack.enter_async_context(client)
        return self._http

    def _no_scope(self, path: str, *, write: bool) -> AuthFailed:
        scope = next((name for start, name in SCOPES.items() if path.startswith(start)), "")
        return AuthFailed(
            f"the API account lacks the OAuth scope {scope}: {'modify' if write else 'read-only or modify'} "
            f"for store {self._settings.store_hash}",
            remedy="an account's scopes cannot be changed: make another with all that the README names, and "
            "put its access token in place of this one; is store_hash right?",
        )

    def _learn(self, headers: Mapping[str, str]) -> None:
        """What the quota is, and what is left of it in this window."""
        quota = _number(headers, "x-rate-limit-requests-quota")
        left = _number(headers, "x-rate-limit-requests-left")
        window_s = _number(headers, "x-rate-limit-time-window-ms") / 1000
        if quota <= 0 or left < 0 or window_s <= 0:
            return
        self._host.limiter.learn(available=left, burst=quota, rate_per_s=quota / window_s)
        reset_s = _number(headers, "x-rate-limit-time-reset-ms") / 1000
        if left < AT_ONCE and reset_s > 0:
            # The quota does not come back little by little: others under way may need these last ones.
            self._host.limiter.slow_down(min(reset_s, window_s))


def joined(values: Sequence[str | int]) -> str:
    """Several values of one parameter."""
    return ",".join(quote(str(value), safe="") for value in values)


def _written(query: Query) -> str:
    pairs = [
        f"{name}={joined([value] if isinstance(value, str | int) else value)}"
        for name, value in query.items()
    ]
    return f"?{'&'.join(pairs)}" if pairs else ""


def _number(headers: Mapping[str, str], name: str) -> float:
    text = headers.get(name, "").strip()
    return float(text) if text.isdecimal() else -1.0

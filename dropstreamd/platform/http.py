"""HTTP as a plugin uses it: `async with host.http.client("https://shop.example/api") as http`.

The daemon makes one `Http` for each account and lends it through `Host.http`; the plugin opens a
client for an address, with its own headers, and asks. TLS is verified, nothing is taken from the
environment, addresses and sizes are checked, every call spends from the account's budget, and what
goes wrong is one of the errors of `dropstreamd.errors` (`platform.http_errors` says which). What a
call is bounded by is in `http_exchange`, what it brings in `http_answer`; their names are here too.

It stands on httpcore, httpx's own transport, and httpx's URLs: httpx's client writes every address
with its query string to the log, keeps cookies, unpacks without a limit, and offers no way to
choose the address that is connected to.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Protocol

import httpcore
import httpx
import msgspec
import trio

from dropstreamd.clock import Clock
from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.http_address import checked_base, checked_call, checked_headers
from dropstreamd.platform.http_answer import Response, decode
from dropstreamd.platform.http_connect import CheckedBackend, Trust
from dropstreamd.platform.http_errors import UNSTATED_RETRY_AFTER_S, Applied, Call, from_status, retry_after_s
from dropstreamd.platform.http_exchange import HttpLimits, exchange
from dropstreamd.platform.limiter import Limiter
from dropstreamd.telemetry.metrics import CallResult

__all__ = ["Http", "HttpClient", "HttpLimits", "HttpSettings", "Observer", "Response", "decode"]

_MOST_CONNECTIONS = 16
# Node.js closes an idle connection after 5 s: a write must not be sent into that.
_IDLE_CONNECTION_S = 4.0
_FIRST_WAIT_S = 0.5
_MOST_WAIT_S = 8.0
_MOST_OBEYED_S = 60.0
_PERMISSIONS = frozenset({401, 403})
_RESULTS: dict[type[DropstreamError], CallResult] = {
    Unreachable: CallResult.UNREACHABLE,
    RateLimited: CallResult.RATE_LIMITED,
    OutcomeUnknown: CallResult.OUTCOME_UNKNOWN,
    AuthFailed: CallResult.AUTH_FAILED,
    Misconfigured: CallResult.MISCONFIGURED,
    ProtocolMismatch: CallResult.PROTOCOL_MISMATCH,
}
_OWN_HEADERS = {
    "user-agent": "dropstreamd",
    "accept": "application/json",
    "accept-encoding": "gzip",
}


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may set about HTTP; a plugin embeds it in its settings.

    `ca_file`: PEM certificates to trust instead of the public authorities'. `allow_private`: the
    address may be private, loopback or link-local; to such a one http:// is allowed too.
    """

    ca_file: str | None = None
    allow_private: bool = False


class Observer(Protocol):
    """Counts calls (`telemetry.Metrics` is one); never told an address, a header or a body."""

    def call_finished(self, account: str, result: CallResult) -> None:
        """One try of a call ended. A cancelled one is not counted."""
        ...

    def throttled(self, account: str) -> None:
        """The account was asked for fewer calls."""
        ...


class Http:
    """One account's way to the web, for as long as the daemon lends it.

    `limiter` and `circuit` are the account's own; `random` spreads the retries. `settings` are
    for clients that are opened without.
    """

    def __init__(
        self,
        *,
        account: str,
        limiter: Limiter,
        circuit: Circuit,
        observer: Observer,
        trust: Trust,
        random: Random,
        clock: Clock,
        settings: HttpSettings = HttpSettings(),  # noqa: B008 - a frozen Struct
    ) -> None:
        self.account = account
        self.limiter = limiter
        self.circuit = circuit
        self.observer = observer
        self.random = random
        self.clock = clock
        self._trust = trust
        self._settings = settings

    def client(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        settings: HttpSettings | None = None,
        limits: HttpLimits | None = None,
    ) -> AbstractAsyncContextManager["HttpClient"]:
        """A client for one address. `headers` go with every call, and to no other host.

        Entering raises Misconfigured where the address, a header or the CA file is wrong; nothing
        is connected yet. Leaving closes the connections.
        """
        return self._client(base, headers or {}, settings or self._settings, limits or HttpLimits())

    @asynccontextmanager
    async def _client(
        self, base: str, headers: Mapping[str, str], settings: HttpSettings, limits: HttpLimits
    ) -> AsyncIterator["HttpClient"]:
        url = checked_base(base, allow_private=settings.allow_private)
        plain = url.scheme == "http"
        pool = httpcore.AsyncConnectionPool(
            ssl_context=None if plain else await self._trust.context(settings.ca_file),
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_CONNECTION_S,
            network_backend=CheckedBackend(allow_private=settings.allow_private, plain=plain),
        )
        async with pool:
            yield HttpClient(self, pool, url, checked_headers(headers), limits)


class HttpClient:
    """Calls one address; made by `Http.client`. Several tasks may use it at once."""

    def __init__(
        self,
        http: Http,
        pool: httpcore.AsyncConnectionPool,
        base: httpx.URL,
        headers: Mapping[str, str],
        limits: HttpLimits,
    ) -> None:
        self._http = http
        self._pool = pool
        self._base = base
        self._headers = headers
        self._limits = limits

    async def request(
        self,
        method: str,
        url: str = "",
        *,
        applied: Applied,
        json: object | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: float = 1.0,
        own: Collection[int] = (),
        limiter: Limiter | None = None,
        unstated_s: float = UNSTATED_RETRY_AFTER_S,
        ahead: bool = False,
    ) -> Response:
        """Make one call and bring its answer.

        `url` is below the base (`orders/7?expand=lines`), empty or a query (`?page=2`) for the base
        itself, from the host's root (`/health`), or a whole address on the same host. `json` is
        encoded by msgspec; `content` is sent as it is. `cost` is spent on every try, from the account's
        budget or from the `limiter` given (`Limiter.operation`), which is also the one that a demand for
        fewer calls slows down, for `unstated_s` where it does not say for how long. One that goes `ahead` is
        what the account's other calls wait for: it goes as those of orders do. `own` are statuses of 401 and
        403 that the plugin judges by itself: it knows which permission the call needs.

        A call that is `safe` is tried again after `Unreachable` and `RateLimited`; a `write` is
        sent once. Raises as `platform.http_errors` says: anything but `OutcomeUnknown` means that a
        write had no effect. After a cancellation nobody knows.
        """
        address = checked_call(self._base, url)
        call = Call(method=method, where=f"{address.netloc.decode()}{address.path}", applied=applied)
        sent = {**_OWN_HEADERS, **self._headers, **checked_headers(headers or {})}
        if json is not None:
            content = msgspec.json.encode(json)
            sent.setdefault("content-type", "application/json")
        if content is not None and len(content) > self._limits.request_bytes:
            raise Misconfigured(
                f"{call}: the request has {len(content)} bytes, more than {self._limits.request_bytes}",
                remedy="send fewer documents at once",
            )
        budget = limiter or self._http.limiter
        budget = budget.ahead() if ahead else budget
        for tried in range(self._limits.retries + 1):
            try:
                return await self._try(call, address, sent, content, cost, own, budget, unstated_s)
            except (Unreachable, RateLimited) as error:
                if tried == self._limits.retries or not self._worth_another(call, error):
                    raise
            most_s = min(_MOST_WAIT_S, _FIRST_WAIT_S * 2**tried)
            await trio.sleep(self._http.random.uniform(most_s / 2, most_s))
        raise AssertionError("the last try returns or raises")

    def _worth_another(self, call: Call, error: Unreachable | RateLimited) -> bool:
        if call.applied == "write" or self._http.circuit.state == "open":
            return False
        return not isinstance(error, RateLimited) or error.retry_after_s <= _MOST_OBEYED_S

    async def _try(
        self,
        call: Call,
        address: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | None,
        cost: float,
        own: Collection[int],
        limiter: Limiter,
        unstated_s: float,
    ) -> Response:
        http = self._http
        async with limiter.admit(cost):
            with http.circuit.watch():
                try:
                    response = await exchange(self._pool, call, address, headers, content, self._limits)
                    if response.status not in _PERMISSIONS.intersection(own):
                        self._judge(response, address, limiter, unstated_s)
                except DropstreamError as error:
                    http.observer.call_finished(http.account, _RESULTS[type(error)])
                    raise
        http.observer.call_finished(http.account, CallResult.OK)
        return response

    def _judge(self, response: Response, address: httpx.URL, limiter: Limiter, unstated_s: float) -> None:
        """Raise what the status means, and slow down what the call was spent from where it asks for it."""
        http = self._http
        now_s = http.clock.now_s()
        if response.status == 429 or (response.status == 503 and "retry-after" in response.headers):
            wait_s = retry_after_s(response.headers, now_s, unstated_s)
            limiter.slow_down(wait_s)
            http.observer.throttled(http.account)
        error = from_status(
            response.call,
            response.status,
            response.headers,
            response.body,
            at_base=address.path == self._base.path,
            now_s=now_s,
            unstated_s=unstated_s,
        )
        if error is not None:
            raise error

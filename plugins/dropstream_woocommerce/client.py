"""One session on a shop's REST API: a consumer key by HTTP basic authentication, JSON, and what its refusals
mean.

A refusal is 400, 404 or another of the 4xx with a code of WooCommerce's or WordPress's; nothing of the call
was kept. Keys are known only below `wc/` and `wc-…/`: nothing else is asked under them.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Generic, NoReturn, TypeVar
from urllib.parse import urlencode

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.settings import Settings
from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
)
from dropstreamd.platform.again import until_taken
from dropstreamd.platform.contract import Host
from dropstreamd.platform.http import HttpClient, HttpLimits, Response, decode
from dropstreamd.platform.rows import read_row

T = TypeVar("T")
Params = Mapping[str, str | int]

SHOP = "wc/v3"
TRACKING = "wc-shipment-tracking/v3"

READ_S = 100.0
"""A batch of a hundred is saved one by one: a slow shop takes a minute over it."""

MOST_WAIT_S = 20.0
"""How long is waited for a write that is turned away for its number."""

MOST_MESSAGE = 200
NO_ROUTE = "rest_no_route"
TOO_MANY = 413


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was understood and not carried out. `code` is WordPress's or WooCommerce's own."""

    code: str | int = ""
    message: str = ""
    status: int = 0

    def __str__(self) -> str:
        return str(self.code)[:MOST_MESSAGE] or f"status {self.status}"

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404


class Rows(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Rows of a page; `total` is how many the whole list has, where the shop says so."""

    rows: tuple[T, ...]
    total: int | None = None


class Api:
    """Makes calls. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None

    async def read(self, path: str, params: Params, into: type[T]) -> T:
        """What must be there. Raises ProtocolMismatch where WooCommerce refuses to tell it."""
        answer = await self.find(path, params, into)
        if isinstance(answer, Refusal):
            raise ProtocolMismatch(f"WooCommerce refused to tell {path}: {answer}")
        return answer

    async def find(self, path: str, params: Params, into: type[T], *, space: str = SHOP) -> T | Refusal:
        """What may not be there."""
        return self._judged(await self._get(space, path, params), into, space)

    async def find_each(
        self, path: str, params: Params, into: type[T], what: str, *, space: str = SHOP
    ) -> tuple[T, ...] | Refusal:
        """A list, or what WooCommerce said instead. Raises OddRow for a row that is not as described."""
        answer = await self.find(path, params, tuple[msgspec.Raw, ...], space=space)
        if isinstance(answer, Refusal):
            return answer
        read = partial(msgspec.json.decode, type=into)
        return tuple(read_row(bytes(row), read, what) for row in answer)

    async def rows(self, path: str, params: Params, into: type[T]) -> "Rows[T]":
        """A page of a list that must be there."""
        response = await self._get(SHOP, path, params)
        answer = self._judged(response, tuple[into, ...], SHOP)  # type: ignore[valid-type]
        if isinstance(answer, Refusal):
            raise ProtocolMismatch(f"WooCommerce refused to list {path}: {answer}")
        total = response.headers.get("x-wp-total", "")
        return Rows(rows=answer, total=int(total) if total.isascii() and total.isdecimal() else None)

    async def write(
        self, path: str, body: object, into: type[T], *, method: str = "POST", space: str = SHOP
    ) -> T | Refusal:
        """Change something, once. A call that the shop's host turns away for its number (429) had no effect:
        it is made again, as soon as the host and the account's budget allow. What changes a thing is posted:
        some hosts turn PUT away."""
        http = await self._client()
        address = self._address(space, path, {})
        content = None if method == "DELETE" else body
        try:
            response = await until_taken(
                lambda: http.request(method, address, applied="write", json=content), most_wait_s=MOST_WAIT_S
            )
        except AuthFailed as error:
            raise self._denied(error.message, "Write") from error
        return self._judged(response, into, space)

    async def may_write(self, path: str) -> None:
        """Send an empty batch, which changes nothing. Raises AuthFailed where the key may not write it."""
        http = await self._client()
        address = self._address(SHOP, f"{path}/batch", {})
        try:
            response = await http.request("POST", address, applied="safe", json={})
        except AuthFailed as error:
            raise AuthFailed(
                f"{self._settings.host}: the consumer key may read {path}, and not write them",
                remedy="give the key the permissions Read/Write (WooCommerce → Settings → Advanced → REST "
                "API) and a user who may edit orders and products, as a shop manager",
            ) from error
        answer = self._judged(response, msgspec.Raw, SHOP)
        if isinstance(answer, Refusal):
            raise ProtocolMismatch(f"WooCommerce refused an empty batch of {path}: {answer}")

    # ---- calls

    async def _get(self, space: str, path: str, params: Params) -> Response:
        http = await self._client()
        try:
            return await http.request("GET", self._address(space, path, params), applied="safe")
        except AuthFailed as error:
            raise self._denied(error.message, "Read") from error

    async def _client(self) -> HttpClient:
        if self._http is None:
            settings = self._settings
            secret = self._host.secret(settings.consumer_secret).reveal()
            basic = base64.b64encode(f"{settings.consumer_key}:{secret}".encode()).decode()
            client = self._host.http.client(
                f"{settings.base}/wp-json",
                headers={"authorization": f"Basic {basic}"},
                settings=settings.http,
                limits=HttpLimits(read_s=READ_S),
            )
            self._http = await self._stack.enter_async_context(client)
        return self._http

    def _address(self, space: str, path: str, params: Params) -> str:
        """With pretty permalinks the route is a path, with plain ones a parameter ("REST API Handbook")."""
        route = f"{space}/{path}" if path else space
        if self._settings.permalinks == "plain":
            return f"{self._settings.base}/?{urlencode({'rest_route': f'/{route}', **params})}"
        query = urlencode(params)
        return f"{route}?{query}" if query else route

    def _judged(self, response: Response, into: type[T], space: str) -> T | Refusal:
        if response.ok:
            return decode(response, into)
        if response.status in (404, 405) and not response.body.lstrip().startswith(b"{"):
            self._no_api(response)
        refusal = msgspec.structs.replace(decode(response, Refusal), status=response.status)
        if refusal.code == NO_ROUTE and space == SHOP:
            self._no_shop(response)
        return refusal

    def _no_api(self, response: Response) -> NoReturn:
        raise Misconfigured(
            f"{response.call}: answered {response.status}, and not by WordPress's REST API",
            remedy="is `url` the site's address? Where its permalinks are plain, set permalinks to plain, or "
            "choose others in WordPress (Settings → Permalinks); a security plugin may close the API too",
        )

    def _no_shop(self, response: Response) -> NoReturn:
        raise Misconfigured(
            f"{response.call}: WordPress answers, and knows no such route",
            remedy="is WooCommerce active there, in version 5.8 or newer, and is this the shop's address?",
        )

    def _denied(self, said: str, permission: str) -> AuthFailed:
        return AuthFailed(
            f"{self._settings.host} refused the consumer key: {said}",
            remedy=f"are consumer_key and the secret those of one key, does it have the permission "
            f"{permission}, is its user a shop manager, and does the web server pass on the header "
            "Authorization?",
        )


class Offers:
    """What the shop's index says that it offers. Asked once in a session."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._routes: dict[str, frozenset[str]] = {}

    async def fulfillments(self) -> bool:
        """Whether the shop has the fulfillments API (WooCommerce 10.1 and newer, where it is switched on)."""
        routes = await self._of(SHOP)
        return any(route.endswith(")/fulfillments") and "/orders/" in route for route in routes)

    async def tracking(self) -> bool:
        """Whether the shop has the Shipment Tracking extension, or one that speaks as it does."""
        return any(route.endswith("/shipment-trackings") for route in await self._of(TRACKING))

    async def variations(self) -> bool:
        """Whether variations of all products can be listed at once (WooCommerce 10.3 and newer)."""
        return f"/{SHOP}/variations" in await self._of(SHOP)

    async def _of(self, space: str) -> frozenset[str]:
        if space not in self._routes:
            answer = await self._api.find("", {}, wire.Namespace, space=space)
            missing = isinstance(answer, Refusal)
            self._routes[space] = frozenset() if isinstance(answer, Refusal) else frozenset(answer.routes)
            if missing and space == SHOP:
                raise ProtocolMismatch(f"WooCommerce does not tell its routes: {answer}")
        return self._routes[space]


@contextmanager
def begun(what: str) -> Iterator[None]:
    """After the first of several writes: whatever stops the others leaves the outcome unknown."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except DropstreamError as error:
        raise OutcomeUnknown(f"{what} was begun and not finished: {error.message}") from error

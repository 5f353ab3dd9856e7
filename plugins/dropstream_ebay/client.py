"""One session on a seller's account: brings its token, names missing scopes, and reads eBay's error lists."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from dropstream_ebay import wire
from dropstream_ebay.consent import refresh, secrets_of
from dropstream_ebay.settings import Settings
from dropstreamd.errors import AuthFailed, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.platform.again import until_taken
from dropstreamd.platform.contract import Grant, Host
from dropstreamd.platform.http import HttpClient, Response, decode
from dropstreamd.platform.oauth import AGAIN
from dropstreamd.platform.rows import UNREADABLE, OddRow

T = TypeVar("T")

Area = Literal["fulfillment", "inventory"]

FULFILLMENT = "/sell/fulfillment/v1"
INVENTORY = "/sell/inventory/v1"
SYSTEM_ERRORS = frozenset({25001, 30500})
"""eBay's own trouble, whatever the status."""

MOST_WAIT_S = 60.0
"""How long is waited for a write that is turned away for its number."""

_DAY_IS_OVER = 2001
"""Too many requests: the day's calls are used up ("API Call Limits")."""


class Api:
    """Calls the two APIs. Several tasks may use it at once; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None

    async def open(self) -> None:
        """Before the first call; connects nothing."""
        client = self._host.http.client(self._settings.api, settings=self._settings.http)
        self._http = await self._stack.enter_async_context(client)

    # ---- calls

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Response:
        """A read; its answer is 2xx, or a refusal that `judged` or the caller reads."""
        address = f"{path}?{urlencode(query)}" if query else path
        return await self._called("GET", address, None, write=False)

    async def ask(self, path: str, body: object) -> Response:
        """A read that is asked by a POST."""
        return await self._called("POST", path, body, write=False)

    async def post(self, path: str, body: object) -> Response:
        """A write. One that eBay turns away for its number (429) had no effect: it is made again, as soon as
        eBay and the account's budget allow."""
        return await until_taken(
            lambda: self._called("POST", path, body, write=True), most_wait_s=MOST_WAIT_S
        )

    async def _called(self, method: str, address: str, body: object | None, *, write: bool) -> Response:
        refused = ""
        while True:
            token = await self._token(refused)
            try:
                response = await self._http_client().request(
                    method,
                    address,
                    applied="write" if write else "safe",
                    json=body,
                    headers={"authorization": f"Bearer {token}", "accept-language": "en-US"},
                )
            except AuthFailed as error:
                # A token lives for two hours; of one that ended, eBay also says that it lacks permission.
                if refused:
                    raise _denied(address, error, self._settings) from error
                refused = token
                continue
            return _judged(response, write=write)

    def _http_client(self) -> HttpClient:
        if self._http is None:
            raise AssertionError("the session was not opened")
        return self._http

    async def _token(self, refused: str) -> str:
        async def fetch() -> Grant:
            return await refresh(self._http_client(), self._settings, self._host)

        secrets = secrets_of(self._settings, self._host)
        return await self._host.access_token(fetch, secrets=secrets, refused=refused)


def read(response: Response, into: type[T]) -> T:
    """The answer of a call that must succeed. ProtocolMismatch where it was refused."""
    if not response.ok:
        codes = ", ".join(str(each.error_id) for each in errors_of(response)) or "no error id"
        raise ProtocolMismatch(f"{response.call}: answered {response.status} ({codes})")
    try:
        return wire.decoded(bytes(decode(response, msgspec.Raw)), into)
    except UNREADABLE:
        return decode(response, into)  # which says what is not as described


def read_one(response: Response, into: type[T], field: str) -> T:
    """As `read`. Raises OddRow where the answer has the field by which it is known, and the rest of it is not
    as described: that concerns the one that was asked for."""
    try:
        return read(response, into)
    except ProtocolMismatch as error:
        if response.ok and field in _fields(response.body):
            raise OddRow(error.message) from error
        raise


def _fields(body: bytes) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    except UNREADABLE:
        return frozenset()


def errors_of(response: Response) -> tuple[wire.Error, ...]:
    """What a refusal says; nothing where it is not as eBay says things."""
    try:
        return wire.decoded(response.body, wire.Errors).errors
    except UNREADABLE:
        return ()


def _judged(response: Response, *, write: bool) -> Response:
    """The answer, unless it is eBay's own trouble."""
    if response.ok:
        return response
    codes = {each.error_id for each in errors_of(response)}
    if _DAY_IS_OVER in codes:
        raise RateLimited(f"{response.call}: the day's calls are used up", retry_after_s=3600.0)
    if codes & SYSTEM_ERRORS:
        if write:
            raise OutcomeUnknown(f"{response.call}: eBay had a system error; it may have been applied")
        raise Unreachable(f"{response.call}: eBay had a system error")
    return response


def _denied(address: str, error: AuthFailed, settings: Settings) -> AuthFailed:
    """A fresh token was refused: by its status, of whom and for what."""
    area: Area = "inventory" if address.startswith(INVENTORY) else "fulfillment"
    scope = f"https://api.ebay.com/oauth/api_scope/sell.{area}"
    if "answered 403" in error.message:
        return AuthFailed(
            f"{error.message}: the consent of {settings.seller} lacks the scope {scope}",
            remedy=f"see that the app may use this scope, then {AGAIN}",
        )
    return AuthFailed(
        f"{error.message}: eBay refused a fresh access token of {settings.seller}",
        remedy=f"is the keyset enabled, and of the {settings.environment} environment? Else {AGAIN}",
    )

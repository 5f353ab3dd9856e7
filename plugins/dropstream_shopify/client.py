"""One session on a shop's Admin API: asks for its token, keeps to the budget, and judges errors.

Calls cost points, of which a shop has a bucketful that fills up again ("GraphQL Admin API rate limits").
A call without enough points left is answered with status 200 and the error THROTTLED before anything of it
is done, so that it is asked again, writes too. Every answer tells what is left: the budget learns it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import NoReturn, TypeVar
from urllib.parse import urlencode

import msgspec

from dropstream_shopify import wire
from dropstream_shopify.documents import Document
from dropstream_shopify.settings import VERSION, Settings
from dropstreamd.errors import (
    AuthFailed,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.contract import Grant, Host
from dropstreamd.platform.graphql import Answer, GraphqlError, judged
from dropstreamd.platform.http import HttpClient, Response, decode
from dropstreamd.platform.secrets import Secret, SecretRef

T = TypeVar("T")

TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - an address
TRIES = 6
"""Of a call that is throttled: each waits until there should be points enough."""

_HELD = {
    402: ("the shop is frozen", "its owner has to sign in to Shopify and pay the bill"),
    423: ("the shop is locked", "its owner has to ask Shopify's support why"),
    430: ("Shopify's security rejects the call", "ask Shopify's support why"),
}
"""Statuses that no call of ours will change ("Shopify API response status and error codes")."""

_BEFORE_DOING = frozenset(
    {
        "ACCESS_DENIED",
        "ACCESS_DENIED_SHOP_INACTIVE",
        "BAD_REQUEST",
        "INVALID_VARIABLE",
        "MAX_COST_EXCEEDED",
        "RESOURCE_NOT_FOUND",
        "SHOP_INACTIVE",
        "argumentLiteralsIncompatible",
        "argumentNotAccepted",
        "missingRequiredArguments",
        "undefinedField",
    }
)
"""Errors that come before a mutation does anything."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was understood and not carried out: nothing of it was kept. `code` is Shopify's."""

    code: str


class Failed(Unreachable):
    """Shopify answered that it failed over a query: over something that this asks for, or over all."""


class Api:
    """Asks documents. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None
        self._costs: dict[str, float] = {}
        self.version = VERSION
        """The version that answered: a later one, once Shopify has retired ours."""

    async def query(self, document: Document, variables: Mapping[str, object], into: type[T]) -> T:
        """A query that must succeed."""
        answer = await self.ask(document, variables, into, write=False)
        if isinstance(answer, Refusal):
            raise ProtocolMismatch(f"Shopify refused the query {document.name}: {answer.code}")
        return answer

    async def ask(
        self, document: Document, variables: Mapping[str, object], into: type[T], *, write: bool
    ) -> T | Refusal:
        """The data of a document with one root field (or of a query), or why there is none."""
        wait_s = 0.0
        for _ in range(TRIES):
            answer = await self._answer(document, variables, into, write=write)
            wait_s = self._learn(document, answer.extensions)
            if not any(error.code == "THROTTLED" for error in answer.errors):
                return self._judged(document, answer, write=write)
        raise RateLimited(f"Shopify throttled {document.name} {TRIES} times in a row", retry_after_s=wait_s)

    # ---- calls

    async def _answer(
        self, document: Document, variables: Mapping[str, object], into: type[T], *, write: bool
    ) -> Answer[T]:
        http = await self._opened()
        token = await self._token(http)
        try:
            response = await self._send(http, token, document, variables, write=write)
        except AuthFailed:
            # A token lives for a day: it may have ended since, and nothing was done under it.
            if self._settings.access_token is not None:
                raise self._denied() from None
            token = await self._token(http, refused=token)
            try:
                response = await self._send(http, token, document, variables, write=write)
            except AuthFailed:
                raise self._denied() from None
        self.version = response.headers.get("x-shopify-api-version", self.version)
        _check_status(response)
        return judged(response, into)

    async def _send(
        self,
        http: HttpClient,
        token: str,
        document: Document,
        variables: Mapping[str, object],
        *,
        write: bool,
    ) -> Response:
        return await http.request(
            "POST",
            applied="write" if write else "safe",
            json={"query": document.text, "variables": variables, "operationName": document.name},
            headers={"x-shopify-access-token": token},
            cost=self._costs.get(document.name, document.cost),
        )

    async def _opened(self) -> HttpClient:
        if self._http is None:
            client = self._host.http.client(self._settings.address, settings=self._settings.http)
            self._http = await self._stack.enter_async_context(client)
        return self._http

    async def _token(self, http: HttpClient, refused: str = "") -> str:
        """The account's token, or the one that was configured."""
        settings = self._settings
        if settings.access_token is not None:
            return self._host.secret(settings.access_token).reveal()
        if settings.client_secret is None:
            raise Misconfigured("the store has neither a client secret nor an access token")
        fetch = partial(self._fetch_token, http, settings.client_secret)
        return await self._host.access_token(fetch, secrets=[settings.client_secret], refused=refused)

    async def _fetch_token(self, http: HttpClient, client_secret: SecretRef) -> Grant:
        """A token of the app's, for a day ("Using the client credentials grant")."""
        settings = self._settings
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": self._host.secret(client_secret).reveal(),
        }
        response = await http.request(
            "POST",
            TOKEN_PATH,
            applied="safe",
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
            cost=0.0,
            ahead=True,
        )
        if response.status == 404:
            raise Misconfigured(
                f"Shopify has no shop {settings.shop}", remedy="is `shop` its myshopify.com domain?"
            )
        _check_status(response, but=(400, 422))
        if not response.ok:
            raise self._no_token(response)
        token = decode(response, wire.Token)
        return Grant(access_token=Secret(token.access_token), expires_in_s=token.expires_in)

    def _no_token(self, response: Response) -> AuthFailed:
        try:
            code = decode(response, wire.TokenError).error
        except ProtocolMismatch:  # Shopify tells some of these by a web page
            code = ""
        known = {
            "app_not_installed": "install the app in this shop",
            "shop_not_permitted": "the app must belong to the organization that owns the shop",
            "invalid_client": "correct the secret: copy it anew from the app's settings in the Dev Dashboard",
            "application_cannot_be_found": "correct client_id",
        }
        return AuthFailed(
            f"Shopify gave app {self._settings.client_id} no token for {self._settings.shop}"
            + (f": {code}" if code in known else ""),
            remedy=known.get(code, "are client_id and client_secret right, and is the app installed there?"),
        )

    def _denied(self) -> AuthFailed:
        whose = "the access token" if self._settings.access_token else f"app {self._settings.client_id}"
        return AuthFailed(
            f"Shopify refused {whose} for {self._settings.shop}",
            remedy="is it of this shop, and is the app still installed there?",
        )

    # ---- what an answer says

    def _learn(self, document: Document, extensions: bytes) -> float:
        """Seconds until the call could be made, 0 where it says nothing of that."""
        try:
            cost = msgspec.json.decode(extensions, type=wire.AnswerExtensions).cost
        except msgspec.ValidationError:
            cost = None
        if cost is None:
            return 0.0
        # With fewer ids or nodes it may ask for less: what it asked for at most is waited for.
        asked = max(self._costs.get(document.name, 0.0), cost.requested_query_cost)
        if asked > 0:
            self._costs[document.name] = asked
        status = cost.throttle_status
        if status is None:
            return 0.0
        self._host.limiter.learn(
            available=status.currently_available,
            burst=status.maximum_available,
            rate_per_s=status.restore_rate,
        )
        missing = cost.requested_query_cost - status.currently_available
        return max(0.0, missing / status.restore_rate) if status.restore_rate > 0 else 0.0

    def _judged(self, document: Document, answer: Answer[T], *, write: bool) -> T | Refusal:
        if not answer.errors:
            if answer.data is None:
                raise AssertionError("an answer has data or errors")
            return answer.data
        by_code = {error.code: error for error in answer.errors}
        if denied := by_code.get("ACCESS_DENIED"):
            _deny(denied)
        if "SHOP_INACTIVE" in by_code or "ACCESS_DENIED_SHOP_INACTIVE" in by_code:
            raise Misconfigured(
                f"Shopify: {self._settings.shop} is not active", remedy="its owner has to sign in and see why"
            )
        known = sorted(by_code.keys() & _BEFORE_DOING)
        if known:
            return Refusal(code=known[0])
        if write:
            raise OutcomeUnknown(f"Shopify failed over {document.name}; it may have been applied")
        raise Failed(f"Shopify failed over the query {document.name}")


def _check_status(response: Response, *, but: Sequence[int] = ()) -> None:
    """Raise what a status means that is neither success nor one of `but`."""
    if response.ok or response.status in but:
        return
    held = _HELD.get(response.status)
    if held is not None:
        raise Misconfigured(f"{response.call}: answered {response.status}: {held[0]}", remedy=held[1])
    raise ProtocolMismatch(f"{response.call}: answered {response.status}")


def _deny(error: GraphqlError) -> NoReturn:
    """Raise AuthFailed, naming the scope that is missing where Shopify does."""
    try:
        needed = msgspec.json.decode(error.extensions, type=wire.Denial).required_access
    except msgspec.ValidationError:
        needed = ""
    field = ".".join(str(part) for part in error.path if isinstance(part, str))
    raise AuthFailed(
        f"Shopify refused {field or 'a field'}" + (f": it needs {needed[:200]}" if needed else ""),
        remedy="give the app this access scope in the Dev Dashboard, release that version and have the shop "
        "accept it; for names and addresses it needs access to protected customer data too",
    )

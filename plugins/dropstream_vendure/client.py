"""One session on a Vendure's Admin API: signs in when it is first used, and judges errors.

Vendure answers errors with status 200. FORBIDDEN stands for an expired session, a wrong API key and a
missing permission alike; it comes before anything is done, so that signing in once more and asking
again is safe for writes too.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import NoReturn, TypeVar

import msgspec

from dropstream_vendure import documents, wire
from dropstream_vendure.settings import Settings
from dropstreamd.errors import AuthFailed, DropstreamError, Misconfigured, ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Host
from dropstreamd.platform.graphql import GraphqlError, ask
from dropstreamd.platform.http import HttpClient, HttpLimits, decode

T = TypeVar("T")

PERMISSIONS = {
    "order": "ReadOrder",
    "orders": "ReadOrder",
    "fulfillmentHandlers": "ReadOrder",
    "addFulfillmentToOrder": "UpdateOrder",
    "transitionFulfillmentToState": "UpdateOrder",
    "productVariants": "ReadCatalog",
    "products": "ReadCatalog",
    "createProduct": "CreateCatalog",
    "createProductVariants": "UpdateCatalog",
    "updateProductVariants": "UpdateCatalog",
    "stockLocations": "ReadStockLocation",
    "shippingMethods": "ReadShippingMethod",
}
"""The permission that each root field needs; others allow it too, these are the narrow ones."""

_LIMITS = HttpLimits(request_bytes=100 * 1024)  # Vendure answers 500 to more


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was understood and not carried out: nothing of it was kept.

    `code` is Vendure's own (`USER_INPUT_ERROR`, `ENTITY_NOT_FOUND`), empty for a fault of its database.
    """

    code: str

    def __str__(self) -> str:
        return self.code or "an error of its own"


class Api:
    """Asks documents. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None
        self._rights: tuple[wire.ChannelRights, ...] = ()
        self._shop: wire.Shop | None = None

    async def query(self, document: str, variables: Mapping[str, object], into: type[T]) -> T:
        """A query that must succeed. Raises Unreachable where Vendure fails to answer it."""
        answer = await self.ask(document, variables, into, write=False)
        if isinstance(answer, Refusal):
            raise _failed(answer)
        return answer

    async def ask(
        self, document: str, variables: Mapping[str, object], into: type[T], *, write: bool
    ) -> T | Refusal:
        """The data of a document with one root field (or of a query), or why there is none."""
        for again in (False, True):
            http = await self._signed_in(anew=again)
            answer = await ask(http, document, variables, into, applied="write" if write else "safe")
            if answer.data is not None and not answer.errors:
                return answer.data
            if again or self._settings.api_key is not None or not _forbidden(answer.errors):
                break
        return self._judged(answer.errors)

    async def shop(self) -> wire.Shop:
        """The channel and the server's settings, asked once in a session."""
        if self._shop is None:
            self._shop = await self.query(documents.SHOP, {}, wire.Shop)
        return self._shop

    async def permissions(self) -> frozenset[str] | None:
        """The user's permissions in this channel; None where they cannot be told (an API key)."""
        shop = await self.shop()
        rights = [each for each in self._rights if each.token == shop.active_channel.token]
        return frozenset(rights[0].permissions) if rights else None

    def _judged(self, errors: Sequence[GraphqlError]) -> Refusal:
        by_code = {error.code: error for error in errors}
        if forbidden := by_code.get("FORBIDDEN") or by_code.get("UNAUTHORIZED"):
            self._deny(str(forbidden.path[0]) if forbidden.path else "")
        if "CHANNEL_NOT_FOUND" in by_code:
            raise self._no_channel()
        if "GRAPHQL_VALIDATION_FAILED" in by_code or "GRAPHQL_PARSE_FAILED" in by_code:
            raise _other_schema()
        return Refusal(code=errors[0].code)

    def _deny(self, field: str) -> NoReturn:
        needed = PERMISSIONS.get(field)
        whose = "the API key" if self._settings.api_key else f"user {self._settings.username}"
        if needed is None:
            raise AuthFailed(
                f"Vendure refused {whose}",
                remedy="is the key that of this channel? Does authOptions.tokenMethod name 'api-key'?"
                if self._settings.api_key
                else "has the user a role in this channel?",
            )
        raise AuthFailed(
            f"Vendure refused {whose}: {field} is not allowed",
            remedy=f"give its role the permission {needed} in this channel"
            + (", and make sure that the key is that of this channel" if self._settings.api_key else ""),
        )

    def _no_channel(self) -> Misconfigured:
        found = f"no channel has the token {self._settings.channel!r}"
        return Misconfigured(
            f"Vendure: {found}", remedy="copy the channel's token from Settings → Channels to `channel`"
        )

    # ---- signing in

    async def _signed_in(self, *, anew: bool) -> HttpClient:
        if self._http is None or anew:
            self._http = await self._sign_in()
        return self._http

    async def _sign_in(self) -> HttpClient:
        if self._settings.api_key is not None:
            key = self._host.secret(self._settings.api_key).reveal()
            return await self._client({"vendure-api-key": key})
        token = await self._login(await self._client({}))
        return await self._client({"authorization": f"Bearer {token}"})

    async def _client(self, headers: Mapping[str, str]) -> HttpClient:
        channel = {"vendure-token": self._settings.channel} if self._settings.channel else {}
        client = self._host.http.client(
            self._settings.url, headers={**channel, **headers}, settings=self._settings.http, limits=_LIMITS
        )
        return await self._stack.enter_async_context(client)

    async def _login(self, http: HttpClient) -> str:
        """A session's token. Only the answer's header has it, and only where `bearer` is allowed."""
        if self._settings.password is None:
            raise Misconfigured("the store has neither a password nor an API key")
        password = self._host.secret(self._settings.password).reveal()
        variables = {"username": self._settings.username, "password": password}
        response = await http.request(
            "POST", applied="safe", json={"query": documents.LOGIN, "variables": variables}
        )
        answer = decode(response, wire.LoginAnswer)
        if answer.errors:
            raise _failed(self._judged([error.as_error() for error in answer.errors]))
        if answer.data is None:
            raise ProtocolMismatch("Vendure neither accepted nor refused the user and password")
        result = answer.data.login
        if result.error_code == "NATIVE_AUTH_STRATEGY_ERROR":
            raise Misconfigured(
                "this Vendure does not sign in by user and password", remedy="create an API key, set api_key"
            )
        if result.error_code:
            raise AuthFailed(
                f"Vendure refused user {self._settings.username}: {result.error_code}",
                remedy="correct the username or the secret; is the address that of the Admin API?",
            )
        token = response.headers.get("vendure-auth-token", "")
        if not token:
            raise Misconfigured(
                "Vendure accepted the user and gave no session token: it keeps sessions in cookies only",
                remedy="add 'bearer' to authOptions.tokenMethod in its configuration, or use an API key",
            )
        self._rights = result.channels
        return token


def _forbidden(errors: Sequence[GraphqlError]) -> bool:
    return any(error.code in ("FORBIDDEN", "UNAUTHORIZED") for error in errors)


def _failed(refusal: Refusal) -> DropstreamError:
    """What it means that a query was not answered."""
    if refusal.code in ("", "INTERNAL_SERVER_ERROR"):
        return Unreachable("Vendure could not answer a query: its own log says why", answered=True)
    return ProtocolMismatch(f"Vendure refused a query: {refusal}")


def _other_schema() -> ProtocolMismatch:
    return ProtocolMismatch(
        "the server does not know a query that Vendure's Admin API has",
        remedy="is the address that of the Admin API (…/admin-api) of Vendure 3.7 or newer?",
    )
